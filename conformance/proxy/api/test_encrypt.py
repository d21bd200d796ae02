"""Chapter "Encrypt": what goes in, what comes out, and in which form.

Whether it decrypts is in ``test_decrypt``; the integrity value has a file of its own,
and so has what Encrypt has to refuse.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, Body, ProxyOperation, encrypt_body
from ..client.expect import (
    SERVED,
    base64_of,
    bytes_of,
    member_of,
    status,
    violated,
)
from ..client.sealing import gives_back, read_sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_ENCRYPT = ProxyOperation.ENCRYPT
_MEMBERS = ("ciphertext", "initializationVector", "authenticationTag")


def _probe(
    proxy: ProxyClient,
    plaintext: bytes = PLAINTEXT,
    *,
    aad: bytes | None = AAD,
    altered: str,
    look: Callable[[ProxyAnswer], None] | None = None,
) -> Probe:
    """An Encrypt that has to be served."""
    body = encrypt_body(plaintext, aad=aad)
    return proxy.probe(_ENCRYPT, body, altered=altered, accept=(SERVED,), look=look)


def _encrypted(proxy: ProxyClient, *sizes: int) -> list[ProxyAnswer]:
    """What Encrypt returns for that many bytes, to be looked at."""
    return proxy.require_served(
        [_probe(proxy, os.urandom(s), altered=f"{s} bytes of plaintext") for s in sizes]
    )


@pytest.mark.requirement("XKS-ENC-001")
def test_members_of_the_response(proxy: ProxyClient) -> None:
    """Encrypt is served, with the three members that every response has."""

    def look(answer: ProxyAnswer) -> None:
        for name in _MEMBERS:
            member_of(answer, name)

    proxy.judge([_probe(proxy, altered="a good Encrypt", look=look)], controls=[])


@pytest.mark.requirement("XKS-ENC-001")
def test_encrypt_as_in_the_specification(proxy: ProxyClient) -> None:
    """The specification's own example of a request is served.

    Its kmsKeyArn has a slash too many, and is not for the proxy to validate. A proxy
    whose policy binds this key store may deny the principal (403).
    """
    body: Body = {
        "requestMetadata": {
            "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
            "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:/key/"
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "kmsOperation": "Encrypt",
            "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
            "kmsViaService": "ebs",
        },
        "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
        "plaintext": "SGVsbG8gV29ybGQh",
        "encryptionAlgorithm": "AES_GCM",
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    }
    policy = proxy.target.authorization
    may_deny = policy is not None and policy.store is None
    accept = (SERVED, status(403)) if may_deny else (SERVED,)
    example = proxy.probe(_ENCRYPT, body, altered="the example", accept=accept)
    proxy.judge([example], controls=[])


@pytest.mark.requirement("XKS-ENC-002")
def test_response_is_standard_base64(proxy: ProxyClient) -> None:
    """Every member is padded Base64 of the standard alphabet.

    The plaintext is long enough for the two characters in which the alphabets differ to
    occur in the ciphertext; the length of a tag always asks for padding. The OPTIONAL
    ciphertextMetadata, if it is there, is Base64 as well. A member that is missing is
    for XKS-ENC-001.
    """
    (answer,) = _encrypted(proxy, 1024)
    for name in (*_MEMBERS, "ciphertextMetadata"):
        if (answer.document or {}).get(name) is not None:
            base64_of(answer, name)


@pytest.mark.requirement("XKS-ENC-003")
def test_ciphertext_is_as_long_as_plaintext(proxy: ProxyClient) -> None:
    """AES-GCM neither pads nor compresses."""
    sizes = (1, 15, 16, 17, 32, 255)
    for size, answer in zip(sizes, _encrypted(proxy, *sizes), strict=True):
        _expect_size(answer, size)


def _expect_size(answer: ProxyAnswer, size: int) -> None:
    if (found := len(bytes_of(answer, "ciphertext"))) != size:
        violated(answer, f"{size} bytes of ciphertext", f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-004")
def test_tag_is_not_in_the_ciphertext(proxy: ProxyClient) -> None:
    """The ciphertext of a short plaintext does not contain the tag."""
    (answer,) = _encrypted(proxy, 32)
    if bytes_of(answer, "authenticationTag") in bytes_of(answer, "ciphertext"):
        violated(
            answer,
            "ciphertext and authenticationTag apart from each other",
            "the ciphertext contains the authentication tag",
        )


@pytest.mark.requirement("XKS-ENC-005")
def test_initialization_vector_has_12_or_16_bytes(proxy: ProxyClient) -> None:
    """The initialization vector has 12 or 16 bytes."""
    (answer,) = _encrypted(proxy, 32)
    if (found := len(bytes_of(answer, "initializationVector"))) not in {12, 16}:
        violated(answer, ("12 bytes", "16 bytes"), f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-006")
def test_tag_has_16_bytes(proxy: ProxyClient) -> None:
    """The authentication tag has 16 bytes."""
    (answer,) = _encrypted(proxy, 32)
    if (found := len(bytes_of(answer, "authenticationTag"))) != 16:
        violated(answer, "16 bytes", f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-007")
def test_ciphertext_metadata_have_at_most_20_bytes(proxy: ProxyClient) -> None:
    """The OPTIONAL ciphertextMetadata, if it is there, has 20 bytes at the most.

    null is accepted as absent.
    """
    (answer,) = _encrypted(proxy, 32)
    if (answer.document or {}).get("ciphertextMetadata") is None:
        return
    member_of(answer, "ciphertextMetadata")
    if (found := len(bytes_of(answer, "ciphertextMetadata"))) > 20:
        violated(
            answer,
            ("no ciphertextMetadata", "at most 20 bytes"),
            f"{found} bytes",
            note="KMS rejects the response.",
        )


@pytest.mark.requirement("XKS-ENC-008")
def test_4300_bytes_are_encrypted(proxy: ProxyClient) -> None:
    """A plaintext of 4300 bytes is encrypted, to as many bytes."""
    probe = _probe(
        proxy,
        os.urandom(4300),
        altered="4300 bytes of plaintext",
        look=lambda answer: _expect_size(answer, 4300),
    )
    proxy.judge([probe])


@pytest.mark.requirement("XKS-ENC-009")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    proxy.judge([_probe(proxy, aad=os.urandom(8192), altered="8192 bytes of AAD")])


@pytest.mark.requirement("XKS-ENC-009")
def test_both_limits_at_once(proxy: ProxyClient) -> None:
    """4300 bytes of plaintext and 8192 bytes of AAD are accepted together."""
    plaintext = os.urandom(4300)
    both = _probe(
        proxy,
        plaintext,
        aad=os.urandom(8192),
        altered="4300 bytes of plaintext, 8192 bytes of AAD",
    )
    proxy.judge(
        [both], controls=[proxy.control(_ENCRYPT, encrypt_body(plaintext, aad=AAD))]
    )


@pytest.mark.requirement("XKS-ENC-015")
def test_ciphertext_is_not_the_plaintext(proxy: ProxyClient) -> None:
    """The ciphertext of 64 bytes does not contain the plaintext."""
    (answer,) = proxy.require_served(
        [_probe(proxy, PLAINTEXT * 2, altered="64 bytes of plaintext")]
    )
    if PLAINTEXT in bytes_of(answer, "ciphertext"):
        violated(answer, "a ciphertext that hides the plaintext", "the plaintext in it")


@pytest.mark.requirement("XKS-ENC-015")
def test_two_ciphertexts_differ(proxy: ProxyClient) -> None:
    """With another initialization vector the same plaintext gives other bytes."""
    answers = proxy.require_served(
        [_probe(proxy, altered=f"the {which} time") for which in ("first", "second")]
    )
    vectors = {bytes_of(answer, "initializationVector") for answer in answers}
    ciphertexts = {bytes_of(answer, "ciphertext") for answer in answers}
    if len(vectors) > len(ciphertexts):
        violated(
            answers[-1],
            "another ciphertext with another initialization vector",
            "the same ciphertext twice",
        )


@pytest.mark.requirement("XKS-ENC-016")
def test_initialization_vectors_are_unique(proxy: ProxyClient) -> None:
    """A hundred calls with one key give a hundred initialization vectors."""
    calls = [_probe(proxy, b"x", altered=f"call {n + 1} of 100") for n in range(100)]
    seen: set[bytes] = set()
    for answer in proxy.require_served(calls):
        vector = bytes_of(answer, "initializationVector")
        if vector in seen:
            violated(
                answer,
                "an initialization vector that was not used before",
                f"the same vector twice within {len(calls)} calls",
                note="Both ciphertexts together give the XOR of the plaintexts away, "
                "and can forge authentication tags.",
            )
        seen.add(vector)


@pytest.mark.requirement("XKS-ENC-017")
def test_absent_and_empty_aad(proxy: ProxyClient) -> None:
    """Additional authenticated data of length zero are the same as none."""
    texts = {None: "absent AAD", b"": "empty AAD"}
    encrypted = proxy.judge(
        [_probe(proxy, aad=aad, altered=text) for aad, text in texts.items()]
    )
    sealed = [
        read_sealed(answer, PLAINTEXT, aad)
        for aad, answer in zip(texts, encrypted, strict=True)
    ]
    proxy.judge(
        [
            proxy.probe(
                ProxyOperation.DECRYPT,
                each.altered(aad=other).body(),
                altered=f"{texts[other]} where it was {texts[each.aad]}",
                accept=(SERVED,),
                look=gives_back(PLAINTEXT),
            )
            for each, other in zip(sealed, reversed(texts), strict=True)
        ],
        controls=[proxy.opens(sealed[0])],
    )
