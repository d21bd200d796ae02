"""Whether the target is still there: a run against one that is gone proves nothing.

A check may have its reasons to go without an answer, and a target its own to be slow,
so neither proves anything by itself. After several in a row the target is asked what it
answered when the run began; only if it does so no more, the run is over.

Any thread may call.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from pytest_xks.certify.run.outcome import NotTestable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.certify.evidence.exchange import Exchange

__all__ = ["Loss", "Pulse", "TargetLost", "Vigil"]

Pulse: TypeAlias = "Callable[[], Mapping[str, float]]"
"""Asks the target a few things: milliseconds by operation, of those it answered."""

_SILENT_IN_A_ROW = 4
# How many exchanges may be noted after one that began later.
_UNDER_WAY = 32
_SLOW_MS = 1_000.0
_SLOW_EXCHANGES = 20
# A fast answer now and then does not make a slow target a fast one.
_FAST_OUTWEIGHS = 0.25
# How much slower than at the start is a crawl.
_TIMES_SLOWER = 10
_ATTEMPTS = 3
_PAUSE_S = 0.5


class TargetLost(NotTestable):
    """The target is gone, so what a check found since then says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """That the target was lost during the run."""

    what: str
    """"stopped answering", "slowed to a crawl"."""
    at: datetime
    """When the exchange began to which no answer came."""
    exchange: Exchange
    """That exchange."""


class Vigil:
    """Watches the exchanges of a run.

    Args:
        pulse: asks the target.
        pause: waits, in seconds; for tests.
    """

    def __init__(
        self, pulse: Pulse, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._pulse = pulse
        self._pause = pause
        self._lock = threading.Lock()
        self._silent = _Series()
        self._slow = _Series()
        self._lately: deque[Exchange | None] = deque(maxlen=_UNDER_WAY)
        """The last exchanges; None for one that was answered."""
        self._at_first = pulse()
        self.loss: Loss | None = None

    def note(self, exchange: Exchange) -> None:
        """Note an exchange.

        Raises:
            TargetLost: the target is gone.
        """
        with self._lock:
            if self.loss is None:
                self._note(exchange)
            if self.loss is not None:
                raise TargetLost(f"The target {self.loss.what} before this.")

    def _note(self, exchange: Exchange) -> None:
        if exchange.received is None:
            self._silent.add(exchange)
            self._lately.append(exchange)
        else:
            self._silent.end()
            self._lately.append(None)
        if exchange.milliseconds >= _SLOW_MS:
            self._slow.add(exchange)
        else:
            self._slow.fade(_FAST_OUTWEIGHS)
        if self._silent.weight >= _SILENT_IN_A_ROW:
            self._ask("stopped answering", self._silent, self._is_answering)
        elif self._slow.weight >= _SLOW_EXCHANGES:
            self._ask("slowed to a crawl", self._slow, self._is_fast)

    def _ask(self, what: str, series: _Series, is_well: Callable[[], bool]) -> None:
        """Ask the target a few times, and note its loss if it is never well."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause(_PAUSE_S)
            if is_well():
                self._silent.end()
                self._slow.end()
                return
        first = series.first
        if series is self._silent:
            # What goes out side by side is not noted in the order in which it went.
            silent = (exchange for exchange in self._lately if exchange is not None)
            first = min(silent, key=lambda exchange: exchange.key, default=first)
        if first is not None:
            self.loss = Loss(what=what, at=series.began, exchange=first)

    def _is_answering(self) -> bool:
        now = self._pulse()
        return self._at_first.keys() <= now.keys()

    def _is_fast(self) -> bool:
        now = self._pulse()
        return all(
            now.get(name, inf) < max(_SLOW_MS, _TIMES_SLOWER * milliseconds)
            for name, milliseconds in self._at_first.items()
        )


class _Series:
    """Exchanges of a kind, one after the other."""

    def __init__(self) -> None:
        self.end()

    def end(self) -> None:
        self.weight = 0.0
        self.first: Exchange | None = None
        self.began = datetime.now(UTC)

    def add(self, exchange: Exchange) -> None:
        if self.first is None:
            self.first = exchange
            took = timedelta(milliseconds=exchange.milliseconds)
            self.began = datetime.now(UTC) - took
        self.weight += 1

    def fade(self, weight: float) -> None:
        self.weight -= weight
        if self.weight <= 0:
            self.end()
