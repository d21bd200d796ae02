"""Chapter "Logging": what the proxy's own log holds, and what it must not.

The checks run after all others. Each sends requests with values that occur nowhere
else, waits until the log has caught up, and looks for them.
"""

from __future__ import annotations

import base64
import os
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    AAD,
    Body,
    ProxyOperation,
    b64,
    encrypt_body,
    flip,
    request_metadata,
)
from ..client.expect import control, violated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

_WAIT_SECONDS = 2.0
_SHORT_WAIT_SECONDS = 0.05
_PAUSE_SECONDS = 0.005


def _log(proxy: ProxyClient) -> Path:
    proxy.needs("log")
    assert proxy.target.log is not None, "needs() says so"
    return proxy.target.log.file


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotTestable(
            f"The log cannot be read: {error.strerror}.",
            add="Check file in [proxy.log].",
        ) from None


def _caught_up(proxy: ProxyClient) -> bytes:
    """The log, once it holds a request that was sent just now.

    A proxy that logs no kmsRequestId (XKS-LOG-004) gets all the time there is, once.
    """
    file, marker = _log(proxy), str(uuid.uuid4())
    before = len(_read(file))
    health = ProxyOperation.GET_HEALTH_STATUS
    body = proxy.good_body(health, kmsRequestId=marker)
    control(proxy.call(health, body, label="a request to wait for"))
    knows_ids = proxy.session.logs_request_ids
    wait = _WAIT_SECONDS if knows_ids else _SHORT_WAIT_SECONDS
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        log = _read(file)
        if marker.encode() in log:
            return log
        time.sleep(_PAUSE_SECONDS)
    proxy.session.logs_request_ids = False
    log = _read(file)
    if len(log) == before:
        raise NotTestable(
            "The log did not change while requests were served.",
            add="Check that file in [proxy.log] is the log of this proxy, and that it "
            "is written at once.",
        )
    return log


def _forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """How a plaintext may look in a log."""
    yield "as it is", secret
    yield "in Base64", base64.b64encode(secret).rstrip(b"=")
    yield "in URL-safe Base64", base64.urlsafe_b64encode(secret).rstrip(b"=")
    yield "in hexadecimal", secret.hex().encode()
    yield "in hexadecimal", secret.hex().upper().encode()
    yield "in hexadecimal", secret.hex(" ").encode()
    yield "as a list of numbers", ", ".join(map(str, secret)).encode()
    yield "as a list of numbers", ",".join(map(str, secret)).encode()
    yield "in JSON", base64.b64encode(secret).rstrip(b"=").replace(b"/", b"\\/")


def _expect_absent(answer: ProxyAnswer, log: bytes, secret: bytes) -> None:
    for form, text in _forms(secret):
        if text in log:
            violated(answer, "no plaintext in the log", f"the plaintext, {form}")


def _secret() -> bytes:
    """A plaintext that no log holds by chance, and that is text."""
    return os.urandom(18).hex().encode()


@pytest.mark.requirement("XKS-LOG-001")
@pytest.mark.parametrize(
    "defect", ["none", "malformed-aad", "other-algorithm", "broken-json", "no-key"]
)
def test_plaintext_of_encrypt(proxy: ProxyClient, defect: str) -> None:
    """The plaintext of an Encrypt is not in the log, whether it was served or not."""
    _log(proxy)
    secret = _secret()
    body = encrypt_body(secret, aad=AAD)
    if defect == "malformed-aad":
        body["additionalAuthenticatedData"] = "@@@@"
    if defect == "other-algorithm":
        body["encryptionAlgorithm"] = "AES_CBC"
    data: Body | bytes = body
    if defect == "broken-json":
        data = b'{"plaintext": "%s", ' % b64(secret).encode()
    key = "no-such-key" if defect == "no-key" else None
    answer = proxy.call(ProxyOperation.ENCRYPT, data, key=key, label=defect)
    _expect_absent(answer, _caught_up(proxy), secret)


@pytest.mark.requirement("XKS-LOG-002")
@pytest.mark.parametrize("corrupted", [False, True], ids=["served", "corrupted"])
def test_plaintext_of_decrypt(proxy: ProxyClient, *, corrupted: bool) -> None:
    """The plaintext of a Decrypt is not in the log.

    It is random, so that nothing else can have put it there.
    """
    _log(proxy)
    secret = _secret()
    before = _caught_up(proxy)
    sealed = proxy.seal(secret)
    if any(text in _caught_up(proxy) for _, text in _forms(secret)):
        raise NotTestable("Encrypt has logged it already (see XKS-LOG-001).")
    if corrupted:
        sealed = sealed.altered(authentication_tag=flip(sealed.authentication_tag))
    answer = proxy.decrypt(sealed)
    if not corrupted:
        control(answer)
    _expect_absent(answer, _caught_up(proxy)[len(before) :], secret)


@pytest.mark.requirement("XKS-LOG-004")
@pytest.mark.parametrize(
    "operation",
    [ProxyOperation.GET_KEY_METADATA, ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT],
    ids=lambda operation: operation.value,
)
def test_request_id_is_logged(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """The kmsRequestId of a served request is in the log."""
    _log(proxy)
    request_id = str(uuid.uuid4())
    body = proxy.good_body(operation, kmsRequestId=request_id)
    answer = proxy.call(operation, body, label=operation.value)
    control(answer)
    if request_id.encode() not in _caught_up(proxy):
        violated(answer, f"kmsRequestId {request_id} in the log", "not in the log")


@pytest.mark.requirement("XKS-LOG-005")
@pytest.mark.parametrize("member", ["awsPrincipalArn", "kmsKeyArn", "kmsOperation"])
def test_request_metadata_are_logged(proxy: ProxyClient, member: str) -> None:
    """What requestMetadata held is in the log, in any format."""
    _log(proxy)
    key_arn = f"arn:aws:kms:us-east-1:111122223333:key/{uuid.uuid4()}"
    metadata = request_metadata(ProxyOperation.ENCRYPT, kmsKeyArn=key_arn)
    body = encrypt_body(b"x", metadata=metadata)
    before = len(_read(_log(proxy)))
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="Encrypt")
    control(answer)
    value = str(metadata[member])
    log = _caught_up(proxy)[before:].replace(b"\\/", b"/")
    if value.encode() not in log:
        violated(answer, f"{member} {value!r} in the log", "not in the log")


@pytest.mark.requirement("XKS-LOG-009")
def test_secret_access_key_is_not_logged(proxy: ProxyClient) -> None:
    """No secret access key of the target is in the log of the whole run."""
    log = _caught_up(proxy)
    for secret in proxy.target.secrets():
        if secret.encode() in log:
            answer = proxy.call(ProxyOperation.GET_HEALTH_STATUS, label="any request")
            violated(answer, "no secret access key in the log", "one in the log")
