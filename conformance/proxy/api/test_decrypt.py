"""Chapter "Decrypt": good requests, and members that are missing or malformed.

What happens to altered ciphertexts is in ``test_altered_ciphertext``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, Body, ProxyOperation, flip
from ..client.expect import (
    SERVED,
    base64_of,
    control,
    error,
    expect,
    plaintext_is,
    success,
    violated,
)
from ..client.scenarios import invalid, invalid_ciphertext
from .test_encrypt import NOT_BASE64, OTHER_ALGORITHMS, WRONG_TYPES

if TYPE_CHECKING:
    from ..client.expect import Outcome
    from ..client.proxy_client import ProxyClient

_REQUIRED = ("ciphertext", "initializationVector", "authenticationTag")


def _malformed(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """A part of the ciphertext that is missing or malformed; both readings."""
    return (*invalid(proxy), *invalid_ciphertext(proxy))


@pytest.mark.requirement("XKS-DEC-001")
@pytest.mark.parametrize(
    "plaintext",
    [
        pytest.param(b"\x00", id="one-zero-byte"),
        pytest.param(PLAINTEXT, id="a-data-key"),
        pytest.param(bytes(range(256)), id="every-byte"),
        pytest.param(b"\xff" * 1000, id="1000-bytes"),
    ],
)
@pytest.mark.parametrize(
    "aad",
    [
        pytest.param(None, id="without-aad"),
        pytest.param(AAD, id="with-aad"),
        pytest.param(bytes(range(256)), id="with-binary-aad"),
    ],
)
def test_round_trip(proxy: ProxyClient, plaintext: bytes, aad: bytes | None) -> None:
    """What Encrypt returned decrypts to what it was given."""
    sealed = proxy.seal(plaintext, aad=aad)
    plaintext_is(proxy.decrypt(sealed), plaintext)


@pytest.mark.requirement("XKS-DEC-001")
def test_decrypts_more_than_once(proxy: ProxyClient) -> None:
    """A ciphertext decrypts as often as it is asked for, on any connection."""
    sealed = proxy.seal()
    for _ in range(3):
        plaintext_is(proxy.decrypt(sealed), PLAINTEXT)
    with proxy.connect() as connection:
        request = proxy.request(ProxyOperation.DECRYPT, sealed.body())
        plaintext_is(proxy.send(request, connection=connection), PLAINTEXT)


@pytest.mark.requirement("XKS-DEC-002")
@pytest.mark.parametrize("size", [1, 15, 16, 17])
def test_plaintext_is_as_long_as_ciphertext(proxy: ProxyClient, size: int) -> None:
    """Decrypt neither pads nor cuts."""
    sealed = proxy.seal(b"\x00" * size)
    answer = proxy.decrypt(sealed)
    success(answer)
    found = len(base64_of(answer, "plaintext"))
    if found != len(sealed.ciphertext):
        violated(
            answer,
            f"{len(sealed.ciphertext)} bytes, like the ciphertext",
            f"{found} bytes",
        )


@pytest.mark.requirement("XKS-DEC-003")
@pytest.mark.parametrize(
    "plaintext",
    [
        pytest.param(b"\xfb\xff\xfe" * 4, id="plus-and-slash"),
        pytest.param(b"\xfb\xff\xfe\xff", id="with-padding"),
    ],
)
def test_plaintext_is_standard_base64(proxy: ProxyClient, plaintext: bytes) -> None:
    """The plaintext is padded Base64 of the standard alphabet."""
    answer = proxy.decrypt(proxy.seal(plaintext))
    control(answer)
    base64_of(answer, "plaintext")


@pytest.mark.requirement("XKS-DEC-004")
def test_4300_bytes_are_decrypted(proxy: ProxyClient) -> None:
    """A ciphertext of 4300 bytes is decrypted."""
    plaintext = os.urandom(4300)
    plaintext_is(proxy.decrypt(proxy.seal(plaintext)), plaintext)


@pytest.mark.requirement("XKS-DEC-005")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    sealed = proxy.seal(aad=os.urandom(8192))
    plaintext_is(proxy.decrypt(sealed), PLAINTEXT)


@pytest.mark.requirement("XKS-DEC-005")
@pytest.mark.parametrize("position", [0, 4095, 4096, 8191])
def test_every_byte_of_a_long_aad_counts(proxy: ProxyClient, position: int) -> None:
    """A change at any place of 8192 bytes is noticed."""
    aad = os.urandom(8192)
    sealed = proxy.opened(proxy.seal(aad=aad))
    answer = proxy.decrypt(sealed.altered(aad=flip(aad, position)))
    expect(answer, *invalid_ciphertext(proxy))


@pytest.mark.requirement("XKS-DEC-006")
@pytest.mark.parametrize("member", _REQUIRED)
def test_missing_member(proxy: ProxyClient, member: str) -> None:
    """A Decrypt without one of its REQUIRED members is an error.

    Both readings are accepted: an invalid parameter, and a part of the ciphertext that
    is "missing" (InvalidCiphertextException).
    """
    body = _good(proxy)
    del body[member]
    answer = proxy.call(ProxyOperation.DECRYPT, body, label=f"probe: no {member}")
    expect(answer, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-007")
@pytest.mark.parametrize(
    "member", [*_REQUIRED, "ciphertextMetadata", "additionalAuthenticatedData"]
)
@pytest.mark.parametrize("value", [*WRONG_TYPES, *NOT_BASE64])
def test_malformed_member(proxy: ProxyClient, member: str, value: object) -> None:
    """A member of Decrypt that is no Base64 string is an error.

    ValidationException and InvalidCiphertextException are accepted.
    """
    body = _good(proxy)
    body[member] = value
    answer = proxy.call(ProxyOperation.DECRYPT, body, label=f"probe: {member} altered")
    expect(answer, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-007")
@pytest.mark.parametrize("member", _REQUIRED)
def test_null_for_a_required_member(proxy: ProxyClient, member: str) -> None:
    """The value null for a REQUIRED member is an error."""
    body = _good(proxy)
    body[member] = None
    answer = proxy.call(ProxyOperation.DECRYPT, body, label=f"probe: {member} is null")
    expect(answer, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-007")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is an error: both are accepted."""
    sealed = proxy.opened(proxy.seal(aad=None))
    body = sealed.body() | {"additionalAuthenticatedData": None}
    answer = proxy.call(ProxyOperation.DECRYPT, body, label="probe: null")
    expect(answer, SERVED, *_malformed(proxy))
    if answer.status == 200:
        plaintext_is(answer, sealed.plaintext)


