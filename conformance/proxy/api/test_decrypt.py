"""Chapter "Decrypt": good requests, and members that are missing or malformed.

What happens to altered ciphertexts is in ``test_altered_ciphertext``.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, Body, ProxyOperation, Sealed, flip
from ..client.expect import REFUSED, SERVED, base64_of, bytes_of, error, violated
from ..client.scenarios import invalid, invalid_ciphertext
from ..client.sealing import gives_back
from .values import NOT_BASE64, OTHER_ALGORITHMS, WRONG_TYPES, altered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..client.answer import ProxyAnswer
    from ..client.expect import Outcome
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_DECRYPT = ProxyOperation.DECRYPT
_REQUIRED = ("ciphertext", "initializationVector", "authenticationTag")


def _malformed(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """A part of the ciphertext that is missing or malformed; both readings."""
    return (*invalid(proxy), *invalid_ciphertext(proxy))


def _opened(proxy: ProxyClient, sealed: Sealed, text: str) -> Probe:
    """A Decrypt that has to give back the plaintext."""
    return proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered=text,
        accept=(SERVED,),
        look=gives_back(sealed.plaintext),
    )


def _sealed(
    proxy: ProxyClient, texts: Iterable[tuple[bytes, bytes | None]]
) -> list[Sealed]:
    """What Encrypt returns for each plaintext and AAD."""
    return proxy.side_by_side(
        [partial(proxy.seal, plaintext, aad=aad) for plaintext, aad in texts]
    )


def _judge_bodies(
    proxy: ProxyClient, sealed: Sealed, bodies: Mapping[str, Body], *accept: Outcome
) -> list[ProxyAnswer]:
    """Judge altered bodies between two Decrypts of what they are made of."""
    probes = [
        proxy.probe(_DECRYPT, body, altered=text, accept=accept)
        for text, body in bodies.items()
    ]
    return proxy.judge(probes, controls=[proxy.opens(sealed)])


_PLAINTEXTS = {
    "one zero byte": b"\x00",
    "a data key": PLAINTEXT,
    "every byte": bytes(range(256)),
    "1000 bytes": b"\xff" * 1000,
}
_AADS = {"without AAD": None, "with AAD": AAD, "with binary AAD": bytes(range(256))}


@pytest.mark.requirement("XKS-DEC-001")
def test_round_trip(proxy: ProxyClient) -> None:
    """What Encrypt returned decrypts to what it was given."""
    texts = [f"{p}, {a}" for p in _PLAINTEXTS for a in _AADS]
    sealed = _sealed(
        proxy, ((p, a) for p in _PLAINTEXTS.values() for a in _AADS.values())
    )
    probes = [_opened(proxy, s, text) for s, text in zip(sealed, texts, strict=True)]
    proxy.judge(probes, controls=[])


@pytest.mark.requirement("XKS-DEC-001")
def test_decrypts_more_than_once(proxy: ProxyClient) -> None:
    """A ciphertext decrypts as often as it is asked for, on any connection."""
    sealed = proxy.seal()
    for count in (1, 2, 3):
        proxy.judge([_opened(proxy, sealed, f"Decrypt number {count}")], controls=[])
    anew = proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered="on another connection",
        accept=(SERVED,),
        look=gives_back(PLAINTEXT),
        anew=True,
    )
    proxy.judge([anew], controls=[])


@pytest.mark.requirement("XKS-DEC-002")
def test_plaintext_is_as_long_as_ciphertext(proxy: ProxyClient) -> None:
    """Decrypt neither pads nor cuts."""
    sealed = _sealed(proxy, ((b"\x00" * size, AAD) for size in (1, 15, 16, 17)))
    answers = proxy.require_served([proxy.control(_DECRYPT, s.body()) for s in sealed])
    for each, answer in zip(sealed, answers, strict=True):
        expected, found = len(each.ciphertext), len(bytes_of(answer, "plaintext"))
        if found != expected:
            expected_text = f"{expected} bytes, like the ciphertext"
            violated(answer, expected_text, f"{found} bytes")


@pytest.mark.requirement("XKS-DEC-003")
def test_plaintext_is_standard_base64(proxy: ProxyClient) -> None:
    """The plaintext is padded Base64 of the standard alphabet.

    The first has plus and slash in it, the second padding.
    """
    sealed = _sealed(
        proxy, ((text, AAD) for text in (b"\xfb\xff\xfe" * 4, b"\xfb\xff\xfe\xff"))
    )
    answers = proxy.require_served([proxy.control(_DECRYPT, s.body()) for s in sealed])
    for answer in answers:
        base64_of(answer, "plaintext")


@pytest.mark.requirement("XKS-DEC-004")
def test_4300_bytes_are_decrypted(proxy: ProxyClient) -> None:
    """A ciphertext of 4300 bytes is decrypted."""
    sealed = proxy.seal(os.urandom(4300))
    proxy.judge([_opened(proxy, sealed, "4300 bytes of ciphertext")])


@pytest.mark.requirement("XKS-DEC-005")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    sealed = proxy.seal(aad=os.urandom(8192))
    proxy.judge([_opened(proxy, sealed, "8192 bytes of AAD")])


@pytest.mark.requirement("XKS-DEC-005")
def test_every_byte_of_a_long_aad_counts(proxy: ProxyClient) -> None:
    """A change at any place of 8192 bytes is noticed."""
    aad = os.urandom(8192)
    sealed = proxy.seal(aad=aad)
    bodies = {
        f"byte {position} of the AAD": sealed.altered(aad=flip(aad, position)).body()
        for position in (0, 4095, 4096, 8191)
    }
    _judge_bodies(proxy, sealed, bodies, REFUSED)


def _without(body: Body, member: str) -> Body:
    return {name: value for name, value in body.items() if name != member}


@pytest.mark.requirement("XKS-DEC-006")
def test_missing_member(proxy: ProxyClient) -> None:
    """A Decrypt without one of its REQUIRED members is an error.

    Both readings are accepted: an invalid parameter, and a part of the ciphertext that
    is "missing" (InvalidCiphertextException).
    """
    sealed = proxy.sealed()
    bodies = {f"no {name}": _without(sealed.body(), name) for name in _REQUIRED}
    _judge_bodies(proxy, sealed, bodies, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-007")
def test_malformed_member(proxy: ProxyClient) -> None:
    """A member of Decrypt that is no Base64 string is an error; so is null.

    ValidationException and InvalidCiphertextException are accepted. null for an
    OPTIONAL member is for another check.
    """
    sealed = proxy.sealed()
    values = {**WRONG_TYPES, **NOT_BASE64}
    bodies = {
        text: body
        for member in (*_REQUIRED, "ciphertextMetadata", "additionalAuthenticatedData")
        for text, body in altered(sealed.body(), member, values).items()
    }
    bodies |= {f"{name}: null": sealed.body() | {name: None} for name in _REQUIRED}
    _judge_bodies(proxy, sealed, bodies, *_malformed(proxy))


@pytest.mark.requirement("XKS-DEC-007")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is an error: both are accepted."""
    sealed = proxy.seal(aad=None)
    bodies = {"AAD null": sealed.body() | {"additionalAuthenticatedData": None}}
    (answer,) = _judge_bodies(proxy, sealed, bodies, SERVED, *_malformed(proxy))
    if answer.status == 200:
        gives_back(sealed.plaintext)(answer)


