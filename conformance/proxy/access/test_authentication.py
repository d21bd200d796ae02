"""Chapter "Authentication": what is authentic, and what the others are told.

What is not authentic is in the matrix of signatures. Here is what it cannot hold: that
every operation is served, a signature that was served before, the name of the error.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.evidence.exchange import Purpose
from pytest_xks.certify.targets.credential import Credential

from ..client.answer import Circumstances
from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.expect import REFUSED, SERVED, error, expect, status
from ..client.signing import WRONG_SECRET
from .signature_edits import another_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.answer import ProxyAnswer
    from ..client.http1 import HttpRequest
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_DECRYPT, _HEALTH = ProxyOperation.DECRYPT, ProxyOperation.GET_HEALTH_STATUS


@pytest.mark.requirement("XKS-AUTH-001")
def test_signed_request(proxy: ProxyClient) -> None:
    """A request signed over host and x-amz-date is served."""
    proxy.judge(
        [
            proxy.probe(operation, altered=operation.title, accept=(SERVED,))
            for operation in ALL_OPERATIONS
            if operation is not _DECRYPT
        ],
        controls=[],
    )


@pytest.mark.requirement("XKS-AUTH-001")
def test_signed_decrypt(proxy: ProxyClient) -> None:
    """So is a Decrypt, where Encrypt returned something to decrypt."""
    probe = proxy.probe(_DECRYPT, altered=_DECRYPT.title, accept=(SERVED,))
    proxy.judge([probe], controls=[])


def _another_body(request: HttpRequest) -> HttpRequest:
    return replace(request, body=another_request(request.body), signing=None)


def _as_signed(request: HttpRequest) -> Callable[[HttpRequest], HttpRequest]:
    return lambda _: request


@pytest.mark.requirement("XKS-AUTH-005")
def test_body_under_a_signature_just_served(proxy: ProxyClient) -> None:
    """A signature that has just been served with its own body is good for no other."""
    signed = {
        # With this very signature, which no line that repeats it makes anew.
        operation: replace(
            proxy.request(operation, proxy.good_body(operation)), signing=None
        )
        for operation in ALL_OPERATIONS
    }
    served = proxy.require_served(
        [
            proxy.probe(
                operation,
                altered="the body that was signed",
                accept=(SERVED,),
                edit=_as_signed(request),
            )
            for operation, request in signed.items()
        ]
    )
    probes = [
        _after(
            served_first,
            proxy,
            proxy.probe(
                operation,
                altered=f"another body of {operation.title}, under a signature just "
                "served",
            ),
            _another_body(request),
        )
        for (operation, request), served_first in zip(
            signed.items(), served, strict=True
        )
    ]
    proxy.judge(probes)


def _after(
    earlier: ProxyAnswer, proxy: ProxyClient, probe: Probe, request: HttpRequest
) -> Probe:
    """A probe that shows something only after an earlier request."""
    send = partial(
        proxy.send,
        request,
        label=f"probe: {probe.label}",
        meaning=replace(
            earlier.exchange.meaning, purpose=Purpose.PROBE, altered=probe.label
        ),
        circumstances=Circumstances(after=earlier.exchange),
    )
    return replace(probe, send=send)


@pytest.mark.requirement("XKS-AUTH-016")
def test_unsigned_request_to_a_store_with_a_quota(proxy: ProxyClient) -> None:
    """The key store with a small quota serves no unsigned request either.

    429 is accepted, for its quota may be used up.
    """
    quota = proxy.target.throttled_store
    if quota is None:
        return
    store = proxy.store("throttled_store", quota)
    for operation in (_HEALTH, ProxyOperation.GET_KEY_METADATA):
        path, body = store.path(operation), proxy.good_body(operation)
        answer = proxy.send(
            proxy.unsigned(path, body),
            label=f"probe: unsigned {operation.title} at {store.uri_path}",
            paced=False,
        )
        expect(answer, REFUSED, status(429))


@pytest.mark.requirement("XKS-ERR-009")
def test_wrong_secret(proxy: ProxyClient) -> None:
    """A signature made with another secret is a 401 AuthenticationFailedException."""
    known = proxy.main.credential
    signer = replace(
        proxy.signer(), credential=Credential(known.access_key_id, WRONG_SECRET)
    )
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"another secret for {operation.title}",
                accept=(error("AuthenticationFailedException"),),
                signer=signer,
            )
            for operation in ALL_OPERATIONS
        ]
    )
