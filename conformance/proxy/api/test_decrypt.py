"""Chapter "Decrypt": good requests, of every kind and size.

What happens to altered ciphertexts is in ``test_altered_ciphertext``, and to malformed
requests in ``test_malformed_decrypt``.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import AAD, PLAINTEXT, ProxyOperation, flip
from ..client.expect import SERVED, base64_of, bytes_of, violated
from ..client.sealing import gives_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..client.bodies import Sealed
    from ..client.http1 import HttpRequest
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient


def _opens(
    proxy: ProxyClient,
    sealed: Sealed,
    altered: str,
    raw: Callable[[HttpRequest], bytes] | None = None,
) -> Probe:
    """A Decrypt that has to give the plaintext back."""
    return proxy.probe(
        ProxyOperation.DECRYPT,
        sealed.body(),
        altered=altered,
        accept=(SERVED,),
        raw=raw,
        look=gives_back(sealed.plaintext),
    )


def _sealed(proxy: ProxyClient, plaintexts: Iterable[bytes]) -> list[Sealed]:
    return proxy.side_by_side([partial(proxy.seal, each) for each in plaintexts])


_PLAINTEXTS = {
    "a zero byte": b"\x00",
    "a data key": PLAINTEXT,
    "every byte": bytes(range(256)),
    "1000 bytes": b"\xff" * 1000,
}
_AADS = {
    "without AAD": None,
    "with AAD": AAD,
    "with binary AAD": bytes(range(256)),
}


@pytest.mark.requirement("XKS-DEC-001")
def test_round_trip(proxy: ProxyClient) -> None:
    """What Encrypt returned decrypts to what it was given."""
    cases = {
        f"{text}, {with_aad}": (plaintext, aad)
        for text, plaintext in _PLAINTEXTS.items()
        for with_aad, aad in _AADS.items()
    }
    sealed = proxy.side_by_side(
        [partial(proxy.seal, plaintext, aad=aad) for plaintext, aad in cases.values()]
    )
    probes = [
        _opens(proxy, each, text) for text, each in zip(cases, sealed, strict=True)
    ]
    proxy.judge(probes, controls=[])


@pytest.mark.requirement("XKS-DEC-001")
def test_decrypts_more_than_once(proxy: ProxyClient) -> None:
    """A ciphertext decrypts as often as it is asked for, on any connection."""
    sealed = proxy.sealed()
    proxy.judge(
        [
            *(_opens(proxy, sealed, f"the {n} time") for n in ("first", "second")),
            _opens(
                proxy,
                sealed,
                "on a new connection",
                raw=lambda request: request.encode(),
            ),
        ],
        controls=[],
    )


@pytest.mark.requirement("XKS-DEC-002")
def test_plaintext_is_as_long_as_ciphertext(proxy: ProxyClient) -> None:
    """Decrypt neither pads nor cuts."""
    sealed = _sealed(proxy, [b"\x00" * size for size in (1, 15, 16, 17)])
    answers = proxy.require_served(
        [
            proxy.probe(
                ProxyOperation.DECRYPT,
                each.body(),
                altered=f"{len(each.ciphertext)} bytes of ciphertext",
                accept=(SERVED,),
            )
            for each in sealed
        ]
    )
    for each, answer in zip(sealed, answers, strict=True):
        found, expected = len(bytes_of(answer, "plaintext")), len(each.ciphertext)
        if found != expected:
            violated(answer, f"{expected} bytes, like the ciphertext", f"{found} bytes")


@pytest.mark.requirement("XKS-DEC-003")
def test_plaintext_is_standard_base64(proxy: ProxyClient) -> None:
    """The plaintext is padded Base64 of the standard alphabet."""
    plaintexts = {
        "plus and slash": b"\xfb\xff\xfe" * 4,
        "with padding": b"\xfb\xff\xfe\xff",
    }
    answers = proxy.require_served(
        [
            proxy.probe(
                ProxyOperation.DECRYPT, each.body(), altered=text, accept=(SERVED,)
            )
            for text, each in zip(
                plaintexts, _sealed(proxy, plaintexts.values()), strict=True
            )
        ]
    )
    for answer in answers:
        base64_of(answer, "plaintext")


@pytest.mark.requirement("XKS-DEC-004")
def test_4300_bytes_are_decrypted(proxy: ProxyClient) -> None:
    """A ciphertext of 4300 bytes is decrypted."""
    sealed = proxy.seal(os.urandom(4300))
    proxy.judge([_opens(proxy, sealed, "4300 bytes of ciphertext")])


@pytest.mark.requirement("XKS-DEC-005")
def test_8192_bytes_of_aad_are_accepted(proxy: ProxyClient) -> None:
    """Additional authenticated data of 8192 bytes are accepted."""
    sealed = proxy.seal(aad=os.urandom(8192))
    proxy.judge([_opens(proxy, sealed, "8192 bytes of AAD")])


@pytest.mark.requirement("XKS-DEC-005")
def test_every_byte_of_a_long_aad_counts(proxy: ProxyClient) -> None:
    """A change at any place of 8192 bytes is noticed."""
    aad = (AAD * 256)[:8192]
    sealed = proxy.seal(aad=aad)
    proxy.judge(
        [
            proxy.probe(
                ProxyOperation.DECRYPT,
                sealed.altered(aad=flip(aad, position)).body(),
                altered=f"byte {position} of 8192 bytes of AAD",
            )
            for position in (0, 4095, 4096, 8191)
        ],
        controls=[proxy.opens(sealed)],
    )
