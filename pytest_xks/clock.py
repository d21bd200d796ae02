"""Time as a parameter: the system's, or one that a test moves by hand.

Nothing else asks the system what time it is, so a delay can be simulated
and a quota, a signature's age or a time-out tested without waiting.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "SimulatedClock", "SystemClock"]


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The wall clock, as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""
        ...

    def wait(self, *, milliseconds: float) -> None:
        """Return when so much time has passed on this clock."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The wall clock, as an aware datetime in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()

    def wait(self, *, milliseconds: float) -> None:
        """Return when so much time has passed."""
        time.sleep(milliseconds / 1000)


class SimulatedClock:
    """The machine's clocks, plus whatever ``advance`` has added.

    It runs on with the real time, so that signatures made by others stay recent.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        """The wall clock, as an aware datetime in UTC."""
        now = datetime.now(UTC)
        return now + timedelta(seconds=self._ahead) if self._ahead else now

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic() + self._ahead

    def advance(self, *, milliseconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: time does not run backwards.
        """
        if milliseconds < 0:
            raise ValueError("milliseconds must not be negative")
        self._ahead += milliseconds / 1000

    def wait(self, *, milliseconds: float) -> None:
        """Let time pass, without waiting for it."""
        self.advance(milliseconds=milliseconds)
