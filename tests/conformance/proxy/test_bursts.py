"""Requests that start together: what comes of each, and how many overlap."""

from __future__ import annotations

import pytest
from pytest_xks.conformance.proxy.client.bodies import ProxyOperation
from pytest_xks.conformance.proxy.client.proxy_client import ProxyClient
from pytest_xks.conformance.proxy.client.proxy_session import ProxySession
from pytest_xks.conformance.proxy.load.bursts import Burst, Shot
from pytest_xks.conformance.proxy.load.concurrency import judge_concurrency

from pytest_xks.certify.evidence.exchange import Meaning
from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.outcome import Violation
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

HEALTH = ProxyOperation.GET_HEALTH_STATUS


@pytest.fixture
def served():
    """Our mock proxy, and the suite's client of it."""
    with served_mock_proxy() as (reference, target):
        session = ProxySession(target, jobs=2)
        yield reference.proxy, ProxyClient(session, Recorder())
        session.close()


def shots(proxy, number):
    """As many requests for the health."""
    return [
        Shot(
            request=proxy.request(HEALTH, proxy.good_body(HEALTH)),
            label=f"client {index}",
            meaning=Meaning(),
        )
        for index in range(number)
    ]


def test_every_client_gets_its_answer(served):
    """The answers are in the order of the clients, and each is recorded."""
    mock, proxy = served
    mock.fault("delay", milliseconds=20)
    with Burst(proxy, 4) as burst:
        answers = burst.fire(shots(proxy, 4))

    assert [answer.status for answer in answers] == [200] * 4
    labels = {each.label for each in proxy.recorder.recorded}
    assert labels == {f"client {index}" for index in range(4)}
    assert burst.overlaps == 6


def test_connection_that_ends(served):
    """A client whose connection ended has another one for its next request."""
    mock, proxy = served
    with Burst(proxy, 2) as burst:
        with mock.fault("connection-closed", times=1):
            answers = burst.fire(shots(proxy, 2))
        again = burst.fire(shots(proxy, 2))

    assert sorted(answer.status or 0 for answer in answers) == [0, 200]
    assert [answer.status for answer in again] == [200, 200]


def test_throttled_proxy(served):
    """A proxy that cannot keep up is asked no more, and breaks nothing by it."""
    mock, proxy = served
    proxy.require_served([proxy.control(ProxyOperation.DECRYPT)])
    mock.fault("ThrottlingException", after=20)

    assert judge_concurrency(proxy) < 15_000


def test_one_wrong_answer_in_a_thousand(served):
    """A refusal that only now and then comes is a violation, whatever its name."""
    mock, proxy = served
    mock.fault("InvalidCiphertextException", operation="Decrypt", every=100)
    with pytest.raises(Violation):
        judge_concurrency(proxy)
