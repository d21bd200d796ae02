"""Chapter "Encrypt": what goes in, what comes out, and in which form.

Whether it decrypts is in ``test_decrypt``; the integrity value has a file of its own.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, Body, ProxyOperation, encrypt_body
from ..client.expect import (
    SERVED,
    Outcome,
    base64_of,
    bytes_of,
    error,
    expect,
    member_of,
    violated,
)
from ..client.scenarios import invalid
from ..client.sealing import gives_back
from .values import NOT_BASE64, OTHER_ALGORITHMS, WRONG_TYPES, altered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_ENCRYPT = ProxyOperation.ENCRYPT
_MEMBERS = ("ciphertext", "initializationVector", "authenticationTag")


def _encrypted(proxy: ProxyClient, size: int = 32, count: int = 1) -> list[ProxyAnswer]:
    """Encrypts that work, so that their answers can be looked at."""
    bodies = [encrypt_body(os.urandom(size), aad=AAD) for _ in range(count)]
    return proxy.require_served([proxy.control(_ENCRYPT, body) for body in bodies])


def _served(
    proxy: ProxyClient,
    altered: str,
    plaintext: bytes = PLAINTEXT,
    aad: bytes | None = AAD,
    look: Callable[[ProxyAnswer], None] | None = None,
) -> Probe:
    """An Encrypt that has to be served."""
    body = encrypt_body(plaintext, aad=aad)
    return proxy.probe(_ENCRYPT, body, altered=altered, accept=(SERVED,), look=look)


def _judge_bodies(
    proxy: ProxyClient, bodies: Mapping[str, Body], *accept: Outcome
) -> None:
    proxy.judge(
        [
            proxy.probe(_ENCRYPT, body, altered=text, accept=accept)
            for text, body in bodies.items()
        ]
    )


def _has_bytes(name: str, *sizes: int) -> Callable[[ProxyAnswer], None]:
    """Looks at a member, which has to have as many bytes."""

    def look(answer: ProxyAnswer) -> None:
        found = len(bytes_of(answer, name))
        if found not in sizes:
            expected = tuple(f"{size} bytes of {name}" for size in sizes)
            violated(answer, expected, f"{found} bytes")

    return look


@pytest.mark.requirement("XKS-ENC-001")
def test_response_has_three_members(proxy: ProxyClient) -> None:
    """Encrypt is served, with the three members that every response has."""

    def look(answer: ProxyAnswer) -> None:
        for name in _MEMBERS:
            member_of(answer, name)

    proxy.judge([_served(proxy, "32 bytes", look=look)], controls=[])


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
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="the example")
    policy = proxy.target.authorization
    if policy is not None and policy.store is None:
        expect(answer, SERVED, error("AccessDeniedException"))
    else:
        expect(answer, SERVED)


@pytest.mark.requirement("XKS-ENC-002")
def test_response_is_standard_base64(proxy: ProxyClient) -> None:
    """Every member is padded Base64 of the standard alphabet.

    The plaintext is long enough for the two characters in which the alphabets differ to
    occur in the ciphertext; the length of a tag always asks for padding. The OPTIONAL
    ciphertextMetadata, if it is there, is Base64 as well.
    """
    (answer,) = _encrypted(proxy, 1024)
    for name in _MEMBERS:
        base64_of(answer, name)
    if (answer.document or {}).get("ciphertextMetadata") is not None:
        base64_of(answer, "ciphertextMetadata")


@pytest.mark.requirement("XKS-ENC-003")
def test_ciphertext_is_as_long_as_plaintext(proxy: ProxyClient) -> None:
    """AES-GCM neither pads nor compresses."""
    proxy.judge(
        [
            _served(
                proxy,
                f"{size} bytes",
                os.urandom(size),
                look=_has_bytes("ciphertext", size),
            )
            for size in (1, 15, 16, 17, 32, 255)
        ]
    )


@pytest.mark.requirement("XKS-ENC-004")
def test_tag_is_not_in_the_ciphertext(proxy: ProxyClient) -> None:
    """The ciphertext of a short plaintext does not contain the tag."""
    (answer,) = _encrypted(proxy)
    if bytes_of(answer, "authenticationTag") in bytes_of(answer, "ciphertext"):
        violated(
            answer,
            "ciphertext and authenticationTag apart from each other",
            "the ciphertext contains the authentication tag",
        )


@pytest.mark.requirement("XKS-ENC-005")
def test_initialization_vector_has_12_or_16_bytes(proxy: ProxyClient) -> None:
    """The initialization vector has 12 or 16 bytes."""
    (answer,) = _encrypted(proxy)
    _has_bytes("initializationVector", 12, 16)(answer)


@pytest.mark.requirement("XKS-ENC-006")
def test_tag_has_16_bytes(proxy: ProxyClient) -> None:
    """The authentication tag has 16 bytes."""
    (answer,) = _encrypted(proxy)
    _has_bytes("authenticationTag", 16)(answer)


@pytest.mark.requirement("XKS-ENC-007")
def test_ciphertext_metadata_have_at_most_20_bytes(proxy: ProxyClient) -> None:
    """The OPTIONAL ciphertextMetadata, if it is there, has 20 bytes at the most.

    null is accepted as absent.
    """
    (answer,) = _encrypted(proxy)
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
    look = _has_bytes("ciphertext", 4300)
    probe = _served(proxy, "4300 bytes of plaintext", os.urandom(4300), look=look)
    proxy.judge([probe])


@pytest.mark.requirement("XKS-ENC-009")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    proxy.judge([_served(proxy, "8192 bytes of AAD", aad=os.urandom(8192))])


@pytest.mark.requirement("XKS-ENC-009")
def test_both_limits_at_once(proxy: ProxyClient) -> None:
    """4300 bytes of plaintext and 8192 bytes of AAD are accepted together."""
    plaintext = os.urandom(4300)
    alone = proxy.control(_ENCRYPT, encrypt_body(plaintext))
    both = _served(proxy, "both limits at once", plaintext, os.urandom(8192))
    proxy.judge([both], controls=[alone])


def _without(body: Body, member: str) -> Body:
    return {name: value for name, value in body.items() if name != member}


@pytest.mark.requirement("XKS-ENC-010")
def test_malformed_plaintext(proxy: ProxyClient) -> None:
    """A plaintext that is missing or no Base64 string is a ValidationException."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    values = {"null": None, **WRONG_TYPES, **NOT_BASE64}
    bodies = {
        "no plaintext": _without(body, "plaintext"),
        **altered(body, "plaintext", values),
    }
    _judge_bodies(proxy, bodies, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-011")
def test_malformed_algorithm(proxy: ProxyClient) -> None:
    """An encryptionAlgorithm that is missing or no string is a ValidationException."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    bodies = {
        "no encryptionAlgorithm": _without(body, "encryptionAlgorithm"),
        **altered(body, "encryptionAlgorithm", {"null": None, **WRONG_TYPES}),
    }
    _judge_bodies(proxy, bodies, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-011")
def test_other_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    body = encrypt_body(PLAINTEXT, aad=AAD)
    bodies = {
        f"encryptionAlgorithm {name!r}": body | {"encryptionAlgorithm": name}
        for name in OTHER_ALGORITHMS
    }
    unsupported = error("UnsupportedOperationException")
    _judge_bodies(proxy, bodies, unsupported, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-012")
def test_malformed_aad(proxy: ProxyClient) -> None:
    """Additional authenticated data that are no Base64 string are invalid."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    values = {**WRONG_TYPES, **NOT_BASE64}
    bodies = altered(body, "additionalAuthenticatedData", values)
    _judge_bodies(proxy, bodies, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-012")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is invalid: both are accepted."""
    bodies = {
        "AAD null": encrypt_body(PLAINTEXT) | {"additionalAuthenticatedData": None}
    }
    _judge_bodies(proxy, bodies, SERVED, *invalid(proxy))


def _if_served(
    look: Callable[[ProxyAnswer], None],
) -> Callable[[ProxyAnswer], None]:
    return lambda answer: look(answer) if answer.status == 200 else None


@pytest.mark.requirement("XKS-ENC-013")
def test_empty_plaintext(proxy: ProxyClient) -> None:
    """An empty plaintext gives a ciphertext of no bytes, or is invalid."""
    probe = proxy.probe(
        _ENCRYPT,
        encrypt_body(b"", aad=AAD),
        altered="no bytes",
        accept=(SERVED, *invalid(proxy)),
        look=_if_served(_has_bytes("ciphertext", 0)),
    )
    proxy.judge([probe])


@pytest.mark.requirement("XKS-ENC-014")
def test_more_than_the_minimum(proxy: ProxyClient) -> None:
    """More than a proxy has to support is served, or refused as documented.

    A ValidationException is accepted beside the UnsupportedOperationException.
    """
    accept = (SERVED, error("UnsupportedOperationException"), *invalid(proxy))
    sizes = ((4301, 0), (8192, 0), (32, 8193), (32, 16384))
    proxy.judge(
        [
            proxy.probe(
                _ENCRYPT,
                encrypt_body(os.urandom(size), aad=os.urandom(aad_size)),
                altered=f"{size} bytes of plaintext, {aad_size} of AAD",
                accept=accept,
                look=_if_served(_has_bytes("ciphertext", size)),
            )
            for size, aad_size in sizes
        ]
    )


@pytest.mark.requirement("XKS-ENC-015")
def test_ciphertext_is_not_the_plaintext(proxy: ProxyClient) -> None:
    """The ciphertext of 64 bytes does not contain the plaintext."""
    body = encrypt_body(PLAINTEXT * 2, aad=AAD)
    (answer,) = proxy.require_served([proxy.control(_ENCRYPT, body)])
    if PLAINTEXT in bytes_of(answer, "ciphertext"):
        violated(answer, "a ciphertext that hides the plaintext", "the plaintext in it")


@pytest.mark.requirement("XKS-ENC-015")
def test_two_ciphertexts_differ(proxy: ProxyClient) -> None:
    """With another initialization vector the same plaintext gives other bytes."""
    answers = proxy.require_served([proxy.control(_ENCRYPT) for _ in range(2)])
    vectors = {bytes_of(answer, "initializationVector") for answer in answers}
    ciphertexts = {bytes_of(answer, "ciphertext") for answer in answers}
    if len(vectors) > len(ciphertexts):
        violated(
            answers[1],
            "another ciphertext with another initialization vector",
            "the same ciphertext twice",
        )


@pytest.mark.requirement("XKS-ENC-016")
def test_initialization_vectors_are_unique(proxy: ProxyClient) -> None:
    """A hundred calls with one key give a hundred initialization vectors."""
    seen: set[bytes] = set()
    for answer in _encrypted(proxy, 1, count=100):
        vector = bytes_of(answer, "initializationVector")
        if vector in seen:
            violated(
                answer,
                "an initialization vector that was not used before",
                "the same vector twice within 100 calls",
                note="Both ciphertexts together give the XOR of the plaintexts away, "
                "and can forge authentication tags.",
            )
        seen.add(vector)


@pytest.mark.requirement("XKS-ENC-017")
def test_absent_and_empty_aad(proxy: ProxyClient) -> None:
    """Additional authenticated data of length zero are the same as none."""
    sealed = [proxy.seal(aad=aad) for aad in (None, b"")]
    probes = [
        proxy.probe(
            ProxyOperation.DECRYPT,
            each.altered(aad=other).body(),
            altered=text,
            accept=(SERVED,),
            look=gives_back(PLAINTEXT),
        )
        for each, other, text in zip(
            sealed,
            (b"", None),
            ("AAD absent, then empty", "AAD empty, then absent"),
            strict=True,
        )
    ]
    proxy.judge(probes, controls=[proxy.opens(sealed[0])])


_RESEMBLING: dict[str, object] = {
    "URL-safe alphabet": base64.urlsafe_b64encode(b"\xfb\xff\xfe" * 4).decode(),
    "no padding": "SGVsbG8gV29ybGQ",
    "spaces": "SGVs bG8gV29y bGQh",
    "a line break": "SGVsbG8g\nV29ybGQh",
    "too much padding": "SGVsbG8gV29ybGQh=",
    "a stray character": "SGVs*bG8gV29ybGQh",
}


@pytest.mark.requirement("XKS-ENC-018")
def test_what_only_resembles_base64(proxy: ProxyClient) -> None:
    """A plaintext that is not standard Base64 is refused and not guessed at."""
    bodies = altered(encrypt_body(PLAINTEXT, aad=AAD), "plaintext", _RESEMBLING)
    _judge_bodies(proxy, bodies, *invalid(proxy))
