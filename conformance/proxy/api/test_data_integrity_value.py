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
from ..client.expect import (
    SERVED,
    control,
    error,
    expect,
    member_of,
    plaintext_is,
    success,
    violated,
)
from ..client.scenarios import invalid
from .test_encrypt import OTHER_ALGORITHMS, WRONG_TYPES

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

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


def _expect_cdiv(answer: ProxyAnswer, aad: bytes) -> None:
    expected, found = _expected_cdiv(answer, aad), member_of(answer, _CDIV)
    if found != expected:
        violated(
            answer,
            f"{_CDIV} {expected!r}",
            f"{_CDIV} {found!r}",
            note="KMS computes the value itself and fails the request.",
        )


def _with_cdiv(proxy: ProxyClient, aad: bytes | None) -> ProxyAnswer:
    answer = proxy.encrypt(aad=aad, cdiv=True, label="Encrypt with an integrity value")
    control(answer)
    if _CDIV not in (answer.document or {}):
        raise NotTestable(f"There is no {_CDIV} (see XKS-CDIV-001).")
    return answer


@pytest.mark.requirement("XKS-CDIV-001")
@pytest.mark.parametrize("aad", [None, AAD], ids=["without-aad", "with-aad"])
def test_integrity_value_is_returned(proxy: ProxyClient, aad: bytes | None) -> None:
    """An Encrypt that asks for the integrity value gets it, as a string."""
    answer = proxy.encrypt(aad=aad, cdiv=True)
    success(answer)
    member_of(answer, _CDIV)


@pytest.mark.requirement("XKS-CDIV-002")
@pytest.mark.parametrize("length", [1, 33, 8192])
def test_integrity_value_with_aad(proxy: ProxyClient, length: int) -> None:
    """The integrity value is the hash of the five parts in their order."""
    aad = bytes(index % 251 for index in range(length))
    _expect_cdiv(_with_cdiv(proxy, aad), aad)


@pytest.mark.requirement("XKS-CDIV-003")
@pytest.mark.parametrize("aad", [None, b""], ids=["absent", "empty"])
def test_integrity_value_without_aad(proxy: ProxyClient, aad: bytes | None) -> None:
    """Without AAD the hash begins with the next part."""
    _expect_cdiv(_with_cdiv(proxy, aad), b"")


@pytest.mark.requirement("XKS-CDIV-004")
@pytest.mark.parametrize(
    "algorithm", [pytest.param("SHA_512", id="SHA_512"), *OTHER_ALGORITHMS]
)
def test_other_integrity_algorithm(proxy: ProxyClient, algorithm: str) -> None:
    """Another algorithm than SHA_256 is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    answer = _algorithm_altered(proxy, algorithm)
    expect(answer, error("UnsupportedOperationException"), *invalid(proxy))


@pytest.mark.requirement("XKS-CDIV-004")
@pytest.mark.parametrize("value", WRONG_TYPES)
def test_malformed_integrity_algorithm(proxy: ProxyClient, value: object) -> None:
    """An algorithm that is no string is a ValidationException."""
    expect(_algorithm_altered(proxy, value), *invalid(proxy))


@pytest.mark.requirement("XKS-CDIV-004")
def test_null_as_integrity_algorithm(proxy: ProxyClient) -> None:
    """The value null means absent, or is invalid: both are accepted."""
    expect(_algorithm_altered(proxy, None), SERVED, *invalid(proxy))


def _algorithm_altered(proxy: ProxyClient, value: object) -> ProxyAnswer:
    body = encrypt_body(PLAINTEXT, aad=AAD, cdiv=True)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: SHA_256"))
    body[_CDIV_ALGORITHM] = value
    return proxy.call(ProxyOperation.ENCRYPT, body, label="probe: another algorithm")


@pytest.mark.requirement("XKS-CDIV-005")
@pytest.mark.parametrize("aad", [None, AAD], ids=["without-aad", "with-aad"])
def test_ciphertext_with_an_integrity_value(
    proxy: ProxyClient, aad: bytes | None
) -> None:
    """A ciphertext returned with an integrity value decrypts to its plaintext."""
    answer = _with_cdiv(proxy, aad)
    sealed = proxy.read_sealed(answer, PLAINTEXT, aad)
    plaintext_is(proxy.decrypt(sealed), PLAINTEXT)


@pytest.mark.requirement("XKS-CDIV-006")
def test_integrity_value_of_an_encrypt_only_key(proxy: ProxyClient) -> None:
    """With a key that only encrypts, the request is refused or served in full.

    Appendix C recommends a test decryption, which such a key cannot do: both
    InvalidKeyUsageException and a response with the right value are accepted.
    """
    key = proxy.key("encrypt_only")
    control(proxy.encrypt(aad=AAD, key=key, label="control: no integrity value"))
    answer = proxy.encrypt(aad=AAD, cdiv=True, key=key)
    expect(answer, error("InvalidKeyUsageException"), SERVED)
    if answer.status == 200:
        _expect_cdiv(answer, AAD)
