"""The five cryptographic operations, as checks call them."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.scripts import ScriptedPath

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.reply import KmsReply

    Context = Mapping[str, str]

__all__ = [
    "CONTEXT",
    "CRYPTO_OPERATIONS",
    "HEALTH_CHECK",
    "PLAINTEXT",
    "answers_of",
    "asked",
    "binary",
    "decrypting_to",
    "good_call",
    "inner_ciphertext",
    "opened",
    "sealed",
]

CRYPTO_OPERATIONS = (
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
)
"""The operations that work with keys in external key stores (KMS-CRYPTO-001)."""

PLAINTEXT = b"A plaintext of the conformance suite, which no proxy may see."
CONTEXT = {"project": "nile", "department": "marketing"}

HEALTH_CHECK = "KmsHealthCheck"


def _with_context(
    parameters: dict[str, Any], member: str, context: Context | None
) -> dict[str, Any]:
    return parameters if context is None else {**parameters, member: dict(context)}


def sealed(
    kms: KmsClient,
    key: Key,
    plaintext: bytes = PLAINTEXT,
    context: Context | None = None,
) -> bytes:
    """The ciphertext blob of a plaintext.

    Raises:
        NotTestable: Encrypt does not give one.
    """
    parameters = {"KeyId": key.arn, "Plaintext": plaintext}
    reply = kms.call(
        "Encrypt",
        label="control: encrypt",
        **_with_context(parameters, "EncryptionContext", context),
    )
    blob = control(reply).get("CiphertextBlob")
    if not isinstance(blob, bytes) or not blob:
        raise NotTestable("Encrypt returned no CiphertextBlob.")
    return blob


def opened(
    kms: KmsClient,
    key: Key,
    blob: bytes,
    context: Context | None = None,
    *,
    label: str = "",
) -> KmsReply:
    """Decrypt a blob, naming its key."""
    parameters = {"KeyId": key.arn, "CiphertextBlob": blob}
    return kms.call(
        "Decrypt",
        label=label,
        **_with_context(parameters, "EncryptionContext", context),
    )


def good_call(
    kms: KmsClient,
    operation: str,
    key: Key,
    *,
    blob: bytes | None = None,
    context: Context | None = None,
) -> dict[str, Any]:
    """Parameters with which an operation has to succeed.

    ReEncrypt is from the key to itself.

    Args:
        kms: the endpoint.
        operation: one of the five.
        key: the key.
        blob: a ciphertext blob of it, for Decrypt and ReEncrypt; by default a new one.
        context: the encryption context.

    Raises:
        NotTestable: Encrypt does not give a blob to begin with.
    """
    if operation in {"Decrypt", "ReEncrypt"} and blob is None:
        blob = sealed(kms, key, context=context)
    if operation == "ReEncrypt":
        parameters = {
            "CiphertextBlob": blob,
            "SourceKeyId": key.arn,
            "DestinationKeyId": key.arn,
        }
        parameters = _with_context(parameters, "SourceEncryptionContext", context)
        return _with_context(parameters, "DestinationEncryptionContext", context)
    special: Mapping[str, dict[str, Any]] = {
        "Encrypt": {"Plaintext": PLAINTEXT},
        "Decrypt": {"CiphertextBlob": blob},
    }
    # As many bytes as there may be: their Base64 has every character.
    parameters = {"KeyId": key.arn, **special.get(operation, {"NumberOfBytes": 1024})}
    return _with_context(parameters, "EncryptionContext", context)


# -- what the proxy saw and said --------------------------------------------------


def binary(document: Mapping[str, object], member: str) -> bytes | None:
    """A Base64 member of a request to the proxy or of its answer; None without one."""
    value = document.get(member)
    if not isinstance(value, str):
        return None
    try:
        # Whether the Base64 is the standard one is another requirement (KMS-WIRE-014).
        return base64.b64decode(value.replace("-", "+").replace("_", "/") + "==")
    except ValueError:
        return None


def asked(
    requests: tuple[ProxyRequest, ...], operation: str | None = None
) -> tuple[ProxyRequest, ...]:
    """What the proxy was asked on behalf of a call.

    The periodic health check does not count: KMS makes it at any time.

    Args:
        requests: what the proxy was asked meanwhile.
        operation: health, metadata, encrypt or decrypt; all by default.

    Raises:
        NotTestable: nothing.
    """
    found = tuple(
        request
        for request in requests
        if operation in {None, request.operation}
        and request.request_metadata.get("kmsOperation") != HEALTH_CHECK
    )
    if not found:
        raise NotTestable(f"The proxy was not asked: {operation or 'anything'}.")
    return found


def decrypting_to(
    proxy: ScriptedPath, plaintext: bytes
) -> AbstractContextManager[None]:
    """Let the proxy answer Decrypt with other bytes within the block."""
    encoded = base64.b64encode(plaintext).decode("ascii")
    return proxy.altering(
        lambda document: document.update(plaintext=encoded), operation="decrypt"
    )


@contextmanager
def answers_of(
    proxy: ScriptedPath, operation: str
) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield a function that returns the last answer of the proxy within the block.

    It raises NotTestable if there was none.
    """
    answers: list[dict[str, object]] = []

    def last() -> dict[str, object]:
        if not answers:
            raise NotTestable(f"The proxy did not answer {operation}.")
        return answers[-1]

    with proxy.altering(
        lambda document: answers.append(dict(document)), operation=operation
    ):
        yield last


def inner_ciphertext(
    kms: KmsClient,
    key: Key,
    plaintext: bytes = PLAINTEXT,
    context: Context | None = None,
) -> tuple[bytes, bytes]:
    """A ciphertext blob, and what the proxy got to encrypt for it.

    Raises:
        NotTestable: Encrypt does not give a blob, or asks the proxy nothing.
    """
    with key.proxy.watching() as requests:
        blob = sealed(kms, key, plaintext, context)
    inner = binary(asked(requests(), "encrypt")[-1].document, "plaintext")
    if inner is None:
        raise NotTestable("The proxy got no plaintext to encrypt.")
    return blob, inner
