"""The command line ``pytest-xks``: options in, exit status out.

The work is done in ``certify``, which each command imports when it is called, so that
``--help`` is quick. Every problem ends here as one message on standard error.

======  ================================================================
0       conformant, or done
1       not conformant, or a stale entry in the baseline
2       a usage error, or a target that cannot be reached
3       incomplete: something that had to be verified could not be
======  ================================================================
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_xks import __version__
from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["main"]

_EXIT_USAGE = 2
_EXIT_INCOMPLETE = 3
_EXIT_INTERRUPTED = 130

_FILE = click.Path(path_type=Path)
_PYTEST_ARGS = "pytest-xks.pytest-args"


class _WithPytestArgs(click.Command):
    """A command that hands what follows ``--`` to pytest.

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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pytest-xks")
def cli() -> None:
    """Certify XKS proxies, and mock one for programs in any language."""


@cli.group()
def certify() -> None:
    """Verify a target requirement by requirement, and report a verdict.

    Exit status: 0 conformant, 1 not conformant or a stale baseline, 2 usage error or
    target out of reach, 3 incomplete.
    """


@certify.command("proxy", cls=_WithPytestArgs)
@click.option("--target", type=_FILE, metavar="FILE", help="The target file.")
@click.option(
    "--from-env", is_flag=True, help="Take the variables of AWS's curl test client."
)
@click.option(
    "--report-dir",
    type=_FILE,
    metavar="DIR",
    help="Write report.html, report.json, junit.xml and report.md there.",
)
@click.option("--strict", is_flag=True, help="Let SHOULDs count as MUSTs do.")
@click.option(
    "--only", multiple=True, metavar="ID-PREFIX", help="Verify these only; repeatable."
)
@click.option(
    "--skip", multiple=True, metavar="ID-PREFIX", help="Leave these out; repeatable."
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first failed MUST.")
@click.option(
    "--load", is_flag=True, help="Add the load test: 1,800 requests a second."
)
@click.option(
    "--baseline",
    type=_FILE,
    metavar="FILE",
    help="Known failures, each with a reason; they do not make the exit status 1.",
)
@click.option(
    "--write-baseline", type=_FILE, metavar="FILE", help="Write what fails now there."
)
@click.option("--quiet", is_flag=True, help="Print the verdict line only.")
@click.pass_context
def certify_proxy_command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    *,
    target: Path | None,
    from_env: bool,
    report_dir: Path | None,
    strict: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    fail_fast: bool,
    load: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    quiet: bool,
) -> None:
    """Certify an XKS proxy.

    Without a target, our own mock proxy is started on loopback and certified.
    """
    from pytest_xks.certify.command import (  # noqa: PLC0415 - slow, not for --help
        CertifyOptions,
        certify_proxy,
    )
    from pytest_xks.certify.runner import Selection  # noqa: PLC0415 - likewise

    options = CertifyOptions(
        target=target,
        from_env=from_env,
        report_dir=report_dir,
        strict=strict,
        quiet=quiet,
        baseline=baseline,
        write_baseline=write_baseline,
        selection=Selection(
            only=only,
            skip=skip,
            fail_fast=fail_fast,
            load=load,
            pytest_args=ctx.meta.get(_PYTEST_ARGS, ()),
        ),
    )
    try:
        status = certify_proxy(options)
    except (KeyboardInterrupt, click.Abort):
        # Before or after the suite; within it, there is a partial report.
        click.echo("pytest-xks: interrupted; there is no verdict.", err=True)
        status = _EXIT_INCOMPLETE
    ctx.exit(status)


def _not_yet(what: str) -> Callable[[], NoReturn]:
    def command() -> NoReturn:
        raise UsageProblem(f"This version of pytest-xks does not have {what}.")

    return command


for _group, _what in ((certify, "`certify kms`"),):
    _group.command("kms", help="Not in this version.")(_not_yet(_what))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS")
