"""Faults of Decrypt: what it overlooks, what it does not take, what it sends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.cryptography.ciphertexts import (
    LIMIT,
    accepts_sloppy_base64,
    all_but,
    disguised,
    forgives,
    ignores_algorithm,
    unsupported_above,
    url_safe,
)
from pytest_xks.proxy.faults.patterns import instead
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
    )


# -- what Decrypt overlooks -----------------------------------------------------------


@fault(violates=("XKS-DEC-005", "XKS-DEC-014", "XKS-DEC-022"))
def decrypt_ignores_aad() -> Effects:
    """Decrypts whatever additionalAuthenticatedData says."""
    return forgives(all_but("additional_authenticated_data"))


@fault(violates=("XKS-DEC-015",))
def decrypt_ignores_ciphertext_metadata() -> Effects:
    """Decrypts whatever ciphertextMetadata says."""
    return forgives(all_but("ciphertext_metadata"))


@fault(violates=("XKS-DEC-012",))
def decrypt_ignores_vector_integrity() -> Effects:
    """Decrypts under a changed initializationVector, to garbage."""
    return forgives(all_but("initialization_vector"))


@fault(violates=("XKS-DEC-011", "XKS-ERR-005"))
def decrypt_ignores_ciphertext_integrity() -> Effects:
    """Decrypts a changed ciphertext, to garbage."""
    return forgives(all_but("ciphertext"))


@fault(violates=("XKS-DEC-013",))
def decrypt_ignores_last_tag_bytes() -> Effects:
    """Compares the first 12 of the 16 bytes of authenticationTag."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        return (
            all_but("authentication_tag")(known, given)
            and known.authentication_tag[:12] == given.authentication_tag[:12]
        )

    return forgives(agree)


# A tag that may be short can lend its bytes to the ciphertext.
@fault(violates=("XKS-DEC-009", "XKS-DEC-016"))
def accepts_truncated_tag() -> Effects:
    """Compares as many bytes of authenticationTag as were sent, if 4 or more."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        return (
            len(given.authentication_tag) >= 4
            and all_but("authentication_tag")(known, given)
            and known.authentication_tag.startswith(given.authentication_tag)
        )

    return forgives(agree, any_tag_length=True)


@fault(violates=("XKS-DEC-008",))
def accepts_any_vector_length() -> Effects:
    """Cuts an initializationVector to the 12 bytes that it generates."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        return replace(given, initialization_vector=given.initialization_vector[:12])

    return disguised(lambda result: result, reveal)


@fault(violates=("XKS-DEC-010",))
def accepts_long_ciphertext_metadata() -> Effects:
    """Cuts ciphertextMetadata of more than 20 bytes to what it generates."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        metadata = given.ciphertext_metadata
        if len(metadata) <= 20:
            return given
        kept = metadata.partition(b"=")
        digits = kept[2][: len(kept[2]) - len(kept[2].lstrip(b"0123456789"))]
        return replace(given, ciphertext_metadata=kept[0] + kept[1] + digits)

    return disguised(lambda result: result, reveal)


@fault(violates=("XKS-DEC-016",))
def joins_vector_ciphertext_and_tag() -> Effects:
    """Joins vector, ciphertext and tag, and splits them anew before decrypting."""

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        given: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        joined = (
            given.initialization_vector + given.ciphertext + given.authentication_tag
        )
        split = replace(
            given,
            initialization_vector=joined[:12],
            ciphertext=joined[12:-16],
            authentication_tag=joined[-16:],
        )
        return proceed(key, split, rules)

    return Replace("open", open_)


row(
    "concatenates-aad-without-lengths",
    "Binds the AAD and ciphertextMetadata without their lengths.",
    instead("authenticated_data", lambda aad, metadata: aad + metadata),
    violates=("XKS-DEC-017",),
)
row(
    "decrypt-ignores-algorithm",
    "Decrypts for any encryptionAlgorithm.",
    ignores_algorithm,
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-018",),
)
row(
    "decrypt-accepts-sloppy-base64",
    "Decrypt takes URL-safe and unpadded Base64, and white space in it.",
    accepts_sloppy_base64,
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-019",),
)


# -- limits that are too small --------------------------------------------------------


row(
    "ciphertext-limit-4096",
    "Decrypts at most 4096 bytes.",
    unsupported_above(LIMIT, "ciphertext"),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-004",),
)
row(
    "decrypt-aad-limit-4096",
    "Decrypt takes at most 4096 bytes of additionalAuthenticatedData.",
    unsupported_above(LIMIT, "additional_authenticated_data"),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-005",),
)
row(
    "aad-beyond-4096-bytes-ignored",
    "Binds the first 4096 bytes of additionalAuthenticatedData.",
    Replace(
        "authenticated_data",
        lambda proceed, aad, metadata: proceed(aad[:LIMIT], metadata),
    ),
    violates=("XKS-DEC-005", "XKS-DEC-022"),
)


# -- what Decrypt sends ---------------------------------------------------------------


# Whatever compares the plaintext that comes back.
_ROUND_TRIPS = (
    "XKS-CDIV-005",
    "XKS-DEC-001",
    "XKS-DEC-004",
    "XKS-DEC-005",
    "XKS-HTTP-006",
    "XKS-HTTP-010",
    "XKS-URI-002",
    "XKS-URI-003",
)


@fault(operations=(Operation.DECRYPT,), violates=_ROUND_TRIPS)
def decrypt_flips_a_bit() -> Effects:
    """Returns the plaintext with its last bit flipped."""

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        given: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        plaintext = proceed(key, given, rules)
        return plaintext[:-1] + bytes(byte ^ 1 for byte in plaintext[-1:])

    return Replace("open", open_)


@fault(
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-002", "XKS-DEC-021", *_ROUND_TRIPS),
)
def decrypt_pads_plaintext() -> Effects:
    """Pads the plaintext with zero bytes to a multiple of 16."""

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        given: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        plaintext = proceed(key, given, rules)
        return plaintext + bytes(16 - len(plaintext) % 16)

    return Replace("open", open_)


row(
    "decrypt-in-url-safe-base64",
    "Writes the plaintext in URL-safe Base64.",
    Edit(url_safe),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-003",),
)
