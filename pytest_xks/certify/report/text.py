"""The report on a terminal: failures first, each with what it takes to act on it.

What a target says is a quotation, on one line, and never read as markup. Reproduction
lines are not wrapped, so that they can be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

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
from pytest_xks.certify.run.outcome import Level, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pytest_xks.certify.report.document import Document, RequirementResult

__all__ = ["print_report", "print_verdict"]

_STYLES = {
    Status.FAILED: "bold red",
    Status.WARNING: "yellow",
    Status.ERROR: "bold magenta",
    Status.NOT_TESTABLE: "cyan",
    Status.DISABLED: "dim",
    Status.NOT_APPLICABLE: "dim",
    Status.PASSED: "green",
}
_VERDICT_STYLES = {
    "conformant": "bold green",
    "not conformant": "bold red",
    "incomplete": "bold yellow",
    "partial": "bold cyan",
}
_LABEL_WIDTH = 12
# Whatever is not to be copied is cut here, and whole in the files.
_LONGEST = 600


def print_report(document: Document, console: Console) -> None:
    """Print the whole result."""
    printer = _Printer(console)
    for line in first_lines(document):
        printer.line(line, "bold red")
    printer.header(document)
    printer.unsupported(document)
    for title, results in attention(document):
        printer.heading(title)
        hidden = hidden_by(document, results)
        for result in results:
            if result["id"] in hidden:
                printer.hidden(result, hidden[result["id"]])
            else:
                printer.violation(result)
    for status, title, results in listed(document):
        printer.listing(title, status, results)
    printer.baseline(document)
    for problem in document["problems"]:
        printer.line(f"Problem: {problem}", "bold magenta")
    for warning in document["warnings"]:
        printer.line(f"Note: {warning}", "yellow")
    printer.totals(document)
    if ids := failed_ids(document):
        printer.line(f"Failed: {ids}", "bold red")
    print_verdict(document, console)


def print_verdict(document: Document, console: Console) -> None:
    """Print the verdict line only."""
    style = _VERDICT_STYLES.get(document["verdict"], "bold")
    console.print(Text(quoted(verdict_line(document)), style=style), soft_wrap=True)


class _Printer:
    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str, style: str = "") -> None:
        self._console.print(Text(quoted(text), style=style), soft_wrap=True)

    def heading(self, text: str) -> None:
        self.line("")
        self.line(text, "bold underline")

    def header(self, document: Document) -> None:
        for name, value in certified(document):
            self._field(name, value, indent="")

    def unsupported(self, document: Document) -> None:
        if not unsupported_title(document):
            return
        self.heading("What was tried")
        for operation, answer in answered(document):
            self.line(f"  {operation}")
            self.line(f"      {answer}")

    def violation(self, result: RequirementResult) -> None:
        status = Status(result["status"])
        self.line("")
        head = Text(f"{_word(result)} ", style=_STYLES[status])
        head.append(quoted(f"{result['id']}  {result['level']}  {result['title']}"))
        self._console.print(head, soft_wrap=True)
        for part in story(result):
            first, *others = part.lines
            style = "bold" if part.is_command else ""
            self._field(part.label, first, style=style)
            for line in others:
                self._field("", line, style=style)

    def hidden(self, result: RequirementResult, cause: str) -> None:
        """What another failure probably explains, in two lines."""
        status = Status(result["status"])
        head = f"{result['id']}  {result['level']}  {result['title']}"
        self.line(f"  {head}", _STYLES[status])
        observed = next((c["observed"] for c in violated_checks(result)), "")
        self.line(f"      hidden by {cause}: {observed}"[:_LONGEST])

    def _field(
        self, name: str, value: str, *, style: str = "", indent: str = "  "
    ) -> None:
        text = Text(f"{indent}{name:<{_LABEL_WIDTH}} ", style="dim")
        if not style and len(value) > _LONGEST:
            value = f"{value[:_LONGEST]}… ({len(value)} characters)"
        text.append(quoted(value), style=style or "not dim")
        self._console.print(text, soft_wrap=True)

    def listing(
        self, title: str, status: Status, results: Sequence[RequirementResult]
    ) -> None:
        self.heading(title)
        if advice := hint(results[0]):
            self.line(advice)
        for result in results:
            self.line(
                f"  {result['id']}  {result['level']:<6}  {result['title']}",
                _STYLES[status],
            )
            for line in (line for part in story(result) for line in part.lines):
                self.line(f"      {line}")

    def baseline(self, document: Document) -> None:
        baseline = document.get("baseline")
        if baseline is None:
            return
        for ids, what in (
            (baseline["stale"], "no longer fails: remove it from the baseline"),
            (baseline["unknown"], "is no requirement: remove it from the baseline"),
        ):
            for requirement_id in ids:
                self.line(f"Baseline: {requirement_id} {what}.", "bold red")

    def totals(self, document: Document) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("")
        shown = [
            s for s in Status if any(row[s] for row in document["summary"].values())
        ]
        for status in shown:
            table.add_column(status.value.replace("_", " "), justify="right")
        for level in levels(document):
            counts = document["summary"][level]
            cells = (
                Text(str(counts[s]), style=_STYLES[s] if counts[s] else "dim")
                for s in shown
            )
            table.add_row(level.value, *cells)
        self.line("")
        self._console.print(table)
        unobservable = len(document["not_observable"])
        if unobservable:
            self.line(f"{unobservable} more have no check: see explain.", "dim")
        if left := not_run(document):
            self.line(left)
        self.line("")


def _word(result: RequirementResult) -> str:
    if result["status"] == Status.FAILED:
        return "FAILED"
    return "WARNING" if result["level"] == Level.SHOULD else "INFO"
