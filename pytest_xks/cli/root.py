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

import errno
import io
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
    from typing import NoReturn, TextIO

__all__ = ["cli", "main"]

# No command uses the user's AWS; but moto reads the profile, in some releases when it
# is imported, and fails if there is none of its name.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")

# Not ours to mend, and no bug of ours.
_OF_THE_MACHINE = frozenset(
    {
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EROFS,
    }
)

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
    _ready_streams()
    sys.exit(_run())


def _ready_streams() -> None:
    """Let any terminal, pipe or closed descriptor take what is written."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Or the next file or socket would have the number of a standard stream.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        result = cli.main(standalone_mode=False)
        sys.stdout.flush()  # At the end of the process, nobody could tell why not.
    except UsageProblem as problem:
        return _report(str(problem), EXIT_USAGE)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report("interrupted.", EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a bug must not look like a verdict
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; there is nobody left to tell.
        _drop(1)
        return EXIT_INCOMPLETE
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        _drop(1)
        return _report(_of_the_machine(error), EXIT_INCOMPLETE)
    return _report(_internal_error(error), EXIT_INCOMPLETE)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _drop(number: int) -> None:
    """Let what is still in the buffer of a standard stream go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _of_the_machine(error: OSError) -> str:
    where = f" ({str(error.filename)!r})" if error.filename else ""
    return f"something could not be written or opened: {error.strerror}{where}."


def _report(message: str, status: int) -> int:
    text = "\n".join(quoted(line) for line in f"pytest-xks: {message}".split("\n"))
    try:
        click.echo(text, err=True)
    except OSError:
        _drop(2)
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
