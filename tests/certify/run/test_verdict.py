"""One rule makes the verdict; the table here is the design's, row by row."""

from __future__ import annotations

import itertools

import pytest

from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.verdict import (
    EXIT_STATUS,
    Verdict,
    conclude,
    levelled,
    worst,
)

GOOD = (Level.MUST, Status.PASSED)
C, N, G = Verdict.CONFORMANT, Verdict.NOT_CONFORMANT, Verdict.INCOMPLETE
P = Verdict.PARTIAL
"""G is for the gaps that make a verdict incomplete."""


def overall(outcomes, *, strict=False, broken=False):
    """The verdict of a whole run, whose exit status follows from it."""
    verdict, status = conclude(outcomes, strict=strict, broken=broken)
    assert EXIT_STATUS[verdict] == status
    return verdict


@pytest.mark.parametrize(
    ("level", "status", "relaxed", "strict"),
    [
        pytest.param(Level.MUST, Status.PASSED, C, C, id="must-passed"),
        pytest.param(Level.MUST, Status.FAILED, N, N, id="must-failed"),
        pytest.param(Level.MUST, Status.NOT_TESTABLE, G, G, id="must-not-testable"),
        pytest.param(Level.MUST, Status.NOT_APPLICABLE, C, C, id="must-not-applicable"),
        pytest.param(Level.MUST, Status.DISABLED, G, G, id="must-disabled"),
        pytest.param(Level.MUST, Status.ERROR, G, G, id="must-error"),
        pytest.param(Level.SHOULD, Status.WARNING, C, N, id="should-warning"),
        pytest.param(Level.SHOULD, Status.NOT_TESTABLE, C, G, id="should-untestable"),
        pytest.param(Level.SHOULD, Status.DISABLED, G, G, id="should-disabled"),
        pytest.param(Level.SHOULD, Status.ERROR, G, G, id="should-error"),
        pytest.param(Level.MAY, Status.WARNING, C, C, id="may-warning"),
        pytest.param(Level.MAY, Status.NOT_TESTABLE, C, G, id="may-untestable"),
        pytest.param(Level.INFO, Status.WARNING, C, C, id="info-warning"),
        pytest.param(Level.INFO, Status.NOT_TESTABLE, C, C, id="info-untestable"),
        pytest.param(Level.INFO, Status.DISABLED, G, G, id="info-disabled"),
        pytest.param(Level.INFO, Status.ERROR, G, G, id="info-error"),
    ],
)
def test_one_requirement_beside_a_good_one(level, status, relaxed, strict):
    """What one requirement does to the verdict, without and with --strict."""
    outcomes = [GOOD, (level, status)]

    assert relaxed == overall(outcomes, strict=False, broken=False)
    assert strict == overall(outcomes, strict=True, broken=False)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("broken", [False, True])
def test_failure_outranks_everything(strict, broken):
    """A failed MUST beside anything at all is not conformant."""
    for level, status in itertools.product(Level, Status):
        outcomes = [(Level.MUST, Status.FAILED), (level, status)]

        assert N == overall(outcomes, strict=strict, broken=broken)


def test_broken_run():
    """A run that did not end as it should is never conformant."""
    assert G == overall([GOOD], strict=False, broken=True)


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param([], id="nothing"),
        pytest.param([(Level.MUST, Status.NOT_APPLICABLE)], id="nothing-applies"),
    ],
)
def test_nothing_verified(outcomes):
    """Where nothing was verified there is nothing to certify."""
    assert G == overall(outcomes, strict=False, broken=False)


def test_only_a_must_fails():
    """Below MUST, a violation is a warning."""
    assert Status.FAILED == levelled(Status.FAILED, Level.MUST)
    assert Status.WARNING == levelled(Status.FAILED, Level.SHOULD)
    assert Status.WARNING == levelled(Status.FAILED, Level.MAY)
    assert Status.WARNING == levelled(Status.FAILED, Level.INFO)
    assert Status.ERROR == levelled(Status.ERROR, Level.MAY)


def test_worst():
    """A requirement is as its worst check; without a check it is an error."""
    assert Status.FAILED == worst(Status)
    assert Status.ERROR == worst([])
    assert Status.PASSED == worst([Status.NOT_APPLICABLE, Status.PASSED])
    assert Status.NOT_APPLICABLE == worst([Status.NOT_APPLICABLE])
    assert Status.NOT_TESTABLE == worst([Status.PASSED, Status.NOT_TESTABLE])
    assert Status.DISABLED == worst([Status.PASSED, Status.DISABLED])


def test_exit_status():
    """The numbers are public."""
    assert {C: 0, N: 1, G: 3} == EXIT_STATUS


@pytest.mark.parametrize(
    ("level", "status", "relaxed", "strict"),
    [
        pytest.param(Level.MUST, Status.PASSED, 0, 0, id="must-passed"),
        pytest.param(Level.MUST, Status.FAILED, 1, 1, id="must-failed"),
        pytest.param(Level.MUST, Status.NOT_TESTABLE, 3, 3, id="must-not-testable"),
        pytest.param(Level.MUST, Status.DISABLED, 0, 0, id="must-left-out"),
        pytest.param(Level.MUST, Status.ERROR, 3, 3, id="must-error"),
        pytest.param(Level.SHOULD, Status.WARNING, 0, 1, id="should-warning"),
        pytest.param(Level.SHOULD, Status.NOT_TESTABLE, 0, 3, id="should-untestable"),
        pytest.param(Level.MAY, Status.WARNING, 0, 0, id="may-warning"),
    ],
)
def test_partial(level, status, relaxed, strict):
    """A run that was cut is partial; what was selected gives the exit status."""
    outcomes = [GOOD, (level, status)]

    for wanted, is_strict in ((relaxed, False), (strict, True)):
        assert (P, wanted) == conclude(
            outcomes, strict=is_strict, broken=False, narrowed=True, cut=True
        )


def test_options_that_cut_nothing():
    """Options that left nothing out leave the verdict as it is."""
    assert (C, 0) == conclude([GOOD], strict=False, broken=False, narrowed=True)


def test_partial_without_a_result():
    """Where nothing of what was selected was verified, no pipeline is let through."""
    assert (P, 3) == conclude(
        [(Level.MUST, Status.DISABLED)],
        strict=False,
        broken=False,
        narrowed=True,
        cut=True,
    )


def test_partial_and_broken():
    """A run that ended early is incomplete, unless something failed before."""
    settings = {"strict": False, "broken": True, "narrowed": True, "cut": True}

    assert (G, 3) == conclude([GOOD], **settings)
    assert (P, 1) == conclude([(Level.MUST, Status.FAILED)], **settings)
