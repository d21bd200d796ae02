"""``pytest-xks explain``: one requirement, with its checks and what proves them."""

from __future__ import annotations

import click

__all__ = ["explain"]


@click.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Explain one requirement: text, source, checks, and the faults that prove them."""
    from pytest_xks.certify.requirements import explain as explaining  # noqa: PLC0415 - not for --help
    from pytest_xks.certify.requirements.suite import (  # noqa: PLC0415 - likewise
        load_catalogue,
        suite_folder,
    )
    from pytest_xks.certify.run.mocks import mock_for  # noqa: PLC0415 - likewise

    mock = mock_for(requirement_id)
    faults = {
        fault.name: fault.summary
        for fault in mock.catalogue().all().values()
        if requirement_id.upper() in fault.violates
    }
    catalogue = load_catalogue(mock.part)
    click.echo(explaining.explain(catalogue, requirement_id, suite_folder(), faults))
