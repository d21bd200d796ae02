"""``pytest-xks report``: a saved result in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_xks.cli.shared import FILE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["report"]


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "html", "markdown", "junit"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write to FILE instead of standard output.",
)
def report(file: Path, style: str, output: Path | None) -> None:
    """Render a saved report.json again."""
    from pytest_xks.certify.report.json import load_report  # noqa: PLC0415 - slow
    from pytest_xks.certify.report.output import (  # noqa: PLC0415 - likewise
        render,
        write_text,
    )

    text = render(load_report(file), style)
    if output:
        write_text(output, text)
    else:
        click.echo(text, nl=False)
