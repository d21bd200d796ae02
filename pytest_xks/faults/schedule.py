"""When a fault strikes: which of the occasions that it has, and how often in all."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Lock

__all__ = ["Schedule", "Tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a fault strikes; always by default.

    Args:
        times: at most so often in all.
        after: so many occasions pass unharmed first.
        every: then only every so many-th occasion counts: with 3 the third, the sixth.
        rate: with this probability, above 0 and at most 1, where it would otherwise.
        seed: of the rate; the same one gives the same sequence.

    Raises:
        TypeError: a bool, or no whole number where one is meant.
        ValueError: a number out of bounds.
    """

    times: int | None = None
    after: int = 0
    every: int = 1
    rate: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.times is not None:
            _require_whole("times", self.times, at_least=1)
        _require_whole("after", self.after, at_least=0)
        _require_whole("every", self.every, at_least=1)
        _require_whole("seed", self.seed)
        if isinstance(self.rate, bool) or not isinstance(self.rate, int | float):
            raise TypeError(f"rate must be a number, not {self.rate!r:.60}")
        if not 0 < self.rate <= 1:
            raise ValueError(f"rate must be above 0 and at most 1, not {self.rate}")

    def strikes(self, occasion: int, hits: int, draw: random.Random) -> bool:
        """Whether a fault strikes now.

        Args:
            occasion: the number of the occasion, from 1.
            hits: how often it has struck before.
            draw: asked where the rate decides, and nowhere else.
        """
        if self.is_over(hits):
            return False
        number = occasion - self.after
        if number < 1 or number % self.every:
            return False
        return self.rate == 1 or draw.random() < self.rate

    def is_over(self, hits: int) -> bool:
        """Whether a fault that has struck so often never strikes again."""
        return self.times is not None and hits >= self.times


def _require_whole(name: str, value: object, at_least: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r:.60}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, not {value}")


class Tally:
    """What a schedule has decided so far.

    Args:
        schedule: the schedule.
        lock: held by whoever calls ``next_hit`` or ``close``.
    """

    def __init__(self, schedule: Schedule, lock: Lock) -> None:
        self.schedule = schedule
        self.lock = lock
        self.hits = 0
        self._occasions = 0
        self._closed = False
        self._draw = random.Random(schedule.seed)  # noqa: S311 - reproducible, no secret

    @property
    def is_over(self) -> bool:
        """Whether there will be no more hits."""
        return self._closed or self.schedule.is_over(self.hits)

    def close(self) -> None:
        """Let there be no more hits."""
        self._closed = True

    def next_hit(self) -> int:
        """Decide one more occasion.

        Returns:
            The number of the hit, from 1; 0 if there is none.
        """
        if self.is_over:
            return 0
        self._occasions += 1
        if not self.schedule.strikes(self._occasions, self.hits, self._draw):
            return 0
        self.hits += 1
        return self.hits
