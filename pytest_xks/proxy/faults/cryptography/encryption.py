"""Faults of Encrypt: what it overlooks, what it does not take, what it sends."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.catalogue import Effect, changed, edited, fault
from pytest_xks.proxy.faults.cryptography.ciphertexts import (
    LIMIT,
    MEMORY,
    accepts_sloppy_base64,
    disguised,
    ignores_algorithm,
    sends_and_takes,
    unpadded,
    unsupported_above,
    url_safe,
)
from pytest_xks.proxy.faults.patterns import fails_internally
from pytest_xks.proxy.rules import as_it_comes_back
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.messages import (
    DecryptParameters,
    EncryptParameters,
    EncryptResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules


# -- what Encrypt overlooks -----------------------------------------------------------


fault(
    "encrypt-ignores-algorithm",
    operation=Operation.ENCRYPT,
    violates=("XKS-ENC-011",),
    summary="Encrypts for any encryptionAlgorithm.",
)(ignores_algorithm)
fault(
    "encrypt-accepts-sloppy-base64",
    operation=Operation.ENCRYPT,
    violates=("XKS-ENC-018",),
    summary="Encrypt takes URL-safe and unpadded Base64, and white space in it.",
)(accepts_sloppy_base64)


def _reads_at_second_try(**members: object) -> Effect:
    """A proxy that replaces members of what it cannot read, and tries again."""

    def wrap(rules: Rules) -> Rules:
        def parse(
            document: dict[str, object], operation: Operation
        ) -> EncryptParameters | DecryptParameters | None:
            try:
                return rules.parse_parameters(document, operation)
            except XksError:
                return rules.parse_parameters({**document, **members}, operation)

        return replace(rules, parse_parameters=parse)

    return Effect(rules=wrap)


@fault(
    "encrypt-ignores-malformed-aad",
    operation=Operation.ENCRYPT,
    violates=("XKS-ENC-012",),
)
def _encrypt_ignores_malformed_aad() -> Effect:
    """Takes malformed additionalAuthenticatedData for absent."""
    return _reads_at_second_try(additionalAuthenticatedData=None)


@fault(
    "missing-plaintext-as-empty", operation=Operation.ENCRYPT, violates=("XKS-ENC-010",)
)
def _missing_plaintext_as_empty() -> Effect:
    """Takes a missing or malformed plaintext for an empty one."""
    return _reads_at_second_try(plaintext="")


# -- limits that are too small --------------------------------------------------------


@fault("plaintext-limit-4096", operation=Operation.ENCRYPT, violates=("XKS-ENC-008",))
def _plaintext_limit_4096() -> Effect:
    """Encrypts at most 4096 bytes."""
    return unsupported_above(LIMIT, "plaintext")


@fault("encrypt-aad-limit-4096", operation=Operation.ENCRYPT, violates=("XKS-ENC-009",))
def _encrypt_aad_limit_4096() -> Effect:
    """Encrypt takes at most 4096 bytes of additionalAuthenticatedData."""
    return unsupported_above(LIMIT, "additional_authenticated_data")


@fault("oversize-as-500", violates=("XKS-ENC-014",))
def _oversize_as_500() -> Effect:
    """Fails internally above the sizes that it has to support."""

    def check(parameters: EncryptParameters | DecryptParameters) -> None:
        text = getattr(parameters, "plaintext", b"") or getattr(
            parameters, "ciphertext", b""
        )
        if len(text) > 4300 or len(parameters.additional_authenticated_data) > 8192:
            fails_internally()

    return changed(check_sizes=check)


@fault("empty-plaintext-as-500", operation=Operation.ENCRYPT, violates=("XKS-ENC-013",))
def _empty_plaintext_as_500() -> Effect:
    """Fails internally when the plaintext is empty."""

    def check(parameters: EncryptParameters) -> None:
        if not parameters.plaintext:
            fails_internally()

    return changed(check_sizes=check)


# -- what Encrypt sends ---------------------------------------------------------------


# Whatever compares the lengths of plaintext and ciphertext, or alters the last byte.
_LENGTHS = (
    "XKS-DEC-002",
    "XKS-DEC-011",
    "XKS-ENC-003",
    "XKS-ENC-008",
    "XKS-ENC-013",
    "XKS-ENC-014",
)


@fault("pads-ciphertext", violates=_LENGTHS)
def _pads_ciphertext() -> Effect:
    """Appends a zero byte to the ciphertext, and takes it off at Decrypt."""
    return disguised(
        lambda result: replace(result, ciphertext=result.ciphertext + b"\0"),
        lambda given: replace(given, ciphertext=given.ciphertext[:-1]),
    )


@fault("appends-tag-to-ciphertext", violates=("XKS-ENC-004", *_LENGTHS))
def _appends_tag_to_ciphertext() -> Effect:
    """Leaves the tag at the end of the ciphertext as well."""
    return disguised(
        lambda result: replace(
            result, ciphertext=result.ciphertext + result.authentication_tag
        ),
        lambda given: replace(given, ciphertext=given.ciphertext[:-16]),
    )


# What it sends it takes back, though no other proxy may.
@fault("initialization-vector-of-13-bytes", violates=("XKS-DEC-008", "XKS-ENC-005"))
def _initialization_vector_of_13_bytes() -> Effect:
    """Sends initialization vectors of 13 bytes, and takes them at Decrypt."""
    return disguised(
        lambda result: replace(
            result, initialization_vector=result.initialization_vector + b"\x0d"
        ),
        _without_last_byte_of_vector,
    )


def _without_last_byte_of_vector(given: DecryptParameters) -> DecryptParameters:
    vector = given.initialization_vector
    if len(vector) != 13 or vector[-1] != 13:
        raise XksError(ErrorName.INVALID_CIPHERTEXT)
    return replace(given, initialization_vector=vector[:-1])


@fault("tag-of-12-bytes", violates=("XKS-DEC-009", "XKS-DEC-016", "XKS-ENC-006"))
def _tag_of_12_bytes() -> Effect:
    """Sends the first 12 bytes of the tag, and takes them at Decrypt."""
    whole: dict[bytes, bytes] = {}

    def disguise(result: EncryptResult) -> EncryptResult:
        short = result.authentication_tag[:12]
        whole[short] = result.authentication_tag
        return replace(result, authentication_tag=short)

    def reveal(given: DecryptParameters) -> DecryptParameters:
        tag = given.authentication_tag
        if len(tag) != 12:
            raise XksError(ErrorName.INVALID_CIPHERTEXT)
        return replace(given, authentication_tag=whole.get(tag, bytes(16)))

    return disguised(disguise, reveal)


_PADDING = b"-with-a-long-tail"


@fault("oversized-ciphertext-metadata", violates=("XKS-ENC-007",))
def _oversized_ciphertext_metadata() -> Effect:
    """Sends more than 20 bytes of ciphertextMetadata, and takes them at Decrypt."""

    def reveal(given: DecryptParameters) -> DecryptParameters:
        metadata = given.ciphertext_metadata
        if not metadata.endswith(_PADDING):
            raise XksError(ErrorName.INVALID_CIPHERTEXT)
        return replace(given, ciphertext_metadata=metadata[: -len(_PADDING)])

    return disguised(
        lambda result: replace(
            result, ciphertext_metadata=(result.ciphertext_metadata or b"") + _PADDING
        ),
        reveal,
    )


@fault("does-not-encrypt", violates=("XKS-ENC-015",))
def _does_not_encrypt() -> Effect:
    """Sends the plaintext as ciphertext, under a good tag."""
    sent: deque[tuple[ExternalKey, DecryptParameters]] = deque(maxlen=MEMORY)

    def change(rules: Rules) -> Rules:
        def seal(
            key: ExternalKey, parameters: EncryptParameters, active: Rules
        ) -> EncryptResult:
            result = replace(
                rules.seal(key, parameters, active), ciphertext=parameters.plaintext
            )
            sent.append((key, as_it_comes_back(parameters, result)))
            return result

        def open_(key: ExternalKey, given: DecryptParameters, _active: Rules) -> bytes:
            if (key, given) in sent:
                return given.ciphertext
            raise XksError(ErrorName.INVALID_CIPHERTEXT)

        return replace(rules, seal=seal, open=open_)

    return Effect(rules=change)


def _seals_with(next_vector: Callable[[], bytes]) -> Effect:
    def change(rules: Rules) -> Rules:
        def seal(
            key: ExternalKey, parameters: EncryptParameters, active: Rules
        ) -> EncryptResult:
            metadata = key.ciphertext_metadata
            vector, ciphertext, tag = key.seal(
                parameters.plaintext,
                active.authenticated_data(
                    parameters.additional_authenticated_data, metadata or b""
                ),
                initialization_vector=next_vector(),
            )
            return EncryptResult(
                ciphertext=ciphertext,
                ciphertext_metadata=metadata,
                initialization_vector=vector,
                authentication_tag=tag,
            )

        return replace(rules, seal=seal)

    return Effect(rules=change)


@fault("repeats-initialization-vector", violates=("XKS-ENC-016",))
def _repeats_initialization_vector() -> Effect:
    """Uses one initialization vector for everything."""
    vector = os.urandom(12)
    return _seals_with(lambda: vector)


@fault("repeats-every-tenth-vector", violates=("XKS-ENC-016",))
def _repeats_every_tenth_vector() -> Effect:
    """Uses one initialization vector for every tenth encryption."""
    vector, numbers = os.urandom(12), count(1)
    return _seals_with(lambda: os.urandom(12) if next(numbers) % 10 else vector)


@fault("empty-aad-differs-from-absent", violates=("XKS-ENC-017",))
def _empty_aad_differs_from_absent() -> Effect:
    """Binds empty additionalAuthenticatedData in another way than absent ones."""
    marker = b"\0empty"

    def change(rules: Rules) -> Rules:
        def parse(
            document: dict[str, object], operation: Operation
        ) -> EncryptParameters | DecryptParameters | None:
            parameters = rules.parse_parameters(document, operation)
            if parameters and document.get("additionalAuthenticatedData") == "":
                return replace(parameters, additional_authenticated_data=marker)
            return parameters

        def cdiv(**parts: bytes) -> bytes:
            if parts["additional_authenticated_data"] == marker:
                parts["additional_authenticated_data"] = b""
            return rules.cdiv(**parts)

        return replace(rules, parse_parameters=parse, cdiv=cdiv)

    return Effect(rules=change)


_IN_ANOTHER_SPELLING = ("XKS-DEC-019", "XKS-ENC-002", "XKS-ENC-018")


@fault("encrypt-in-url-safe-base64", violates=_IN_ANOTHER_SPELLING)
def _encrypt_in_url_safe_base64() -> Effect:
    """Writes the parts of a ciphertext in URL-safe Base64, and reads them so."""
    return sends_and_takes(
        lambda document: url_safe(document) if "ciphertext" in document else None
    )


@fault("encrypt-without-padding", violates=_IN_ANOTHER_SPELLING)
def _encrypt_without_padding() -> Effect:
    """Writes the parts of a ciphertext without padding, and reads them so."""
    return sends_and_takes(
        lambda document: unpadded(document) if "ciphertext" in document else None
    )


@fault(
    "encrypt-without-tag",
    operation=Operation.ENCRYPT,
    violates=(
        "XKS-CDIV-002",
        "XKS-CDIV-003",
        "XKS-ENC-001",
        "XKS-ENC-002",
        "XKS-ENC-006",
    ),
)
def _encrypt_without_tag() -> Effect:
    """Leaves authenticationTag out of Encrypt's response."""
    return edited(lambda document: document.pop("authenticationTag", None))
