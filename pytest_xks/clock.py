"""Time as a parameter: the system's, or one that a test moves by hand.

Nothing else asks the system what time it is, so a delay can be simulated
and a quota, a signature's age or a time-out tested without waiting.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "ServedClock", "SimulatedClock", "SystemClock"]


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
        self._lock = threading.Lock()

    def _ahead_s(self) -> float:
        return self._ahead

    def now(self) -> datetime:
        """The wall clock, as an aware datetime in UTC."""
        now, ahead = datetime.now(UTC), self._ahead_s()
        return now + timedelta(seconds=ahead) if ahead else now

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic() + self._ahead_s()

    def advance(self, *, milliseconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: time does not run backwards.
        """
        if milliseconds < 0:
            raise ValueError("milliseconds must not be negative")
        with self._lock:
            self._ahead += milliseconds / 1000

    def wait(self, *, milliseconds: float) -> None:
        """Let time pass, without waiting for it."""
        self.advance(milliseconds=milliseconds)

    def elapse(self, *, milliseconds: float) -> None:
        """Let the time of an exchange pass that is simulated in this process."""
        self.advance(milliseconds=milliseconds)


class ServedClock(SimulatedClock):
    """The clock of a server, whose callers come from other processes, many at once.

    A simulated exchange takes its time for the caller that it belongs to: were it
    everybody's, a busy server would run ahead of its clients by hours. What the server
    waits for by itself, the client waits for too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._caller = threading.local()

    def _ahead_s(self) -> float:
        elapsed: float = getattr(self._caller, "elapsed_s", 0.0)
        return self._ahead + elapsed

    def begin_call(self) -> None:
        """Begin a caller's time, in the thread that answers the caller."""
        self._caller.elapsed_s = 0.0

    def wait(self, *, milliseconds: float) -> None:
        """Return when so much time has passed."""
        time.sleep(milliseconds / 1000)

    def elapse(self, *, milliseconds: float) -> None:
        """Let time pass for the caller whom this thread answers."""
        elapsed = getattr(self._caller, "elapsed_s", 0.0)
        self._caller.elapsed_s = elapsed + milliseconds / 1000
