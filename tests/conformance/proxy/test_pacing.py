"""The suite keeps to a request quota, and gives up on one that nobody could keep."""

from __future__ import annotations

import pytest
from pytest_xks.conformance.proxy.client.answer import ProxyAnswer
from pytest_xks.conformance.proxy.client.pacing import Pace

from pytest_xks.certify.evidence.exchange import Exchange, Received


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """The time."""
        return self.now

    def wait(self, seconds):
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock():
    """A simulated clock."""
    return Clock()


@pytest.fixture
def pace(clock):
    """A pace by the simulated clock."""
    return Pace(clock, clock.wait)


def answer(status, *headers):
    """An answer with that status."""
    received = Received(status=status, headers=headers)
    return ProxyAnswer(exchange=Exchange(url="https://proxy", received=received))


def send(pace, status_of):
    """Send a request until it is not asked again; its last status."""
    while True:
        sent_at = pace.wait_for_turn()
        came = answer(status_of(sent_at))
        if not pace.asks_again(came, sent_at):
            return came.status


def test_nobody_waits_without_a_quota(pace, clock):
    """As long as there is no 429, requests go out at once."""
    assert [send(pace, lambda _: 200) for _ in range(100)] == [200] * 100
    assert (clock.now, pace.throttled) == (100.0, 0)


def test_twenty_requests_a_second(pace, clock):
    """A quota of twenty requests a second, with a burst, serves every request."""
    tokens, last = 20.0, clock.now

    def status_of(moment):
        nonlocal tokens, last
        tokens = min(20.0, tokens + (moment - last) * 20)
        last = moment
        if tokens < 1:
            return 429
        tokens -= 1
        return 200

    assert {send(pace, status_of) for _ in range(400)} == {200}
    assert pace.throttled
    assert 19 < clock.now - 100 < 60


def test_every_second_request(pace, clock):
    """429 to every second request, however slow, is not waited for in the end."""
    turns = iter(range(10_000))
    statuses = [
        send(pace, lambda _: 429 if next(turns) % 2 else 200) for _ in range(50)
    ]
    assert 429 in statuses
    assert clock.now - 100 < 60


def test_retry_after(pace, clock):
    """A proxy that says for how long is waited for as long."""
    sent_at = pace.wait_for_turn()
    assert pace.asks_again(answer(429, ("Retry-After", "3")), sent_at)
    pace.wait_for_turn()
    assert clock.now == 103.0


def test_refusals_of_one_moment_slow_down_once(pace, clock):
    """Eight requests at once that get a 429 count as one."""
    moments = [pace.wait_for_turn() for _ in range(8)]
    for moment in moments:
        clock.now += 0.01
        assert pace.asks_again(answer(429), moment)
    start = clock.now
    pace.wait_for_turn()
    assert clock.now - start <= 0.05
