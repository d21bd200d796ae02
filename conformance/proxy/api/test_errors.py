"""Chapter "Error codes": names, statuses and bodies of errors.

Errors that belong to one chapter are checked there: XKS-ERR-005 in
``test_altered_ciphertext``,
XKS-ERR-009 in ``test_authentication``, XKS-ERR-010 in ``test_authorization``,
XKS-ERR-011 and -012 in ``test_paths``, XKS-ERR-013 in ``test_quota``.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import (
    CRYPTOGRAPHIC_OPERATIONS,
    KEY_OPERATIONS,
    ProxyOperation,
    encrypt_body,
)
from ..client.expect import ERRORS, SERVED, control, error, errors, expect, violated
from ..client.proxy_client import AAD
from ..client.scenarios import SCENARIOS, provoke

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

_ON_A_KEY = pytest.mark.parametrize(
    "operation", KEY_OPERATIONS, ids=lambda operation: operation.value
)
_CRYPTOGRAPHIC = pytest.mark.parametrize(
    "operation", CRYPTOGRAPHIC_OPERATIONS, ids=lambda operation: operation.value
)
_EVERY_SCENARIO = pytest.mark.parametrize("scenario", list(SCENARIOS))


@pytest.mark.requirement("XKS-ERR-001")
@_EVERY_SCENARIO
def test_error_has_a_name(proxy: ProxyClient, scenario: str) -> None:
    """The body of an error has an errorName of the table, under its own status.

    Which of the names is right is for other checks.
    """
    answer = provoke(proxy, scenario)
    if ERRORS.get(answer.error_name or "") != answer.status:
        violated(
            answer,
            "a JSON object with an errorName of the table, under its status",
            answer.describe(),
            note="KMS cannot tell its caller what went wrong.",
        )


def _check_message(answer: ProxyAnswer) -> None:
    message = (answer.document or {}).get("errorMessage")
    if message is None:
        return
    expected = (
        "no errorMessage",
        "an errorMessage of less than 512 printable ASCII characters",
    )
    if not isinstance(message, str):
        violated(answer, expected, f"errorMessage is {type(message).__name__}")
    if len(message) >= 512:
        violated(answer, expected, f"errorMessage has {len(message)} characters")
    if strange := sorted({c for c in message if not " " <= c <= "~"}):
        violated(answer, expected, f"errorMessage has {', '.join(map(ascii, strange))}")


@pytest.mark.requirement("XKS-ERR-002")
@_EVERY_SCENARIO
def test_error_message(proxy: ProxyClient, scenario: str) -> None:
    """An errorMessage is short and printable."""
    _check_message(provoke(proxy, scenario))


_HOSTILE = "é\x00\u2028\r\n\x1b[31m" + "x" * 600


@pytest.mark.requirement("XKS-ERR-002")
@pytest.mark.parametrize(
    "member",
    [
        "plaintext",
        "encryptionAlgorithm",
        "additionalAuthenticatedData",
        "ciphertextDataIntegrityValueAlgorithm",
    ],
)
def test_error_message_about_hostile_input(proxy: ProxyClient, member: str) -> None:
    """An errorMessage is short and printable, whatever a member held."""
    body = encrypt_body(b"x", aad=AAD, cdiv=True)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: harmless"))
    body[member] = _HOSTILE
    _check_message(proxy.call(ProxyOperation.ENCRYPT, body, label=f"probe: {member}"))


@pytest.mark.requirement("XKS-ERR-002")
def test_error_message_about_hostile_metadata(proxy: ProxyClient) -> None:
    """An errorMessage is short and printable, whatever requestMetadata hold."""
    metadata = proxy.good_body(
        ProxyOperation.ENCRYPT,
        kmsOperation=_HOSTILE,
        kmsRequestId=_HOSTILE,
        awsPrincipalArn=_HOSTILE,
    )
    control(proxy.call(ProxyOperation.ENCRYPT, label="control: harmless"))
    body = metadata | {"plaintext": "@"}
    _check_message(
        proxy.call(ProxyOperation.ENCRYPT, body, label="probe: requestMetadata")
    )


@pytest.mark.requirement("XKS-ERR-003")
@_ON_A_KEY
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken-off"),
        pytest.param(b"this is no JSON", id="text"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"string"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"requestMetadata": "\xff\xfe\xc0"}', id="invalid-utf-8"),
        pytest.param(b"{} {}", id="two-objects"),
        pytest.param(b"\x00" * 64, id="zeros"),
    ],
)
def test_invalid_body(
    proxy: ProxyClient, operation: ProxyOperation, body: bytes
) -> None:
    """A body that is no JSON object is a 400 ValidationException."""
    control(proxy.call(operation, label="control: a good body"))
    answer = proxy.call(operation, body, label="probe: an invalid body")
    expect(answer, error("ValidationException"))


@pytest.mark.requirement("XKS-ERR-004")
@_CRYPTOGRAPHIC
def test_disabled_key(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A disabled key is a 400 InvalidStateException.

    What Decrypt is given was sealed with another key, as nothing can be sealed with
    this one; a proxy that notices that has used a disabled key.
    """
    _expect_refused_key(proxy, operation, "disabled", "InvalidStateException")


