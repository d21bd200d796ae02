"""Known failures: a list that a project keeps, with a reason for each.

The file::

    [[known_failure]]
    id = "XKS-ENC-017"
    reason = "Fixed in firmware 4.2; see ticket 1234."

A known failure does not make the exit status 1. The list may not rot: an entry that no
longer fails, or names no requirement, does. The verdict itself knows nothing of it: a
target with known failures is not conformant.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.report.document import was_narrowed
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.verdict import is_failure, is_gap
from pytest_xks.certify.toml.reading import Table, parse_toml, read_text
from pytest_xks.certify.toml.writing import dump_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_xks.certify.report.document import Document, RequirementResult

__all__ = ["apply_baseline", "load_baseline", "render_baseline"]

_HEADER = (
    "# Known failures of a certification. Each needs a reason; an entry that no\n"
    "# longer fails makes `pytest-xks certify --baseline` fail until it is removed.\n\n"
)
# These say that the requirement holds now; without a result, nobody knows.
_NO_LONGER_FAILS = {Status.PASSED, Status.NOT_APPLICABLE}


def load_baseline(path: Path) -> dict[str, str]:
    """The reasons by requirement id.

    Raises:
        UsageProblem: the file cannot be read or has a mistake.
    """
    table = Table(parse_toml(read_text(path, "baseline"), path), "", path)
    rows = table.tables("known_failure")
    table.finish()
    reasons: dict[str, str] = {}
    for row in rows:
        requirement_id, reason = row.text("id"), row.text("reason")
        row.finish()
        if not reason.strip():
            raise row.problem("reason", "is empty.", "Say why the failure is known.")
        if requirement_id in reasons:
            raise row.problem("id", f"occurs twice: {requirement_id!a}.")
        reasons[requirement_id] = reason
    return reasons


def apply_baseline(document: Document, reasons: Mapping[str, str], path: Path) -> None:
    """Mark known failures in ``document`` and set its exit status accordingly.

    Args:
        document: changed in place.
        reasons: from ``load_baseline``.
        path: the file that they come from, for the report.
    """
    results = {result["id"]: result for result in document["requirements"]}
    failed = [r["id"] for r in _failures(document)]
    for requirement_id, reason in reasons.items():
        result = results.get(requirement_id)
        if result and _is_violated(result):
            result["known_failure"] = reason
    unexpected = [i for i in failed if i not in reasons]
    stale = [
        i
        for i in reasons
        if i in results and Status(results[i]["status"]) in _NO_LONGER_FAILS
    ]
    unknown = [i for i in reasons if i not in results]
    document["baseline"] = {
        "file": path.name,
        "known": [i for i in reasons if i in results and _is_violated(results[i])],
        "unexpected": unexpected,
        "stale": stale,
        "unknown": unknown,
    }
    document["exit_status"] = _exit_status(document)


def _exit_status(document: Document) -> int:
    baseline = document["baseline"]
    if baseline["unexpected"] or baseline["stale"] or baseline["unknown"]:
        return 1
    if document["exit_status"] != 1:
        return document["exit_status"]
    # Every failure is known. What was not verified still counts.
    return 3 if _is_incomplete(document) else 0


def _is_incomplete(document: Document) -> bool:
    strict, narrowed = document["configuration"]["strict"], was_narrowed(document)
    return bool(document["problems"]) or any(
        is_gap(Level(r["level"]), Status(r["status"]), strict=strict, narrowed=narrowed)
        for r in document["requirements"]
    )


def render_baseline(document: Document, known: Mapping[str, str]) -> str:
    """A baseline of everything that fails in ``document``.

    Args:
        document: the result.
        known: reasons to keep, from the baseline so far; also those of what was left
            out of the run, of which it says nothing.
    """
    today = datetime.now(UTC).date().isoformat()
    failed = {result["id"] for result in _failures(document)}
    entries = [
        {
            "id": result["id"],
            "reason": known.get(result["id"])
            or f"Not explained yet; recorded on {today}: {_observed(result)}",
        }
        for result in document["requirements"]
        if result["id"] in failed
        or (result["id"] in known and result["status"] == Status.DISABLED)
    ]
    tables = (f"[[known_failure]]\n{dump_toml(entry)}" for entry in entries)
    return _HEADER + "\n".join(tables)


def _failures(document: Document) -> Iterator[RequirementResult]:
    strict = document["configuration"]["strict"]
    for result in document["requirements"]:
        if is_failure(Level(result["level"]), Status(result["status"]), strict=strict):
            yield result


def _is_violated(result: RequirementResult) -> bool:
    return result["status"] in {Status.FAILED, Status.WARNING}


def _observed(result: RequirementResult) -> str:
    return next((c["observed"] for c in result["checks"] if c["observed"]), "failed")
