"""A run ends when its target is gone, and never because a check was not answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_xks.certify.evidence.exchange import Exchange, Received
from pytest_xks.certify.evidence.vigil import TargetLost, Vigil

WELL = {"GetHealthStatus": 2.0, "Encrypt": 3.0}
SILENT = Exchange(url="https://proxy.example/silent", error="no answer")
ANSWERED = Exchange(url="https://proxy.example/", received=Received(status=200))
SLOW = Exchange(
    url="https://proxy.example/slow", received=Received(status=200), milliseconds=4_000
)


class Target:
    """Answers the pulse as it is told to."""

    def __init__(self):
        self.answers = WELL
        self.asked = 0
        self.vigil = Vigil(self.pulse, pause=lambda _: None)

    def pulse(self):
        """What is answered now."""
        self.asked += 1
        return self.answers

    def note(self, *exchanges):
        """Note exchanges until the target is lost."""
        for exchange in exchanges:
            self.vigil.note(exchange)


@pytest.fixture
def target():
    """A target that is well."""
    return Target()


def test_silence_of_checks(target):
    """A check that is not answered, however often, is the check's affair."""
    target.note(*[SILENT] * 100)

    assert target.vigil.loss is None


def test_gone(target):
    """A target that answers nothing any more is lost, since the first silence."""
    target.note(SILENT, *[ANSWERED] * 40)
    target.answers = {}
    first = Exchange(url="https://proxy.example/first")

    with pytest.raises(TargetLost):
        target.note(first, *[SILENT] * 10)

    assert ("stopped answering", first) == (
        target.vigil.loss.what,
        target.vigil.loss.exchange,
    )


def test_side_by_side(target):
    """An answer that is noted late does not let what was silent before it stand."""
    target.answers = {}
    first = replace(SILENT, key=7)
    with pytest.raises(TargetLost):
        target.note(
            replace(SILENT, key=8), first, ANSWERED, *[replace(SILENT, key=9)] * 4
        )

    assert first == target.vigil.loss.exchange


def test_half_gone(target):
    """Health alone does not make a proxy that encrypts nothing any more a proxy."""
    target.answers = {"GetHealthStatus": 2.0}

    with pytest.raises(TargetLost):
        target.note(*[SILENT] * 10)


def test_what_never_was(target):
    """What was not answered when the run began is for the suite to judge."""
    target.answers = {"GetHealthStatus": 2.0}
    target.vigil = Vigil(target.pulse)

    target.note(*[SILENT] * 100)

    assert target.vigil.loss is None


def test_back_again(target):
    """A target that was away for a moment is not lost."""
    answers = iter([{}, {}, WELL])
    target.vigil = Vigil(lambda: WELL, pause=lambda _: None)
    target.vigil._pulse = lambda: next(answers)

    target.note(*[SILENT] * 4)

    assert target.vigil.loss is None


def test_crawl(target):
    """A target that has become so slow that the run would take hours is lost."""
    target.answers = {"GetHealthStatus": 3_000.0, "Encrypt": 3_000.0}

    with pytest.raises(TargetLost, match="slowed to a crawl"):
        target.note(*[SLOW, SLOW, ANSWERED] * 20)


def test_slow_from_the_start(target):
    """A target that always took its time is judged all the same."""
    target.answers = {"GetHealthStatus": 2_000.0, "Encrypt": 2_000.0}
    target.vigil = Vigil(target.pulse)

    target.note(*[SLOW] * 100)

    assert target.vigil.loss is None


def test_some_slow_answers(target):
    """A few slow answers among fast ones do not even raise the question."""
    asked = target.asked
    target.note(*[SLOW, *[ANSWERED] * 8] * 50)

    assert asked == target.asked


def test_nothing_is_asked_of_a_good_target(target):
    """While everything is answered, nothing is sent beside the suite's requests."""
    asked = target.asked
    target.note(*[ANSWERED] * 100)

    assert asked == target.asked


def test_it_stays_lost(target):
    """Whatever comes after the loss says nothing."""
    target.answers = {}
    for _ in range(3):
        target.note(SILENT)
    for exchange in (SILENT, ANSWERED, ANSWERED):
        with pytest.raises(TargetLost):
            target.note(exchange)
