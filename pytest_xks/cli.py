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
from typing import TYPE_CHECKING, Any

import click

from pytest_xks import __version__
from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["main"]

# No command uses the user's AWS; but moto reads the profile, in some releases when it
# is imported, and fails if there is none of its name.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")

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
    """Certify XKS proxies; serve a fake KMS and a mock proxy to any program."""


@cli.group()
def certify() -> None:
    """Verify a target requirement by requirement, and report a verdict.

    Exit status: 0 conformant, 1 not conformant or a stale baseline, 2 usage error or
    target out of reach, 3 incomplete.
    """


# What both parts of the suite understand, in the order of --help.
_CERTIFY_OPTIONS = (
    click.option("--target", type=_FILE, metavar="FILE", help="The target file."),
    click.option(
        "--report-dir",
        type=_FILE,
        metavar="DIR",
        help="Write report.html, report.json, junit.xml and report.md there.",
    ),
    click.option("--strict", is_flag=True, help="Let SHOULDs count as MUSTs do."),
    click.option(
        "--only",
        multiple=True,
        metavar="ID-PREFIX",
        help="Verify these only; repeatable.",
    ),
    click.option(
        "--skip",
        multiple=True,
        metavar="ID-PREFIX",
        help="Leave these out; repeatable.",
    ),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failed MUST."),
    click.option(
        "--baseline",
        type=_FILE,
        metavar="FILE",
        help="Known failures, each with a reason; they do not make the exit status 1.",
    ),
    click.option(
        "--write-baseline",
        type=_FILE,
        metavar="FILE",
        help="Write what fails now there.",
    ),
    click.option("--quiet", is_flag=True, help="Print the verdict line only."),
)
_OF_SELECTION = ("only", "skip", "fail_fast", "load")


def _certify_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_CERTIFY_OPTIONS):
        command = option(command)
    return command


@certify.command("proxy", cls=_WithPytestArgs)
@_certify_options
@click.option(
    "--from-env", is_flag=True, help="Take the variables of AWS's curl test client."
)
@click.option(
    "--load", is_flag=True, help="Add the load test: 1,800 requests a second."
)
@click.pass_context
def certify_proxy_command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - those above; CertifyOptions types them
    """Certify an XKS proxy.

    Without a target, our own mock proxy is started on loopback and certified.
    """
    _certify(ctx, "proxy", options)


@certify.command("kms", cls=_WithPytestArgs)
@_certify_options
@click.pass_context
def certify_kms_command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - likewise
    """Certify a KMS emulator that claims external key stores.

    The suite runs the XKS proxy that the emulator must call. Without a target, our own
    fake KMS is started on loopback and certified.
    """
    _certify(ctx, "kms", options)


def _certify(ctx: click.Context, part: str, given: dict[str, Any]) -> None:
    """Certify a target of a part of the suite, and end with its exit status."""
    from pytest_xks.certify.run import command  # noqa: PLC0415 - slow, not for --help
    from pytest_xks.certify.run.runner import Selection  # noqa: PLC0415 - likewise

    chosen = {key: given.pop(key) for key in _OF_SELECTION if key in given}
    selection = Selection(pytest_args=ctx.meta.get(_PYTEST_ARGS, ()), **chosen)
    options = command.CertifyOptions(selection=selection, **given)
    try:
        status = command.CERTIFIERS[part](options)
    except (KeyboardInterrupt, click.Abort):
        # Before or after the suite; within it, there is a partial report.
        click.echo("pytest-xks: interrupted; there is no verdict.", err=True)
        status = _EXIT_INCOMPLETE
    ctx.exit(status)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS")
