"""A proxy that ends and is started again while the suite asks it."""

from __future__ import annotations

import pytest
from pytest_xks.conformance.proxy.client import proxy_session
from pytest_xks.conformance.proxy.client.bodies import (
    ProxyOperation,
    encrypt_body,
    to_json,
)
from pytest_xks.conformance.proxy.client.expect import ANYTHING, SERVED
from pytest_xks.conformance.proxy.client.proxy_client import ProxyClient
from pytest_xks.conformance.proxy.client.proxy_session import ProxySession

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

ENCRYPT, HEALTH = ProxyOperation.ENCRYPT, ProxyOperation.GET_HEALTH_STATUS
DEADLY = to_json(encrypt_body(b"x"))[:-1] + b',"more":' + b"9" * 1000 + b"}"


@pytest.fixture
def served():
    """Our mock proxy, and the suite's client of it, once it was reached."""
    with served_mock_proxy() as (reference, target):
        session = ProxySession(target, jobs=4)
        proxy = ProxyClient(session, Recorder())
        proxy.require_served([proxy.control(HEALTH)])
        yield reference, proxy
        session.close()


def test_innocent_neighbours_are_sent_again(served):
    """One request ends the proxy; the others are served, and only that one is named."""
    reference, proxy = served
    reference.proxy.fault("ends-at-long-numbers")
    deadly = proxy.probe(ENCRYPT, DEADLY, altered="deadly", accept=(ANYTHING,))
    good = proxy.probe(HEALTH, altered="good", accept=(SERVED,))

    answers = proxy.judge([good, deadly, good, good], controls=[])

    assert [answer.status for answer in answers] == [200, None, 200, 200]
    assert [e.label for e in proxy.session.ended_by] == ["probe: deadly"]


def test_connection_that_ends_is_no_outage(served):
    """A proxy that takes another connection was not away."""
    reference, proxy = served
    with reference.proxy.fault("connection-reset"):
        answer = proxy.call(HEALTH)

    assert answer.status is None
    assert not answer.was_away
    assert proxy.session.ended_by == []


def test_proxy_that_does_not_come_back(served, monkeypatch):
    """It is waited for once, and no request is blamed."""
    monkeypatch.setattr(proxy_session, "_RETURN_SECONDS", 0.2)
    reference, proxy = served
    reference.proxy.fault("connection-refused")

    answers = [proxy.call(HEALTH) for _ in range(3)]

    assert [answer.was_away for answer in answers] == [False] * 3
    assert proxy.session.ended_by == []
