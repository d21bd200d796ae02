"""``report.md``: the result as the summary of a CI job, in GitHub's Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.certify.report.wording import (
    LISTED,
    NOT_TESTABLE_HINT,
    answered,
    attention,
    came,
    certified,
    levels,
    listed,
    sent,
    unsupported_title,
    verdict_line,
    violated,
)
from pytest_xks.certify.run.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.report.document import (
        CheckResult,
        Document,
        RequirementResult,
    )

__all__ = ["escape", "render_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def render_markdown(document: Document) -> str:
    """The content of ``report.md``."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def escape(text: str) -> str:
    """``text`` on one line, none of it read as Markdown or HTML."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return _SPECIAL.sub(r"\\\1", shown)


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escape(verdict_line(document))}"
    yield ""
    for name, value in certified(document):
        yield f"- **{name}**: {escape(value)}"
    yield ""
    yield from _totals(document)
    for note in (*document["problems"], *document["warnings"]):
        yield f"> {escape(note)}"
        yield ""
    yield from _unsupported(document)
    for title, results in attention(document):
        yield f"## {title}"
        yield ""
        for result in results:
            yield from _violation(result)
    yield from _gaps(document)
    yield from _baseline(document)


def _totals(document: Document) -> Iterator[str]:
    summary = document["summary"]
    shown = [s for s in Status if any(row[s] for row in summary.values())]
    yield f"| level | {' | '.join(s.value.replace('_', ' ') for s in shown)} |"
    yield f"|---|{'---:|' * len(shown)}"
    for level in levels(document):
        yield f"| {level} | {' | '.join(str(summary[level][s]) for s in shown)} |"
    yield ""


def _unsupported(document: Document) -> Iterator[str]:
    if title := unsupported_title(document):
        yield f"## {escape(title)}"
        yield ""
        yield "| operation | answer |"
        yield "|---|---|"
        for operation, answer in answered(document):
            yield f"| {escape(operation)} | {escape(answer)} |"
        yield ""


def _violation(result: RequirementResult) -> Iterator[str]:
    yield f"### {result['id']} ({result['level']}) {escape(result['title'])}"
    yield ""
    yield f"{escape(result['text'])} (section “{escape(result['source'])}”)"
    yield ""
    if result["known_failure"]:
        yield f"- known: {escape(result['known_failure'])}"
    first, *others = violated(result)
    yield from _check(first)
    for check in others:
        yield f"- also failed: {escape(check['title'])} ({escape(check['id'])})"
    yield f"- explain: `{result['explain']}`"
    yield ""


def _check(check: CheckResult) -> Iterator[str]:
    culprit = next((e for e in check["exchanges"] if e["shows_violation"]), None)
    for line in sent(culprit) if culprit else ():
        yield f"- sent: {escape(line)}"
    for accepted in check["expected"]:
        yield f"- accepted: {escape(accepted)}"
    for line in (check["observed"], *(came(culprit) if culprit else ())):
        yield f"- came: {escape(line)}"
    if check["reproduce"]:
        yield "- reproduce:"
        yield ""
        yield from _code(check["reproduce"])


def _code(line: str) -> Iterator[str]:
    # The fence is longer than any run of backticks within.
    runs = re.findall(r"`+", line)
    fence = "`" * max(3, *(len(run) + 1 for run in runs), 0)
    yield f"  {fence}sh"
    yield f"  {line}"
    yield f"  {fence}"


def _gaps(document: Document) -> Iterator[str]:
    gaps: dict[Status, str] = {
        s: title for s, title in LISTED.items() if s is not Status.NOT_APPLICABLE
    }
    for status, title, results in listed(document, gaps):
        yield f"## {title}"
        yield ""
        if status is Status.NOT_TESTABLE:
            yield from (escape(NOT_TESTABLE_HINT), "")
        for result in results:
            checks = [c for c in result["checks"] if c["status"] == status]
            why = " ".join(dict.fromkeys(f"{c['reason']} {c['add']}" for c in checks))
            yield (
                f"- {result['id']} ({result['level']}) {escape(result['title'])}: "
                f"{escape(why.strip() or 'no check delivered a result')}"
            )
        yield ""


def _baseline(document: Document) -> Iterator[str]:
    baseline = document.get("baseline")
    stale = [*baseline["stale"], *baseline["unknown"]] if baseline else []
    for requirement_id in stale:
        yield f"> {escape(requirement_id)} must be removed from the baseline."
        yield ""