@pytest.mark.requirement("XKS-ERR-006")
def test_encrypt_with_a_decrypt_only_key(proxy: ProxyClient) -> None:
    """Encrypt with a key that only decrypts is a 400 InvalidKeyUsageException."""
    _expect_refused_key(
        proxy, ProxyOperation.ENCRYPT, "decrypt_only", "InvalidKeyUsageException"
    )


@pytest.mark.requirement("XKS-ERR-007")
def test_decrypt_with_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """Decrypt with a key that only encrypts is a 400 InvalidKeyUsageException.

    The ciphertext is this key's own.
    """
    key = proxy.key("encrypt_only")
    sealed = proxy.seal(key=key)
    answer = proxy.decrypt(sealed, key=key, label="probe: a key that only encrypts")
    expect(answer, error("InvalidKeyUsageException"))


@pytest.mark.requirement("XKS-ERR-008")
@_CRYPTOGRAPHIC
def test_key_without_usage(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A key that does neither is a 400 InvalidKeyUsageException in both."""
    _expect_refused_key(proxy, operation, "no_usage", "InvalidKeyUsageException")


def _expect_refused_key(
    proxy: ProxyClient, operation: ProxyOperation, role: str, name: str
) -> None:
    key = proxy.key(role)
    body = proxy.good_body(operation)
    control(proxy.call(operation, body, label="control: the usable key"))
    answer = proxy.call(operation, body, key=key, label=f"probe: the {role} key")
    expect(answer, error(name))


@pytest.mark.requirement("XKS-ERR-018")
@_CRYPTOGRAPHIC
def test_another_kind_of_key(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A key that is not a 256 bit AES key is refused, or served.

    KMS creates no key for it and so never asks. InvalidKeyUsageException and an
    operation that is not implemented (501) are accepted, and a served Encrypt; a
    Decrypt may find the ciphertext of another key corrupted.
    """
    key = proxy.key("not_aes_256")
    body = proxy.good_body(operation)
    control(proxy.call(operation, body, label="control: the usable key"))
    answer = proxy.call(operation, body, key=key, label="probe: the other key")
    accepted = errors("InvalidKeyUsageException", "UnsupportedOperationException")
    if operation is ProxyOperation.ENCRYPT:
        expect(answer, *accepted, SERVED)
    else:
        expect(answer, *accepted, *proxy.invalid_ciphertext())


# Inference: none of these belongs in an answer.
_TRACES = (
    b"Traceback (most recent call last)",
    b'File "/',
    b"\n\tat ",
    b"\\n\\tat ",
    b"goroutine ",
    b"panicked at",
    b"stack backtrace",
    b"System.Exception",
)


def _check_discretion(
    proxy: ProxyClient, answer: ProxyAnswer, secret: bytes = b""
) -> None:
    received = answer.exchange.received
    headers = received.headers if received else ()
    text = b"\n".join([answer.body, *(f"{n}: {v}".encode() for n, v in headers)])
    expected = "an error without plaintext, secret access key or stack trace"
    note = "KMS writes errorMessage to the caller's CloudWatch Logs."
    forms = (secret, base64.b64encode(secret), secret.hex().encode()) if secret else ()
    if any(form in text for form in forms):
        violated(answer, expected, "an error that repeats the plaintext", note=note)
    if proxy.main.credential.secret_access_key.encode() in text:
        violated(answer, expected, "an error with the secret access key", note=note)
    if any(trace in text for trace in _TRACES):
        violated(answer, expected, "an error with a stack trace", note=note)


@pytest.mark.requirement("XKS-ERR-017")
@_EVERY_SCENARIO
def test_error_gives_nothing_away(proxy: ProxyClient, scenario: str) -> None:
    """An error holds neither secret nor stack trace."""
    _check_discretion(proxy, provoke(proxy, scenario))


@pytest.mark.requirement("XKS-ERR-017")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("additionalAuthenticatedData", "@@@@", id="malformed-aad"),
        pytest.param("encryptionAlgorithm", "AES_CBC", id="other-algorithm"),
        pytest.param("plaintext", None, id="malformed-plaintext"),
    ],
)
def test_error_about_an_encrypt(
    proxy: ProxyClient, member: str, value: str | None
) -> None:
    """An error of Encrypt does not repeat the plaintext."""
    secret = os.urandom(24)
    body = encrypt_body(secret, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: complete"))
    body[member] = f"{body['plaintext']}@" if value is None else value
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label=f"probe: {member}")
    _check_discretion(proxy, answer, secret)


@pytest.mark.requirement("XKS-ERR-017")
def test_error_about_broken_json(proxy: ProxyClient) -> None:
    """An error about a body that cannot be read does not repeat the body."""
    secret = os.urandom(24)
    control(proxy.call(ProxyOperation.ENCRYPT, label="control: a good body"))
    body = b'{"plaintext": "%s" "' % base64.b64encode(secret)
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="probe: broken JSON")
    _check_discretion(proxy, answer, secret)
