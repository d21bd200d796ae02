"""``pytest-xks selftest``: proof that every check can fail."""

from __future__ import annotations

import click

from pytest_xks.cli.shared import part_argument

__all__ = ["selftest"]


@click.command()
@part_argument
@click.option(
    "--fault",
    "only",
    multiple=True,
    metavar="NAME",
    help="Try only this fault; repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Run in N processes; by default one per processor.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Run every check for every fault of the fake KMS; takes an hour.",
)
@click.pass_context
def selftest(
    ctx: click.Context,
    *,
    part: str,
    only: tuple[str, ...],
    workers: int | None,
    thorough: bool,
) -> None:
    """Prove that every check can fail.

    Runs the suite against pytest-xks's own mock once for each fault. The checks of the
    requirements that the fault violates must fail, and no unrelated MUST may.
    """
    from pytest_xks.certify.run import selftest as proving  # noqa: PLC0415 - slow

    status = proving.selftest(
        click.echo, part=part, only=only, workers=workers, thorough=thorough
    )
    ctx.exit(status)