@pytest.mark.requirement("XKS-DEC-018")
def test_malformed_algorithm(proxy: ProxyClient) -> None:
    """An encryptionAlgorithm that is missing or no string is a ValidationException."""
    sealed = proxy.sealed()
    values = {"null": None, **WRONG_TYPES}
    bodies = {
        "no encryptionAlgorithm": _without(sealed.body(), "encryptionAlgorithm"),
        **altered(sealed.body(), "encryptionAlgorithm", values),
    }
    _judge_bodies(proxy, sealed, bodies, *invalid(proxy))


@pytest.mark.requirement("XKS-DEC-018")
def test_other_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    sealed = proxy.sealed()
    bodies = {
        f"encryptionAlgorithm {name!r}": sealed.body() | {"encryptionAlgorithm": name}
        for name in OTHER_ALGORITHMS
    }
    unsupported = error("UnsupportedOperationException")
    _judge_bodies(proxy, sealed, bodies, unsupported, *invalid(proxy))


@pytest.mark.requirement("XKS-DEC-019")
def test_what_only_resembles_base64(proxy: ProxyClient) -> None:
    """What is not standard Base64 is refused: not guessed at, skipped or completed.

    The ciphertext is long enough for the characters in which the alphabets differ to
    occur.
    """
    sealed = proxy.seal(os.urandom(1024))
    body = sealed.body()
    url_safe = str(body["ciphertext"]).translate(str.maketrans("+/", "-_"))
    tag = str(body["authenticationTag"])
    bodies = {
        "a ciphertext in the URL-safe alphabet": body | {"ciphertext": url_safe},
        "a tag without padding": body | {"authenticationTag": tag.rstrip("=")},
    }
    for member in ("initializationVector", "authenticationTag"):
        for name, filler in (("a space", " "), ("a line break", "\n")):
            text = str(body[member])
            bodies[f"{name} in {member}"] = body | {
                member: f"{text[:4]}{filler}{text[4:]}"
            }
    _judge_bodies(proxy, sealed, bodies, *_malformed(proxy))
