"""``report.md``: the result as the summary of a CI job, in GitHub's Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.certify.report.escaping import markdown as escape
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.certify.report.story import story, violated_checks
from pytest_xks.certify.report.summary import (
    answered,
    attention,
    certified,
    failed_ids,
    first_lines,
    hidden_by,
    hint,
    levels,
    listed,
    not_run,
    unsupported_title,
    verdict_line,
)
from pytest_xks.certify.run.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.report.document import Document, RequirementResult
    from pytest_xks.certify.report.story import Part

__all__ = ["render_markdown"]

_SHORT_COMMAND = re.compile(r"[\w .-]{1,80}", re.ASCII)


def render_markdown(document: Document) -> str:
    """The content of ``report.md``."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escape(verdict_line(document))}"
    yield ""
    for line in first_lines(document):
        yield f"**{escape(line)}**"
        yield ""
    for name, value in certified(document):
        yield f"- **{name}**: {escape(value)}"
    yield ""
    yield from _totals(document)
    left = filter(None, [not_run(document)])
    for note in (*document["problems"], *document["warnings"], *left):
        yield f"> {escape(note)}"
        yield ""
    yield from _unsupported(document)
    for title, results in attention(document):
        yield f"## {title}"
        yield ""
        hidden = hidden_by(document, results)
        for result in results:
            if result["id"] in hidden:
                yield from _hidden(result, hidden[result["id"]])
            else:
                yield from _violation(result)
    yield from _gaps(document)
    yield from _baseline(document)
    if ids := failed_ids(document):
        yield f"**Failed**: {escape(ids)}"


def _totals(document: Document) -> Iterator[str]:
    summary = document["summary"]
    shown = [s for s in Status if any(row[s] for row in summary.values())]
    yield f"| level | {' | '.join(s.value.replace('_', ' ') for s in shown)} |"
    yield f"|---|{'---:|' * len(shown)}"
    for level in levels(document):
        yield f"| {level} | {' | '.join(str(summary[level][s]) for s in shown)} |"
    yield ""


def _unsupported(document: Document) -> Iterator[str]:
    if unsupported_title(document):
        yield "## What was tried"
        yield ""
        yield "| operation | answer |"
        yield "|---|---|"
        for operation, answer in answered(document):
            yield f"| {escape(operation)} | {escape(answer)} |"
        yield ""


def _violation(result: RequirementResult) -> Iterator[str]:
    yield f"### {_title(result)}"
    yield ""
    for part in story(result):
        yield from _part(part)
    yield ""


def _hidden(result: RequirementResult, cause: str) -> Iterator[str]:
    observed = next((c["observed"] for c in violated_checks(result)), "")
    yield f"- {_title(result)}: hidden by {cause}: {escape(observed)}"
    yield ""


def _title(result: RequirementResult) -> str:
    return escape(f"{result['id']} ({result['level']}) {result['title']}")


def _part(part: Part) -> Iterator[str]:
    label = part.label.lower()
    for line in part.lines:
        if not part.is_command:
            yield f"- {label}: {escape(line)}"
        elif _SHORT_COMMAND.fullmatch(line):
            yield f"- {label}: `{line}`"
        else:
            yield from (f"- {label}:", "", *_block(line))


def _block(command: str) -> Iterator[str]:
    # The fence is longer than any run of backticks within.
    runs = re.findall(r"`+", command)
    fence = "`" * max(3, *(len(run) + 1 for run in runs), 0)
    yield f"  {fence}sh"
    yield f"  {quoted(command)}"
    yield f"  {fence}"


def _gaps(document: Document) -> Iterator[str]:
    for _, title, results in listed(document):
        yield f"## {title}"
        yield ""
        if advice := hint(results[0]):
            yield from (escape(advice), "")
        for result in results:
            yield f"- {_title(result)}"
            for part in story(result):
                yield from (f"  - {escape(line)}" for line in part.lines)
        yield ""


def _baseline(document: Document) -> Iterator[str]:
    baseline = document.get("baseline")
    stale = [*baseline["stale"], *baseline["unknown"]] if baseline else []
    for requirement_id in stale:
        yield f"> {escape(requirement_id)} must be removed from the baseline."
        yield ""
