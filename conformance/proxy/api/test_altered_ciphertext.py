"""Chapter "Decrypt": nothing that was altered decrypts.

Every probe takes a ciphertext that decrypts before it and after it, and alters one part
of it. Any refusal will do; that it is a 400 InvalidCiphertextException is for
XKS-ERR-005.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import AAD, PLAINTEXT, ProxyOperation, Sealed, flip
from ..client.expect import REFUSED, error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..client.answer import ProxyAnswer
    from ..client.expect import Outcome
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_FORGED = "What was altered decrypts all the same: an attacker can alter it too."


def _note(answer: ProxyAnswer) -> str:
    return _FORGED if answer.status == 200 else ""


def _probe(
    proxy: ProxyClient, sealed: Sealed, altered: str, accept: Outcome = REFUSED
) -> Probe:
    return proxy.probe(
        ProxyOperation.DECRYPT,
        sealed.body(),
        altered=altered,
        accept=(accept,),
        note=_note,
    )


def _expect_refused(
    proxy: ProxyClient, sealed: Sealed, altered: Iterable[tuple[str, Sealed]]
) -> None:
    """What was altered is refused; what it was made of is served."""
    probes = [_probe(proxy, each, text) for text, each in altered]
    proxy.judge(probes, controls=[proxy.opens(sealed)])


def _resized(data: bytes, length: int) -> bytes:
    """Cut, or filled with zeros."""
    return (data + bytes(length))[:length]


_VECTOR_LENGTHS = (*range(65), 128, 129, 256, 1024)


@pytest.mark.requirement("XKS-DEC-008")
def test_length_of_the_initialization_vector(proxy: ProxyClient) -> None:
    """An initialization vector of another length is refused, whatever its tail.

    Among the lengths is the other of the two legal ones.
    """
    sealed = proxy.sealed()
    vector = sealed.initialization_vector
    filled = {
        f"a vector of {length} bytes": (vector + b"\xa5" * length)[:length]
        for length in _VECTOR_LENGTHS
    } | {
        f"a vector of {length} bytes, filled with zeros": _resized(vector, length)
        for length in (13, 16, 17, 32, 64, 128, 129, 256, 1024)
    }
    _expect_refused(
        proxy,
        sealed,
        (
            (text, sealed.altered(initialization_vector=other))
            for text, other in filled.items()
            if other != vector or len(vector) not in {12, 16}
        ),
    )


@pytest.mark.requirement("XKS-DEC-009")
def test_length_of_the_tag(proxy: ProxyClient) -> None:
    """A tag without exactly 16 bytes is refused, also if what is there is right."""
    sealed = proxy.sealed()
    tag = sealed.authentication_tag
    _expect_refused(
        proxy,
        sealed,
        (
            (
                f"a tag of {length} bytes",
                sealed.altered(authentication_tag=_resized(tag, length)),
            )
            for length in (*range(16), *range(17, 21), 24, 32, 64)
        ),
    )


@pytest.mark.requirement("XKS-DEC-010")
def test_length_of_the_metadata(proxy: ProxyClient) -> None:
    """A ciphertextMetadata of more than 20 bytes is refused."""
    sealed = proxy.sealed()
    metadata = sealed.ciphertext_metadata or b""
    _expect_refused(
        proxy,
        sealed,
        (
            (
                f"{length} bytes of ciphertextMetadata",
                sealed.altered(ciphertext_metadata=_resized(metadata, length)),
            )
            for length in (21, 64)
        ),
    )


@pytest.mark.requirement("XKS-DEC-011")
def test_changed_ciphertext(proxy: ProxyClient) -> None:
    """A ciphertext with one bit changed, or of another length, does not decrypt."""
    sealed = proxy.sealed()
    ciphertext = sealed.ciphertext
    flipped = (
        (
            f"bit {bit} of byte {position} of the ciphertext",
            sealed.altered(ciphertext=flip(ciphertext, position, bit=bit)),
        )
        for position in (0, 15, 16, 31)
        for bit in (0, 7)
    )
    resized = (
        (
            f"{length} bytes of ciphertext, not 32",
            sealed.altered(ciphertext=_resized(ciphertext, length)),
        )
        for length in (0, 1, 31, 33, 48)
    )
    _expect_refused(proxy, sealed, (*flipped, *resized))


@pytest.mark.requirement("XKS-DEC-012")
def test_changed_initialization_vector(proxy: ProxyClient) -> None:
    """An initialization vector with one bit changed, in any byte, does not decrypt."""
    sealed = proxy.sealed()
    vector = sealed.initialization_vector
    _expect_refused(
        proxy,
        sealed,
        (
            (
                f"byte {position} of the vector",
                sealed.altered(initialization_vector=flip(vector, position)),
            )
            for position in range(len(vector))
        ),
    )


@pytest.mark.requirement("XKS-DEC-012")
def test_initialization_vector_of_another(proxy: ProxyClient) -> None:
    """The initialization vector of another ciphertext does not decrypt this one."""
    sealed, other = proxy.sealed(), proxy.seal()
    altered = sealed.altered(initialization_vector=other.initialization_vector)
    if altered == sealed:
        raise NotTestable("Two vectors are the same (see XKS-ENC-016).")
    _expect_refused(proxy, sealed, [("the vector of another ciphertext", altered)])


@pytest.mark.requirement("XKS-DEC-013")
def test_changed_tag(proxy: ProxyClient) -> None:
    """A tag with one bit changed, in any byte, or of something else, does not do."""
    sealed, other = proxy.sealed(), proxy.seal(PLAINTEXT[::-1])
    tag = sealed.authentication_tag
    changed = (
        (
            f"byte {position} of the tag",
            sealed.altered(authentication_tag=flip(tag, position)),
        )
        for position in range(len(tag))
    )
    _expect_refused(
        proxy,
        sealed,
        (
            *changed,
            (
                "the tag of another ciphertext",
                sealed.altered(authentication_tag=other.authentication_tag),
            ),
            ("a tag of zeros", sealed.altered(authentication_tag=bytes(16))),
        ),
    )


_AADS: dict[bytes | None, dict[str, bytes | None]] = {
    AAD: {
        **{
            f"another bit {position % 8} of byte {position}": flip(
                AAD, position, bit=position % 8
            )
            for position in range(len(AAD))
        },
        "another case": AAD.swapcase(),
        "one byte less": AAD[:-1],
        "a zero byte more": AAD + b"\x00",
        "a space more": AAD + b" ",
        "a space before": b" " + AAD,
        "a line break more": AAD + b"\n",
        "a byte order mark before": b"\xef\xbb\xbf" + AAD,
        "empty": b"",
        "absent": None,
    },
    None: {"added": AAD, "a zero byte added": b"\x00", "a space added": b" "},
    b"\x00": {"another number of zeros": b"\x00\x00"},
    b"one\x00two": {"another tail behind a zero byte": b"one\x00twa"},
    b"\xff\xfe\x80": {"other bytes that are no UTF-8": b"\xff\xfe\x81"},
    "\u00e9".encode(): {
        "the same letter, written in another way": "e\u0301".encode(),
        "another byte with the same low bits": b"\x43\x29",
    },
}


@pytest.mark.requirement("XKS-DEC-014")
def test_changed_aad(proxy: ProxyClient) -> None:
    """A ciphertext does not decrypt with other additional authenticated data."""
    made = proxy.side_by_side([partial(proxy.seal, aad=aad) for aad in _AADS])
    sealed = dict(zip(_AADS, made, strict=True))
    probes = [
        _probe(proxy, sealed[aad].altered(aad=other), f"AAD: {text}")
        for aad, others in _AADS.items()
        for text, other in others.items()
    ]
    proxy.judge(probes, controls=[proxy.opens(each) for each in sealed.values()])


@pytest.mark.requirement("XKS-DEC-015")
def test_metadata_of_something_else(proxy: ProxyClient) -> None:
    """The metadata of another ciphertext or key, or a key's id, are a change too.

    What Encrypt returned just so is no change.
    """
    sealed, other = proxy.sealed(), proxy.seal(PLAINTEXT[::-1], aad=None)
    keys = proxy.target.keys
    others: dict[str, bytes | None] = {
        "metadata of another ciphertext": other.ciphertext_metadata,
        "the key's own id as metadata": keys["usable"].encode()[:20],
    }
    if second := keys.get("second"):
        of_another = proxy.sealed(key=second)
        others["metadata of another key"] = of_another.ciphertext_metadata
        others["another key's id as metadata"] = second.encode()[:20]
    _expect_refused(
        proxy,
        sealed,
        [
            (text, sealed.altered(ciphertext_metadata=metadata))
            for text, metadata in others.items()
            if (metadata or b"") != (sealed.ciphertext_metadata or b"")
        ],
    )


@pytest.mark.requirement("XKS-DEC-015")
def test_changed_metadata(proxy: ProxyClient) -> None:
    """A ciphertextMetadata that was changed, left out or lengthened is detected.

    A proxy that returns none has nothing to change or to leave out.
    """
    sealed = proxy.sealed()
    metadata = sealed.ciphertext_metadata or b""
    altered: list[tuple[str, bytes | None]] = [
        (f"byte {position} of ciphertextMetadata", flip(metadata, position))
        for position in range(len(metadata))
    ]
    if metadata:
        altered += [("no ciphertextMetadata", None), ("empty ciphertextMetadata", b"")]
    altered.append(("a byte more of ciphertextMetadata", (metadata + b"\x01")[-20:]))
    _expect_refused(
        proxy,
        sealed,
        ((text, sealed.altered(ciphertext_metadata=each)) for text, each in altered),
    )


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


def _beside_the_ciphertext(sealed: Sealed) -> Iterator[tuple[str, Sealed]]:
    """A byte from the ciphertext to what is bound beside it, or back."""
    ciphertext, aad = sealed.ciphertext, sealed.aad or b""
    metadata = sealed.ciphertext_metadata or b""
    given, taken = ciphertext[:1], ciphertext[1:]
    yield (
        "1 byte from ciphertext to AAD",
        sealed.altered(aad=aad + given, ciphertext=taken),
    )
    yield (
        "1 byte from AAD to ciphertext",
        sealed.altered(aad=aad[:-1], ciphertext=aad[-1:] + ciphertext),
    )
    if len(metadata) < 20:
        yield (
            "1 byte from ciphertext to ciphertextMetadata",
            sealed.altered(ciphertext_metadata=metadata + given, ciphertext=taken),
        )
    if metadata:
        yield (
            "1 byte from ciphertextMetadata to ciphertext",
            sealed.altered(
                ciphertext_metadata=metadata[:-1], ciphertext=metadata[-1:] + ciphertext
            ),
        )


@pytest.mark.requirement("XKS-DEC-016")
def test_bytes_moved_between_the_parts(proxy: ProxyClient) -> None:
    """The parts of a request are apart, and not one that is divided anew."""
    sealed = proxy.sealed()
    moved = (*_shifted(sealed), *_beside_the_ciphertext(sealed))
    _expect_refused(proxy, sealed, moved)


@pytest.mark.requirement("XKS-DEC-017")
def test_aad_passed_as_metadata(proxy: ProxyClient) -> None:
    """What was AAD does not decrypt as ciphertextMetadata."""
    sealed = proxy.seal(aad=b"aad")
    metadata = sealed.ciphertext_metadata or b""
    altered = sealed.altered(aad=None, ciphertext_metadata=b"aad" + metadata)
    if len(metadata) > 17:
        sealed = proxy.seal(aad=None)
        metadata = sealed.ciphertext_metadata or b""
        altered = sealed.altered(aad=metadata[:1], ciphertext_metadata=metadata[1:])
    text = "AAD in the place of ciphertextMetadata"
    _expect_refused(proxy, sealed, [(text, altered)])


@pytest.mark.requirement("XKS-DEC-017")
def test_metadata_passed_as_aad(proxy: ProxyClient) -> None:
    """What was ciphertextMetadata does not decrypt as AAD.

    A proxy that returns no ciphertextMetadata has nothing to move.
    """
    sealed = proxy.side_by_side([partial(proxy.seal, aad=aad) for aad in (None, AAD)])
    probes = []
    for each in sealed:
        if metadata := each.ciphertext_metadata:
            aad = each.aad or b""
            moved = each.altered(aad=aad + metadata, ciphertext_metadata=None)
            swapped = each.altered(aad=metadata, ciphertext_metadata=aad[:20])
            probes += [
                _probe(proxy, moved, "ciphertextMetadata at the end of the AAD"),
                _probe(proxy, swapped, "AAD and ciphertextMetadata swapped"),
            ]
    proxy.judge(probes, controls=[proxy.opens(each) for each in sealed])


@pytest.mark.requirement("XKS-DEC-017")
def test_one_byte_between_aad_and_metadata(proxy: ProxyClient) -> None:
    """The border between AAD and ciphertextMetadata does not move.

    The border is moved where ciphertextMetadata has room for a byte, or a byte to give.
    """
    sealed = proxy.sealed()
    metadata = sealed.ciphertext_metadata or b""
    altered = []
    if len(metadata) < 20:
        taken = sealed.altered(aad=AAD[:-1], ciphertext_metadata=AAD[-1:] + metadata)
        altered.append(("a byte from AAD to ciphertextMetadata", taken))
    if metadata:
        given = sealed.altered(
            aad=AAD + metadata[:1], ciphertext_metadata=metadata[1:] or None
        )
        altered.append(("a byte from ciphertextMetadata to AAD", given))
    _expect_refused(proxy, sealed, altered)


@pytest.mark.requirement("XKS-ERR-005")
def test_corrupted_ciphertext(proxy: ProxyClient) -> None:
    """A corrupted ciphertext is a 400 InvalidCiphertextException."""
    sealed = proxy.sealed()
    corrupted = sealed.altered(ciphertext=flip(sealed.ciphertext))
    expected = error("InvalidCiphertextException")
    probe = _probe(proxy, corrupted, "a corrupted ciphertext", expected)
    proxy.judge([probe], controls=[proxy.opens(sealed)])
