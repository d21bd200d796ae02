"""What a run leaves behind: its checks, and what each of them found; data, no doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import Status
from pytest_xks.certify.run.selection import Selection

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_xks.certify.evidence.recorder import Recorded, Recorder, RunRecorder
    from pytest_xks.certify.evidence.redaction import Redactor
    from pytest_xks.certify.evidence.vigil import Loss
    from pytest_xks.certify.targets.target import Unsupported

__all__ = ["CheckRecord", "Finding", "Run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one phase of a check found; FAILED is a violation at any level."""

    status: Status
    reason: str = ""
    add: str = ""
    expected: tuple[str, ...] = ()
    observed: str = ""
    note: str = ""
    exchange: Recorded | None = None


@dataclass(slots=True, kw_only=True)
class CheckRecord:
    """One check of the suite, and what became of it in this run."""

    id: str
    """The node id, relative to the suite."""
    requirements: tuple[str, ...]
    title: str = ""
    findings: list[Finding] = field(default_factory=list)
    called: bool = False
    finished: bool = False
    seconds: float = 0.0
    recorder: Recorder | None = None

    @property
    def finding(self) -> Finding:
        """The worst finding; *disabled* for a check that did not run to its end."""
        for status in (Status.FAILED, Status.ERROR, Status.NOT_TESTABLE):
            for finding in self.findings:
                if finding.status is status:
                    return finding
        if self.findings:
            return self.findings[0]
        if self.called and self.finished:
            return Finding(status=Status.PASSED)
        return Finding(status=Status.DISABLED, reason="The check did not run.")

    def withdraw(self, loss: Loss) -> None:
        """Unsay what the check found when the target was gone."""
        since = loss.exchange.key
        seen = self.recorder.recorded if self.recorder else ()
        if all(exchange.key < since for exchange in seen):
            return
        shown = self.finding.exchange
        if shown is not None and shown.key < since:
            return
        self.findings = [
            Finding(status=Status.NOT_TESTABLE, reason=f"The target {loss.what}.")
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the suite."""

    checks: tuple[CheckRecord, ...]
    """Every check of the suite, in its order."""
    selected: frozenset[str]
    """The ids of the requirements that were to be verified."""
    problems: tuple[str, ...]
    """What went wrong with the run itself; with one of these nothing is conformant."""
    interrupted: bool
    started_at: datetime
    seconds: float
    redactor: Redactor
    """Knows the secrets of the target, and those that were made during the run."""
    recorder: RunRecorder | None = None
    """Every exchange of the run; None if no check was run."""
    selection: Selection = field(default_factory=Selection)
    loss: Loss | None = None
    """That the target was lost; what depends on it since then was not verified."""
    unsupported: Unsupported | None = None
    """What the target does not support at all, so that no check was run."""
