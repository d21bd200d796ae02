"""Chapter "Appendix C": the ciphertext data integrity value (CDIV) of Encrypt."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import AAD, PLAINTEXT, ProxyOperation, b64, encrypt_body
from ..client.expect import (
    REFUSED,
    SERVED,
    bytes_of,
    member_of,
    status,
    violated,
)
from ..client.sealing import gives_back, read_sealed
from .malformed import NULL, OTHER_ALGORITHMS, WRONG_TYPES, altered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..client.answer import ProxyAnswer
    from ..client.expect import Outcome
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_ENCRYPT = ProxyOperation.ENCRYPT
_CDIV = "ciphertextDataIntegrityValue"
_CDIV_ALGORITHM = "ciphertextDataIntegrityValueAlgorithm"


def _probe(
    proxy: ProxyClient,
    aad: bytes | None,
    look: Callable[[ProxyAnswer], None] | None = None,
) -> Probe:
    """An Encrypt that asks for the value."""
    text = "without AAD" if aad is None else f"{len(aad)} bytes of AAD"
    return proxy.probe(
        _ENCRYPT,
        encrypt_body(PLAINTEXT, aad=aad, cdiv=True),
        altered=f"an integrity value, {text}",
        accept=(SERVED,),
        look=look,
    )


def _with_cdiv(
    proxy: ProxyClient, aads: Sequence[bytes | None]
) -> list[tuple[bytes | None, ProxyAnswer]]:
    """What Encrypt returns with a value, for each of some AAD."""
    answers = proxy.require_served([_probe(proxy, aad) for aad in aads])
    if not all(_CDIV in (answer.document or {}) for answer in answers):
        raise NotTestable(f"There is no {_CDIV} (see XKS-CDIV-001).")
    return list(zip(aads, answers, strict=True))


def _expected_cdiv(answer: ProxyAnswer, aad: bytes) -> str:
    """Appendix C: SHA-256 over AAD, metadata, vector, ciphertext and tag, decoded."""
    names = ["initializationVector", "ciphertext", "authenticationTag"]
    if (answer.document or {}).get("ciphertextMetadata") is not None:
        names.insert(0, "ciphertextMetadata")
    parts = b"".join(bytes_of(answer, name) for name in names)
    return b64(hashlib.sha256(aad + parts).digest())


def _expect_cdiv(answer: ProxyAnswer, aad: bytes | None) -> None:
    expected, found = _expected_cdiv(answer, aad or b""), member_of(answer, _CDIV)
    if found != expected:
        violated(
            answer,
            f"{_CDIV} {expected!r}",
            f"{_CDIV} {found!r}",
            note="KMS computes the value itself and fails the request.",
        )


@pytest.mark.requirement("XKS-CDIV-001")
def test_integrity_value_is_returned(proxy: ProxyClient) -> None:
    """An Encrypt that asks for the integrity value gets it, as a string."""

    def look(answer: ProxyAnswer) -> None:
        member_of(answer, _CDIV)

    proxy.judge([_probe(proxy, aad, look) for aad in (None, AAD)])


@pytest.mark.requirement("XKS-CDIV-002")
def test_integrity_value_with_aad(proxy: ProxyClient) -> None:
    """The integrity value is the hash of the five parts in their order."""
    aads = [bytes(n % 251 for n in range(length)) for length in (1, 33, 8192)]
    for aad, answer in _with_cdiv(proxy, aads):
        _expect_cdiv(answer, aad)


@pytest.mark.requirement("XKS-CDIV-003")
def test_integrity_value_without_aad(proxy: ProxyClient) -> None:
    """Without AAD, or with an empty one, the hash begins with the next part."""
    for aad, answer in _with_cdiv(proxy, [None, b""]):
        _expect_cdiv(answer, aad)


@pytest.mark.requirement("XKS-CDIV-004")
def test_other_integrity_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm than SHA_256 is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter.
    """
    values = {"SHA_512": "SHA_512"} | OTHER_ALGORITHMS
    _expect_refused_algorithm(proxy, values, status(501))


@pytest.mark.requirement("XKS-CDIV-004")
def test_malformed_integrity_algorithm(proxy: ProxyClient) -> None:
    """An algorithm that is no string is refused.

    A scalar may be read as the name of another algorithm, which may be a 501.
    """
    _expect_refused_algorithm(proxy, WRONG_TYPES, status(501))


@pytest.mark.requirement("XKS-CDIV-004")
def test_null_as_integrity_algorithm(proxy: ProxyClient) -> None:
    """The value null means absent, or is refused: both are accepted."""
    _expect_refused_algorithm(proxy, NULL, SERVED)


def _expect_refused_algorithm(
    proxy: ProxyClient, values: Mapping[str, object], *also: Outcome
) -> None:
    good, accept = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True), (*also, REFUSED)
    proxy.judge(
        [
            proxy.probe(_ENCRYPT, body, altered=text, accept=accept)
            for text, body in altered(good, _CDIV_ALGORITHM, values)
        ],
        controls=[proxy.control(_ENCRYPT, good)],
    )


@pytest.mark.requirement("XKS-CDIV-005")
def test_ciphertext_with_an_integrity_value(proxy: ProxyClient) -> None:
    """A ciphertext returned with an integrity value decrypts to its plaintext."""
    proxy.judge(
        [
            proxy.probe(
                ProxyOperation.DECRYPT,
                read_sealed(answer, PLAINTEXT, aad).body(),
                altered=f"sealed {'without' if aad is None else 'with'} AAD and "
                "with an integrity value",
                accept=(SERVED,),
                look=gives_back(PLAINTEXT),
            )
            for aad, answer in _with_cdiv(proxy, [None, AAD])
        ]
    )


@pytest.mark.requirement("XKS-CDIV-006")
def test_integrity_value_of_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """With a key that only encrypts, the request is refused or served in full.

    Appendix C recommends a test decryption, which such a key cannot do: both a refusal
    and a response with the right value are accepted.
    """

    def look(answer: ProxyAnswer) -> None:
        if answer.status == 200:
            _expect_cdiv(answer, AAD)

    key = proxy.key("encrypt_only")
    probe = proxy.probe(
        _ENCRYPT,
        encrypt_body(PLAINTEXT, aad=AAD, cdiv=True),
        altered="an integrity value of a key that only encrypts",
        accept=(REFUSED, SERVED),
        key=key,
        look=look,
    )
    proxy.judge([probe], controls=[proxy.control(_ENCRYPT, key=key)])
