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
    AAD,
    CRYPTOGRAPHIC_OPERATIONS,
    KEY_OPERATIONS,
    Body,
    ProxyOperation,
    encrypt_body,
    to_json,
)
from ..client.expect import (
    ANY_ANSWER,
    ERRORS,
    SERVED,
    error,
    errors,
    violated,
)
from ..client.scenarios import invalid_ciphertext, scenario_probes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

_METADATA, _ENCRYPT = ProxyOperation.GET_KEY_METADATA, ProxyOperation.ENCRYPT
_DECRYPT = ProxyOperation.DECRYPT


def _look_at_encrypts(
    proxy: ProxyClient,
    bodies: Iterable[tuple[str, Body | bytes]],
    look: Callable[[ProxyAnswer], None],
) -> None:
    """Look at whatever is answered to these bodies of Encrypt."""
    proxy.judge(
        [
            proxy.probe(_ENCRYPT, body, altered=text, accept=(ANY_ANSWER,), look=look)
            for text, body in bodies
        ]
    )


@pytest.mark.requirement("XKS-ERR-001")
def test_error_has_a_name(proxy: ProxyClient) -> None:
    """The body of an error has an errorName of the table, under its own status.

    Which of the names is right is for other checks.
    """

    def look(answer: ProxyAnswer) -> None:
        if ERRORS.get(answer.error_name or "") != answer.status:
            violated(
                answer,
                "a JSON object with an errorName of the table, under its status",
                answer.describe(),
                note="KMS cannot tell its caller what went wrong.",
            )

    proxy.judge(scenario_probes(proxy, look))


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
def test_error_message(proxy: ProxyClient) -> None:
    """An errorMessage is short and printable."""
    proxy.judge(scenario_probes(proxy, _check_message))


_HOSTILE = "é\x00\u2028\r\n\x1b[31m" + "x" * 600


@pytest.mark.requirement("XKS-ERR-002")
def test_error_message_about_hostile_input(proxy: ProxyClient) -> None:
    """An errorMessage is short and printable, whatever a member held."""
    body = encrypt_body(b"x", aad=AAD, cdiv=True)
    members = (
        "plaintext",
        "encryptionAlgorithm",
        "additionalAuthenticatedData",
        "ciphertextDataIntegrityValueAlgorithm",
    )
    hostile = [(f"hostile {name}", body | {name: _HOSTILE}) for name in members]
    metadata = proxy.good_body(
        _ENCRYPT,
        kmsOperation=_HOSTILE,
        kmsRequestId=_HOSTILE,
        awsPrincipalArn=_HOSTILE,
    )
    hostile.append(("hostile requestMetadata", metadata | {"plaintext": "@"}))
    _look_at_encrypts(proxy, hostile, _check_message)


_INVALID_BODIES = {
    "broken off": b"{",
    "text": b"this is no JSON",
    "an array": b"[]",
    "a string": b'"string"',
    "zeros": b"\x00" * 64,
}


