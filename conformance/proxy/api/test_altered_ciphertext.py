"""Chapter "Decrypt": nothing that was altered decrypts.

Every probe takes a ciphertext that has just been shown to decrypt and alters one part
of it. That the refusal is a 400 InvalidCiphertextException is for XKS-ERR-005; the
checks here accept that, and whatever this proxy answers to any corrupted ciphertext.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    Sealed,
    flip,
)
from ..client.expect import (
    error,
    expect,
)
from ..client.proxy_client import AAD, PLAINTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..client.answer import ProxyAnswer
    from ..client.expect import Outcome
    from ..client.proxy_client import ProxyClient

_FORGED = "What was altered decrypts all the same: an attacker can alter it too."


def _good(proxy: ProxyClient, *, aad: bytes | None = AAD) -> Sealed:
    """Something sealed that has been shown to decrypt as it is."""
    return proxy.opened(proxy.seal(aad=aad))


def _expect_corrupted(proxy: ProxyClient, sealed: Sealed, label: str) -> None:
    """What was altered is refused as a corrupted ciphertext."""
    answer = proxy.decrypt(sealed, label=f"probe: {label}")
    expect(answer, *proxy.invalid_ciphertext(), note=_note(answer))


def _expect_malformed(proxy: ProxyClient, sealed: Sealed, label: str) -> None:
    """What was altered is refused, as corrupted or as an invalid parameter."""
    answer = proxy.decrypt(sealed, label=f"probe: {label}")
    accepted: tuple[Outcome, ...] = (*proxy.invalid_ciphertext(), *proxy.invalid())
    expect(answer, *accepted, note=_note(answer))


def _note(answer: ProxyAnswer) -> str:
    return _FORGED if answer.status == 200 else ""


@pytest.mark.requirement("XKS-DEC-008")
@pytest.mark.parametrize("length", [0, 8, 11, 13, 15, 17, 32])
def test_length_of_the_initialization_vector(proxy: ProxyClient, length: int) -> None:
    """An initialization vector with neither 12 nor 16 bytes is refused.

    ValidationException and InvalidCiphertextException are accepted.
    """
    sealed = _good(proxy)
    vector = (sealed.initialization_vector + bytes(length))[:length]
    altered = sealed.altered(initialization_vector=vector)
    _expect_malformed(proxy, altered, f"a vector of {length} bytes")


@pytest.mark.requirement("XKS-DEC-008")
def test_initialization_vector_of_the_other_length(proxy: ProxyClient) -> None:
    """The vector that Encrypt returned, cut or filled to the other legal length."""
    sealed = _good(proxy)
    length = 16 if len(sealed.initialization_vector) == 12 else 12
    vector = (sealed.initialization_vector + bytes(length))[:length]
    altered = sealed.altered(initialization_vector=vector)
    _expect_malformed(proxy, altered, f"the vector with {length} bytes")


@pytest.mark.requirement("XKS-DEC-009")
@pytest.mark.parametrize("length", [0, 1, 4, 8, 12, 13, 15, 17, 32])
def test_length_of_the_tag(proxy: ProxyClient, length: int) -> None:
    """A tag without exactly 16 bytes is refused, also if what is there is right.

    ValidationException and InvalidCiphertextException are accepted.
    """
    sealed = _good(proxy)
    tag = (sealed.authentication_tag + bytes(length))[:length]
    altered = sealed.altered(authentication_tag=tag)
    _expect_malformed(proxy, altered, f"a tag of {length} bytes")


@pytest.mark.requirement("XKS-DEC-010")
@pytest.mark.parametrize("length", [21, 64])
def test_length_of_the_metadata(proxy: ProxyClient, length: int) -> None:
    """A ciphertextMetadata of more than 20 bytes is refused.

    ValidationException and InvalidCiphertextException are accepted.
    """
    sealed = _good(proxy)
    metadata = (sealed.ciphertext_metadata + bytes(length))[:length]
    altered = sealed.altered(ciphertext_metadata=metadata)
    _expect_malformed(proxy, altered, f"{length} bytes of ciphertextMetadata")


@pytest.mark.requirement("XKS-DEC-011")
@pytest.mark.parametrize("position", [0, 15, 16, 31])
@pytest.mark.parametrize("bit", [0, 7])
def test_changed_ciphertext(proxy: ProxyClient, position: int, bit: int) -> None:
    """A ciphertext with one bit changed does not decrypt."""
    sealed = _good(proxy)
    altered = sealed.altered(ciphertext=flip(sealed.ciphertext, position, bit=bit))
    _expect_corrupted(proxy, altered, f"bit {bit} of byte {position} of the ciphertext")


@pytest.mark.requirement("XKS-DEC-011")
@pytest.mark.parametrize("length", [1, 31, 33, 48])
def test_ciphertext_of_another_length(proxy: ProxyClient, length: int) -> None:
    """A ciphertext that was shortened or lengthened does not decrypt."""
    sealed = _good(proxy)
    ciphertext = (sealed.ciphertext + bytes(length))[:length]
    altered = sealed.altered(ciphertext=ciphertext)
    _expect_corrupted(proxy, altered, f"{length} bytes of ciphertext, not 32")


@pytest.mark.requirement("XKS-DEC-011")
def test_empty_ciphertext(proxy: ProxyClient) -> None:
    """An empty ciphertext in the place of another one does not decrypt.

    It may count as missing: ValidationException is accepted too.
    """
    sealed = _good(proxy)
    _expect_malformed(proxy, sealed.altered(ciphertext=b""), "an empty ciphertext")


@pytest.mark.requirement("XKS-DEC-012")
def test_changed_initialization_vector(proxy: ProxyClient) -> None:
    """An initialization vector with one bit changed, in any byte, does not decrypt."""
    sealed = _good(proxy)
    vector = sealed.initialization_vector
    for position in range(len(vector)):
        altered = sealed.altered(initialization_vector=flip(vector, position))
        _expect_corrupted(proxy, altered, f"byte {position} of the vector")


@pytest.mark.requirement("XKS-DEC-012")
def test_initialization_vector_of_another(proxy: ProxyClient) -> None:
    """The initialization vector of another ciphertext does not decrypt this one."""
    sealed, other = _good(proxy), proxy.seal()
    altered = sealed.altered(initialization_vector=other.initialization_vector)
    if altered == sealed:
        raise NotTestable("Two vectors are the same (see XKS-ENC-016).")
    _expect_corrupted(proxy, altered, "the vector of another ciphertext")


@pytest.mark.requirement("XKS-DEC-013")
def test_changed_tag(proxy: ProxyClient) -> None:
    """A tag with one bit changed, in any byte, does not decrypt."""
    sealed = _good(proxy)
    tag = sealed.authentication_tag
    for position in range(len(tag)):
        altered = sealed.altered(authentication_tag=flip(tag, position))
        _expect_corrupted(proxy, altered, f"byte {position} of the tag")


@pytest.mark.requirement("XKS-DEC-013")
def test_tag_of_another(proxy: ProxyClient) -> None:
    """The tag of another ciphertext does not decrypt this one."""
    sealed, other = _good(proxy), proxy.seal(PLAINTEXT[::-1])
    altered = sealed.altered(authentication_tag=other.authentication_tag)
    _expect_corrupted(proxy, altered, "the tag of another ciphertext")


@pytest.mark.requirement("XKS-DEC-013")
def test_tag_of_zeros(proxy: ProxyClient) -> None:
    """Sixteen zero bytes are no tag."""
    altered = _good(proxy).altered(authentication_tag=bytes(16))
    _expect_corrupted(proxy, altered, "a tag of zeros")


@pytest.mark.requirement("XKS-DEC-014")
@pytest.mark.parametrize(
    ("sealed_with", "opened_with"),
    [
        pytest.param(AAD, flip(AAD, 0), id="first-byte"),
        pytest.param(AAD, flip(AAD, 16), id="middle-byte"),
        pytest.param(AAD, flip(AAD, -1), id="last-byte"),
        pytest.param(AAD, AAD[:-1], id="one-byte-less"),
        pytest.param(AAD, AAD + b"\x00", id="one-byte-more"),
        pytest.param(AAD, b"", id="empty"),
        pytest.param(AAD, None, id="absent"),
        pytest.param(None, AAD, id="added"),
        pytest.param(b"\x00", b"\x00\x00", id="another-number-of-zeros"),
        pytest.param(None, b"\x00", id="a-zero-byte-added"),
    ],
)
def test_changed_aad(
    proxy: ProxyClient, sealed_with: bytes | None, opened_with: bytes | None
) -> None:
    """A ciphertext does not decrypt with other additional authenticated data."""
    sealed = _good(proxy, aad=sealed_with)
    _expect_corrupted(proxy, sealed.altered(aad=opened_with), "another AAD")


def _with_metadata(proxy: ProxyClient) -> Sealed | None:
    """Something sealed with ciphertextMetadata; None if this proxy has none."""
    sealed = _good(proxy)
    return sealed if sealed.ciphertext_metadata else None


@pytest.mark.requirement("XKS-DEC-015")
def test_changed_metadata(proxy: ProxyClient) -> None:
    """A ciphertextMetadata with one bit changed, in any byte, is detected.

    ValidationException is accepted beside InvalidCiphertextException. A proxy that
    returns none has nothing to change.
    """
    sealed = _with_metadata(proxy)
    if sealed is None:
        return
    metadata = sealed.ciphertext_metadata
    for position in range(len(metadata)):
        altered = sealed.altered(ciphertext_metadata=flip(metadata, position))
        _expect_malformed(proxy, altered, f"byte {position} of ciphertextMetadata")


@pytest.mark.requirement("XKS-DEC-015")
@pytest.mark.parametrize("metadata", [None, b""], ids=["absent", "empty"])
def test_metadata_left_out(proxy: ProxyClient, metadata: bytes | None) -> None:
    """A ciphertextMetadata that was left out is detected.

    ValidationException is accepted beside InvalidCiphertextException. A proxy that
    returns none has nothing to leave out.
    """
    sealed = _with_metadata(proxy)
    if sealed is not None:
        altered = sealed.altered(ciphertext_metadata=metadata)
        _expect_malformed(proxy, altered, "without ciphertextMetadata")


@pytest.mark.requirement("XKS-DEC-015")
def test_metadata_added(proxy: ProxyClient) -> None:
    """A ciphertextMetadata with a byte that Encrypt did not return is detected.

    ValidationException is accepted beside InvalidCiphertextException.
    """
    sealed = _good(proxy)
    metadata = (sealed.ciphertext_metadata + b"\x01")[-20:]
    altered = sealed.altered(ciphertext_metadata=metadata)
    _expect_malformed(proxy, altered, "a byte more of ciphertextMetadata")


def _shifted(sealed: Sealed) -> Iterator[tuple[str, Sealed]]:
    """The same bytes in the same order, divided in other places."""
    vector, tag = sealed.initialization_vector, sealed.authentication_tag
    ciphertext = sealed.ciphertext
    whole = vector + ciphertext + tag
    for text, start, end in (
        ("4 bytes from ciphertext to vector", len(vector) + 4, len(whole) - 16),
        ("4 bytes from vector to ciphertext", len(vector) - 4, len(whole) - 16),
        ("1 byte from ciphertext to vector", len(vector) + 1, len(whole) - 16),
        ("1 byte from ciphertext to tag", len(vector), len(whole) - 17),
        ("1 byte from tag to ciphertext", len(vector), len(whole) - 15),
        ("4 bytes from tag to ciphertext", len(vector), len(whole) - 12),
    ):
        yield (
            text,
            sealed.altered(
                initialization_vector=whole[:start],
                ciphertext=whole[start:end],
                authentication_tag=whole[end:],
            ),
        )
    turned = whole[1:] + whole[:1]
    yield (
        "every part moved on by a byte",
        sealed.altered(
            initialization_vector=turned[: len(vector)],
            ciphertext=turned[len(vector) : -16],
            authentication_tag=turned[-16:],
        ),
    )


@pytest.mark.requirement("XKS-DEC-016")
def test_bytes_moved_between_the_parts(proxy: ProxyClient) -> None:
    """Vector, ciphertext and tag are three parts, and not one that is divided anew.

    ValidationException and InvalidCiphertextException are accepted.
    """
    for text, altered in _shifted(_good(proxy)):
        _expect_malformed(proxy, altered, text)


@pytest.mark.requirement("XKS-DEC-017")
def test_aad_passed_as_metadata(proxy: ProxyClient) -> None:
    """What was AAD does not decrypt as ciphertextMetadata.

    ValidationException and InvalidCiphertextException are accepted.
    """
    sealed = _good(proxy, aad=b"aad")
    moved = b"aad" + sealed.ciphertext_metadata
    if len(moved) > 20:
        sealed = _good(proxy, aad=None)
        moved = sealed.ciphertext_metadata[1:]
        altered = sealed.altered(
            aad=sealed.ciphertext_metadata[:1], ciphertext_metadata=moved
        )
    else:
        altered = sealed.altered(aad=None, ciphertext_metadata=moved)
    _expect_malformed(proxy, altered, "AAD in the place of ciphertextMetadata")


@pytest.mark.requirement("XKS-DEC-017")
@pytest.mark.parametrize("aad", [None, AAD], ids=["without-aad", "with-aad"])
def test_metadata_passed_as_aad(proxy: ProxyClient, aad: bytes | None) -> None:
    """What was ciphertextMetadata does not decrypt as AAD.

    ValidationException and InvalidCiphertextException are accepted. A proxy that
    returns no ciphertextMetadata has nothing to move.
    """
    sealed = _good(proxy, aad=aad)
    metadata = sealed.ciphertext_metadata
    if not metadata:
        return
    moved = sealed.altered(aad=(aad or b"") + metadata, ciphertext_metadata=None)
    _expect_malformed(proxy, moved, "ciphertextMetadata at the end of the AAD")
    swapped = sealed.altered(aad=metadata, ciphertext_metadata=(aad or b"")[:20])
    _expect_malformed(proxy, swapped, "AAD and ciphertextMetadata swapped")


@pytest.mark.requirement("XKS-DEC-017")
def test_one_byte_between_aad_and_metadata(proxy: ProxyClient) -> None:
    """The border between AAD and ciphertextMetadata does not move.

    ValidationException and InvalidCiphertextException are accepted. The border is moved
    where ciphertextMetadata has room for a byte, or a byte to give.
    """
    sealed = _good(proxy)
    metadata = sealed.ciphertext_metadata
    if len(metadata) < 20:
        altered = sealed.altered(aad=AAD[:-1], ciphertext_metadata=AAD[-1:] + metadata)
        _expect_malformed(proxy, altered, "a byte from AAD to ciphertextMetadata")
    if metadata:
        altered = sealed.altered(
            aad=AAD + metadata[:1], ciphertext_metadata=metadata[1:] or None
        )
        _expect_malformed(proxy, altered, "a byte from ciphertextMetadata to AAD")


@pytest.mark.requirement("XKS-ERR-005")
def test_corrupted_ciphertext(proxy: ProxyClient) -> None:
    """A corrupted ciphertext is a 400 InvalidCiphertextException."""
    sealed = _good(proxy)
    answer = proxy.decrypt(
        sealed.altered(ciphertext=flip(sealed.ciphertext)),
        label="probe: a corrupted ciphertext",
    )
    expect(answer, error("InvalidCiphertextException"), note=_note(answer))