@click.option(
    "--proxy-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of the proxy; any free one by default.",
)
@click.option(
    "--ready-file",
    type=_FILE,
    metavar="FILE",
    help="Write where and how to connect, as JSON, once the server answers.",
)
@click.option(
    "--target-file", type=_FILE, metavar="FILE", help="Write a target file for it."
)
def serve(
    *, host: str, proxy_port: int, ready_file: Path | None, target_file: Path | None
) -> None:
    """Run a mock XKS proxy over HTTPS until SIGTERM or Ctrl-C."""
    from pytest_xks.certify.serve import (  # noqa: PLC0415 - slow, not for --help
        ServeOptions,
    )
    from pytest_xks.certify.serve import serve as run  # noqa: PLC0415 - likewise

    run(
        ServeOptions(
            host=host,
            proxy_port=proxy_port,
            ready_file=ready_file,
            target_file=target_file,
        ),
        click.echo,
    )


@cli.group()
def init() -> None:
    """Write a commented target file."""


@init.command("proxy")
@click.argument("file", type=_FILE, default=Path("target.toml"))
def init_proxy(file: Path) -> None:
    """Write a target file for a proxy; never over an existing FILE."""
    from pytest_xks.certify.init import write_proxy_template  # noqa: PLC0415

    write_proxy_template(file)
    click.echo(f"{file} is written. Fill it in, then:")
    click.echo(f"  pytest-xks certify proxy --target {file}")


@cli.command()
@click.argument("part", type=click.Choice(["proxy", "kms"]), default="proxy")
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    show_default=True,
)
def requirements(part: str, style: str) -> None:
    """List every requirement, and how it is verified."""
    from pytest_xks.certify.explain import FORMATS  # noqa: PLC0415 - not for --help
    from pytest_xks.certify.suite import load_catalogue  # noqa: PLC0415 - likewise

    _refuse_kms(part)
    click.echo(FORMATS[style](load_catalogue(part)))


@cli.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Explain one requirement: text, source, checks, and the faults that prove them."""
    from pytest_xks.certify import explain as explaining  # noqa: PLC0415 - likewise
    from pytest_xks.certify.suite import (  # noqa: PLC0415 - likewise
        load_catalogue,
        suite_folder,
    )
    from pytest_xks.proxy.faults import all_faults  # noqa: PLC0415 - likewise

    faults = {
        fault.name: fault.summary
        for fault in all_faults().values()
        if requirement_id.upper() in fault.violates
    }
    catalogue = load_catalogue("proxy")
    click.echo(explaining.explain(catalogue, requirement_id, suite_folder(), faults))


@cli.command()
@click.argument("file", type=_FILE)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "html", "markdown", "junit"]),
    default="text",
    show_default=True,
)
@click.option("--output", type=_FILE, metavar="FILE", help="Not to standard output.")
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


@cli.command()
@click.argument("part", type=click.Choice(["proxy", "kms"]), default="proxy")
@click.option(
    "--fault", "only", multiple=True, metavar="NAME", help="Try these only; repeatable."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes to run in.")
@click.pass_context
def selftest(
    ctx: click.Context, *, part: str, only: tuple[str, ...], workers: int | None
) -> None:
    """Prove that every check can fail, fault by fault of the mock proxy."""
    from pytest_xks.certify import selftest as proving  # noqa: PLC0415 - slow

    _refuse_kms(part)
    ctx.exit(proving.selftest(click.echo, only=only, workers=workers))


def _refuse_kms(part: str) -> None:
    if part == "kms":
        raise UsageProblem("This version of pytest-xks does not have the KMS side.")


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(_run())


def _run() -> int:
    try:
        result = cli.main(standalone_mode=False)
    except UsageProblem as problem:
        return _tell(str(problem), _EXIT_USAGE)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _tell("interrupted.", _EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_INCOMPLETE
    except Exception as error:  # noqa: BLE001 - a bug must not look like a verdict
        return _tell(_bug(error), _EXIT_INCOMPLETE)
    return result if isinstance(result, int) else 0


def _tell(message: str, status: int) -> int:
    click.echo(f"pytest-xks: {message}", err=True)
    return status


def _bug(error: Exception) -> str:
    """Where it happened; not the message, which may quote anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f" in {Path(code.co_filename).name}, line {trace.tb_lineno}"
    return (
        f"internal error: {type(error).__name__}{where}.\n"
        "This is a mistake in pytest-xks; please report it."
    )
