"""Chapter "Encrypt": members that are missing, malformed, empty or too long.

Any refusal will do; what an invalid parameter is called is for the chapter on errors.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, Body, ProxyOperation, encrypt_body
from ..client.expect import (
    REFUSED,
    SERVED,
    bytes_of,
    member_of,
    status,
    violated,
)
from .malformed import (
    NOT_BASE64,
    NULL,
    OTHER_ALGORITHMS,
    OTHER_SPELLINGS,
    SCALARS,
    STRUCTURES,
    WRONG_TYPES,
    altered,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client.answer import ProxyAnswer
    from ..client.expect import Outcome
    from ..client.proxy_client import ProxyClient

_ENCRYPT = ProxyOperation.ENCRYPT
_UNSUPPORTED = status(501)
"""An operation that is not implemented: the other reading of what is not supported."""


def _good() -> Body:
    return encrypt_body(PLAINTEXT, aad=AAD)


def _expect_refused(
    proxy: ProxyClient, bodies: Iterable[tuple[str, Body]], *also: Outcome
) -> None:
    """What was altered is refused, or what else is admissible."""
    accept = (*also, REFUSED)
    proxy.judge(
        [proxy.probe(_ENCRYPT, b, altered=text, accept=accept) for text, b in bodies]
    )


@pytest.mark.requirement("XKS-ENC-010")
def test_malformed_plaintext(proxy: ProxyClient) -> None:
    """A plaintext that can be read as no Base64 string is refused."""
    _expect_refused(proxy, altered(_good(), "plaintext", STRUCTURES | NOT_BASE64))


@pytest.mark.requirement("XKS-ENC-011")
def test_malformed_algorithm(proxy: ProxyClient) -> None:
    """An encryptionAlgorithm that is no string is refused.

    A scalar may be read as the name of another algorithm, which may be a 501.
    """
    bodies = altered(_good(), "encryptionAlgorithm", WRONG_TYPES)
    _expect_refused(proxy, bodies, _UNSUPPORTED)


@pytest.mark.requirement("XKS-ENC-022")
def test_what_a_lenient_reader_takes(proxy: ProxyClient) -> None:
    """A member that is missing or null is not empty, and a scalar is no string.

    KMS sends neither; a reader that takes them for that is lenient, and no more.
    """
    bodies = (
        *altered(_good(), "plaintext", NULL | SCALARS, missing=True),
        *altered(_good(), "encryptionAlgorithm", NULL, missing=True),
        *altered(_good(), "additionalAuthenticatedData", SCALARS),
    )
    _expect_refused(proxy, bodies, _UNSUPPORTED)


@pytest.mark.requirement("XKS-ENC-011")
def test_other_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter.
    """
    bodies = altered(_good(), "encryptionAlgorithm", OTHER_ALGORITHMS)
    _expect_refused(proxy, bodies, _UNSUPPORTED)


@pytest.mark.requirement("XKS-ENC-021")
def test_other_spelling_of_the_algorithm(proxy: ProxyClient) -> None:
    """AES_GCM in another spelling is refused; 501 and 400 are accepted."""
    bodies = altered(_good(), "encryptionAlgorithm", OTHER_SPELLINGS)
    _expect_refused(proxy, bodies, _UNSUPPORTED)


@pytest.mark.requirement("XKS-ENC-012")
def test_malformed_aad(proxy: ProxyClient) -> None:
    """Additional authenticated data that are no Base64 string are refused."""
    values = STRUCTURES | NOT_BASE64
    _expect_refused(proxy, altered(_good(), "additionalAuthenticatedData", values))


@pytest.mark.requirement("XKS-ENC-012")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is refused: both are accepted."""
    bodies = altered(_good(), "additionalAuthenticatedData", NULL)
    _expect_refused(proxy, bodies, SERVED)


@pytest.mark.requirement("XKS-ENC-013")
def test_empty_plaintext(proxy: ProxyClient) -> None:
    """An empty plaintext gives a ciphertext of no bytes, or is refused."""

    def look(answer: ProxyAnswer) -> None:
        if answer.status != 200:
            return
        member_of(answer, "ciphertext")
        if found := bytes_of(answer, "ciphertext"):
            violated(
                answer,
                ("a ciphertext of no bytes", REFUSED.text),
                f"a ciphertext of {len(found)} bytes",
            )

    probe = proxy.probe(
        _ENCRYPT,
        encrypt_body(b"", aad=AAD),
        altered="no bytes of plaintext",
        accept=(SERVED, REFUSED),
        look=look,
    )
    proxy.judge([probe])


_LARGE = (
    ("plaintext", 4301, 0),
    ("plaintext", 8192, 0),
    ("AAD", 32, 8193),
    ("AAD", 32, 16384),
)


@pytest.mark.requirement("XKS-ENC-014")
def test_more_than_the_minimum(proxy: ProxyClient) -> None:
    """More than a proxy has to support is served, or refused.

    Both an operation that is not implemented (501) and an invalid parameter are
    accepted.
    """

    def look(answer: ProxyAnswer, size: int) -> None:
        if answer.status == 200 and len(bytes_of(answer, "ciphertext")) != size:
            violated(answer, f"{size} bytes of ciphertext", "a ciphertext cut short")

    proxy.judge(
        [
            proxy.probe(
                _ENCRYPT,
                encrypt_body(os.urandom(size), aad=os.urandom(aad_size)),
                altered=f"{max(size, aad_size)} bytes of {what}",
                accept=(SERVED, _UNSUPPORTED, REFUSED),
                look=lambda answer, size=size: look(answer, size),  # type: ignore[misc] # a default binds it
            )
            for what, size, aad_size in _LARGE
        ]
    )


_RESEMBLING = {
    "URL-safe alphabet": base64.urlsafe_b64encode(b"\xfb\xff\xfe" * 4).decode("ascii"),
    "no padding": "SGVsbG8gV29ybGQ",
    "spaces": "SGVs bG8gV29y bGQh",
    "a line break": "SGVsbG8g\nV29ybGQh",
    "too much padding": "SGVsbG8gV29ybGQh=",
    "a stray character": "SGVs*bG8gV29ybGQh",
}


@pytest.mark.requirement("XKS-ENC-018")
def test_what_only_resembles_base64(proxy: ProxyClient) -> None:
    """A plaintext that is not standard Base64 is refused and not guessed at."""
    _expect_refused(proxy, altered(_good(), "plaintext", _RESEMBLING))
