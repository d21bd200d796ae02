"""Faults of cryptography: parts of a request that are read in two ways as the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.cryptography.ciphertexts import (
    disguised,
    forgives,
    reading,
)
from pytest_xks.proxy.faults.patterns import anything_goes, fails_internally, instead
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
    )

_WRAPS_AT = 65_536


# -- additional authenticated data ----------------------------------------------------


def _binding(change: Callable[[bytes], bytes]) -> Effect:
    """A proxy that binds something else than the AAD, in Encrypt as in Decrypt."""
    return Replace(
        "authenticated_data",
        lambda proceed, aad, metadata: proceed(change(aad), metadata),
    )


for _name, _summary, _change in (
    ("aad-in-lower-case", "Binds the AAD in lower case.", bytes.lower),
    ("aad-trimmed", "Binds the AAD without the white space around it.", bytes.strip),
    (
        "aad-ends-at-nul",
        "Binds the AAD up to its first zero byte.",
        lambda aad: aad.partition(b"\0")[0],
    ),
    (
        "aad-as-text",
        "Binds the AAD as a text in UTF-8, with U+FFFD for what is none.",
        lambda aad: aad.decode("utf-8", "replace").encode(),
    ),
    (
        "aad-in-seven-bits",
        "Binds seven bits of each byte of the AAD.",
        lambda aad: bytes(byte & 0x7F for byte in aad),
    ),
):
    row(_name, _summary, _binding(_change), violates=("XKS-DEC-014",))


row(
    "aad-length-wraps",
    "Takes an AAD of any size, and binds its length modulo 65,536 bytes.",
    (
        instead("check_sizes", anything_goes),
        _binding(lambda aad: aad[: len(aad) % _WRAPS_AT]),
    ),
    violates=("XKS-DEC-022",),
)


def _fails_at_large_aad() -> Effect:
    def check(
        proceed: Callable[..., None], parameters: EncryptParameters | DecryptParameters
    ) -> None:
        if len(parameters.additional_authenticated_data) >= _WRAPS_AT:
            fails_internally()
        proceed(parameters)

    return Replace("check_sizes", check)


row(
    "encrypt-fails-at-large-aad",
    "Encrypt fails internally at an AAD of 65,536 bytes or more.",
    _fails_at_large_aad(),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-014",),
)
row(
    "decrypt-fails-at-large-aad",
    "Decrypt fails internally at an AAD of 65,536 bytes or more.",
    _fails_at_large_aad(),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-023",),
)


# -- the parts of a ciphertext --------------------------------------------------------


@fault(violates=("XKS-DEC-008",))
def accepts_vectors_above_128_bytes() -> Effects:
    """Cuts an initializationVector of more than 128 bytes, and looks at the others."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        vector = given.initialization_vector
        cut = vector[:12] if len(vector) > 128 else vector
        return replace(given, initialization_vector=cut)

    return disguised(lambda result: result, reveal)


def _joins(first: str, second: str) -> Effects:
    """A proxy that looks at two parts one behind the other."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        joined = getattr(known, first) + getattr(known, second)
        if joined != getattr(given, first) + getattr(given, second):
            return False
        parts = {each: getattr(known, each) for each in (first, second)}
        return replace(given, **parts) == known

    return forgives(agree)


row(
    "joins-aad-and-ciphertext",
    "Authenticates the AAD and the ciphertext one behind the other.",
    lambda: _joins("additional_authenticated_data", "ciphertext"),
    violates=("XKS-DEC-016",),
)
row(
    "joins-metadata-and-ciphertext",
    "Authenticates ciphertextMetadata and the ciphertext one behind the other.",
    lambda: _joins("ciphertext_metadata", "ciphertext"),
    violates=("XKS-DEC-016",),
)


@fault(violates=("XKS-DEC-015", "XKS-URI-001"))
def metadata_chooses_key() -> Effects:
    """Decrypts with the key whose id is in ciphertextMetadata, if there is one."""
    keys: dict[bytes, ExternalKey] = {}

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        keys[key.id.encode()[:20]] = key
        return proceed(key, parameters, rules)

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        given: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        named = keys.get(given.ciphertext_metadata)
        if named is None:
            return proceed(key, given, rules)
        metadata = named.ciphertext_metadata or b""
        return proceed(named, replace(given, ciphertext_metadata=metadata), rules)

    return Replace("seal", seal), Replace("open", open_)


def _without_empty_plaintext(document: MutableMapping[str, object]) -> None:
    if document.get("plaintext") == "":
        del document["plaintext"]


row(
    "decrypt-without-empty-plaintext",
    "Leaves plaintext out of Decrypt's response where it is empty.",
    Edit(_without_empty_plaintext),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-021",),
)


# -- what is missing ------------------------------------------------------------------


def _guesses_at_members() -> Effect:
    def change(document: dict[str, Any]) -> None:
        if document.get("encryptionAlgorithm") is None:
            document["encryptionAlgorithm"] = "AES_GCM"
        if document.get("plaintext") is None and "ciphertext" not in document:
            document["plaintext"] = ""
        for name, value in document.items():
            if isinstance(value, bool | int):
                document[name] = str(value).lower()

    return reading(change)


row(
    "encrypt-guesses-at-members",
    "Encrypt reads what is missing as empty, and a boolean as a text.",
    _guesses_at_members,
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-022",),
)
row(
    "decrypt-guesses-at-algorithm",
    "Decrypt reads a missing encryptionAlgorithm as AES_GCM.",
    _guesses_at_members,
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-024",),
)


# -- the algorithm --------------------------------------------------------------------


def _reads_algorithm_loosely() -> Effect:
    def change(document: dict[str, Any]) -> None:
        name = str(document.get("encryptionAlgorithm"))
        letters = "".join(filter(str.isalpha, name)).lower()
        if letters.removesuffix("nopadding") == "aesgcm":
            document["encryptionAlgorithm"] = "AES_GCM"

    return reading(change)


row(
    "encrypt-reads-algorithm-loosely",
    "Encrypt takes AES_GCM in any spelling.",
    _reads_algorithm_loosely,
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-021",),
)
row(
    "decrypt-reads-algorithm-loosely",
    "Decrypt takes AES_GCM in any spelling.",
    _reads_algorithm_loosely,
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-020",),
)
