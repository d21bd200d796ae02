"""``pytest-xks requirements``: the catalogue as a table, in Markdown or in JSON."""

from __future__ import annotations

import click

from pytest_xks.cli.shared import part_argument

__all__ = ["requirements"]


@click.command()
@part_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
def requirements(part: str, style: str) -> None:
    """List every requirement, and how it is verified."""
    from pytest_xks.certify.requirements.explain import FORMATS  # noqa: PLC0415 - not for --help
    from pytest_xks.certify.requirements.suite import load_catalogue  # noqa: PLC0415 - likewise

    click.echo(FORMATS[style](load_catalogue(part)))
