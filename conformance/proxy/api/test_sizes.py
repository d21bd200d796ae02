"""Chapters "Encrypt" and "Decrypt": the largest sizes together, beyond them, and zero.

What the specification asks for is served; beyond it a proxy may serve or refuse, and
what it serves it binds whole. Lengths in the AAD of AES-GCM have two bytes, which end
at 65,535.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotApplicable

from ..client.bodies import (
    AAD,
    PLAINTEXT,
    Body,
    ProxyOperation,
    encrypt_body,
    flip,
    request_metadata,
)
from ..client.expect import REFUSED, SERVED, Outcome, status
from ..client.sealing import gives_back, read_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..client.bodies import Sealed
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_ENCRYPT, _DECRYPT = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
_WRAPS_AT = 65_536
_LARGE = (_WRAPS_AT - 1, _WRAPS_AT, 100_000)
_UNSUPPORTED = status(501)
_TOGETHER = "everything as long as it may be"


def _aad(size: int) -> bytes:
    return (AAD * (size // len(AAD) + 1))[:size]


def _long_arns(operation: ProxyOperation) -> Body:
    """A requestMetadata with ARNs of 2048 characters."""
    principal = "arn:aws:iam::111122223333:role/"
    key = "arn:aws:kms:us-east-1:111122223333:key/"
    return request_metadata(
        operation,
        awsPrincipalArn=principal + "a" * (2048 - len(principal)),
        kmsKeyArn=key + "a" * (2048 - len(key)),
    )


def _served(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """Served, or denied where a policy binds the main store."""
    policy = proxy.target.authorization
    may_deny = policy is not None and policy.store is None
    return (SERVED, status(403)) if may_deny else (SERVED,)


@pytest.mark.requirement("XKS-ENC-009")
def test_all_limits_of_encrypt_at_once(proxy: ProxyClient) -> None:
    """4300 bytes of plaintext, 8192 bytes of AAD, and ARNs of 2048 characters."""
    body = encrypt_body(
        os.urandom(4300), aad=os.urandom(8192), metadata=_long_arns(_ENCRYPT)
    )
    together = proxy.probe(_ENCRYPT, body, altered=_TOGETHER, accept=_served(proxy))
    each = (
        encrypt_body(os.urandom(4300), aad=AAD),
        encrypt_body(PLAINTEXT, aad=os.urandom(8192)),
        encrypt_body(PLAINTEXT, metadata=_long_arns(_ENCRYPT)),
    )
    controls = [proxy.control(_ENCRYPT, body) for body in each]
    proxy.judge([together], controls)


@pytest.mark.requirement("XKS-DEC-005")
def test_all_limits_of_decrypt_at_once(proxy: ProxyClient) -> None:
    """4300 bytes of ciphertext, 8192 bytes of AAD, and ARNs of 2048 characters."""
    text, aad = os.urandom(4300), os.urandom(8192)
    largest, long_text, long_aad = proxy.side_by_side(
        [
            partial(proxy.seal, text, aad=aad),
            partial(proxy.seal, text),
            partial(proxy.seal, aad=aad),
        ]
    )
    body = largest.body(metadata=_long_arns(_DECRYPT))
    together = proxy.probe(_DECRYPT, body, altered=_TOGETHER, accept=_served(proxy))
    each = (
        long_text.body(),
        long_aad.body(),
        proxy.sealed().body(metadata=_long_arns(_DECRYPT)),
    )
    controls = [proxy.control(_DECRYPT, body) for body in each]
    proxy.judge([together], controls)


def _expect_it_goes_on(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """Whatever was asked, the next request is served."""
    text = f"{operation.title} after a large request"
    proxy.judge([proxy.probe(operation, altered=text, accept=(SERVED,))], controls=[])


@pytest.mark.requirement("XKS-ENC-014")
def test_large_aad_of_encrypt(proxy: ProxyClient) -> None:
    """A large AAD is served or refused, and the next Encrypt is served."""
    proxy.require_served([proxy.control(_ENCRYPT)])
    proxy.judge(
        [
            proxy.probe(
                _ENCRYPT,
                encrypt_body(PLAINTEXT, aad=_aad(size)),
                altered=f"{size} bytes of AAD",
                accept=(SERVED, _UNSUPPORTED, REFUSED),
            )
            for size in _LARGE
        ],
        controls=[],
    )
    _expect_it_goes_on(proxy, _ENCRYPT)


@pytest.mark.requirement("XKS-DEC-023")
def test_more_than_the_minimum(proxy: ProxyClient) -> None:
    """More than Decrypt has to support gets an answer, and the next one is served.

    None of it was sealed so: what is too large is refused like what is altered, or with
    501. That it is not served is for XKS-DEC-011 and XKS-DEC-022.
    """
    sealed = proxy.opened(proxy.sealed())
    larger = {
        f"{size} bytes of AAD": sealed.altered(aad=_aad(size))
        for size in (8193, 16_384, *_LARGE)
    } | {
        f"{size} bytes of ciphertext": sealed.altered(ciphertext=os.urandom(size))
        for size in (4301, 8192)
    }
    proxy.judge(
        [
            proxy.probe(
                _DECRYPT,
                each.body(),
                altered=text,
                accept=(SERVED, _UNSUPPORTED, REFUSED),
            )
            for text, each in larger.items()
        ],
        controls=[],
    )
    _expect_it_goes_on(proxy, _DECRYPT)


def _altered(sealed: Sealed) -> Iterator[tuple[str, Sealed]]:
    """Other AADs, which agree with the right one if part of it is not bound."""
    aad = sealed.aad or b""
    size = len(aad)
    for position in sorted({0, _WRAPS_AT - 1, size - 1}):
        if position < size:
            text = f"byte {position} of {size} bytes of AAD"
            yield text, sealed.altered(aad=flip(aad, position))
    if size >= _WRAPS_AT:
        rest = size % _WRAPS_AT
        yield f"{size} bytes of AAD cut to {rest}", sealed.altered(aad=aad[:rest])


@pytest.mark.requirement("XKS-DEC-022")
def test_large_aad_is_bound(proxy: ProxyClient) -> None:
    """Where a large AAD is served, every byte of it counts.

    A size that Encrypt or Decrypt refuses has nothing to bind.
    """
    aads = [_aad(size) for size in (16_384, *_LARGE)]
    encrypted = proxy.side_by_side([partial(proxy.encrypt, aad=aad) for aad in aads])
    sealed = [
        read_sealed(answer, PLAINTEXT, aad)
        for answer, aad in zip(encrypted, aads, strict=True)
        if SERVED.accepts(answer)
    ]
    opened = proxy.side_by_side([partial(proxy.decrypt, each) for each in sealed])
    served = [
        each
        for each, answer in zip(sealed, opened, strict=True)
        if SERVED.accepts(answer)
    ]
    probes = [
        proxy.probe(
            _DECRYPT, other.body(), altered=text, accept=(_UNSUPPORTED, REFUSED)
        )
        for each in served
        for text, other in _altered(each)
    ]
    proxy.judge(probes, controls=[_opens(proxy, each) for each in served])


def _opens(proxy: ProxyClient, sealed: Sealed) -> Probe:
    return proxy.control(_DECRYPT, sealed.body(), look=gives_back(sealed.plaintext))


@pytest.mark.requirement("XKS-DEC-021")
def test_empty_plaintext_comes_back(proxy: ProxyClient) -> None:
    """An empty plaintext that Encrypt served decrypts to an empty one.

    Raises:
        NotApplicable: Encrypt refuses it, as it may.
    """
    answer = proxy.encrypt(b"", aad=AAD)
    if REFUSED.accepts(answer):
        raise NotApplicable("Encrypt refuses an empty plaintext, as it may.")
    sealed = read_sealed(answer, b"", AAD)
    probe = proxy.probe(
        _DECRYPT,
        sealed.body(),
        altered="a ciphertext of no bytes",
        accept=(SERVED,),
        look=gives_back(b""),
    )
    proxy.judge([probe])
