"""From a run to the document: where outcomes are levelled, and secrets end."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from pytest_xks import __version__
from pytest_xks.certify.report.causes import causes
from pytest_xks.certify.report.document import (
    SCHEMA_VERSION,
    CheckResult,
    Document,
    ExchangeView,
    Latency,
    RequirementResult,
)
from pytest_xks.certify.report.exchange import exchange_view
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.record import Finding
from pytest_xks.certify.run.verdict import conclude, levelled, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_xks.certify.evidence.redaction import Redactor
    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement
    from pytest_xks.certify.run.record import CheckRecord, Run
    from pytest_xks.certify.targets.target import Target

__all__ = ["build_document", "status_of"]

_EXCHANGES_SHOWN = 10
_VALUES_KEPT = 500


def build_document(  # noqa: PLR0913 - each is one input of the report
    run: Run,
    *,
    catalogue: Catalogue,
    target: Target,
    strict: bool = False,
    warnings: Sequence[str] = (),
    findings: Sequence[str] = (),
) -> Document:
    """The result of ``run``, free of secrets.

    Args:
        run: the run of the suite.
        catalogue: the requirements it was about.
        target: the target under test.
        strict: whether SHOULDs count as MUSTs do.
        warnings: what the user should know beside the verdict.
        findings: what was the matter with the whole of the target before the run.
    """
    redactor = run.redactor
    results = [
        _requirement(requirement, run, target, redactor)
        for requirement in catalogue.requirements
        if requirement.is_observable_at(target)
    ]
    narrowed = run.selection.is_narrowed
    verdict, exit_status = conclude(
        ((Level(r["level"]), Status(r["status"])) for r in results),
        strict=strict,
        broken=bool(run.problems or run.interrupted or run.loss),
        narrowed=narrowed,
        cut=narrowed and any(map(_is_cut, results)),
    )
    document: Document = {
        "schema_version": SCHEMA_VERSION,
        "suite": {
            "name": "pytest-xks",
            "version": __version__,
            "specification": catalogue.specification,
            "specification_version": catalogue.version,
            "catalogue_version": catalogue.catalogue_version,
            "part": catalogue.part,
        },
        "target": target.view(),
        "verdict": verdict.value,
        "summary": _summary(results),
        "requirements": results,
        "exit_status": exit_status,
        "chapters": dict(catalogue.chapters),
        "not_observable": [
            {
                "id": r.id,
                "level": r.level.value,
                "chapter": r.chapter,
                "title": r.title,
                "source": r.source,
                "verification": r.observability.value,
                "reason": r.reason or f"The target file has no command {r.command}.",
            }
            for r in catalogue.requirements
            if not r.is_observable_at(target)
        ],
        "problems": list(run.problems),
        "warnings": [*target.warnings(), *warnings],
        "interrupted": run.interrupted,
        "latencies": _latencies(run.checks),
        "facts": {
            name: value
            for check in run.checks
            if check.recorder
            for name, value in check.recorder.facts.items()
        },
        "configuration": {
            "strict": strict,
            "load": run.selection.load,
            "only": list(run.selection.only),
            "skip": list(run.selection.skip),
            "fail_fast": run.selection.fail_fast,
            "pytest_args": list(run.selection.pytest_args),
        },
        "environment": {
            "python": platform.python_version(),
            "pytest": pytest.__version__,
            "platform": platform.platform(terse=True),
        },
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "duration_seconds": round(run.seconds, 3),
    }
    if found := causes(results):
        document["causes"] = found
    if findings:
        document["findings"] = list(findings)
    if run.loss:
        document["lost"] = {
            "what": run.loss.what,
            "at": run.loss.at.isoformat(timespec="seconds"),
            "exchange": exchange_view(
                run.loss.exchange, shows_violation=True, redactor=redactor
            ),
        }
    if run.unsupported:
        document["lacking"] = {
            "what": run.unsupported.what,
            "exchanges": [
                exchange_view(each, shows_violation=True, redactor=redactor)
                for each in run.unsupported.exchanges
            ],
        }
    return redactor.document(document)


def _is_cut(result: RequirementResult) -> bool:
    """Whether a check of the requirement did not run, or it has none that did."""
    statuses = {result["status"], *(check["status"] for check in result["checks"])}
    return Status.DISABLED in statuses


def _summary(results: Sequence[RequirementResult]) -> dict[str, dict[str, int]]:
    summary = {level.value: {status.value: 0 for status in Status} for level in Level}
    for result in results:
        summary[result["level"]][result["status"]] += 1
    return summary


def _requirement(
    requirement: Requirement, run: Run, target: Target, redactor: Redactor
) -> RequirementResult:
    checks = [
        _check(check, requirement, run, redactor)
        for check in run.checks
        if requirement.id in check.requirements
    ]
    return {
        "id": requirement.id,
        "level": requirement.level.value,
        "chapter": requirement.chapter,
        "title": requirement.title,
        "source": requirement.source,
        "text": requirement.text,
        "accepts": requirement.accepts or "",
        "since": requirement.since,
        "status": _status_at(target, requirement, run).value,
        "explain": f"pytest-xks explain {requirement.id}",
        "known_failure": None,
        "checks": checks,
    }


def _status_at(target: Target, requirement: Requirement, run: Run) -> Status:
    if requirement.binds(target):
        return status_of(requirement, run)
    return Status.NOT_APPLICABLE


def status_of(requirement: Requirement, run: Run) -> Status:
    """What became of a requirement in ``run``."""
    findings = [
        _finding(check, requirement, run)
        for check in run.checks
        if requirement.id in check.requirements
    ]
    if not findings and requirement.id not in run.selected:
        return Status.DISABLED
    return worst(levelled(f.status, requirement.level) for f in findings)


def _finding(check: CheckRecord, requirement: Requirement, run: Run) -> Finding:
    if requirement.id in run.selected:
        return check.finding
    # It may have run all the same, for another requirement.
    return Finding(status=Status.DISABLED, reason="Left out by --only or --skip.")


def _check(
    check: CheckRecord, requirement: Requirement, run: Run, redactor: Redactor
) -> CheckResult:
    finding = _finding(check, requirement, run)
    shown = _exchanges(check, finding, redactor)
    culprit = next((e for e in shown if e["shows_violation"]), None)
    return {
        "id": check.id,
        "title": check.title,
        "status": levelled(finding.status, requirement.level).value,
        "duration_ms": round(check.seconds * 1000, 3),
        "reason": finding.reason,
        "add": finding.add,
        "expected": list(finding.expected),
        "observed": finding.observed,
        "note": finding.note,
        "reproduce": culprit["reproduce"] if culprit else "",
        "exchanges": shown,
    }


def _exchanges(
    check: CheckRecord, finding: Finding, redactor: Redactor
) -> list[ExchangeView]:
    """The last exchanges of a check that did not pass, the culprit always with them."""
    if check.recorder is None or finding.status in {Status.PASSED, Status.DISABLED}:
        return []
    shown = list(check.recorder.recorded[-_EXCHANGES_SHOWN:])
    culprit = finding.exchange
    if culprit is not None and culprit not in shown:
        shown = [culprit, *shown[1:]]
    exchanges = [recorded.read() for recorded in shown]
    return [
        exchange_view(
            exchange,
            earlier=exchanges[:index],
            shows_violation=recorded is culprit,
            redactor=redactor,
        )
        for index, (recorded, exchange) in enumerate(zip(shown, exchanges, strict=True))
    ]


def _latencies(checks: Sequence[CheckRecord]) -> list[Latency]:
    series: dict[str, list[float]] = {}
    for check in checks:
        for name, values in (
            check.recorder.latencies if check.recorder else {}
        ).items():
            series.setdefault(name, []).extend(values)
    return [_latency(name, sorted(values)) for name, values in series.items() if values]


def _latency(name: str, values: list[float]) -> Latency:
    def quantile(q: float) -> float:
        return round(values[min(len(values) - 1, int(q * len(values)))], 3)

    kept = values
    if len(values) > _VALUES_KEPT:
        step = (len(values) - 1) / (_VALUES_KEPT - 1)
        kept = [values[round(i * step)] for i in range(_VALUES_KEPT)]
    return {
        "series": name,
        "count": len(values),
        "minimum": round(values[0], 3),
        "median": quantile(0.5),
        "p90": quantile(0.9),
        "p99": quantile(0.99),
        "maximum": round(values[-1], 3),
        "values": [round(value, 3) for value in kept],
    }