@click.option(
    "--kms-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of the fake KMS; any free one by default.",
)
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
    help="Write where and how to connect, as JSON, once both servers answer.",
)
@click.option(
    "--target-file",
    type=_FILE,
    metavar="FILE",
    help="Write a target file for the proxy.",
)
@click.option(
    "--connect-to",
    multiple=True,
    metavar="HOST:443:ADDRESS:PORT",
    help="Lead the fake KMS from a proxy's host name to a socket; '*.' may stand in "
    "front; repeatable.",
)
@click.option(
    "--trust-ca",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Let the fake KMS trust a CA, in PEM, for proxies; repeatable.",
)
@click.option(
    "--behaviour",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a switch of the fake KMS, where AWS contradicts itself; repeatable.",
)
@click.option(
    "--until-end-of-input",
    is_flag=True,
    help="End, too, when standard input ends: for a parent process that may die.",
)
def serve(**options: Any) -> None:  # noqa: ANN401 - those above; ServeOptions types them
    """Run a fake KMS and a mock XKS proxy until SIGTERM or Ctrl-C.

    The fake KMS listens over HTTP, the proxy over HTTPS. A connected external key store
    is there from the start, and what is printed says how to use it.
    """
    from pytest_xks.serve.command import (  # noqa: PLC0415 - slow, not for --help
        ServeOptions,
    )
    from pytest_xks.serve.command import serve as run  # noqa: PLC0415 - likewise

    run(ServeOptions(**options), click.echo)


@cli.group()
def init() -> None:
    """Write a commented target file."""


@init.command("proxy")
@click.argument("file", type=_FILE, default=Path("target.toml"))
def init_proxy(file: Path) -> None:
    """Write a target file for a proxy; never over an existing FILE."""
    from pytest_xks.certify.targets.templates import write_proxy_template  # noqa: PLC0415

    write_proxy_template(file)
    click.echo(f"{file} is written. Fill it in, then:")
    click.echo(f"  pytest-xks certify proxy --target {file}")


@init.command("kms")
@click.argument("file", type=_FILE, default=Path("target.toml"))
def init_kms(file: Path) -> None:
    """Write a target file for a KMS emulator, and a CA; never over existing files."""
    from pytest_xks.certify.targets.templates import write_kms_template  # noqa: PLC0415 - likewise

    certificate, private_key = write_kms_template(file)
    click.echo(f"{file}, {certificate} and {private_key} are written.")
    click.echo("Fill the first in. Let the emulator trust the second, and lead it to")
    click.echo("the suite's XKS proxy. As they stand they fit our own fake KMS:")
    click.echo(
        "  pytest-xks serve --kms-port 5599 "
        f"--connect-to '*.xks.test:443:127.0.0.1:9443' --trust-ca {certificate}"
    )
    click.echo("and then, in another terminal:")
    click.echo(f"  pytest-xks certify kms --target {file}")


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
    from pytest_xks.certify.requirements.explain import FORMATS  # noqa: PLC0415 - not for --help
    from pytest_xks.certify.requirements.suite import load_catalogue  # noqa: PLC0415 - likewise

    click.echo(FORMATS[style](load_catalogue(part)))


@cli.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Explain one requirement: text, source, checks, and the faults that prove them."""
    from pytest_xks.certify.requirements import explain as explaining  # noqa: PLC0415 - likewise
    from pytest_xks.certify.requirements.suite import (  # noqa: PLC0415 - likewise
        load_catalogue,
        suite_folder,
    )
    from pytest_xks.certify.run.parts import part_of  # noqa: PLC0415 - likewise

    part = part_of(requirement_id)
    faults = {
        fault.name: fault.summary
        for fault in part.faults().values()
        if requirement_id.upper() in fault.violates
    }
    catalogue = load_catalogue(part.name)
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
    """Prove that every check can fail, fault by fault of our own mock."""
    from pytest_xks.certify.run import selftest as proving  # noqa: PLC0415 - slow

    status = proving.selftest(
        click.echo, part=part, only=only, workers=workers, thorough=thorough
    )
    ctx.exit(status)


def main() -> NoReturn:
    """Run the command line and exit."""
    for name in _PROFILES:
        os.environ.pop(name, None)
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
