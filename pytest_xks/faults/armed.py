"""A fault that is armed, as its users hold it."""

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

__all__ = ["ArmedFault"]


class ArmedFault:
    """A fault that is armed; as a context manager it disarms itself.

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
        self.fault = fault
        self.effects = effects
        self.tally = tally
        """For owners and the machine; users read ``hits`` and ``exhausted``."""
        self.tricks = tuple(each.trick for each in effects if isinstance(each, Listen))
        """In which ways it listens for connections; empty if it acts on requests."""
        self.countable = not self.tricks
        """Whether a hit would be seen. Connections are counted by their owner, who says
        so here."""
        self._where = where
        self._disarm = disarm

    def __repr__(self) -> str:
        """The fault, where and when it strikes, and its hits."""
        default = type(self.schedule)()
        when = {
            each.name: getattr(self.schedule, each.name)
            for each in fields(self.schedule)
            if getattr(self.schedule, each.name) != getattr(default, each.name)
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

    # -- what it is ---------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the fault."""
        return self.fault.name

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
    def schedule(self) -> Schedule:
        """When it strikes."""
        return self.tally.schedule

    # -- what became of it --------------------------------------------------------

    @property
    def hits(self) -> int:
        """How often it has struck."""
        return self.tally.hits

    @property
    def exhausted(self) -> bool:
        """Whether it has struck as often as it was meant to."""
        return self.schedule.is_over(self.hits)

    def concerns(self, occasion: Occasion) -> bool:
        """Whether an occasion is one for this fault, whenever it strikes."""
        declared = self.fault.operations
        if declared and occasion.operation not in declared:
            return False
        return self._where.admits(occasion)