@pytest.mark.requirement("XKS-ERR-003")
def test_invalid_body(proxy: ProxyClient) -> None:
    """A body that is no JSON object is a 400 ValidationException."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                body,
                altered=f"the body of {operation.title}: {name}",
                accept=(error("ValidationException"),),
            )
            for operation in KEY_OPERATIONS
            for name, body in _INVALID_BODIES.items()
        ]
    )


_RESEMBLING: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "null": lambda _: b"null",
    "a second object behind it": lambda body: body + b" {}",
    "a byte that is no UTF-8 in kmsRequestId": lambda body: body.replace(
        b'"kmsRequestId":"', b'"kmsRequestId":"\xff'
    ),
    "a comma too many": lambda body: body.removesuffix(b"}") + b",}",
    "a comment behind it": lambda body: body + b" // a comment",
}


@pytest.mark.requirement("XKS-ERR-021")
def test_body_that_resembles_an_object(proxy: ProxyClient) -> None:
    """A body that a lenient reader takes for an object, and that is none, is refused.

    KMS sends none of these. Each begins with a good body, where there is one in it.
    """
    proxy.judge(
        [
            proxy.probe(
                operation,
                change(to_json(proxy.permitted(good))),
                altered=f"the body of {operation.title}: {text}",
            )
            for operation, good in (
                (_METADATA, proxy.good_body(_METADATA)),
                (_ENCRYPT, proxy.good_body(_ENCRYPT)),
                (_DECRYPT, proxy.good_body(_DECRYPT)),
            )
            for text, change in _RESEMBLING.items()
        ]
    )


@pytest.mark.requirement("XKS-ERR-004")
def test_disabled_key(proxy: ProxyClient) -> None:
    """A disabled key is a 400 InvalidStateException.

    What Decrypt is given was sealed with another key, as nothing can be sealed with
    this one; a proxy that notices that has used a disabled key.
    """
    _expect_refused_key(
        proxy, CRYPTOGRAPHIC_OPERATIONS, "disabled", "InvalidStateException"
    )


@pytest.mark.requirement("XKS-ERR-006")
def test_encrypt_with_a_decrypt_only_key(proxy: ProxyClient) -> None:
    """Encrypt with a key that only decrypts is a 400 InvalidKeyUsageException."""
    _expect_refused_key(proxy, [_ENCRYPT], "decrypt_only", "InvalidKeyUsageException")


@pytest.mark.requirement("XKS-ERR-007")
def test_decrypt_with_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """Decrypt with a key that only encrypts is a 400 InvalidKeyUsageException.

    The ciphertext is this key's own.
    """
    key = proxy.key("encrypt_only")
    probe = proxy.probe(
        ProxyOperation.DECRYPT,
        proxy.seal(key=key).body(),
        altered="a key that only encrypts",
        accept=(error("InvalidKeyUsageException"),),
        key=key,
    )
    proxy.judge([probe])


@pytest.mark.requirement("XKS-ERR-008")
def test_key_without_usage(proxy: ProxyClient) -> None:
    """A key that does neither is a 400 InvalidKeyUsageException in both."""
    _expect_refused_key(
        proxy, CRYPTOGRAPHIC_OPERATIONS, "no_usage", "InvalidKeyUsageException"
    )


def _expect_refused_key(
    proxy: ProxyClient, operations: Iterable[ProxyOperation], role: str, name: str
) -> None:
    key = proxy.key(role)
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} with the {role} key",
                accept=(error(name),),
                key=key,
            )
            for operation in operations
        ]
    )


@pytest.mark.requirement("XKS-ERR-018")
def test_another_kind_of_key(proxy: ProxyClient) -> None:
    """A key that is not a 256 bit AES key is refused, or served.

    KMS creates no key for it and so never asks. InvalidKeyUsageException and an
    operation that is not implemented (501) are accepted, and a served Encrypt; a
    Decrypt may find the ciphertext of another key corrupted.
    """
    key = proxy.key("not_aes_256")
    refused = errors("InvalidKeyUsageException", "UnsupportedOperationException")
    accepted = {
        _ENCRYPT: (*refused, SERVED),
        ProxyOperation.DECRYPT: (*refused, *invalid_ciphertext(proxy)),
    }
    proxy.judge(
        [
            proxy.probe(operation, altered="the other key", accept=accept, key=key)
            for operation, accept in accepted.items()
        ]
    )


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
def test_error_gives_nothing_away(proxy: ProxyClient) -> None:
    """An error holds neither secret nor stack trace."""

    def look(answer: ProxyAnswer) -> None:
        _check_discretion(proxy, answer)

    proxy.judge(scenario_probes(proxy, look))


@pytest.mark.requirement("XKS-ERR-017")
def test_error_about_an_encrypt(proxy: ProxyClient) -> None:
    """An error of Encrypt does not repeat the plaintext, nor a body it cannot read."""
    secret = os.urandom(24)
    body = encrypt_body(secret, aad=AAD)
    bodies: dict[str, Body | bytes] = {
        "malformed AAD": body | {"additionalAuthenticatedData": "@@@@"},
        "another algorithm": body | {"encryptionAlgorithm": "AES_CBC"},
        "malformed plaintext": body | {"plaintext": f"{body['plaintext']}@"},
        "broken JSON": b'{"plaintext": "%s" "' % base64.b64encode(secret),
    }

    def look(answer: ProxyAnswer) -> None:
        _check_discretion(proxy, answer, secret)

    _look_at_encrypts(proxy, bodies.items(), look)
