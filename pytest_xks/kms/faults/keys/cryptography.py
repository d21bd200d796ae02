"""Faults of the five cryptographic operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.identifiers import find_key
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    asking,
    editing,
    raising,
    renaming,
)
from pytest_xks.kms.keys.cryptography import (
    additional_authenticated_data,
    new_data_key,
    open_inner,
    seal_inner,
)
from pytest_xks.kms.proxy_calls.error_mapping import FAILURES, ProxyFailure, Scenario
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64, encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
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


def _refusing(code: str, message: str, *operations: str) -> Replacements:
    """Refuses what would succeed for a key in an external key store."""

    def refuse(proceed: Answer, context: Context, call: Call) -> Document | None:
        if proceed(context, call) is None:
            return None
        raise KmsError(code, message)

    return answering(refuse, *operations)


@fault(
    "no-data-keys-in-external-key-stores", violates=("KMS-CRYPTO-001", "KMS-STATE-019")
)
def _no_data_keys_in_external_key_stores() -> Replacements:
    """Refuses GenerateDataKey, as the text of the API model about KeyId has it."""
    return _refusing(
        ErrorCode.UNSUPPORTED_OPERATION,
        "You cannot specify a KMS key in a custom key store.",
        *_DATA_KEYS,
    )


@fault("encrypt-returns-key-id", violates=("KMS-CRYPTO-006",))
def _encrypt_returns_key_id() -> Replacements:
    """Answers Encrypt with the key ID where the key ARN belongs."""

    def shorten(document: Document) -> None:
        document["KeyId"] = document["KeyId"].rpartition("/")[2]

    return editing(shorten, "Encrypt")


@fault("encrypt-knows-no-alias", violates=("KMS-CRYPTO-006",))
def _encrypt_knows_no_alias() -> Replacements:
    """Finds no key by its alias in Encrypt."""

    def look(proceed: Answer, context: Context, call: Call) -> Document | None:
        name = call.text("KeyId") or ""
        if "alias/" in name:
            raise KmsError(ErrorCode.NOT_FOUND, f"Alias {name[:256]} is not found.")
        return proceed(context, call)

    return answering(look, "Encrypt")


def _needing(member: str, operation: str) -> Replacements:
    """Refuses an operation without a parameter that is optional."""

    def need(proceed: Answer, context: Context, call: Call) -> Document | None:
        if call.text(member) is None:
            raise KmsError(ErrorCode.VALIDATION, f"{member} is missing.")
        return proceed(context, call)

    return answering(need, operation)


@fault(
    "decrypt-needs-key-id",
    violates=("KMS-CRYPTO-015", "KMS-FAIL-019", "KMS-STATE-019"),
)
def _decrypt_needs_key_id() -> Replacements:
    """Does not find the key of a ciphertext blob by itself in Decrypt."""
    return _needing("KeyId", "Decrypt")


@fault("re-encrypt-needs-source-key-id", violates=("KMS-CRYPTO-015", "KMS-STATE-019"))
def _re_encrypt_needs_source_key_id() -> Replacements:
    """Does not find the key of a ciphertext blob by itself in ReEncrypt."""
    return _needing("SourceKeyId", "ReEncrypt")


@fault("decrypt-ignores-key-id", violates=("KMS-CRYPTO-016",))
def _decrypt_ignores_key_id() -> Replacements:
    """Decrypts a ciphertext blob though another key is named."""
    return asking("Decrypt", KeyId=None)


@fault("incorrect-key-as-invalid-ciphertext", violates=("KMS-CRYPTO-016",))
def _incorrect_key_as_invalid_ciphertext() -> Replacements:
    """Answers ReEncrypt with another source key with InvalidCiphertextException."""
    return renaming(ErrorCode.INCORRECT_KEY, ErrorCode.INVALID_CIPHERTEXT, "ReEncrypt")


@fault("incorrect-key-in-other-words", violates=("KMS-CRYPTO-026",))
def _incorrect_key_in_other_words() -> Replacements:
    """Gives IncorrectKeyException a message of its own."""

    def reword(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        if error.code != ErrorCode.INCORRECT_KEY:
            return None
        return KmsError(error.code, "That is another key.")

    return raising(reword, "Decrypt", "ReEncrypt")


@fault("encrypt-takes-any-length", violates=("KMS-CRYPTO-018",))
def _encrypt_takes_any_length() -> Replacements:
    """Encrypts the first 4096 bytes of a longer plaintext."""

    def cut(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            plaintext = decode_base64(call.text("Plaintext") or "")
        except DecodingError:
            return proceed(context, call)
        shorter = encode_base64(plaintext[:_PLAINTEXT_BYTES])
        parameters = {**call.parameters, "Plaintext": shorter}
        return proceed(context, replace(call, parameters=parameters))

    return answering(cut, "Encrypt")


@fault("dry-run-ignored", violates=("KMS-CRYPTO-025",))
def _dry_run_ignored() -> Replacements:
    """Does what it is asked, though it is a dry run."""
    return asking("Encrypt", "Decrypt", "ReEncrypt", *_DATA_KEYS, DryRun=None)


@fault("no-re-encrypt-out-of-external-key-stores", violates=("KMS-CRYPTO-027",))
def _no_re_encrypt_out_of_external_key_stores() -> Replacements:
    """Refuses ReEncrypt to a key that is in no external key store."""

    def refuse(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        if document is not None and find_key(context, document["KeyId"]) is None:
            raise KmsError(
                ErrorCode.UNSUPPORTED_OPERATION,
                "Both keys have to be in external key stores.",
            )
        return document

    return answering(refuse, "ReEncrypt")


# -- data keys --------------------------------------------------------------------


@fault("data-key-always-of-32-bytes", violates=("KMS-CRYPTO-011",))
def _data_key_always_of_32_bytes() -> Replacements:
    """Makes data keys of 32 bytes, whatever was asked for."""
    return {new_data_key: lambda proceed, _: proceed(32)}


@fault("one-data-key-for-all", violates=("KMS-CRYPTO-011",))
def _one_data_key_for_all() -> Replacements:
    """Gives the same data key out again and again."""
    return {new_data_key: lambda _, length: bytes(length)}


@fault("data-key-of-two-lengths", violates=("KMS-CRYPTO-011",))
def _data_key_of_two_lengths() -> Replacements:
    """Takes KeySpec where both KeySpec and NumberOfBytes are given."""

    def choose(proceed: Answer, context: Context, call: Call) -> Document | None:
        chosen = dict(call.parameters)
        if "KeySpec" in chosen:
            chosen.pop("NumberOfBytes", None)
        return proceed(context, replace(call, parameters=chosen))

    return answering(choose, *_DATA_KEYS)


@fault("data-key-despite-failure", violates=("KMS-CRYPTO-012", "KMS-FAIL-021"))
def _data_key_despite_failure() -> Replacements:
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

    return answering(give, "GenerateDataKey")


# -- double encryption ------------------------------------------------------------


@fault(
    "no-inner-encryption",
    violates=(
        "KMS-CRYPTO-008",
        "KMS-CRYPTO-009",
        "KMS-CRYPTO-010",
        "KMS-CRYPTO-017",
        "KMS-CRYPTO-024",
        "KMS-FAIL-004",
    ),
)
def _no_inner_encryption() -> Replacements:
    """Sends the plaintext itself to the proxy: single encryption."""
    return {
        seal_inner: lambda _, __, plaintext, ___: plaintext,
        open_inner: lambda _, __, inner, ___: inner,
    }


@fault(
    "inner-layer-left-on",
    violates=("KMS-CRYPTO-003", "KMS-CRYPTO-009", "KMS-CRYPTO-011", "KMS-CRYPTO-027"),
)
def _inner_layer_left_on() -> Replacements:
    """Answers Decrypt with what the proxy decrypted to, after a look at it."""

    def leave(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        proceed(key, inner, aad)
        return inner

    return {open_inner: leave}


@fault("inner-iv-used-again", violates=("KMS-CRYPTO-010",))
def _inner_iv_used_again() -> Replacements:
    """Encrypts with one initialization vector for all in the inner layer."""

    def seal(_: Seal, key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
        iv = bytes(_IV_BYTES)
        return iv + AESGCM(key.key_material).encrypt(iv, plaintext, aad)

    return {seal_inner: seal}


@fault(
    "inner-layer-not-verified",
    violates=("KMS-CRYPTO-017", "KMS-CRYPTO-024", "KMS-FAIL-004"),
)
def _inner_layer_not_verified() -> Replacements:
    """Decrypts the inner layer without a look at its authentication tag."""

    def open_unverified(_: Seal, key: XksKey, inner: bytes, __: bytes) -> bytes:
        cipher = Cipher(AES256(key.key_material), GCM(inner[:_IV_BYTES]))
        return cipher.decryptor().update(inner[_IV_BYTES:-_TAG_BYTES])

    return {open_inner: open_unverified}


@fault("inner-layer-as-invalid-ciphertext", violates=("KMS-CRYPTO-024", "KMS-FAIL-004"))
def _inner_layer_as_invalid_ciphertext() -> Replacements:
    """Reports what its own key material does not decrypt as any other key does."""

    def rename(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        try:
            return proceed(key, inner, aad)
        except ProxyFailure as failure:
            message = FAILURES[failure.scenario].message
            raise KmsError(ErrorCode.INVALID_CIPHERTEXT, message) from None

    return {open_inner: rename}


@fault("one-key-material-for-all", violates=("KMS-CRYPTO-017",))
def _one_key_material_for_all() -> Replacements:
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

    return {seal_inner: seal, open_inner: open_any}


@fault("inner-ciphertext-too-long", violates=("KMS-CRYPTO-018",))
def _inner_ciphertext_too_long() -> Replacements:
    """Adds 300 bytes of its own to what it encrypts first."""
    overhead = bytes(300)

    def seal(proceed: Seal, key: XksKey, plaintext: bytes, aad: bytes) -> bytes:
        return proceed(key, plaintext, aad) + overhead

    def open_shorter(proceed: Seal, key: XksKey, inner: bytes, aad: bytes) -> bytes:
        return proceed(key, inner.removesuffix(overhead), aad)

    return {seal_inner: seal, open_inner: open_shorter}


# -- encryption context -----------------------------------------------------------


def _binding(
    change: Callable[[EncryptionContext], EncryptionContext],
) -> Replacements:
    """Binds another encryption context than the caller's to ciphertexts."""

    def bind(proceed: Bind, key: XksKey, context: EncryptionContext) -> bytes:
        return proceed(key, change(context))

    return {additional_authenticated_data: bind}


