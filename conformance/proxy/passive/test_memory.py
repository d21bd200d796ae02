"""Whether a request is served does not depend on those before it.

The checks that count requests take into account what the run has sent before them.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import Violation

from ..client.bodies import PLAINTEXT, ProxyOperation
from ..client.expect import SERVED, expect, plaintext_is

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from .rule import Evidence

_ENCRYPT, _DECRYPT = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
_MANY = 200


@pytest.mark.requirement("XKS-RUN-008")
def test_request_id_of_an_earlier_request(proxy: ProxyClient) -> None:
    """A kmsRequestId that was seen before is served, with the same body and another.

    One KMS request may lead to several requests to the proxy (ReEncrypt does), and KMS
    may send one again.
    """
    id_ = str(uuid.uuid4())
    first = proxy.good_body(_ENCRYPT, kmsRequestId=id_)
    again = {
        "the same request again": (_ENCRYPT, first),
        "another Encrypt with its kmsRequestId": (
            _ENCRYPT,
            first | {"additionalAuthenticatedData": "AAAA"},
        ),
        "a Decrypt with its kmsRequestId": (
            _DECRYPT,
            proxy.good_body(_DECRYPT, kmsRequestId=id_),
        ),
    }
    proxy.require_served([proxy.control(_ENCRYPT, first)])
    proxy.judge(
        [
            proxy.probe(operation, body, altered=text, accept=(SERVED,))
            for text, (operation, body) in again.items()
        ]
    )


@pytest.mark.requirement("XKS-RUN-009")
def test_after_many_requests(proxy: ProxyClient, evidence: Evidence) -> None:
    """After two hundred Encrypts the next is served, and the first one decrypts.

    ThrottlingException is waited for, as everywhere.
    """
    sealed = proxy.sealed()
    proxy.opened(proxy.seal())
    places = (o.place for o in evidence.everything() if o.status == 200)
    encrypted = sum(
        place is not None and place.operation is _ENCRYPT for place in places
    )
    more = partial(proxy.encrypt, label="one of many")
    proxy.side_by_side([more] * max(0, _MANY - encrypted))
    expect(proxy.encrypt(label="the one after many"), SERVED)
    plaintext_is(proxy.decrypt(sealed, label="the first ciphertext"), PLAINTEXT)


@pytest.mark.requirement("XKS-RUN-010")
def test_no_request_ends_the_proxy(proxy: ProxyClient) -> None:
    """After no request of the run the proxy was away, to come back in ten seconds.

    A proxy that does not come back ends the run, which is incomplete then.
    """
    proxy.require_served([proxy.control(ProxyOperation.GET_HEALTH_STATUS)])
    ended_by = proxy.session.ended_by
    if not ended_by:
        return
    labels = dict.fromkeys(e.label.removeprefix("probe: ") for e in ended_by)
    raise Violation(
        expected="a proxy that takes connections after every request",
        observed=f"none were taken after this, three times: {'; '.join(labels)}",
        note="Whoever can send it stops the service for everybody.",
        exchange=ended_by[0],
    )
