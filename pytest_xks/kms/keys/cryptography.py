"""Encrypt, Decrypt, ReEncrypt, GenerateDataKey(WithoutPlaintext): double encryption.

KMS's own material encrypts first, the external key second (KMS-CRYPTO-008, 009). So the
proxy never sees a caller's plaintext, and without the material of the KMS key nothing
decrypts.

A handler answers None if no key in an external key store has to do with the request: it
is moto's then.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.identifiers import find_key
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.desk.validation import (
    binary,
    invalid,
    string_map,
)
from pytest_xks.kms.keys.blob import Blob, BlobError, header_of, is_blob
from pytest_xks.kms.keys.dry_run import end_dry_run, require_ciphertext
from pytest_xks.kms.keys.states import require_usable
from pytest_xks.kms.proxy_calls.error_mapping import (
    FailureScenario,
    Group,
    ProxyFailure,
    kms_error,
)
from pytest_xks.proxy_api.encoding import encode_base64
from pytest_xks.proxy_api.limits import AAD_BYTES_TO_SUPPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = [
    "EncryptionContext",
    "additional_authenticated_data",
    "decrypt",
    "encrypt",
    "generate_data_key",
    "generate_data_key_without_plaintext",
    "new_data_key",
    "open_inner",
    "re_encrypt",
    "seal_inner",
]

Document = dict[str, object]
EncryptionContext = dict[str, str]

SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
_IV_BYTES = 12
_DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}
# Seen in the field, and programs match on it: for a key that is deleted, of another
# Region, or of an account that nobody has.
_NO_KEY_OF_BLOB = (
    "The ciphertext refers to a customer master key that does not exist, does not "
    "exist in this region, or you are not allowed to access."
)
_CONTEXT_DIGEST = b"sha-256:"


# -- the operations ---------------------------------------------------------------


def encrypt(context: Context, call: Call) -> Document | None:
    """Encrypt."""
    key = _key_for(context, "KeyId")
    if key is None:
        return None
    plaintext = binary(call, "Plaintext")
    encryption_context = string_map(call.parameters, "EncryptionContext")
    _check_algorithm(call, "EncryptionAlgorithm", key)
    require_usable(key, context.behaviour)
    end_dry_run(call)
    blob = _seal(context, call, key, plaintext, encryption_context)
    return {
        "CiphertextBlob": encode_base64(blob),
        "KeyId": key.arn,
        "EncryptionAlgorithm": SYMMETRIC_DEFAULT,
    }


def decrypt(context: Context, call: Call) -> Document | None:
    """Decrypt."""
    named = _key_for(context, "KeyId")
    require_ciphertext(context, call, "KeyId")
    if named is None and not _has_our_blob(call):
        return None
    _refuse_recipient(call)
    blob, key = _open_blob(context, call, "KeyId", named)
    encryption_context = string_map(call.parameters, "EncryptionContext")
    _check_algorithm(call, "EncryptionAlgorithm", key)
    require_usable(key, context.behaviour)
    end_dry_run(call)
    plaintext = _unseal(context, call, key, blob, encryption_context)
    return {
        "KeyId": key.arn,
        "Plaintext": encode_base64(plaintext),
        "EncryptionAlgorithm": SYMMETRIC_DEFAULT,
    }


def generate_data_key(context: Context, call: Call) -> Document | None:
    """GenerateDataKey: KMS makes the data key, never the proxy (KMS-CRYPTO-011)."""
    key = _key_for(context, "KeyId")
    if key is None:
        return None
    _refuse_recipient(call)
    length = _data_key_bytes(call.parameters)
    encryption_context = string_map(call.parameters, "EncryptionContext")
    require_usable(key, context.behaviour)
    end_dry_run(call)
    plaintext = new_data_key(length)
    # KMS-CRYPTO-012: if this fails, nobody gets the plaintext.
    blob = _seal(context, call, key, plaintext, encryption_context)
    return {
        "CiphertextBlob": encode_base64(blob),
        "Plaintext": encode_base64(plaintext),
        "KeyId": key.arn,
    }


@step
def new_data_key(length: int) -> bytes:
    """A data key of so many bytes."""
    return os.urandom(length)


def generate_data_key_without_plaintext(
    context: Context, call: Call
) -> Document | None:
    """GenerateDataKeyWithoutPlaintext."""
    document = generate_data_key(context, call)
    if document is not None:
        del document["Plaintext"]
    return document


def re_encrypt(context: Context, call: Call) -> Document | None:
    """ReEncrypt, into, out of and between external key stores (KMS-CRYPTO-003)."""
    named = _key_for(context, "SourceKeyId")
    destination = _key_for(context, "DestinationKeyId")
    require_ciphertext(context, call, "SourceKeyId")
    ours = _has_our_blob(call)
    if named is None and destination is None and not ours:
        return None
    source_context = string_map(call.parameters, "SourceEncryptionContext")
    destination_context = string_map(call.parameters, "DestinationEncryptionContext")
    source = _open_blob(context, call, "SourceKeyId", named) if named or ours else None
    if source:
        _check_algorithm(call, "SourceEncryptionAlgorithm", source[1])
        require_usable(source[1], context.behaviour)
    if destination:
        _check_algorithm(call, "DestinationEncryptionAlgorithm", destination)
        require_usable(destination, context.behaviour)
    end_dry_run(call)
    if source:
        blob, key = source
        plaintext = _unseal(context, call, key, blob, source_context)
        source_arn = key.arn
    else:
        data = binary(call, "CiphertextBlob")
        plaintext, source_arn = context.region.keys.decrypt_plain(data, source_context)
    if destination:
        sealed = _seal(context, call, destination, plaintext, destination_context)
        destination_arn = destination.arn
    else:
        sealed, destination_arn = context.region.keys.encrypt_plain(
            str(call.parameters["DestinationKeyId"]), plaintext, destination_context
        )
    return {
        "CiphertextBlob": encode_base64(sealed),
        "SourceKeyId": source_arn,
        "KeyId": destination_arn,
        "SourceEncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "DestinationEncryptionAlgorithm": SYMMETRIC_DEFAULT,
    }


# -- what the operations share ----------------------------------------------------


def _key_for(context: Context, member: str) -> XksKey | None:
    named = context.trace.named.get(member)
    return named.key if named else None


def _has_our_blob(call: Call) -> bool:
    return is_blob(call.blobs.get("CiphertextBlob", b""))


def _open_blob(
    context: Context, call: Call, member: str, named: XksKey | None
) -> tuple[Blob, XksKey]:
    data = binary(call, "CiphertextBlob")
    try:
        blob = Blob.from_bytes(data)
    except BlobError:
        if context.region.keys.plain_key_of(data):
            raise _incorrect_key() from None
        # AMBIGUOUS: for a key in an external key store nothing is said about a blob
        # that KMS itself cannot read (KMS-CRYPTO-023). Ours: the exception that it has
        # for every key, without a message, as recorded.
        raise KmsError(ErrorCode.INVALID_CIPHERTEXT, "") from None
    requested = call.text(member)
    if requested and (named is None or named.arn != blob.key_arn):
        raise _incorrect_key()
    key = named or find_key(context, blob.key_arn)
    if key is None:
        raise KmsError("AccessDeniedException", _NO_KEY_OF_BLOB)
    if key not in context.trace.keys:
        context.trace.keys.insert(0, key)
    return blob, key


def _incorrect_key() -> KmsError:
    # KMS-CRYPTO-016.
    return KmsError(
        ErrorCode.INCORRECT_KEY,
        "The key ID in the request does not identify a CMK that can perform this "
        "operation.",
    )


def _check_algorithm(call: Call, member: str, key: XksKey) -> None:
    algorithm = call.text(member)
    if algorithm is not None and algorithm != SYMMETRIC_DEFAULT:
        # KMS-UNSUP-009.
        raise KmsError(
            ErrorCode.INVALID_KEY_USAGE,
            f"Algorithm {algorithm} and key spec SYMMETRIC_DEFAULT of {key.arn} are "
            "incompatible.",
        )


def _refuse_recipient(call: Call) -> None:
    if call.parameters.get("Recipient") is not None:
        # KMS-AMB-035: nothing says how attestation and external key stores go together.
        raise KmsError(
            ErrorCode.UNSUPPORTED_OPERATION,
            "This fake KMS does not simulate attestation documents (Recipient).",
        )


def _data_key_bytes(parameters: Mapping[str, object]) -> int:
    spec, number = parameters.get("KeySpec"), parameters.get("NumberOfBytes")
    if (spec is None) is (number is None):
        raise invalid("Please specify either number of bytes or key spec.")
    return int(str(number)) if spec is None else _DATA_KEY_BYTES[str(spec)]


# -- double encryption ------------------------------------------------------------


def _seal(
    context: Context,
    call: Call,
    key: XksKey,
    plaintext: bytes,
    encryption_context: EncryptionContext,
) -> bytes:
    _take_from_quota(context, call, key.store)
    aad = additional_authenticated_data(key, encryption_context)
    inner = seal_inner(key, plaintext, aad)
    try:
        outer = context.proxy_client.encrypt(
            call,
            key.store.proxy,
            key.external_key_id,
            key_arn=key.arn,
            plaintext=inner,
            additional_authenticated_data=aad,
        )
    except ProxyFailure as failure:
        raise _error(failure.scenario, context.behaviour) from None
    return Blob(
        key_arn=key.arn,
        initialization_vector=outer.initialization_vector,
        authentication_tag=outer.authentication_tag,
        ciphertext_metadata=outer.ciphertext_metadata,
        ciphertext=outer.ciphertext,
    ).to_bytes()


def _unseal(
    context: Context,
    call: Call,
    key: XksKey,
    blob: Blob,
    encryption_context: EncryptionContext,
) -> bytes:
    _take_from_quota(context, call, key.store)
    aad = additional_authenticated_data(key, encryption_context)
    try:
        inner = context.proxy_client.decrypt(
            call,
            key.store.proxy,
            key.external_key_id,
            blob=blob,
            additional_authenticated_data=aad,
        )
        return open_inner(key, inner, aad)
    except ProxyFailure as failure:
        raise _error(failure.scenario, context.behaviour) from None


@step
def seal_inner(key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
    """The inner layer: under the material of the KMS key (KMS-CRYPTO-008)."""
    iv = os.urandom(_IV_BYTES)
    return iv + AESGCM(key.key_material).encrypt(iv, plaintext, aad)


@step
def open_inner(key: XksKey, inner: bytes, aad: bytes) -> bytes:
    """The inverse of ``seal_inner`` (KMS-CRYPTO-009).

    Raises:
        ProxyFailure: it is not what KMS gave the proxy to encrypt (KMS-CRYPTO-024).
    """
    try:
        return AESGCM(key.key_material).decrypt(
            inner[:_IV_BYTES], inner[_IV_BYTES:], aad
        )
    except (InvalidTag, ValueError):
        raise ProxyFailure(FailureScenario.INVALID_INNER_CIPHERTEXT) from None


def _error(scenario: FailureScenario, behaviour: Behaviour) -> KmsError:
    return kms_error(scenario, Group.CRYPTOGRAPHY, behaviour)


def _take_from_quota(context: Context, call: Call, store: ExternalKeyStore) -> None:
    rate = store.requests_per_second
    if rate is None:
        rate = context.behaviour.requests_per_second
    if not store.quota.take(rate):
        context.monitoring.throttled(call, store)
        # KMS-QUOTA-006.
        raise KmsError(
            ErrorCode.THROTTLING,
            "You have exceeded the rate at which you may call KMS. Reduce the "
            "frequency of your calls.",
        )


@step
def additional_authenticated_data(
    key: XksKey, encryption_context: EncryptionContext
) -> bytes:
    """The header of the blob, and the encryption context in canonical form.

    KMS-CRYPTO-020, 021: opaque to the proxy, the same bytes for the same pairs in
    whatever order, at most 8192 of them.
    """
    pairs = sorted(encryption_context.items())
    canonical = b"".join(_framed(text) for pair in pairs for text in pair)
    header = header_of(key.arn)
    if len(header) + len(canonical) > AAD_BYTES_TO_SUPPORT:
        return header + _CONTEXT_DIGEST + hashlib.sha256(canonical).digest()
    return header + canonical


def _framed(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data
