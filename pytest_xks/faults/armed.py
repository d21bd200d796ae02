"""A fault that is armed: as its users hold it, and as the machine does."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Self

from pytest_xks.faults.effects import Listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults.effects import Effect
    from pytest_xks.faults.fault import Fault
    from pytest_xks.faults.occasion import Filter, Occasion
    from pytest_xks.faults.schedule import Schedule, Tally

__all__ = ["ArmedEffects", "ArmedFault"]


class ArmedFault:
    """A fault that is armed; as a context manager it disarms itself."""

    def __init__(
        self,
        name: str,
        where: Filter,
        tally: Tally,
        disarm: Callable[[ArmedFault], None],
    ) -> None:
        self.name = name
        """The name of the fault."""
        self._where = where
        self._tally = tally
        self._disarm = disarm

    def __repr__(self) -> str:
        """The fault, where and when it strikes, and its hits."""
        schedule = self._tally.schedule
        default = type(schedule)()
        when = {
            each.name: getattr(schedule, each.name)
            for each in fields(schedule)
            if getattr(schedule, each.name) != getattr(default, each.name)
        }
        said = [
            f"{name}={value}" for name, value in (self._where.given() | when).items()
        ]
        return f"<fault {' '.join([self.name, *said])}, {self.hits} hits>"

    def __enter__(self) -> Self:
        """The fault stays armed until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disarm."""
        self.disarm()

    def disarm(self) -> None:
        """Misbehave no longer; harmless if it is disarmed already."""
        self._disarm(self)

    @property
    def operation(self) -> str | None:
        """The only operation that it was armed for; None for all that it concerns."""
        return self._where.operation

    @property
    def key_store(self) -> str | None:
        """The only key store that it was armed for; None for all."""
        return self._where.key_store

    @property
    def external_key_id(self) -> str | None:
        """The only external key that it was armed for; None for all."""
        return self._where.external_key_id

    @property
    def hits(self) -> int:
        """How often it has struck."""
        return self._tally.hits

    @property
    def exhausted(self) -> bool:
        """Whether it has struck as often as it was meant to."""
        return self._tally.schedule.is_over(self.hits)


class ArmedEffects(ArmedFault):
    """An armed fault with what it does: for the machine and for owners.

    Args:
        fault: what it is an instance of.
        effects: what the fault has built for it.
        where: the occasions that it is meant for.
        tally: decides when it strikes, and counts.
        disarm: takes it out of the board.
    """

    def __init__(
        self,
        fault: Fault,
        effects: tuple[Effect, ...],
        where: Filter,
        tally: Tally,
        disarm: Callable[[ArmedFault], None],
    ) -> None:
        super().__init__(fault.name, where, tally, disarm)
        self.fault = fault
        self.effects = effects
        self.tally = tally
        self.tricks = tuple(each.trick for each in effects if isinstance(each, Listen))
        """In which ways it listens for connections; empty if it acts on requests."""
        self.countable = not self.tricks
        """Whether a hit would be seen. Connections are counted by their owner, who says
        so here."""

    @property
    def schedule(self) -> Schedule:
        """When it strikes."""
        return self.tally.schedule

    def concerns(self, occasion: Occasion) -> bool:
        """Whether an occasion is one for this fault, whenever it strikes."""
        declared = self.fault.operations
        if declared and occasion.operation not in declared:
            return False
        return self._where.admits(occasion)
