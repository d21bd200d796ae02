"""A target that lacks the whole subject: one finding in place of hundreds of failures.

No check is run then. Every MUST that would have been verified has failed, for the one
reason that is reported once; whatever binds less strongly could not be tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.report.document import LACKING_CHECK
from pytest_xks.certify.run.collector import CheckRecord, Finding
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.runner import Run, Selection, redactor_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.evidence.recorder import Exchange
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement
    from pytest_xks.certify.targets.target import Target

__all__ = ["Lack", "run_without_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What a target lacks altogether."""

    what: str
    """"external key stores"."""
    exchanges: tuple[Exchange, ...]
    """What it answered to each operation that was tried."""


def run_without_checks(
    lack: Lack,
    *,
    catalogue: Catalogue,
    target: Target,
    probe_proxy: ProbeProxy | None = None,
    selection: Selection | None = None,
) -> Run:
    """The run of a suite that had nothing to try.

    Args:
        lack: why.
        catalogue: the requirements.
        target: the target under test.
        probe_proxy: knows secrets that must not be shown.
        selection: what would have been tried.

    Raises:
        UsageProblem: a prefix of ``selection`` matches no requirement.
    """
    selection = selection or Selection()
    findings: dict[str, tuple[Finding, list[str]]] = {}
    for requirement in catalogue.requirements:
        if requirement.is_checked:
            finding = _finding(requirement, target, lack)
            _, ids = findings.setdefault(finding.status, (finding, []))
            ids.append(requirement.id)
    return Run(
        checks=tuple(_check(finding, ids) for finding, ids in findings.values()),
        selected=selection.ids(catalogue),
        problems=(),
        interrupted=False,
        started_at=datetime.now(UTC),
        seconds=0.0,
        redactor=redactor_for(target, probe_proxy),
        selection=selection,
        lack=lack,
    )


def _finding(requirement: Requirement, target: Target, lack: Lack) -> Finding:
    if requirement.capability in target.not_supported:
        return Finding(
            status=Status.NOT_APPLICABLE,
            reason=f'not_supported lists "{requirement.capability}".',
        )
    if requirement.level is Level.MUST:
        return Finding(
            status=Status.FAILED,
            expected=(f"the operations of {lack.what}",),
            observed=f"no {lack.what}",
        )
    return Finding(status=Status.NOT_TESTABLE, reason=f"The target has no {lack.what}.")


def _check(finding: Finding, ids: Iterable[str]) -> CheckRecord:
    return CheckRecord(
        id=LACKING_CHECK,
        requirements=tuple(ids),
        title="The target has the operations at all",
        findings=[finding],
        called=True,
        finished=True,
    )
