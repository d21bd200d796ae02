"""Which faults are armed in one proxy, for which requests, and how often hit."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from pytest_xks.http.tricks import PREVENTS_CONNECTION
from pytest_xks.proxy.faults.catalogue import find_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy.faults.catalogue import Effect, Fault
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.errors import Operation
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.uri import Route

__all__ = ["ArmedFault", "FaultBoard"]


class ArmedFault:
    """A fault that is armed; as a context manager it disarms itself."""

    def __init__(  # noqa: PLR0913 - one argument a filter
        self,
        fault: Fault,
        effect: Effect,
        *,
        operation: Operation | None,
        external_key_id: str | None,
        times: int | None,
        disarm: Callable[[ArmedFault], None],
    ) -> None:
        self.fault = fault
        self.effect = effect
        self.operation = operation
        self.external_key_id = external_key_id
        self.times = times
        self.hits = 0
        self.countable = effect.door is None or effect.door in PREVENTS_CONNECTION
        """Whether a hit would be seen; a door's faults act on connections."""
        self._disarm = disarm

    def __repr__(self) -> str:
        """The fault, its filters and its hits."""
        filters = [
            f"{name}={value!s}"
            for name, value in (
                ("operation", self.operation),
                ("external_key_id", self.external_key_id),
                ("times", self.times),
            )
            if value is not None
        ]
        return f"<fault {' '.join([self.fault.name, *filters])}, {self.hits} hits>"

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
    def exhausted(self) -> bool:
        """Whether it has been hit as often as it was meant to be."""
        return self.times is not None and self.hits >= self.times

    def concerns(self, route: Route | None) -> bool:
        """Whether it applies to a request, going by the path."""
        if self.exhausted:
            return False
        if self.operation and (route is None or route.operation is not self.operation):
            return False
        return self.external_key_id is None or (
            route is not None and route.external_key_id == self.external_key_id
        )

    def change_rules(self, rules: Rules) -> Rules:
        """The rules under this fault."""
        return self.effect.rules(rules) if self.effect.rules else rules

    def change_delivery(self, delivery: Delivery, request: Request) -> Delivery:
        """The delivery under this fault."""
        change = self.effect.delivery
        return change(delivery, request) if change else delivery


class FaultBoard:
    """The faults that are armed in one proxy; may be used from any thread."""

    def __init__(self) -> None:
        self._armed: tuple[ArmedFault, ...] = ()
        self._history: list[ArmedFault] = []
        self.watchers: list[Callable[[], None]] = []
        """Called after every change, for what cannot wait for a request."""
        self._lock = threading.Lock()

    @property
    def armed(self) -> tuple[ArmedFault, ...]:
        """What is armed now."""
        return self._armed

    @property
    def history(self) -> tuple[ArmedFault, ...]:
        """Everything that has been armed, in that order."""
        return tuple(self._history)

    def never_hit(self) -> tuple[ArmedFault, ...]:
        """What has been armed and not been hit, where a hit would be seen."""
        return tuple(each for each in self._history if each.countable and not each.hits)

    def arm(
        self,
        name: str,
        *,
        operation: Operation | None = None,
        external_key_id: str | None = None,
        times: int | None = None,
        **options: object,
    ) -> ArmedFault:
        """Arm a fault of the catalogue.

        Args:
            name: its name.
            operation: misbehave in this operation only.
            external_key_id: misbehave with this external key only.
            times: misbehave this often, then be good again; always by default.
            options: the fault's own options.

        Raises:
            LookupError: no fault of that name.
            TypeError: an option that the fault does not have.
            ValueError: ``times`` is not positive, or an option out of bounds.
        """
        fault = find_fault(name)
        unknown = sorted(set(options) - set(fault.options))
        if unknown:
            raise TypeError(
                f"the fault {name!r} has no option {', '.join(unknown)}; "
                f"it has {', '.join(fault.options) or 'none'}"
            )
        if times is not None and times < 1:
            raise ValueError("times must be positive")
        armed = ArmedFault(
            fault,
            fault.build(**options),
            operation=operation or fault.operation,
            external_key_id=external_key_id,
            times=times,
            disarm=self._remove,
        )
        with self._lock:
            self._armed = (*self._armed, armed)
            self._history.append(armed)
        self._tell()
        return armed

    def _remove(self, fault: ArmedFault) -> None:
        with self._lock:
            self._armed = tuple(each for each in self._armed if each is not fault)
        self._tell()

    def _tell(self) -> None:
        for watcher in self.watchers:
            watcher()

    def clear(self) -> None:
        """Disarm everything."""
        for each in self._armed:
            each.disarm()

    def matching(self, route: Route | None) -> tuple[ArmedFault, ...]:
        """The faults that apply to a request; each counts a hit."""
        if not self._armed:
            return ()
        return self._take(
            lambda each: each.effect.door is None and each.concerns(route)
        )

    def at_the_door(self) -> ArmedFault | None:
        """The fault that keeps a client from connecting, if any; it counts a hit."""
        if not self._armed:
            return None
        return next(
            iter(
                self._take(
                    lambda each: (
                        each.effect.door in PREVENTS_CONNECTION and not each.exhausted
                    )
                )
            ),
            None,
        )

    def _take(self, applies: Callable[[ArmedFault], bool]) -> tuple[ArmedFault, ...]:
        with self._lock:
            taken = tuple(each for each in self._armed if applies(each))
            for each in taken:
                each.hits += 1
        return taken
