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
    base64_of,
    bytes_of,
    control,
    error,
    expect,
    member_of,
    plaintext_is,
    success,
    violated,
)
from ..client.scenarios import invalid

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.proxy_client import ProxyClient

_MEMBERS = ("ciphertext", "initializationVector", "authenticationTag")

NOT_BASE64 = [
    pytest.param("@@@@", id="characters-outside-the-alphabet"),
    pytest.param("A", id="one-character"),
]
WRONG_TYPES = [
    pytest.param(1, id="number"),
    pytest.param(True, id="boolean"),
    pytest.param(["QUJD"], id="array"),
    pytest.param({"base64": "QUJD"}, id="object"),
]
OTHER_ALGORITHMS = [
    pytest.param("AES_CBC", id="AES_CBC"),
    pytest.param("RSAES_OAEP_SHA_256", id="RSAES_OAEP_SHA_256"),
    pytest.param("", id="empty"),
]


def _encrypted(proxy: ProxyClient, size: int = 32) -> ProxyAnswer:
    """An Encrypt that works, so that its answer can be looked at."""
    answer = proxy.encrypt(os.urandom(size), aad=AAD, label=f"{size} bytes")
    control(answer)
    return answer


@pytest.mark.requirement("XKS-ENC-001")
@pytest.mark.parametrize("name", _MEMBERS)
def test_response_has(proxy: ProxyClient, name: str) -> None:
    """Encrypt is served, with the three members that every response has."""
    answer = proxy.encrypt(aad=AAD)
    success(answer)
    member_of(answer, name)


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
@pytest.mark.parametrize("name", _MEMBERS)
def test_response_is_standard_base64(proxy: ProxyClient, name: str) -> None:
    """Every member is padded Base64 of the standard alphabet.

    The plaintext is long enough for the two characters in which the alphabets differ to
    occur in the ciphertext; the length of a tag always asks for padding.
    """
    base64_of(_encrypted(proxy, 1024), name)


@pytest.mark.requirement("XKS-ENC-002")
def test_ciphertext_metadata_is_standard_base64(proxy: ProxyClient) -> None:
    """The OPTIONAL ciphertextMetadata, if it is there, is Base64 as well."""
    answer = _encrypted(proxy)
    if (answer.document or {}).get("ciphertextMetadata") is not None:
        base64_of(answer, "ciphertextMetadata")


