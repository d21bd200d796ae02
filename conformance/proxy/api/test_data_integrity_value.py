"""Chapter "Appendix C": the ciphertext data integrity value (CDIV) of Encrypt."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    AAD,
    PLAINTEXT,
    Body,
    ProxyOperation,
    b64,
    encrypt_body,
    read_leniently,
)
from ..client.expect import ANYTHING, SERVED, Outcome, error, member_of, violated
from ..client.scenarios import invalid
from ..client.sealing import gives_back
from .values import OTHER_ALGORITHMS, WRONG_TYPES, altered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_ENCRYPT = ProxyOperation.ENCRYPT
_CDIV = "ciphertextDataIntegrityValue"
_CDIV_ALGORITHM = "ciphertextDataIntegrityValueAlgorithm"


def _decoded(document: Body, name: str) -> bytes:
    """A member, however it is spelled: that is for XKS-ENC-002 to say."""
    try:
        return read_leniently(str(document.get(name) or ""))
    except ValueError:
        raise NotTestable(f"{name} is no Base64 (see XKS-ENC-002).") from None


def _expected_cdiv(answer: ProxyAnswer, aad: bytes) -> str:
    """Appendix C: SHA-256 over AAD, metadata, vector, ciphertext and tag, decoded."""
    parts = b"".join(
        _decoded(answer.document or {}, name)
        for name in (
            "ciphertextMetadata",
            "initializationVector",
            "ciphertext",
            "authenticationTag",
        )
    )
    return b64(hashlib.sha256(aad + parts).digest())


def _has_cdiv(aad: bytes) -> Callable[[ProxyAnswer], None]:
    """Looks at an answer, which has to hold the integrity value of its parts."""

    def look(answer: ProxyAnswer) -> None:
        expected, found = _expected_cdiv(answer, aad), member_of(answer, _CDIV)
        if found != expected:
            violated(
                answer,
                f"{_CDIV} {expected!r}",
                f"{_CDIV} {found!r}",
                note="KMS computes the value itself and fails the request.",
            )

    return look


def _with_cdiv(
    proxy: ProxyClient,
    aad: bytes | None,
    look: Callable[[ProxyAnswer], None],
    accept: Outcome = ANYTHING,
) -> Probe:
    """An Encrypt that asks for the integrity value."""
    text = "no AAD" if aad is None else f"{len(aad)} bytes of AAD"
    body = encrypt_body(PLAINTEXT, aad=aad, cdiv=True)
    return proxy.probe(_ENCRYPT, body, altered=text, accept=(accept,), look=look)


def _if_there(look: Callable[[ProxyAnswer], None]) -> Callable[[ProxyAnswer], None]:
    """Looks at an integrity value, where there is one."""

    def only_then(answer: ProxyAnswer) -> None:
        if not SERVED.accepts(answer):
            raise NotTestable(f"Encrypt was not served: {answer.describe()}.")
        if _CDIV not in (answer.document or {}):
            raise NotTestable(f"There is no {_CDIV} (see XKS-CDIV-001).")
        look(answer)

    return only_then


@pytest.mark.requirement("XKS-CDIV-001")
def test_integrity_value_is_returned(proxy: ProxyClient) -> None:
    """An Encrypt that asks for the integrity value gets it, as a string."""

    def look(answer: ProxyAnswer) -> None:
        member_of(answer, _CDIV)

    proxy.judge([_with_cdiv(proxy, aad, look, SERVED) for aad in (None, AAD)])


@pytest.mark.requirement("XKS-CDIV-002")
def test_integrity_value_with_aad(proxy: ProxyClient) -> None:
    """The integrity value is the hash of the five parts in their order."""
    aads = [bytes(i % 251 for i in range(length)) for length in (1, 33, 8192)]
    proxy.judge([_with_cdiv(proxy, aad, _if_there(_has_cdiv(aad))) for aad in aads])


@pytest.mark.requirement("XKS-CDIV-003")
def test_integrity_value_without_aad(proxy: ProxyClient) -> None:
    """Without AAD the hash begins with the next part."""
    look = _if_there(_has_cdiv(b""))
    proxy.judge([_with_cdiv(proxy, aad, look) for aad in (None, b"")])


def _judge_algorithms(
    proxy: ProxyClient, bodies: Mapping[str, Body], *accept: Outcome
) -> None:
    good = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True)
    probes = [
        proxy.probe(_ENCRYPT, body, altered=text, accept=accept)
        for text, body in bodies.items()
    ]
    proxy.judge(probes, controls=[proxy.control(_ENCRYPT, good)])


@pytest.mark.requirement("XKS-CDIV-004")
def test_other_integrity_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm than SHA_256 is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    body = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True)
    bodies = {
        f"{_CDIV_ALGORITHM} {name!r}": body | {_CDIV_ALGORITHM: name}
        for name in ("SHA_512", *OTHER_ALGORITHMS)
    }
    unsupported = error("UnsupportedOperationException")
    _judge_algorithms(proxy, bodies, unsupported, *invalid(proxy))


@pytest.mark.requirement("XKS-CDIV-004")
def test_malformed_integrity_algorithm(proxy: ProxyClient) -> None:
    """An algorithm that is no string is a ValidationException."""
    body = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True)
    bodies = altered(body, _CDIV_ALGORITHM, WRONG_TYPES)
    _judge_algorithms(proxy, bodies, *invalid(proxy))


@pytest.mark.requirement("XKS-CDIV-004")
def test_null_as_integrity_algorithm(proxy: ProxyClient) -> None:
    """The value null means absent, or is invalid: both are accepted."""
    body = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True)
    bodies = {"null": body | {_CDIV_ALGORITHM: None}}
    _judge_algorithms(proxy, bodies, SERVED, *invalid(proxy))


@pytest.mark.requirement("XKS-CDIV-005")
def test_ciphertext_with_an_integrity_value(proxy: ProxyClient) -> None:
    """A ciphertext returned with an integrity value decrypts to its plaintext."""
    look = _if_there(lambda _: None)
    aads = (None, AAD)
    answers = proxy.judge([_with_cdiv(proxy, aad, look) for aad in aads])
    sealed = [
        proxy.read_sealed(answer, PLAINTEXT, aad)
        for answer, aad in zip(answers, aads, strict=True)
    ]
    proxy.judge(
        [
            proxy.probe(
                ProxyOperation.DECRYPT,
                each.body(),
                altered="what came with an integrity value",
                accept=(SERVED,),
                look=gives_back(PLAINTEXT),
            )
            for each in sealed
        ],
    )


@pytest.mark.requirement("XKS-CDIV-006")
def test_integrity_value_of_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """With a key that only encrypts, the request is refused or served in full.

    Appendix C recommends a test decryption, which such a key cannot do: both
    InvalidKeyUsageException and a response with the right value are accepted.
    """
    key = proxy.key("encrypt_only")
    look = _has_cdiv(AAD)
    probe = proxy.probe(
        _ENCRYPT,
        encrypt_body(PLAINTEXT, aad=AAD, cdiv=True),
        altered="an integrity value of a key that only encrypts",
        accept=(error("InvalidKeyUsageException"), SERVED),
        key=key,
        look=lambda answer: look(answer) if answer.status == 200 else None,
    )
    proxy.judge([probe], controls=[proxy.control(_ENCRYPT, key=key)])
