"""Where reports go: the terminal, and the folder of ``--report-dir``."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.html import render_html
from pytest_xks.certify.report.json import render_json
from pytest_xks.certify.report.junit import render_junit
from pytest_xks.certify.report.markdown import render_markdown
from pytest_xks.certify.report.text import print_report, print_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_xks.certify.report.document import Document

__all__ = ["RENDERERS", "Reports", "render", "show", "write_text"]

RENDERERS: Mapping[str, Callable[[Document], str]] = {
    "report.html": render_html,
    "report.json": render_json,
    "junit.xml": render_junit,
    "report.md": render_markdown,
}
"""The files of a report folder."""


class Reports:
    """The folder of ``--report-dir``.

    Args:
        folder: made at once, so that a long run is not lost to a typing error.

    Raises:
        UsageProblem: the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".pytest-xks"
            probe.write_bytes(b"")
            probe.unlink()
        except (OSError, ValueError) as error:
            raise _unwritable(folder, error) from None

    def write(self, document: Document) -> None:
        """Write every report.

        Raises:
            UsageProblem: a file cannot be written.
        """
        for name, render in RENDERERS.items():
            write_text(self.folder / name, render(document))


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        UsageProblem: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> UsageProblem:
    reason = getattr(error, "strerror", None) or "not a legal file name"
    return UsageProblem(f"{str(path)!r} cannot be written: {reason}.")


def show(document: Document, *, quiet: bool, reports: Reports | None = None) -> None:
    """Print the result on standard output.

    Args:
        document: the result.
        quiet: whether to print the verdict line only.
        reports: where more is to be read.
    """
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    if quiet:
        print_verdict(document, console)
        return
    print_report(document, console)
    if reports:
        console.print(f"Reports: {reports.folder}", soft_wrap=True)


def render(document: Document, style: str) -> str:
    """``document`` as "text", "html", "markdown" or "junit"."""
    if style in _BY_STYLE:
        return _BY_STYLE[style](document)
    console = Console(
        file=(text := StringIO()),
        highlight=False,
        emoji=False,
        markup=False,
        width=100,
    )
    print_report(document, console)
    return text.getvalue()


_BY_STYLE: Mapping[str, Callable[[Document], str]] = {
    "html": render_html,
    "markdown": render_markdown,
    "junit": render_junit,
}