@pytest.mark.requirement("XKS-ENC-003")
@pytest.mark.parametrize("size", [1, 15, 16, 17, 32, 255])
def test_ciphertext_is_as_long_as_plaintext(proxy: ProxyClient, size: int) -> None:
    """AES-GCM neither pads nor compresses."""
    answer = _encrypted(proxy, size)
    found = len(bytes_of(answer, "ciphertext"))
    if found != size:
        violated(answer, f"{size} bytes of ciphertext", f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-004")
def test_tag_is_not_in_the_ciphertext(proxy: ProxyClient) -> None:
    """The ciphertext of a short plaintext does not contain the tag."""
    answer = _encrypted(proxy)
    if bytes_of(answer, "authenticationTag") in bytes_of(answer, "ciphertext"):
        violated(
            answer,
            "ciphertext and authenticationTag apart from each other",
            "the ciphertext contains the authentication tag",
        )


@pytest.mark.requirement("XKS-ENC-005")
def test_initialization_vector_has_12_or_16_bytes(proxy: ProxyClient) -> None:
    """The initialization vector has 12 or 16 bytes."""
    answer = _encrypted(proxy)
    if (found := len(bytes_of(answer, "initializationVector"))) not in {12, 16}:
        violated(answer, ("12 bytes", "16 bytes"), f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-006")
def test_tag_has_16_bytes(proxy: ProxyClient) -> None:
    """The authentication tag has 16 bytes."""
    answer = _encrypted(proxy)
    if (found := len(bytes_of(answer, "authenticationTag"))) != 16:
        violated(answer, "16 bytes", f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-007")
def test_ciphertext_metadata_have_at_most_20_bytes(proxy: ProxyClient) -> None:
    """The OPTIONAL ciphertextMetadata, if it is there, has 20 bytes at the most.

    null is accepted as absent.
    """
    answer = _encrypted(proxy)
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
    answer = proxy.encrypt(os.urandom(4300), aad=AAD, label="4300 bytes of plaintext")
    success(answer)
    if (found := len(bytes_of(answer, "ciphertext"))) != 4300:
        violated(answer, "4300 bytes of ciphertext", f"{found} bytes")


@pytest.mark.requirement("XKS-ENC-009")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    success(proxy.encrypt(aad=os.urandom(8192), label="8192 bytes of AAD"))


@pytest.mark.requirement("XKS-ENC-009")
def test_both_limits_at_once(proxy: ProxyClient) -> None:
    """4300 bytes of plaintext and 8192 bytes of AAD are accepted together."""
    control(proxy.encrypt(os.urandom(4300), label="control: 4300 bytes of plaintext"))
    answer = proxy.encrypt(os.urandom(4300), aad=os.urandom(8192), label="both limits")
    success(answer)


@pytest.mark.requirement("XKS-ENC-010")
def test_missing_plaintext(proxy: ProxyClient) -> None:
    """An Encrypt without a plaintext is a ValidationException."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: complete"))
    del body["plaintext"]
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="probe: no plaintext")
    expect(answer, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-010")
@pytest.mark.parametrize(
    "value", [pytest.param(None, id="null"), *WRONG_TYPES, *NOT_BASE64]
)
def test_malformed_plaintext(proxy: ProxyClient, value: object) -> None:
    """A plaintext that is no Base64 string is a ValidationException."""
    _expect_invalid(proxy, "plaintext", value)


@pytest.mark.requirement("XKS-ENC-011")
def test_missing_algorithm(proxy: ProxyClient) -> None:
    """An Encrypt without encryptionAlgorithm is a ValidationException."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: complete"))
    del body["encryptionAlgorithm"]
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="probe: no algorithm")
    expect(answer, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-011")
@pytest.mark.parametrize("value", [pytest.param(None, id="null"), *WRONG_TYPES])
def test_malformed_algorithm(proxy: ProxyClient, value: object) -> None:
    """An encryptionAlgorithm that is no string is a ValidationException."""
    _expect_invalid(proxy, "encryptionAlgorithm", value)


@pytest.mark.requirement("XKS-ENC-011")
@pytest.mark.parametrize("algorithm", OTHER_ALGORITHMS)
def test_other_algorithm(proxy: ProxyClient, algorithm: str) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter (400).
    """
    body = encrypt_body(PLAINTEXT, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: AES_GCM"))
    body["encryptionAlgorithm"] = algorithm
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label=f"probe: {algorithm!r}")
    expect(answer, error("UnsupportedOperationException"), *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-012")
@pytest.mark.parametrize("value", [*WRONG_TYPES, *NOT_BASE64])
def test_malformed_aad(proxy: ProxyClient, value: object) -> None:
    """Additional authenticated data that are no Base64 string are invalid."""
    _expect_invalid(proxy, "additionalAuthenticatedData", value)


@pytest.mark.requirement("XKS-ENC-012")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is invalid: both are accepted."""
    body = encrypt_body(PLAINTEXT)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: absent"))
    body["additionalAuthenticatedData"] = None
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label="probe: null")
    expect(answer, SERVED, *invalid(proxy))


