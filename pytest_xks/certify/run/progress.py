"""What a person sees while the suite runs; nothing at all if nobody is watching."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from pytest_xks.certify.run.outcome import Status

if TYPE_CHECKING:
    from rich.progress import Progress

    from pytest_xks.certify.run.record import CheckRecord

__all__ = ["ProgressDisplay"]


class ProgressDisplay:
    """A live line on standard error: chapter, bar, count, violations so far.

    Args:
        enabled: False for ``--quiet`` and where pytest itself writes.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled and sys.stderr.isatty()
        self._progress: Progress | None = None
        self._violations = 0

    def __enter__(self) -> Self:
        """Show the line."""
        if not self._enabled:
            return self
        from rich.console import Console  # noqa: PLC0415 - slow, and seldom needed
        from rich.progress import Progress  # noqa: PLC0415 - likewise

        # pytest captures descriptor 2 while a check runs, so the line has its own.
        self._stream = os.fdopen(os.dup(2), "w", encoding="utf-8")
        self._progress = Progress(
            console=Console(file=self._stream), transient=True, redirect_stdout=False
        )
        self._task = self._progress.add_task("Collecting", total=None)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the line."""
        if self._progress is not None:
            self._progress.stop()
            self._stream.close()

    def on_start(self, total: int) -> None:
        """There are ``total`` steps."""
        if self._progress is not None:
            self._progress.update(self._task, total=total)

    def advance(self, description: str) -> None:
        """A step is done."""
        if self._progress is not None:
            self._progress.update(self._task, advance=1, description=description)

    def on_check(self, check: CheckRecord) -> None:
        """A check has ended."""
        if self._progress is None:
            return
        self._violations += check.finding.status is Status.FAILED
        module = check.id.partition("::")[0].rpartition("test_")[2].removesuffix(".py")
        failed = f", {self._violations} violated" if self._violations else ""
        self.advance(f"{module.replace('_', ' ')}{failed}")