@pytest.mark.requirement("XKS-DEC-018")
def test_missing_algorithm(proxy: ProxyClient) -> None:
    """A Decrypt without encryptionAlgorithm is a ValidationException."""
    body = _good(proxy)
    del body["encryptionAlgorithm"]
    answer = proxy.call(ProxyOperation.DECRYPT, body, label="probe: no algorithm")
    expect(answer, *invalid(proxy))


@pytest.mark.requirement("XKS-DEC-018")
@pytest.mark.parametrize("value", [pytest.param(None, id="null"), *WRONG_TYPES])
def test_malformed_algorithm(proxy: ProxyClient, value: object) -> None:
    """An encryptionAlgorithm that is no string is a ValidationException."""
    body = _good(proxy)
    body["encryptionAlgorithm"] = value
    answer = proxy.call(ProxyOperation.DECRYPT, body, label="probe: algorithm altered")
    expect(answer, *invalid(proxy))


@pytest.mark.requirement("XKS-DEC-018")
@pytest.mark.parametrize("algorithm", OTHER_ALGORITHMS)
def test_other_algorithm(proxy: ProxyClient, algorithm: str) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    body = _good(proxy)
    body["encryptionAlgorithm"] = algorithm
    answer = proxy.call(ProxyOperation.DECRYPT, body, label=f"probe: {algorithm!r}")
    expect(answer, error("UnsupportedOperationException"), *invalid(proxy))


def _good(proxy: ProxyClient) -> Body:
    """A body that has just been shown to be served."""
    return proxy.opened(proxy.seal()).body()


@pytest.mark.requirement("XKS-DEC-019")
def test_url_safe_base64(proxy: ProxyClient) -> None:
    """A ciphertext in the URL-safe alphabet is refused and not guessed at.

    It is long enough for the characters in which the alphabets differ to occur.
    """
    body = proxy.opened(proxy.seal(os.urandom(1024))).body()
    body["ciphertext"] = str(body["ciphertext"]).translate(str.maketrans("+/", "-_"))
    answer = proxy.call(
        ProxyOperation.DECRYPT, body, label="probe: URL-safe ciphertext"
    )
    expect(answer, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-019")
@pytest.mark.parametrize("member", ["initializationVector", "authenticationTag"])
@pytest.mark.parametrize(
    "filler", [pytest.param(" ", id="space"), pytest.param("\n", id="line-break")]
)
def test_white_space_in_base64(proxy: ProxyClient, member: str, filler: str) -> None:
    """White space in Base64 is refused and not skipped."""
    body = _good(proxy)
    text = str(body[member])
    body[member] = f"{text[:4]}{filler}{text[4:]}"
    answer = proxy.call(ProxyOperation.DECRYPT, body, label=f"probe: {member}")
    expect(answer, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-019")
def test_base64_without_padding(proxy: ProxyClient) -> None:
    """A tag without its padding is refused and not completed."""
    body = _good(proxy)
    body["authenticationTag"] = str(body["authenticationTag"]).rstrip("=")
    answer = proxy.call(ProxyOperation.DECRYPT, body, label="probe: no padding")
    expect(answer, *_malformed(proxy))