def _expect_invalid(proxy: ProxyClient, member: str, value: object) -> None:
    body = encrypt_body(PLAINTEXT, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: complete"))
    body[member] = value
    answer = proxy.call(ProxyOperation.ENCRYPT, body, label=f"probe: {member} altered")
    expect(answer, *invalid(proxy))


@pytest.mark.requirement("XKS-ENC-013")
def test_empty_plaintext(proxy: ProxyClient) -> None:
    """An empty plaintext gives a ciphertext of no bytes, or is invalid."""
    control(proxy.encrypt(aad=AAD, label="control: 32 bytes"))
    answer = proxy.encrypt(b"", aad=AAD, label="probe: no bytes")
    expect(answer, SERVED, *invalid(proxy))
    if answer.status == 200 and (found := bytes_of(answer, "ciphertext")):
        violated(
            answer,
            ("a ciphertext of no bytes", "400 ValidationException"),
            f"a ciphertext of {len(found)} bytes",
        )


@pytest.mark.requirement("XKS-ENC-014")
@pytest.mark.parametrize(
    ("size", "aad_size"),
    [
        pytest.param(4301, 0, id="plaintext-of-4301-bytes"),
        pytest.param(8192, 0, id="plaintext-of-8192-bytes"),
        pytest.param(32, 8193, id="aad-of-8193-bytes"),
        pytest.param(32, 16384, id="aad-of-16384-bytes"),
    ],
)
def test_more_than_the_minimum(proxy: ProxyClient, size: int, aad_size: int) -> None:
    """More than a proxy has to support is served, or refused as documented.

    A ValidationException is accepted beside the UnsupportedOperationException.
    """
    control(proxy.encrypt(aad=AAD, label="control: small"))
    answer = proxy.encrypt(os.urandom(size), aad=os.urandom(aad_size), label="large")
    expect(answer, SERVED, error("UnsupportedOperationException"), *invalid(proxy))
    if answer.status == 200 and len(bytes_of(answer, "ciphertext")) != size:
        violated(answer, f"{size} bytes of ciphertext", "a ciphertext cut short")


@pytest.mark.requirement("XKS-ENC-015")
def test_ciphertext_is_not_the_plaintext(proxy: ProxyClient) -> None:
    """The ciphertext of 64 bytes does not contain the plaintext."""
    answer = proxy.encrypt(PLAINTEXT * 2, aad=AAD)
    control(answer)
    if PLAINTEXT in bytes_of(answer, "ciphertext"):
        violated(answer, "a ciphertext that hides the plaintext", "the plaintext in it")


@pytest.mark.requirement("XKS-ENC-015")
def test_two_ciphertexts_differ(proxy: ProxyClient) -> None:
    """With another initialization vector the same plaintext gives other bytes."""
    first, second = (proxy.encrypt(PLAINTEXT, aad=AAD) for _ in range(2))
    for answer in (first, second):
        control(answer)
    vectors = {bytes_of(answer, "initializationVector") for answer in (first, second)}
    ciphertexts = {bytes_of(answer, "ciphertext") for answer in (first, second)}
    if len(vectors) > len(ciphertexts):
        violated(
            second,
            "another ciphertext with another initialization vector",
            "the same ciphertext twice",
        )


@pytest.mark.requirement("XKS-ENC-016")
def test_initialization_vectors_are_unique(proxy: ProxyClient) -> None:
    """A hundred calls with one key give a hundred initialization vectors."""
    seen: set[bytes] = set()
    for _ in range(100):
        answer = proxy.encrypt(b"x", aad=AAD)
        control(answer)
        vector = bytes_of(answer, "initializationVector")
        if vector in seen:
            violated(
                answer,
                "an initialization vector that was not used before",
                f"the same vector twice within {len(seen) + 1} calls",
                note="Both ciphertexts together give the XOR of the plaintexts away, "
                "and can forge authentication tags.",
            )
        seen.add(vector)


@pytest.mark.requirement("XKS-ENC-017")
@pytest.mark.parametrize(
    ("sealed_with", "opened_with"),
    [
        pytest.param(None, b"", id="absent-then-empty"),
        pytest.param(b"", None, id="empty-then-absent"),
    ],
)
def test_absent_and_empty_aad(
    proxy: ProxyClient, sealed_with: bytes | None, opened_with: bytes | None
) -> None:
    """Additional authenticated data of length zero are the same as none."""
    proxy.opened(proxy.seal(aad=None))
    answer = proxy.encrypt(PLAINTEXT, aad=sealed_with)
    success(answer)
    sealed = proxy.read_sealed(answer, PLAINTEXT, sealed_with)
    plaintext_is(proxy.decrypt(sealed.altered(aad=opened_with)), PLAINTEXT)


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")


@pytest.mark.requirement("XKS-ENC-018")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_url_safe(b"\xfb\xff\xfe" * 4), id="url-safe-alphabet"),
        pytest.param("SGVsbG8gV29ybGQ", id="no-padding"),
        pytest.param("SGVs bG8gV29y bGQh", id="spaces"),
        pytest.param("SGVsbG8g\nV29ybGQh", id="line-break"),
        pytest.param("SGVsbG8gV29ybGQh=", id="too-much-padding"),
        pytest.param("SGVs*bG8gV29ybGQh", id="stray-character"),
    ],
)
def test_what_only_resembles_base64(proxy: ProxyClient, text: str) -> None:
    """A plaintext that is not standard Base64 is refused and not guessed at."""
    _expect_invalid(proxy, "plaintext", text)
