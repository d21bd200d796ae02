"""Chapter "Decrypt": members that are missing or malformed.

Any refusal will do: a part of the ciphertext that is missing or malformed is an invalid
parameter, or a ciphertext that is not valid. What these are called is for the chapter
on errors.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import ProxyOperation
from ..client.expect import REFUSED, SERVED, status
from ..client.sealing import gives_back
from .malformed import (
    NOT_BASE64,
    NULL,
    OTHER_ALGORITHMS,
    OTHER_SPELLINGS,
    WRONG_TYPES,
    altered,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client.answer import ProxyAnswer
    from ..client.bodies import Body
    from ..client.expect import Outcome
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_DECRYPT = ProxyOperation.DECRYPT
_REQUIRED = ("ciphertext", "initializationVector", "authenticationTag")
_OPTIONAL = ("ciphertextMetadata", "additionalAuthenticatedData")


def _probes(
    proxy: ProxyClient, bodies: Iterable[tuple[str, Body]], *also: Outcome
) -> list[Probe]:
    """What was altered, to be refused, or what else is admissible."""
    accept = (*also, REFUSED)
    return [
        proxy.probe(_DECRYPT, body, altered=text, accept=accept)
        for text, body in bodies
    ]


@pytest.mark.requirement("XKS-DEC-006")
def test_missing_member(proxy: ProxyClient) -> None:
    """A Decrypt without one of the parts of the ciphertext is refused."""
    good = proxy.sealed().body()
    bodies = [
        body for member in _REQUIRED for body in altered(good, member, {}, missing=True)
    ]
    proxy.judge(_probes(proxy, bodies))


@pytest.mark.requirement("XKS-DEC-007")
def test_malformed_member(proxy: ProxyClient) -> None:
    """A member of Decrypt that is no Base64 string is refused."""
    good = proxy.sealed().body()
    values = WRONG_TYPES | NOT_BASE64
    members = dict.fromkeys(_REQUIRED, NULL | values) | dict.fromkeys(_OPTIONAL, values)
    bodies = [
        body for member, bad in members.items() for body in altered(good, member, bad)
    ]
    proxy.judge(_probes(proxy, bodies))


@pytest.mark.requirement("XKS-DEC-007")
def test_null_as_aad(proxy: ProxyClient) -> None:
    """The value null means absent, or is refused: both are accepted."""
    sealed = proxy.seal(aad=None)

    def look(answer: ProxyAnswer) -> None:
        if answer.status == 200:
            gives_back(sealed.plaintext)(answer)

    probes = [
        proxy.probe(_DECRYPT, body, altered=text, accept=(SERVED, REFUSED), look=look)
        for text, body in altered(sealed.body(), "additionalAuthenticatedData", NULL)
    ]
    proxy.judge(probes, controls=[proxy.opens(sealed)])


@pytest.mark.requirement("XKS-DEC-018")
def test_malformed_algorithm(proxy: ProxyClient) -> None:
    """An encryptionAlgorithm that is no string is refused.

    A scalar may be read as the name of another algorithm, which may be a 501.
    """
    good = proxy.sealed().body()
    bodies = altered(good, "encryptionAlgorithm", WRONG_TYPES)
    proxy.judge(_probes(proxy, bodies, status(501)))


@pytest.mark.requirement("XKS-DEC-024")
def test_missing_algorithm(proxy: ProxyClient) -> None:
    """An encryptionAlgorithm that is missing, or null, is not taken for AES_GCM.

    Everything else is right: what comes back is no secret of somebody else.
    """
    good = proxy.sealed().body()
    bodies = altered(good, "encryptionAlgorithm", NULL, missing=True)
    proxy.judge(_probes(proxy, bodies, status(501)))


@pytest.mark.requirement("XKS-DEC-018")
def test_other_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm is refused.

    Both readings are accepted: an operation that is not implemented (501), and an
    invalid parameter.
    """
    good = proxy.sealed().body()
    bodies = altered(good, "encryptionAlgorithm", OTHER_ALGORITHMS)
    proxy.judge(_probes(proxy, bodies, status(501)))


@pytest.mark.requirement("XKS-DEC-020")
def test_other_spelling_of_the_algorithm(proxy: ProxyClient) -> None:
    """AES_GCM in another spelling is refused; 501 and 400 are accepted."""
    good = proxy.sealed().body()
    bodies = altered(good, "encryptionAlgorithm", OTHER_SPELLINGS)
    proxy.judge(_probes(proxy, bodies, status(501)))


@pytest.mark.requirement("XKS-DEC-019")
def test_url_safe_base64(proxy: ProxyClient) -> None:
    """A ciphertext in the URL-safe alphabet is refused and not guessed at.

    It is long enough for the characters in which the alphabets differ to occur.
    """
    sealed = proxy.seal(os.urandom(1024))
    body = sealed.body()
    text = str(body["ciphertext"]).translate(str.maketrans("+/", "-_"))
    bodies = altered(body, "ciphertext", {"URL-safe alphabet": text})
    proxy.judge(_probes(proxy, bodies), controls=[proxy.opens(sealed)])


@pytest.mark.requirement("XKS-DEC-019")
def test_what_only_resembles_base64(proxy: ProxyClient) -> None:
    """White space in Base64 is not skipped, and a padding that is missing not added."""
    body = proxy.sealed().body()
    bodies: list[tuple[str, Body]] = []
    for member in ("initializationVector", "authenticationTag"):
        text = str(body[member])
        resembling = {
            "a space": f"{text[:4]} {text[4:]}",
            "a line break": f"{text[:4]}\n{text[4:]}",
        }
        bodies += altered(body, member, resembling)
    tag = str(body["authenticationTag"]).rstrip("=")
    bodies += altered(body, "authenticationTag", {"no padding": tag})
    proxy.judge(_probes(proxy, bodies))
