"""The words that all readable reports share: verdict, headings, short exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.outcome import Level, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.report.document import (
        Body,
        CheckResult,
        Document,
        ExchangeView,
        RequirementResult,
    )

__all__ = [
    "NOT_TESTABLE_HINT",
    "attention",
    "came",
    "certified",
    "printable",
    "sent",
    "verdict_line",
    "verdict_sentence",
    "violated",
]

NOT_TESTABLE_HINT = (
    "Add what is missing to the target file; what the target does not have, list in "
    "not_supported."
)

_BODY_SHOWN = 400


def certified(document: Document) -> Iterator[tuple[str, str]]:
    """What was certified, by what and when, as pairs of a name and a value."""
    suite, target = document["suite"], document["target"]
    yield "Suite", f"{suite['name']} {suite['version']}"
    yield "Standard", f"{suite['specification']} {suite['specification_version']}"
    yield "Target", f"{target['endpoint']}{target['uri_path']} ({target['source']})"
    yield "Region", target["region"]
    if target["not_supported"]:
        yield "Lacks", ", ".join(target["not_supported"])
    yield "When", f"{document['started_at']}, {document['duration_seconds']:.1f} s"


def verdict_line(document: Document) -> str:
    """The verdict, and the counts behind it, in one line."""
    parts = [
        f"{level.value} {_counts(document['summary'][level])}"
        for level in Level
        if any(document["summary"][level].values())
    ]
    verdict = document["verdict"]
    baseline = document.get("baseline")
    if baseline and baseline["known"] and not baseline["unexpected"]:
        verdict += ", with known failures only"
    if baseline and (baseline["stale"] or baseline["unknown"]):
        verdict += ", with a stale baseline"
    return f"{verdict}: {'; '.join(parts)}"


def verdict_sentence(document: Document) -> str:
    """The verdict for somebody who has never seen one."""
    suite, must = document["suite"], document["summary"][Level.MUST]
    standard = f"{suite['specification']} {suite['specification_version']}"
    if document["verdict"] == "conformant":
        return (
            f"The target meets every mandatory requirement of the {standard} that "
            "applies to it and can be observed from outside "
            f"({must['passed']} verified)."
        )
    if document["verdict"] == "incomplete":
        missing = sum(must[s] for s in ("not_testable", "disabled", "error"))
        return (
            "Nothing mandatory that was checked failed, but there is no verdict yet: "
            f"{missing} mandatory requirements of the {standard} were not verified."
        )
    if not must["failed"]:
        return (
            f"The target breaks recommendations of the {standard}, which count here "
            "because of --strict."
        )
    return (
        f"The target breaks {must['failed']} mandatory requirements of the {standard}."
    )


def printable(text: str) -> str:
    """``text`` with its control characters escaped; a target may have chosen it."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in text
    )


def _counts(counts: dict[str, int]) -> str:
    found = [f"{n} {status.replace('_', ' ')}" for status, n in counts.items() if n]
    return ", ".join(found)


def attention(document: Document) -> Iterator[tuple[str, list[RequirementResult]]]:
    """Violated requirements in blocks with headings, the most urgent first."""
    results = document["requirements"]
    known = [r for r in results if _is_violated(r) and r["known_failure"] is not None]
    fresh = [r for r in results if _is_violated(r) and r["known_failure"] is None]
    blocks = (
        ("Failed", [r for r in fresh if r["status"] == Status.FAILED]),
        ("Warnings", [r for r in fresh if _is_should(r)]),
        ("For information", [r for r in fresh if r["level"] == Level.MAY]),
        ("Known failures", known),
    )
    for title, block in blocks:
        if block:
            yield f"{title} ({len(block)})", block


def _is_violated(result: RequirementResult) -> bool:
    return result["status"] in {Status.FAILED, Status.WARNING}


def _is_should(result: RequirementResult) -> bool:
    return result["status"] == Status.WARNING and result["level"] != Level.MAY


def violated(result: RequirementResult) -> list[CheckResult]:
    """The checks that found a violation, that with the shortest command first."""
    found = [c for c in result["checks"] if c["status"] in {"failed", "warning"}]
    return sorted(found, key=lambda c: (not c["reproduce"], len(c["reproduce"])))


def sent(exchange: ExchangeView) -> Iterator[str]:
    """What was sent, in a line or two."""
    label = f" ({exchange['label']})" if exchange["label"] else ""
    yield f"{exchange['method']} {exchange['url']}{label}"
    yield from _body(exchange["body"])


def came(exchange: ExchangeView) -> Iterator[str]:
    """What came back, in a line or two."""
    response = exchange["response"]
    milliseconds = f"after {exchange['duration_ms']:.0f} ms"
    if response is None:
        yield f"no response: {exchange['error'] or 'unknown'}, {milliseconds}"
        return
    yield f"{response['status']} {response['reason']}".strip() + f", {milliseconds}"
    yield from _body(response["body"])


def _body(body: Body) -> Iterator[str]:
    if not body["bytes"]:
        return
    content = body["content"]
    more = len(content) > _BODY_SHOWN or body["truncated"]
    ending = f"… ({body['bytes']} bytes)" if more else ""
    prefix = "" if body["encoding"] == "utf-8" else "Base64 of: "
    yield f"{prefix}{content[:_BODY_SHOWN]}{ending}"
