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

A failure outranks *incomplete*. A run that the user's options cut is *partial*: what
they left out does not count, and the exit status is that of the rest.
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
    "conclude",
    "is_failure",
    "is_gap",
    "levelled",
    "worst",
]


class Verdict(StrEnum):
    """What ``report.json`` says of the target."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    INCOMPLETE = "incomplete"
    PARTIAL = "partial"
    """Options left something out, so nothing is said of the whole."""


EXIT_STATUS: Mapping[Verdict, int] = {
    Verdict.CONFORMANT: 0,
    Verdict.NOT_CONFORMANT: 1,
    Verdict.INCOMPLETE: 3,
}
"""Of a whole run; a partial one has that of what was selected."""

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


def is_gap(level: Level, status: Status, *, strict: bool, narrowed: bool) -> bool:
    """Whether a requirement by itself makes the verdict incomplete.

    Args:
        level: how strongly it binds.
        status: what became of it.
        strict: whether SHOULDs count as MUSTs do.
        narrowed: whether the user's options may leave checks out.
    """
    if status is Status.DISABLED:
        return not narrowed
    if status is Status.ERROR:
        return True
    if status is not Status.NOT_TESTABLE or level is Level.INFO:
        return False
    return strict or level is Level.MUST


def conclude(
    outcomes: Iterable[tuple[Level, Status]],
    *,
    strict: bool,
    broken: bool,
    narrowed: bool = False,
    cut: bool = False,
) -> tuple[Verdict, int]:
    """The verdict, and the exit status.

    Args:
        outcomes: level and status of every requirement that has a check.
        strict: whether SHOULDs count as MUSTs do.
        broken: the run itself did not end as it should (interrupted, an error in the
            suite), so that nothing can be concluded from what is missing.
        narrowed: whether the user's options may leave checks out.
        cut: whether they did.
    """
    found = _of_selected(outcomes, strict=strict, broken=broken, narrowed=narrowed)
    gave_up = broken and found is Verdict.INCOMPLETE
    verdict = Verdict.PARTIAL if cut and not gave_up else found
    return verdict, EXIT_STATUS[found]


def _of_selected(
    outcomes: Iterable[tuple[Level, Status]],
    *,
    strict: bool,
    broken: bool,
    narrowed: bool,
) -> Verdict:
    known = list(outcomes)
    if any(is_failure(level, status, strict=strict) for level, status in known):
        return Verdict.NOT_CONFORMANT
    gap = any(
        is_gap(level, status, strict=strict, narrowed=narrowed)
        for level, status in known
    )
    # A catalogue in which nothing was verified proves nothing.
    verified = any(status is Status.PASSED for _, status in known)
    if broken or gap or not verified:
        return Verdict.INCOMPLETE
    return Verdict.CONFORMANT
