"""Faults of Decrypt: what it overlooks, what it does not take, what it sends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.catalogue import Effect, changed, edited, fault
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
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
    )


# -- what Decrypt overlooks -----------------------------------------------------------


@fault("decrypt-ignores-aad", violates=("XKS-DEC-005", "XKS-DEC-014"))
def _decrypt_ignores_aad() -> Effect:
    """Decrypts whatever additionalAuthenticatedData says."""
    return forgives(all_but("additional_authenticated_data"))


@fault("decrypt-ignores-ciphertext-metadata", violates=("XKS-DEC-015",))
def _decrypt_ignores_ciphertext_metadata() -> Effect:
    """Decrypts whatever ciphertextMetadata says."""
    return forgives(all_but("ciphertext_metadata"))


@fault("decrypt-ignores-vector-integrity", violates=("XKS-DEC-012",))
def _decrypt_ignores_vector_integrity() -> Effect:
    """Decrypts under a changed initializationVector, to garbage."""
    return forgives(all_but("initialization_vector"))


@fault("decrypt-ignores-ciphertext-integrity", violates=("XKS-DEC-011", "XKS-ERR-005"))
def _decrypt_ignores_ciphertext_integrity() -> Effect:
    """Decrypts a changed ciphertext, to garbage."""
    return forgives(all_but("ciphertext"))


@fault("decrypt-ignores-last-tag-bytes", violates=("XKS-DEC-013",))
def _decrypt_ignores_last_tag_bytes() -> Effect:
    """Compares the first 12 of the 16 bytes of authenticationTag."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        return (
            all_but("authentication_tag")(known, given)
            and known.authentication_tag[:12] == given.authentication_tag[:12]
        )

    return forgives(agree)


# A tag that may be short can lend its bytes to the ciphertext.
@fault("accepts-truncated-tag", violates=("XKS-DEC-009", "XKS-DEC-016"))
def _accepts_truncated_tag() -> Effect:
    """Compares as many bytes of authenticationTag as were sent, if 4 or more."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        return (
            len(given.authentication_tag) >= 4
            and all_but("authentication_tag")(known, given)
            and known.authentication_tag.startswith(given.authentication_tag)
        )

    return forgives(agree, any_tag_length=True)


@fault("accepts-any-vector-length", violates=("XKS-DEC-008",))
def _accepts_any_vector_length() -> Effect:
    """Cuts an initializationVector to the 12 bytes that it generates."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        return replace(given, initialization_vector=given.initialization_vector[:12])

    return disguised(lambda result: result, reveal)


@fault("accepts-long-ciphertext-metadata", violates=("XKS-DEC-010",))
def _accepts_long_ciphertext_metadata() -> Effect:
    """Cuts ciphertextMetadata of more than 20 bytes to what it generates."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        metadata = given.ciphertext_metadata
        if len(metadata) <= 20:
            return given
        kept = metadata.partition(b"=")
        digits = kept[2][: len(kept[2]) - len(kept[2].lstrip(b"0123456789"))]
        return replace(given, ciphertext_metadata=kept[0] + kept[1] + digits)

    return disguised(lambda result: result, reveal)


@fault("joins-vector-ciphertext-and-tag", violates=("XKS-DEC-016",))
def _joins_vector_ciphertext_and_tag() -> Effect:
    """Joins vector, ciphertext and tag, and splits them anew before decrypting."""

    def change(rules: Rules) -> Rules:
        def open_(key: ExternalKey, given: DecryptParameters, active: Rules) -> bytes:
            joined = (
                given.initialization_vector
                + given.ciphertext
                + given.authentication_tag
            )
            split = replace(
                given,
                initialization_vector=joined[:12],
                ciphertext=joined[12:-16],
                authentication_tag=joined[-16:],
            )
            return rules.open(key, split, active)

        return replace(rules, open=open_)

    return Effect(rules=change)


@fault("concatenates-aad-without-lengths", violates=("XKS-DEC-017",))
def _concatenates_aad_without_lengths() -> Effect:
    """Binds the AAD and ciphertextMetadata without their lengths."""
    return changed(authenticated_data=lambda aad, metadata: aad + metadata)


fault(
    "decrypt-ignores-algorithm",
    operation=Operation.DECRYPT,
    violates=("XKS-DEC-018",),
    summary="Decrypts for any encryptionAlgorithm.",
)(ignores_algorithm)
fault(
    "decrypt-accepts-sloppy-base64",
    operation=Operation.DECRYPT,
    violates=("XKS-DEC-019",),
    summary="Decrypt takes URL-safe and unpadded Base64, and white space in it.",
)(accepts_sloppy_base64)


# -- limits that are too small --------------------------------------------------------


@fault("ciphertext-limit-4096", operation=Operation.DECRYPT, violates=("XKS-DEC-004",))
def _ciphertext_limit_4096() -> Effect:
    """Decrypts at most 4096 bytes."""
    return unsupported_above(LIMIT, "ciphertext")


@fault("decrypt-aad-limit-4096", operation=Operation.DECRYPT, violates=("XKS-DEC-005",))
def _decrypt_aad_limit_4096() -> Effect:
    """Decrypt takes at most 4096 bytes of additionalAuthenticatedData."""
    return unsupported_above(LIMIT, "additional_authenticated_data")


@fault("aad-beyond-4096-bytes-ignored", violates=("XKS-DEC-005",))
def _aad_beyond_4096_bytes_ignored() -> Effect:
    """Binds the first 4096 bytes of additionalAuthenticatedData."""

    def change(rules: Rules) -> Rules:
        return replace(
            rules,
            authenticated_data=lambda aad, metadata: rules.authenticated_data(
                aad[:LIMIT], metadata
            ),
        )

    return Effect(rules=change)


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


@fault("decrypt-flips-a-bit", operation=Operation.DECRYPT, violates=_ROUND_TRIPS)
def _decrypt_flips_a_bit() -> Effect:
    """Returns the plaintext with its last bit flipped."""

    def change(rules: Rules) -> Rules:
        def open_(key: ExternalKey, given: DecryptParameters, active: Rules) -> bytes:
            plaintext = rules.open(key, given, active)
            return plaintext[:-1] + bytes(byte ^ 1 for byte in plaintext[-1:])

        return replace(rules, open=open_)

    return Effect(rules=change)


@fault(
    "decrypt-pads-plaintext",
    operation=Operation.DECRYPT,
    violates=("XKS-DEC-002", *_ROUND_TRIPS),
)
def _decrypt_pads_plaintext() -> Effect:
    """Pads the plaintext with zero bytes to a multiple of 16."""

    def change(rules: Rules) -> Rules:
        def open_(key: ExternalKey, given: DecryptParameters, active: Rules) -> bytes:
            plaintext = rules.open(key, given, active)
            return plaintext + bytes(16 - len(plaintext) % 16)

        return replace(rules, open=open_)

    return Effect(rules=change)


@fault(
    "decrypt-in-url-safe-base64", operation=Operation.DECRYPT, violates=("XKS-DEC-003",)
)
def _decrypt_in_url_safe_base64() -> Effect:
    """Writes the plaintext in URL-safe Base64."""
    return edited(url_safe)
