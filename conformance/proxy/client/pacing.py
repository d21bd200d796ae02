"""Sends no faster than the proxy's request quota allows, once it has said 429.

A quota on the main key store is legal ("API operations"), and so no reason to judge. As
TCP does, the pace slows down at once and recovers by and by. A proxy that refuses with
429 whatever the pace has no quota that anybody could keep to; then it is not waited for
any more, and what it answers is judged as it is.
"""

from __future__ import annotations

import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answer import ProxyAnswer

__all__ = ["Pace"]

TOO_MANY_REQUESTS = 429
_FIRST_SECONDS = 0.05
_SLOWEST_SECONDS = 2.0
_RECOVERY = 0.97
_HASTE_SECONDS = 0.005
_LONGEST_WAIT_SECONDS = 10.0
_ALL_WAITS_SECONDS = 600.0
_STRIKES = 3


class Pace:
    """How fast the requests of a run go out; any thread may call."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._interval = 0.0
        self._next = 0.0
        self._slowed_at = 0.0
        self._waited = 0.0
        self._strikes = 0
        self.throttled = 0
        """How many requests were answered with 429."""

    def wait_for_turn(self) -> float:
        """Wait until the next request may go out; returns that moment."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval
            self._waited += self._interval
        if turn > now:
            self._wait(turn - now)
        return turn

    def asks_again(self, answer: ProxyAnswer, sent_at: float) -> bool:
        """Take an answer into account.

        Returns:
            Whether it is to be asked for again, a little later.
        """
        with self._lock:
            if answer.status != TOO_MANY_REQUESTS:
                recovered = self._interval * _RECOVERY
                self._interval = recovered if recovered > _HASTE_SECONDS else 0.0
                return False
            self.throttled += 1
            if self._is_hopeless():
                self._interval = 0.0
                return False
            if sent_at >= self._slowed_at:
                self._slow_down(_retry_after(answer))
            return True

    def _is_hopeless(self) -> bool:
        return self._strikes >= _STRIKES or self._waited > _ALL_WAITS_SECONDS

    def _slow_down(self, asked_seconds: float) -> None:
        """Of several refusals of one moment, the first slows down."""
        if self._interval >= _SLOWEST_SECONDS / 2:
            self._strikes += 1
        self._interval = max(_FIRST_SECONDS, min(self._interval * 2, _SLOWEST_SECONDS))
        wait = min(max(asked_seconds, self._interval), _LONGEST_WAIT_SECONDS)
        self._waited += wait
        self._slowed_at = self._next = self._clock() + wait


def _retry_after(answer: ProxyAnswer) -> float:
    """The seconds of Retry-After; a date, or none, asks for none."""
    text = (answer.header("Retry-After") or "").strip()
    return float(text) if text.isascii() and text.isdigit() else 0.0
