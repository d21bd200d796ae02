"""What is the matter with the whole of a target, as it was found before the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.outcome import Status
from pytest_xks.certify.run.record import CheckRecord
from pytest_xks.certify.run.record import Finding as FindingOfCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_xks.certify.evidence.exchange import Exchange
    from pytest_xks.certify.run.record import Run

__all__ = ["Finding", "with_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is the matter with the whole of a target."""

    text: str
    """A sentence."""
    violates: str = ""
    """The requirement that it breaks by itself, where no check could say so: what is
    the positive control of all of them cannot be judged by any."""
    expected: str = ""
    exchange: Exchange | None = None
    """What shows it."""


def with_findings(run: Run, findings: Iterable[Finding]) -> Run:
    """``run``, with the requirements failed that findings break.

    Args:
        run: the run of the suite.
        findings: what was found before it.
    """
    return replace(run, checks=(*run.checks, *_checks(run, findings)))


def _checks(run: Run, findings: Iterable[Finding]) -> Iterator[CheckRecord]:
    for finding in findings:
        if finding.violates not in run.selected:
            continue
        recorder, shown = Recorder(), None
        if finding.exchange is not None:
            shown = recorder.reference(recorder.add(finding.exchange))
        yield CheckRecord(
            id=f"preflight::{finding.violates}",
            requirements=(finding.violates,),
            title="Before the run",
            findings=[
                FindingOfCheck(
                    status=Status.FAILED,
                    expected=(finding.expected,),
                    observed=finding.text,
                    exchange=shown,
                )
            ],
            called=True,
            finished=True,
            recorder=recorder,
        )
