"""From the outcomes of checks to one verdict and one exit status.

Everything that decides what counts lives in this file: the command line and all reports
use it, so a failed SHOULD is the same thing everywhere.

================================  ==============================================
a failed MUST                     not conformant
a failed SHOULD                   a warning; under ``--strict`` not conformant
a failed MAY                      information
a MUST that is not testable       incomplete
a SHOULD or MAY not testable      listed; under ``--strict`` incomplete
a failed INFO, or not testable    listed, also under ``--strict``
disabled, or an error of ours     incomplete, whatever the level
================================  ==============================================

A failure outranks *incomplete*.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import Level, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "EXIT_STATUS",
    "Verdict",
    "is_failure",
    "is_gap",
    "levelled",
    "overall",
    "worst",
]


class Verdict(StrEnum):
    """What ``report.json`` says of the target."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    INCOMPLETE = "incomplete"


EXIT_STATUS: Mapping[Verdict, int] = {
    Verdict.CONFORMANT: 0,
    Verdict.NOT_CONFORMANT: 1,
    Verdict.INCOMPLETE: 3,
}

# A requirement with several checks has the first of these that one of them has. "Not
# applicable" is last: what one check verified is verified.
_WORST_FIRST = (
    Status.FAILED,
    Status.WARNING,
    Status.ERROR,
    Status.NOT_TESTABLE,
    Status.DISABLED,
    Status.PASSED,
    Status.NOT_APPLICABLE,
)


def levelled(status: Status, level: Level) -> Status:
    """``status`` as it counts at ``level``: only a MUST can fail."""
    if status is Status.FAILED and level is not Level.MUST:
        return Status.WARNING
    return status


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a requirement from those of its checks; an error without any."""
    found = set(statuses)
    return next((s for s in _WORST_FIRST if s in found), Status.ERROR)


def is_failure(level: Level, status: Status, *, strict: bool) -> bool:
    """Whether a requirement by itself makes the target not conformant."""
    return status is Status.FAILED or (
        strict and status is Status.WARNING and level is Level.SHOULD
    )


def is_gap(level: Level, status: Status, *, strict: bool) -> bool:
    """Whether a requirement by itself makes the verdict incomplete."""
    if status in {Status.DISABLED, Status.ERROR}:
        return True
    if status is not Status.NOT_TESTABLE or level is Level.INFO:
        return False
    return strict or level is Level.MUST


def overall(
    outcomes: Iterable[tuple[Level, Status]], *, strict: bool, broken: bool
) -> Verdict:
    """The verdict.

    Args:
        outcomes: level and status of every requirement that has a check.
        strict: whether SHOULDs count as MUSTs do.
        broken: the run itself did not end as it should (interrupted, an error in the
            suite), so that nothing can be concluded from what is missing.
    """
    known = list(outcomes)
    if any(is_failure(level, status, strict=strict) for level, status in known):
        return Verdict.NOT_CONFORMANT
    gap = any(is_gap(level, status, strict=strict) for level, status in known)
    # A catalogue in which nothing was verified proves nothing.
    verified = any(status is Status.PASSED for _, status in known)
    if broken or gap or not verified:
        return Verdict.INCOMPLETE
    return Verdict.CONFORMANT
