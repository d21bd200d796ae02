"""What faults make of ciphertexts: overlooked parts, disguises, other spellings.

A *forgiving* proxy overlooks one part of a ciphertext: it remembers what it sealed and
finds it again by the other parts. A proxy *in disguise* sends a ciphertext in another
shape and undoes that when it comes back, so that its own round trip works and only the
shape is wrong.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.patterns import anything_goes
from pytest_xks.proxy.rules import as_it_comes_back
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.messages import DecryptParameters
from pytest_xks.proxy_api.messages import check_lengths as check_lengths_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import (
        EncryptParameters,
        EncryptResult,
    )

__all__ = [
    "LIMIT",
    "MEMORY",
    "accepts_sloppy_base64",
    "all_but",
    "disguised",
    "forgives",
    "ignores_algorithm",
    "reading",
    "sends_and_takes",
    "unpadded",
    "unsupported_above",
    "url_safe",
]

_OF_ANY_SIZE = frozenset(
    {"additional_authenticated_data", "authentication_tag", "ciphertext_metadata"}
)
LIMIT = 4096
"""Bytes that a proxy with too small a limit takes; 4300 and 8192 are asked for."""
MEMORY = 10_000
"""How many ciphertexts a forgiving proxy remembers."""


def forgives(
    agree: Callable[[DecryptParameters, DecryptParameters], bool],
    *,
    any_tag_length: bool = False,
) -> Effects:
    """A proxy that decrypts what ``agree`` takes for something that the key sealed."""
    sealed: deque[tuple[ExternalKey, DecryptParameters]] = deque(maxlen=MEMORY)

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        result = proceed(key, parameters, rules)
        sealed.append((key, as_it_comes_back(parameters, result)))
        return result

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        parameters: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        try:
            return proceed(key, parameters, rules)
        except XksError:
            known = next(
                (
                    each
                    for owner, each in sealed
                    if owner is key and agree(each, parameters)
                ),
                None,
            )
            if known is None:
                raise
        return key.open_unverified(
            initialization_vector=parameters.initialization_vector,
            ciphertext=parameters.ciphertext,
            ciphertext_metadata=known.ciphertext_metadata,
        )

    def check_lengths(
        proceed: Callable[..., None], parameters: EncryptParameters | DecryptParameters
    ) -> None:
        if any_tag_length and isinstance(parameters, DecryptParameters):
            parameters = replace(parameters, authentication_tag=bytes(16))
        proceed(parameters)

    return (
        Replace("seal", seal),
        Replace("open", open_),
        Replace("check_lengths", check_lengths),
    )


def all_but(member: str) -> Callable[[DecryptParameters, DecryptParameters], bool]:
    """Whether two ciphertexts agree in everything but what one member says."""

    def agree(known: DecryptParameters, given: DecryptParameters) -> bool:
        old = getattr(known, member)
        same_size = member in _OF_ANY_SIZE or len(getattr(given, member)) == len(old)
        return same_size and replace(given, **{member: old}) == known

    return agree


def disguised(
    disguise: Callable[[EncryptResult], EncryptResult],
    reveal: Callable[[DecryptParameters], DecryptParameters],
) -> Effects:
    """A proxy that sends ciphertexts in another shape, and undoes it at Decrypt."""

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        return disguise(proceed(key, parameters, rules))

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        parameters: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        plain = reveal(parameters)
        check_lengths_of(plain)
        return proceed(key, plain, rules)

    return (
        Replace("seal", seal),
        Replace("open", open_),
        Replace("check_lengths", anything_goes),
    )


def reading(change: Callable[[dict[str, Any]], object]) -> Effect:
    """A proxy that changes a request's document before it reads the parameters."""

    def parse(
        proceed: Callable[..., EncryptParameters | DecryptParameters | None],
        document: dict[str, object],
        operation: Operation,
    ) -> EncryptParameters | DecryptParameters | None:
        copy = dict(document)
        change(copy)
        return proceed(copy, operation)

    return Replace("parse_parameters", parse)


def ignores_algorithm() -> Effect:
    """A proxy that reads every encryptionAlgorithm as AES_GCM."""
    return reading(lambda document: document.update(encryptionAlgorithm="AES_GCM"))


def unsupported_above(limit: int, member: str) -> Effect:
    """A proxy that supports one member up to ``limit`` bytes only."""

    def check(
        proceed: Callable[..., None], parameters: EncryptParameters | DecryptParameters
    ) -> None:
        proceed(parameters)
        if len(getattr(parameters, member)) > limit:
            raise XksError(ErrorName.UNSUPPORTED_OPERATION)

    return Replace("check_sizes", check)


_MEMBERS_IN_BASE64 = (
    "plaintext",
    "ciphertext",
    "ciphertextMetadata",
    "initializationVector",
    "authenticationTag",
    "additionalAuthenticatedData",
)


def _strict(text: object) -> object:
    """Standard Base64 for what only resembles it; anything else as it is."""
    if not isinstance(text, str):
        return text
    plain = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    return plain + "=" * (-len(plain) % 4)


def accepts_sloppy_base64() -> Effect:
    """A proxy that reads URL-safe and unpadded Base64, and white space in it."""

    def change(document: dict[str, Any]) -> None:
        for member in _MEMBERS_IN_BASE64:
            if member in document:
                document[member] = _strict(document[member])

    return reading(change)


_CDIV = "ciphertextDataIntegrityValue"


def url_safe(document: dict[str, Any]) -> None:
    """Spell the Base64 texts of a document in the URL-safe alphabet; not the CDIV."""
    for member, value in document.items():
        if isinstance(value, str) and member != _CDIV:
            document[member] = value.translate(str.maketrans("+/", "-_"))


def unpadded(document: dict[str, Any]) -> None:
    """Spell the Base64 texts of a document without padding; not the CDIV."""
    for member, value in document.items():
        if isinstance(value, str) and member != _CDIV:
            document[member] = value.rstrip("=")


def sends_and_takes(edit: Callable[[dict[str, Any]], None]) -> Effects:
    """Another spelling of Base64, sent by Encrypt and taken by Decrypt."""
    return Edit(edit), accepts_sloppy_base64()
