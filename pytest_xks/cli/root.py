"""``pytest-xks`` itself: the list of its commands, and from arguments to exit status.

Each command imports what does its work when it is called, so that ``--help`` is quick.
Every problem ends here as one message on standard error.

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
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.cli.certify import certify
from pytest_xks.cli.explain import explain
from pytest_xks.cli.init import init
from pytest_xks.cli.report import report
from pytest_xks.cli.requirements import requirements
from pytest_xks.cli.selftest import selftest
from pytest_xks.cli.serve import serve
from pytest_xks.cli.shared import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["cli", "main"]

# No command uses the user's AWS; but moto reads the profile, in some releases when it
# is imported, and fails if there is none of its name.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")

_COMMANDS = (certify, serve, init, requirements, explain, report, selftest)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pytest-xks")
def cli() -> None:
    """Certify XKS proxies and KMS emulators; serve a fake KMS and a mock proxy."""


for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and exit."""
    for name in _PROFILES:
        os.environ.pop(name, None)
    sys.exit(_run())


def _run() -> int:
    try:
        result = cli.main(standalone_mode=False)
    except UsageProblem as problem:
        return _report(str(problem), EXIT_USAGE)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report("interrupted.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INCOMPLETE
    except Exception as error:  # noqa: BLE001 - a bug must not look like a verdict
        return _report(_internal_error(error), EXIT_INCOMPLETE)
    return result if isinstance(result, int) else 0


def _report(message: str, status: int) -> int:
    text = "\n".join(quoted(line) for line in f"pytest-xks: {message}".split("\n"))
    click.echo(text, err=True)
    return status


def _internal_error(error: Exception) -> str:
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
        "This is a bug in pytest-xks; please report it."
    )
