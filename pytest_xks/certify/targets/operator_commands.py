"""What only the operator of a proxy can cause, by commands of the target file.

A command is run without a shell, in the folder of the target file, with a deadline,
and with what it is about in its environment. Whatever is done is undone when the block
ends, also after Ctrl-C. What a command prints is not read: it may be anything.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["UNDONE_BY", "OperatorCommands"]

UNDONE_BY: Mapping[str, str] = {
    "break_key_manager": "restore_key_manager",
    "stall_key_manager": "restore_key_manager",
    "disable_key": "enable_key",
    "disable_store": "enable_store",
    "add_credential": "remove_credential",
}
"""The command that undoes another."""

_DEADLINE_S = 30


class OperatorCommands:
    """Runs the commands of a target.

    Args:
        commands: arguments by the name of the command.
        folder: where they are run.
        environment: what they are about, beside the environment of this process.
    """

    def __init__(
        self,
        commands: Mapping[str, tuple[str, ...]],
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._commands = commands
        self._folder = folder
        self._environment = {**os.environ, **environment}

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Have something done for the block, and undone after it.

        Args:
            name: a command of ``UNDONE_BY``.

        Raises:
            NotTestable: it could not be done, or not be undone.
        """
        try:
            self._run(name)
            yield
        finally:
            with _undisturbed():
                self._run(UNDONE_BY[name])

    def _run(self, name: str) -> None:
        try:
            status = subprocess.run(  # noqa: S603 - the operator's own command
                self._commands[name],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_DEADLINE_S,
                # Ctrl-C at a terminal is for us; what is under way is finished.
                start_new_session=True,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise NotTestable(f"{name} did not end in {_DEADLINE_S} s.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a legal command"
            raise NotTestable(f"{name} cannot be run: {reason}.") from None
        if status:
            raise NotTestable(f"{name} ended with exit status {status}.")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C end what undoes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
