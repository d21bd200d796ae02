"""One armed fault on one occasion: whether it strikes, and how hard."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.faults.armed import ArmedEffects
    from pytest_xks.faults.effects import Delay

__all__ = ["Chance"]


class Chance:
    """One armed fault on one occasion.

    Nothing is decided or counted before somebody asks: a fault is hit when a step that
    it changes is really reached. The answer then holds for the rest of the request.

    Args:
        armed: the fault.
    """

    __slots__ = ("_draw", "_hit", "_latencies", "armed")

    def __init__(self, armed: ArmedEffects) -> None:
        self.armed = armed
        self._hit: int | None = None
        self._draw: random.Random | None = None
        self._latencies: list[tuple[Delay, float]] = []

    def __repr__(self) -> str:
        """The fault, and what was decided."""
        decided = {None: "undecided", 0: "passes"}.get(self._hit, "strikes")
        return f"<{decided}: {self.armed!r}>"

    @property
    def struck(self) -> bool:
        """Whether it has struck; asking decides nothing."""
        return bool(self._hit)

    def strikes(self) -> bool:
        """Decide, if nobody has asked before, and count."""
        if self._hit is None:
            with self.armed.tally.lock:
                if self._hit is None:
                    self._hit = self.armed.tally.next_hit()
        return self.struck

    def delay_ms(self, delay: Delay) -> float:
        """The milliseconds of a delay on this occasion; 0 if the fault does not strike.

        Drawn once; with the same seed, the same for the same hit, in whichever order
        concurrent requests come here.
        """
        if not self.strikes():
            return 0
        for known, milliseconds in self._latencies:
            if known is delay:
                return milliseconds
        hit = self._hit or 0
        if self._draw is None:
            seed = f"{self.armed.schedule.seed}, hit {hit}"
            self._draw = random.Random(seed)  # noqa: S311 - reproducible, no secret
        drawn = delay.draw(self._draw, hit)
        self._latencies.append((delay, drawn))
        return drawn