@fault("encryption-context-ignored", violates=("KMS-CRYPTO-019", "KMS-CRYPTO-020"))
def _encryption_context_ignored() -> Replacements:
    """Decrypts with any encryption context."""
    return _binding(lambda _: {})


@fault("encryption-context-in-any-case", violates=("KMS-CRYPTO-019",))
def _encryption_context_in_any_case() -> Replacements:
    """Does not tell capital letters of an encryption context from small ones."""
    return _binding(lambda c: {k.lower(): v.lower() for k, v in c.items()})


@fault("encryption-context-in-order", violates=("KMS-CRYPTO-019", "KMS-CRYPTO-021"))
def _encryption_context_in_order() -> Replacements:
    """Binds the pairs of an encryption context in the order of the request."""
    return _binding(lambda c: {f"{i}": f"{k}={c[k]}" for i, k in enumerate(c)})


@fault("aad-of-any-length", violates=("KMS-CRYPTO-020",))
def _aad_of_any_length() -> Replacements:
    """Sends long encryption contexts to the proxy in full, however long they get."""

    def bind(proceed: Bind, key: XksKey, context: EncryptionContext) -> bytes:
        short = proceed(key, context)
        size = sum(len(text) for pair in context.items() for text in pair)
        return (
            short.ljust(size + len(short), b"\x00") if size > _LONG_CONTEXT else short
        )

    return {additional_authenticated_data: bind}


@fault("wrong-encryption-context-as-invalid-ciphertext", violates=("KMS-CRYPTO-022",))
def _wrong_encryption_context_as_invalid_ciphertext() -> Replacements:
    """Reports a wrong encryption context as keys outside of external stores do."""
    failure = FAILURES[Scenario.INVALID_CIPHERTEXT]
    texts = {failure.message, failure.guide}
    contexts = {"EncryptionContext", "SourceEncryptionContext"}

    def rename(_context: Context, call: Call, error: KmsError) -> KmsError | None:
        if error.message not in texts or not contexts & call.parameters.keys():
            return None
        return KmsError(ErrorCode.INVALID_CIPHERTEXT, error.message)

    return raising(rename, "Decrypt", "ReEncrypt")


@fault("unreadable-blob-as-invalid-state", violates=("KMS-CRYPTO-023",))
def _unreadable_blob_as_invalid_state() -> Replacements:
    """Reports a blob that cannot be read as KMSInvalidStateException."""
    return renaming(
        ErrorCode.INVALID_CIPHERTEXT, ErrorCode.KMS_INVALID_STATE, "Decrypt"
    )
