"""Faults of the five cryptographic operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from pytest_xks.faults import Edit, Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.identifiers import find_key
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import asking, raising, renaming
from pytest_xks.kms.keys.cryptography import (
    additional_authenticated_data,
    new_data_key,
    open_inner,
    seal_inner,
)
from pytest_xks.kms.proxy_calls.error_mapping import (
    FAILURES,
    FailureScenario,
    ProxyFailure,
)
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64, encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.keys.cryptography import EncryptionContext
    from pytest_xks.kms.keys.key import XksKey

    Seal = Callable[[XksKey, bytes, bytes], bytes]
    Bind = Callable[[XksKey, EncryptionContext], bytes]

_DATA_KEYS = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
_IV_BYTES = 12
_TAG_BYTES = 16
_LONG_CONTEXT = 8000
_PLAINTEXT_BYTES = 4096


# -- the operations ---------------------------------------------------------------


def _refusing(code: str, message: str) -> Effects:
    """Refuses what would succeed for a key in an external key store."""

    def refuse(proceed: Answer, context: Context, call: Call) -> Document | None:
        if proceed(context, call) is None:
            return None
        raise KmsError(code, message)

    return Replace(answer, refuse)


row(
    "no-data-keys-in-external-key-stores",
    "Refuses GenerateDataKey, as the text of the API model about KeyId has it.",
    _refusing(
        ErrorCode.UNSUPPORTED_OPERATION,
        "You cannot specify a KMS key in a custom key store.",
    ),
    violates=("KMS-CRYPTO-001", "KMS-STATE-019"),
    operations=("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
)


@fault(violates=("KMS-CRYPTO-006",), operations=("Encrypt",))
def encrypt_returns_key_id() -> Effects:
    """Answers Encrypt with the key ID where the key ARN belongs."""

    def shorten(document: Document) -> None:
        document["KeyId"] = document["KeyId"].rpartition("/")[2]

    return Edit(shorten)


@fault(violates=("KMS-CRYPTO-006",), operations=("Encrypt",))
def encrypt_knows_no_alias() -> Effects:
    """Finds no key by its alias in Encrypt."""

    def look(proceed: Answer, context: Context, call: Call) -> Document | None:
        name = call.text("KeyId") or ""
        if "alias/" in name:
            raise KmsError(ErrorCode.NOT_FOUND, f"Alias {name[:256]} is not found.")
        return proceed(context, call)

    return Replace(answer, look)


def _needing(member: str) -> Effects:
    """Refuses an operation without a parameter that is optional."""

    def need(proceed: Answer, context: Context, call: Call) -> Document | None:
        if call.text(member) is None:
            raise KmsError(ErrorCode.VALIDATION, f"{member} is missing.")
        return proceed(context, call)

    return Replace(answer, need)


row(
    "decrypt-needs-key-id",
    "Does not find the key of a ciphertext blob by itself in Decrypt.",
    _needing("KeyId"),
    violates=("KMS-CRYPTO-015", "KMS-FAIL-019", "KMS-STATE-019"),
    operations=("Decrypt",),
)
row(
    "re-encrypt-needs-source-key-id",
    "Does not find the key of a ciphertext blob by itself in ReEncrypt.",
    _needing("SourceKeyId"),
    violates=("KMS-CRYPTO-015", "KMS-STATE-019"),
    operations=("ReEncrypt",),
)
row(
    "decrypt-ignores-key-id",
    "Decrypts a ciphertext blob though another key is named.",
    asking(KeyId=None),
    violates=("KMS-CRYPTO-016",),
    operations=("Decrypt",),
)
row(
    "incorrect-key-as-invalid-ciphertext",
    "Answers ReEncrypt with another source key with InvalidCiphertextException.",
    renaming(ErrorCode.INCORRECT_KEY, ErrorCode.INVALID_CIPHERTEXT),
    violates=("KMS-CRYPTO-016",),
    operations=("ReEncrypt",),
)


@fault(violates=("KMS-CRYPTO-026",), operations=("Decrypt", "ReEncrypt"))
def incorrect_key_in_other_words() -> Effects:
    """Gives IncorrectKeyException a message of its own."""

    def reword(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        if error.code != ErrorCode.INCORRECT_KEY:
            return None
        return KmsError(error.code, "That is another key.")

    return raising(reword)


@fault(violates=("KMS-CRYPTO-018",), operations=("Encrypt",))
def encrypt_takes_any_length() -> Effects:
    """Encrypts the first 4096 bytes of a longer plaintext."""

    def cut(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            plaintext = decode_base64(call.text("Plaintext") or "")
        except DecodingError:
            return proceed(context, call)
        shorter = encode_base64(plaintext[:_PLAINTEXT_BYTES])
        parameters = {**call.parameters, "Plaintext": shorter}
        return proceed(context, replace(call, parameters=parameters))

    return Replace(answer, cut)


row(
    "dry-run-ignored",
    "Does what it is asked, though it is a dry run.",
    asking(DryRun=None),
    violates=("KMS-CRYPTO-025",),
    operations=(
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
    ),
)


@fault(violates=("KMS-CRYPTO-027",), operations=("ReEncrypt",))
def no_re_encrypt_out_of_external_key_stores() -> Effects:
    """Refuses ReEncrypt to a key that is in no external key store."""

    def refuse(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        if document is not None and find_key(context, document["KeyId"]) is None:
            raise KmsError(
                ErrorCode.UNSUPPORTED_OPERATION,
                "Both keys have to be in external key stores.",
            )
        return document

    return Replace(answer, refuse)


# -- data keys --------------------------------------------------------------------


row(
    "data-key-always-of-32-bytes",
    "Makes data keys of 32 bytes, whatever was asked for.",
    Replace(new_data_key, lambda proceed, _: proceed(32)),
    violates=("KMS-CRYPTO-011",),
)
row(
    "one-data-key-for-all",
    "Gives the same data key out again and again.",
    Replace(new_data_key, lambda _, length: bytes(length)),
    violates=("KMS-CRYPTO-011",),
)


@fault(
    violates=("KMS-CRYPTO-011",),
    operations=("GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
)
def data_key_of_two_lengths() -> Effects:
    """Takes KeySpec where both KeySpec and NumberOfBytes are given."""

    def choose(proceed: Answer, context: Context, call: Call) -> Document | None:
        chosen = dict(call.parameters)
        if "KeySpec" in chosen:
            chosen.pop("NumberOfBytes", None)
        return proceed(context, replace(call, parameters=chosen))

    return Replace(answer, choose)


@fault(violates=("KMS-CRYPTO-012", "KMS-FAIL-021"), operations=("GenerateDataKey",))
def data_key_despite_failure() -> Effects:
    """Gives a plaintext data key out that the proxy could not encrypt."""
    texts = {failure.message for failure in FAILURES.values()}

    def give(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.message not in texts:
                raise
            return {
                "Plaintext": encode_base64(bytes(32)),
                "CiphertextBlob": encode_base64(bytes(32)),
                "KeyId": context.trace.keys[0].arn,
            }

    return Replace(answer, give)


# -- double encryption ------------------------------------------------------------


@fault(
    violates=(
        "KMS-CRYPTO-008",
        "KMS-CRYPTO-009",
        "KMS-CRYPTO-010",
        "KMS-CRYPTO-017",
        "KMS-CRYPTO-024",
        "KMS-FAIL-004",
    )
)
def no_inner_encryption() -> Effects:
    """Sends the plaintext itself to the proxy: single encryption."""
    return (
        Replace(seal_inner, lambda _, __, plaintext, ___: plaintext),
        Replace(open_inner, lambda _, __, inner, ___: inner),
    )


@fault(
    violates=("KMS-CRYPTO-003", "KMS-CRYPTO-009", "KMS-CRYPTO-011", "KMS-CRYPTO-027")
)
def inner_layer_left_on() -> Effects:
    """Answers Decrypt with what the proxy decrypted to, after a look at it."""

    def leave(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        proceed(key, inner, aad)
        return inner

    return Replace(open_inner, leave)


@fault(violates=("KMS-CRYPTO-010",))
def inner_iv_used_again() -> Effects:
    """Encrypts with one initialization vector for all in the inner layer."""

    def seal(_: Seal, key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
        iv = bytes(_IV_BYTES)
        return iv + AESGCM(key.key_material).encrypt(iv, plaintext, aad)

    return Replace(seal_inner, seal)


@fault(violates=("KMS-CRYPTO-017", "KMS-CRYPTO-024", "KMS-FAIL-004"))
def inner_layer_not_verified() -> Effects:
    """Decrypts the inner layer without a look at its authentication tag."""

    def open_unverified(_: Seal, key: XksKey, inner: bytes, __: bytes) -> bytes:
        cipher = Cipher(AES256(key.key_material), GCM(inner[:_IV_BYTES]))
        return cipher.decryptor().update(inner[_IV_BYTES:-_TAG_BYTES])

    return Replace(open_inner, open_unverified)


@fault(violates=("KMS-CRYPTO-024", "KMS-FAIL-004"))
def inner_layer_as_invalid_ciphertext() -> Effects:
    """Reports what its own key material does not decrypt as any other key does."""

    def rename(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        try:
            return proceed(key, inner, aad)
        except ProxyFailure as failure:
            message = FAILURES[failure.scenario].message
            raise KmsError(ErrorCode.INVALID_CIPHERTEXT, message) from None

    return Replace(open_inner, rename)


@fault(violates=("KMS-CRYPTO-017",))
def one_key_material_for_all() -> Effects:
    """Has the same key material for every KMS key."""
    aead = AESGCM(bytes(32))

    def seal(proceed: Seal, key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
        iv = proceed(key, plaintext, aad)[:_IV_BYTES]
        return iv + aead.encrypt(iv, plaintext, None)

    def open_any(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        try:
            return aead.decrypt(inner[:_IV_BYTES], inner[_IV_BYTES:], None)
        except (InvalidTag, ValueError):
            return proceed(key, inner, aad)

    return (Replace(seal_inner, seal), Replace(open_inner, open_any))


@fault(violates=("KMS-CRYPTO-018",))
def inner_ciphertext_too_long() -> Effects:
    """Adds 300 bytes of its own to what it encrypts first."""
    overhead = bytes(300)

    def seal(proceed: Seal, key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
        return proceed(key, plaintext, aad) + overhead

    def open_shorter(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        return proceed(key, inner.removesuffix(overhead), aad)

    return (Replace(seal_inner, seal), Replace(open_inner, open_shorter))


# -- encryption context -----------------------------------------------------------


def _binding(
    change: Callable[[EncryptionContext], EncryptionContext],
) -> Effects:
    """Binds another encryption context than the caller's to ciphertexts."""

    def bind(proceed: Bind, key: XksKey, context: EncryptionContext) -> bytes:
        return proceed(key, change(context))

    return Replace(additional_authenticated_data, bind)


