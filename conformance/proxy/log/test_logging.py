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
    KEY_OPERATIONS,
    Body,
    ProxyOperation,
    b64,
    encrypt_body,
    flip,
    request_metadata,
)
from ..client.expect import ANYTHING, control, violated
from ..client.scenarios import UNKNOWN_KEY_ID

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


def _encrypts(secret: bytes) -> dict[str, Body | bytes]:
    """Bodies of Encrypt with a plaintext, served or not."""
    body = encrypt_body(secret, aad=AAD)
    return {
        "a good Encrypt": body,
        "malformed AAD": body | {"additionalAuthenticatedData": "@@@@"},
        "another algorithm": body | {"encryptionAlgorithm": "AES_CBC"},
        "broken JSON": b'{"plaintext": "%s", ' % b64(secret).encode(),
    }


@pytest.mark.requirement("XKS-LOG-001")
def test_plaintext_of_encrypt(proxy: ProxyClient) -> None:
    """The plaintext of an Encrypt is not in the log, whether it was served or not."""
    _log(proxy)
    encrypt, secret = ProxyOperation.ENCRYPT, _secret()
    probes = [
        proxy.probe(encrypt, body, altered=text, accept=(ANYTHING,))
        for text, body in _encrypts(secret).items()
    ]
    body = encrypt_body(secret, aad=AAD)
    unknown = proxy.probe(
        encrypt, body, altered="no key", accept=(ANYTHING,), key=UNKNOWN_KEY_ID
    )
    answers = proxy.judge([*probes, unknown])
    _expect_absent(answers[0], _caught_up(proxy), secret)


@pytest.mark.requirement("XKS-LOG-002")
def test_plaintext_of_decrypt(proxy: ProxyClient) -> None:
    """The plaintext of a Decrypt is not in the log, also of one that was refused.

    It is random, so that nothing else can have put it there.
    """
    before = len(_read(_log(proxy)))
    secret = _secret()
    sealed = proxy.seal(secret)
    if any(text in _caught_up(proxy)[before:] for _, text in _forms(secret)):
        raise NotTestable("Encrypt has logged it already (see XKS-LOG-001).")
    decrypt = ProxyOperation.DECRYPT
    corrupted = sealed.altered(authentication_tag=flip(sealed.authentication_tag))
    served, _ = proxy.judge(
        [
            proxy.control(decrypt, sealed.body()),
            proxy.probe(
                decrypt, corrupted.body(), altered="corrupted", accept=(ANYTHING,)
            ),
        ]
    )
    _expect_absent(served, _caught_up(proxy)[before:], secret)


@pytest.mark.requirement("XKS-LOG-004")
def test_request_id_is_logged(proxy: ProxyClient) -> None:
    """The kmsRequestId of a served request is in the log."""
    _log(proxy)
    ids = {operation: str(uuid.uuid4()) for operation in KEY_OPERATIONS}
    answers = proxy.require_served(
        [
            proxy.control(operation, proxy.good_body(operation, kmsRequestId=id_))
            for operation, id_ in ids.items()
        ]
    )
    log = _caught_up(proxy)
    for answer, id_ in zip(answers, ids.values(), strict=True):
        if id_.encode() not in log:
            violated(answer, f"kmsRequestId {id_} in the log", "not in the log")


@pytest.mark.requirement("XKS-LOG-005")
def test_request_metadata_are_logged(proxy: ProxyClient) -> None:
    """What requestMetadata held is in the log, in any format."""
    before = len(_read(_log(proxy)))
    key_arn = f"arn:aws:kms:us-east-1:111122223333:key/{uuid.uuid4()}"
    metadata = request_metadata(ProxyOperation.ENCRYPT, kmsKeyArn=key_arn)
    body = encrypt_body(b"x", metadata=metadata)
    (answer,) = proxy.require_served([proxy.control(ProxyOperation.ENCRYPT, body)])
    log = _caught_up(proxy)[before:].replace(b"\\/", b"/")
    for member in ("awsPrincipalArn", "kmsKeyArn", "kmsOperation"):
        value = str(metadata[member])
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
