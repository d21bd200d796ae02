"""Faults of Encrypt: what it overlooks, what it does not take, what it sends."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
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
from pytest_xks.proxy.faults.patterns import fails_internally, instead
from pytest_xks.proxy.rules import as_it_comes_back
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
    )


# -- what Encrypt overlooks -----------------------------------------------------------


row(
    "encrypt-ignores-algorithm",
    "Encrypts for any encryptionAlgorithm.",
    ignores_algorithm,
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-011",),
)
row(
    "encrypt-accepts-sloppy-base64",
    "Encrypt takes URL-safe and unpadded Base64, and white space in it.",
    accepts_sloppy_base64,
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-018",),
)


def _reads_at_second_try(**members: object) -> Effects:
    """A proxy that replaces members of what it cannot read, and tries again."""

    def parse(
        proceed: Callable[..., EncryptParameters | DecryptParameters | None],
        document: dict[str, object],
        operation: Operation,
    ) -> EncryptParameters | DecryptParameters | None:
        try:
            return proceed(document, operation)
        except XksError:
            return proceed({**document, **members}, operation)

    return Replace("parse_parameters", parse)


row(
    "encrypt-ignores-malformed-aad",
    "Takes malformed additionalAuthenticatedData for absent.",
    _reads_at_second_try(additionalAuthenticatedData=None),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-012",),
)
row(
    "missing-plaintext-as-empty",
    "Takes a missing or malformed plaintext for an empty one.",
    _reads_at_second_try(plaintext=""),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-010",),
)


# -- limits that are too small --------------------------------------------------------


row(
    "plaintext-limit-4096",
    "Encrypts at most 4096 bytes.",
    unsupported_above(LIMIT, "plaintext"),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-008",),
)
row(
    "encrypt-aad-limit-4096",
    "Encrypt takes at most 4096 bytes of additionalAuthenticatedData.",
    unsupported_above(LIMIT, "additional_authenticated_data"),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-009",),
)


@fault(violates=("XKS-DEC-023", "XKS-ENC-014"))
def oversize_as_500() -> Effects:
    """Fails internally above the sizes that it has to support."""

    def check(parameters: EncryptParameters | DecryptParameters) -> None:
        text = getattr(parameters, "plaintext", b"") or getattr(
            parameters, "ciphertext", b""
        )
        if len(text) > 4300 or len(parameters.additional_authenticated_data) > 8192:
            fails_internally()

    return instead("check_sizes", check)


@fault(operations=(Operation.ENCRYPT,), violates=("XKS-ENC-013",))
def empty_plaintext_as_500() -> Effects:
    """Fails internally when the plaintext is empty."""

    def check(proceed: Callable[..., None], parameters: EncryptParameters) -> None:
        if not parameters.plaintext:
            fails_internally()
        proceed(parameters)

    return Replace("check_sizes", check)


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
row(
    "pads-ciphertext",
    "Appends a zero byte to the ciphertext, and takes it off at Decrypt.",
    disguised(
        lambda result: replace(result, ciphertext=result.ciphertext + b"\0"),
        lambda given: replace(given, ciphertext=given.ciphertext[:-1]),
    ),
    violates=_LENGTHS,
)
row(
    "appends-tag-to-ciphertext",
    "Leaves the tag at the end of the ciphertext as well.",
    disguised(
        lambda result: replace(
            result, ciphertext=result.ciphertext + result.authentication_tag
        ),
        lambda given: replace(given, ciphertext=given.ciphertext[:-16]),
    ),
    violates=("XKS-ENC-004", *_LENGTHS),
)


def _without_last_byte_of_vector(given: DecryptParameters) -> DecryptParameters:
    vector = given.initialization_vector
    if len(vector) != 13 or vector[-1] != 13:
        raise XksError(ErrorName.INVALID_CIPHERTEXT)
    return replace(given, initialization_vector=vector[:-1])


# What it sends it takes back, though no other proxy may.
row(
    "initialization-vector-of-13-bytes",
    "Sends initialization vectors of 13 bytes, and takes them at Decrypt.",
    disguised(
        lambda result: replace(
            result, initialization_vector=result.initialization_vector + b"\x0d"
        ),
        _without_last_byte_of_vector,
    ),
    violates=("XKS-DEC-008", "XKS-ENC-005"),
)


@fault(violates=("XKS-DEC-009", "XKS-DEC-016", "XKS-ENC-006"))
def tag_of_12_bytes() -> Effects:
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


@fault(violates=("XKS-ENC-007",))
def oversized_ciphertext_metadata() -> Effects:
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


@fault(violates=("XKS-ENC-015",))
def does_not_encrypt() -> Effects:
    """Sends the plaintext as ciphertext, under a good tag."""
    sent: deque[tuple[ExternalKey, DecryptParameters]] = deque(maxlen=MEMORY)

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        result = replace(
            proceed(key, parameters, rules), ciphertext=parameters.plaintext
        )
        sent.append((key, as_it_comes_back(parameters, result)))
        return result

    def open_(
        _proceed: object,
        key: ExternalKey,
        given: DecryptParameters,
        _rules: Rules,
    ) -> bytes:
        if (key, given) in sent:
            return given.ciphertext
        raise XksError(ErrorName.INVALID_CIPHERTEXT)

    return (Replace("seal", seal), Replace("open", open_))


@fault(violates=("XKS-ENC-017",))
def empty_aad_differs_from_absent() -> Effects:
    """Binds empty additionalAuthenticatedData in another way than absent ones."""
    marker = b"\0empty"

    def parse(
        proceed: Callable[..., EncryptParameters | DecryptParameters | None],
        document: dict[str, object],
        operation: Operation,
    ) -> EncryptParameters | DecryptParameters | None:
        parameters = proceed(document, operation)
        if parameters and document.get("additionalAuthenticatedData") == "":
            return replace(parameters, additional_authenticated_data=marker)
        return parameters

    def cdiv(proceed: Callable[..., bytes], **parts: bytes) -> bytes:
        if parts["additional_authenticated_data"] == marker:
            parts["additional_authenticated_data"] = b""
        return proceed(**parts)

    return (Replace("parse_parameters", parse), Replace("cdiv", cdiv))


_IN_ANOTHER_SPELLING = ("XKS-DEC-019", "XKS-ENC-002", "XKS-ENC-018")
row(
    "encrypt-in-url-safe-base64",
    "Writes the parts of a ciphertext in URL-safe Base64, and reads them so.",
    sends_and_takes(
        lambda document: url_safe(document) if "ciphertext" in document else None
    ),
    violates=_IN_ANOTHER_SPELLING,
)
row(
    "encrypt-without-padding",
    "Writes the parts of a ciphertext without padding, and reads them so.",
    sends_and_takes(
        lambda document: unpadded(document) if "ciphertext" in document else None
    ),
    violates=_IN_ANOTHER_SPELLING,
)
row(
    "encrypt-without-tag",
    "Leaves authenticationTag out of Encrypt's response.",
    Edit(lambda document: document.pop("authenticationTag", None)),
    operations=(Operation.ENCRYPT,),
    violates=("XKS-ENC-001",),
)