row(
    "encryption-context-ignored",
    "Decrypts with any encryption context.",
    _binding(lambda _: {}),
    violates=("KMS-CRYPTO-019", "KMS-CRYPTO-020"),
)
row(
    "encryption-context-in-any-case",
    "Does not tell capital letters of an encryption context from small ones.",
    _binding(lambda c: {k.lower(): v.lower() for k, v in c.items()}),
    violates=("KMS-CRYPTO-019",),
)
row(
    "encryption-context-in-order",
    "Binds the pairs of an encryption context in the order of the request.",
    _binding(lambda c: {f"{i}": f"{k}={c[k]}" for i, k in enumerate(c)}),
    violates=("KMS-CRYPTO-019", "KMS-CRYPTO-021"),
)


@fault(violates=("KMS-CRYPTO-020",))
def aad_of_any_length() -> Effects:
    """Sends long encryption contexts to the proxy in full, however long they get."""

    def bind(proceed: Bind, key: XksKey, context: EncryptionContext) -> bytes:
        short = proceed(key, context)
        size = sum(len(text) for pair in context.items() for text in pair)
        return (
            short.ljust(size + len(short), b"\x00") if size > _LONG_CONTEXT else short
        )

    return Replace(additional_authenticated_data, bind)


@fault(violates=("KMS-CRYPTO-022",), operations=("Decrypt", "ReEncrypt"))
def wrong_encryption_context_as_invalid_ciphertext() -> Effects:
    """Reports a wrong encryption context as keys outside of external stores do."""
    failure = FAILURES[FailureScenario.INVALID_CIPHERTEXT]
    texts = {failure.message, failure.guide}
    contexts = {"EncryptionContext", "SourceEncryptionContext"}

    def rename(_context: Context, call: Call, error: KmsError) -> KmsError | None:
        if error.message not in texts or not contexts & call.parameters.keys():
            return None
        return KmsError(ErrorCode.INVALID_CIPHERTEXT, error.message)

    return raising(rename)


row(
    "unreadable-blob-as-invalid-state",
    "Reports a blob that cannot be read as KMSInvalidStateException.",
    renaming(ErrorCode.INVALID_CIPHERTEXT, ErrorCode.KMS_INVALID_STATE),
    violates=("KMS-CRYPTO-023",),
    operations=("Decrypt",),
)
