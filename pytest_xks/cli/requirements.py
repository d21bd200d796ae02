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
@click.option(
    "--statements",
    is_flag=True,
    help="Every sentence of the specification that binds, by line, and who checks it.",
)
def requirements(part: str, style: str, *, statements: bool) -> None:
    """List every requirement, and how it is verified."""
    from pytest_xks.certify.requirements import suite  # noqa: PLC0415 - not for --help
    from pytest_xks.certify.requirements.explain import FORMATS  # noqa: PLC0415 - likewise
    from pytest_xks.certify.requirements.statements import (  # noqa: PLC0415 - likewise
        STATEMENT_FORMATS,
        load_statements,
    )

    catalogue = suite.load_catalogue(part)
    if not statements:
        click.echo(FORMATS[style](catalogue))
        return
    found = load_statements(catalogue, suite.suite_folder())
    click.echo(STATEMENT_FORMATS[style](catalogue, found))
