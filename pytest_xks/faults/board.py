"""Which faults are armed in one owner, and which of them concern a request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_xks.faults.armed import ArmedEffects, ArmedFault
from pytest_xks.faults.chance import Chance
from pytest_xks.faults.occasion import Filter
from pytest_xks.faults.options import abridged
from pytest_xks.faults.schedule import Schedule, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_xks.faults.catalogue import Catalogue
    from pytest_xks.faults.fault import Fault
    from pytest_xks.faults.occasion import Occasion

__all__ = ["FaultBoard"]


class FaultBoard:
    """The faults that are armed in one owner; may be used from any thread.

    Args:
        catalogue: the faults that the owner has.
        counted: the tricks of ``Listen`` whose hits the owner counts, by
            ``count_connection``. It cannot see the others at work.
    """

    def __init__(self, catalogue: Catalogue, *, counted: Collection[str] = ()) -> None:
        self.watchers: list[Callable[[], None]] = []
        """Called after every change, for what cannot wait for a request."""
        self._catalogue = catalogue
        self._counted = frozenset(counted)
        # Replaced and never changed, so that whoever reads needs no lock.
        self._armed: tuple[ArmedEffects, ...] = ()
        self._history: list[ArmedEffects] = []
        self._lock = threading.Lock()

    # -- arming -------------------------------------------------------------------

    @property
    def armed(self) -> tuple[ArmedEffects, ...]:
        """What is armed now, in the order in which it was armed."""
        return self._armed

    @property
    def history(self) -> tuple[ArmedEffects, ...]:
        """Everything that has been armed, in that order."""
        return tuple(self._history)

    def never_hit(self) -> tuple[ArmedEffects, ...]:
        """What was armed in vain, as far as that can be seen."""
        return tuple(each for each in self.history if each.countable and not each.hits)

    def arm(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        name: str,
        *,
        operation: str | None = None,
        key_store: str | None = None,
        external_key_id: str | None = None,
        times: int | None = None,
        after: int = 0,
        every: int = 1,
        rate: float = 1.0,
        seed: int = 0,
        **options: object,
    ) -> ArmedEffects:
        """Arm a fault of the catalogue.

        Args:
            name: its name.
            operation: strike in this operation only.
            key_store: strike in this key store only.
            external_key_id: strike with this external key only.
            times: strike so often, then never again; always by default.
            after: let so many occasions pass first.
            every: then strike on every so many-th: with 3 the third, the sixth.
            rate: strike with this probability, above 0 and at most 1.
            seed: of the rate and of random delays; the same one gives the same ones.
            options: the fault's own options.

        Raises:
            LookupError: no fault of that name; the message names the nearest.
            TypeError: an option that the fault does not have; a value of a wrong type.
            ValueError: a value out of bounds; an operation that the owner or the fault
                does not have; a choice of requests for a fault that acts on
                connections.
        """
        fault = self._catalogue.find(name)
        where = Filter(
            operation=None if operation is None else str(operation),
            key_store=key_store,
            external_key_id=external_key_id,
        )
        self._require_operation(fault, where.operation)
        schedule = Schedule(times=times, after=after, every=every, rate=rate, seed=seed)
        tally = Tally(schedule, self._lock)
        armed = ArmedEffects(
            fault, fault.effects(**options), where, tally, self._disarm
        )
        if armed.tricks:
            _require_no_requests_chosen(fault, where, schedule)
            armed.countable = not self._counted.isdisjoint(armed.tricks)
        with self._lock:
            self._armed = (*self._armed, armed)
            self._history.append(armed)
        self._tell()
        return armed

    def _require_operation(self, fault: Fault, operation: str | None) -> None:
        if operation is None:
            return
        self._catalogue.require_operation(operation)
        if fault.operations and operation not in fault.operations:
            raise ValueError(
                f"the fault {fault.name!r} concerns {', '.join(fault.operations)} "
                f"only, not {abridged(operation)}"
            )

    def clear(self) -> None:
        """Disarm everything."""
        self._disarm(*self._armed)

    def _disarm(self, *faults: ArmedFault) -> None:
        with self._lock:
            before = self._armed
            for each in before:
                if each in faults:
                    each.tally.close()
            self._armed = tuple(each for each in before if each not in faults)
            changed = len(self._armed) < len(before)
        if changed:
            self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()

    # -- requests -----------------------------------------------------------------

    def at(self, occasion: Occasion) -> tuple[Chance, ...]:
        """The armed faults that concern a request, in the order of their arming."""
        if not self._armed:
            return ()
        return tuple(
            Chance(each)
            for each in self._armed
            if not (each.tricks or each.exhausted) and each.concerns(occasion)
        )

    # -- connections --------------------------------------------------------------

    def listening(self) -> tuple[ArmedEffects, ...]:
        """The armed faults that act on connections, those exhausted apart."""
        return tuple(each for each in self._armed if each.tricks and not each.exhausted)

    def count_connection(self, armed: ArmedEffects) -> bool:
        """Count a connection that a fault is about to strike.

        Watchers are told if it was the fault's last.

        Args:
            armed: one of ``listening``.

        Returns:
            Whether it strikes; not if it was exhausted or disarmed meanwhile.
        """
        with self._lock:
            strikes = bool(armed.tally.next_hit())
        if strikes and armed.exhausted:
            self._tell()
        return strikes


def _require_no_requests_chosen(
    fault: Fault, where: Filter, schedule: Schedule
) -> None:
    anyone = Schedule(times=schedule.times, seed=schedule.seed)
    chosen = [
        *where.given(),
        *(
            name
            for name in ("after", "every", "rate")
            if getattr(schedule, name) != getattr(anyone, name)
        ),
    ]
    if chosen:
        raise ValueError(
            f"the fault {fault.name!r} acts on connections, not on requests: "
            f"it takes times, not {', '.join(chosen)}"
        )
