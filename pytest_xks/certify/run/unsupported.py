"""A target that does not support the subject at all: one finding, not hundreds.

No check is run then. Every MUST that would have been verified has failed, for the one
reason that is reported once; whatever binds less strongly could not be tried.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.report.document import UNSUPPORTED_CHECK
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.record import CheckRecord, Finding, Run
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.secrets import redactor_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement
    from pytest_xks.certify.targets.target import Target, Unsupported

__all__ = ["run_without_checks"]


def run_without_checks(
    unsupported: Unsupported,
    *,
    catalogue: Catalogue,
    target: Target,
    probe_proxy: ProbeProxy | None = None,
    selection: Selection | None = None,
) -> Run:
    """The run of a suite that had nothing to try.

    Args:
        unsupported: why.
        catalogue: the requirements.
        target: the target under test.
        probe_proxy: the suite's own proxy, whose secrets must not be shown.
        selection: what would have been tried.

    Raises:
        UsageProblem: a prefix of ``selection`` matches no requirement.
    """
    selection = selection or Selection()
    findings: dict[str, tuple[Finding, list[str]]] = {}
    for requirement in catalogue.requirements:
        if requirement.is_checked:
            finding = _finding(requirement, target, unsupported)
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
        unsupported=unsupported,
    )


def _finding(
    requirement: Requirement, target: Target, unsupported: Unsupported
) -> Finding:
    if requirement.capability in target.not_supported:
        return Finding(
            status=Status.NOT_APPLICABLE,
            reason=f'not_supported lists "{requirement.capability}".',
        )
    if requirement.level is Level.MUST:
        return Finding(
            status=Status.FAILED,
            expected=(f"the operations of {unsupported.what}",),
            observed=f"no {unsupported.what}",
        )
    return Finding(
        status=Status.NOT_TESTABLE, reason=f"The target has no {unsupported.what}."
    )


def _check(finding: Finding, ids: Iterable[str]) -> CheckRecord:
    return CheckRecord(
        id=UNSUPPORTED_CHECK,
        requirements=tuple(ids),
        title="The target has the operations at all",
        findings=[finding],
        called=True,
        finished=True,
    )
