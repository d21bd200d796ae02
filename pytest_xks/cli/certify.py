"""``pytest-xks certify``: verify a proxy or a KMS emulator against the requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pytest_xks.certify.run.selection import (
    DEFAULT_JOBS,
    MOST_JOBS,
    PROXY_JOBS,
    Selection,
)
from pytest_xks.cli.shared import EXIT_INCOMPLETE, FILE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["certify"]

_PYTEST_ARGS = "pytest-xks.pytest-args"


class _WithPytestArgs(click.Command):
    """A command that passes what follows ``--`` to pytest.

    Not an argument of click's: a stray word before ``--`` must stay a mistake.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            index = args.index("--")
            ctx.meta[_PYTEST_ARGS] = tuple(args[index + 1 :])
            args = args[:index]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- PYTEST-ARGS]"]


@click.group()
def certify() -> None:
    """Verify a target requirement by requirement, and report a verdict.

    Exit status: 0 conformant, 1 not conformant or a stale baseline entry, 2 usage error
    or unreachable target, 3 incomplete. A run cut by --only, --skip, --fail-fast or
    PYTEST-ARGS has the verdict "partial", and the exit status of what was selected.
    """


# What both parts of the suite understand, in the order of --help.
_COMMON_OPTIONS = (
    click.option(
        "--target",
        type=FILE,
        metavar="FILE",
        help="The target file; `pytest-xks init` writes one.",
    ),
    click.option(
        "--report-dir",
        type=FILE,
        metavar="DIR",
        help="Write report.html, report.json, junit.xml and report.md to DIR.",
    ),
    click.option(
        "--strict", is_flag=True, help="Treat every SHOULD requirement as a MUST."
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="ID-PREFIX",
        help="Verify only requirements whose id begins so; repeatable.",
    ),
    click.option(
        "--skip",
        multiple=True,
        metavar="ID-PREFIX",
        help="Leave out requirements whose id begins so; repeatable.",
    ),
    click.option(
        "--not-supported",
        multiple=True,
        metavar="NAME",
        help="Declare a capability that the target lacks, as not_supported in the "
        "target file does; repeatable.",
    ),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failed MUST."),
    click.option(
        "--baseline",
        type=FILE,
        metavar="FILE",
        help="Do not let the known failures in FILE make the exit status 1; an entry "
        "that no longer fails does.",
    ),
    click.option(
        "--write-baseline",
        type=FILE,
        metavar="FILE",
        help="Write current failures to FILE.",
    ),
    click.option("--quiet", is_flag=True, help="Print the verdict line only."),
)
_OF_SELECTION = ("only", "skip", "fail_fast", "load", "jobs")


def _common_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_COMMON_OPTIONS):
        command = option(command)
    return command


def _jobs_option(
    default: int,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        "--jobs",
        type=click.IntRange(1, MOST_JOBS),
        default=default,
        show_default=True,
        metavar="N",
        help="Send up to N requests of a check at once; the result is the same.",
    )


@certify.command("proxy", cls=_WithPytestArgs)
@_common_options
@_jobs_option(PROXY_JOBS)
@click.option(
    "--from-env",
    is_flag=True,
    help="Take the target from the environment variables of AWS's curl test client.",
)
@click.option(
    "--load", is_flag=True, help="Add the load test: 1,800 requests per second."
)
@click.pass_context
def _certify_proxy(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - those above; CertifyOptions types them
    """Certify an XKS proxy.

    Without a target, start pytest-xks's own mock proxy on loopback and certify that.
    """
    _certify(ctx, "proxy", options)


@certify.command("kms", cls=_WithPytestArgs)
@_common_options
@_jobs_option(DEFAULT_JOBS)
@click.pass_context
def _certify_kms(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - likewise
    """Certify a KMS emulator that supports external key stores.

    The suite runs the XKS proxy that the emulator has to call. Without a target, start
    pytest-xks's own fake KMS on loopback and certify that.
    """
    _certify(ctx, "kms", options)


def _certify(ctx: click.Context, part: str, given: dict[str, Any]) -> None:
    """Certify a target of a part of the suite, and end with its exit status."""
    from pytest_xks.certify import command  # noqa: PLC0415 - slow, not for --help

    chosen = {key: given.pop(key) for key in _OF_SELECTION if key in given}
    selection = Selection(pytest_args=ctx.meta.get(_PYTEST_ARGS, ()), **chosen)
    options = command.CertifyOptions(selection=selection, **given)
    try:
        status = command.certify(part, options)
    except (KeyboardInterrupt, click.Abort):
        # Before or after the suite; within it, there is a partial report.
        click.echo("pytest-xks: interrupted; there is no verdict.", err=True)
        status = EXIT_INCOMPLETE
    ctx.exit(status)
