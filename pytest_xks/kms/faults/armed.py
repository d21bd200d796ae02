"""Which faults are armed in one fake KMS, and how often they were hit."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pytest_xks.kms.desk.steps import replaced
from pytest_xks.kms.faults.catalogue import find_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.kms.faults.catalogue import Fault, Replacements

__all__ = ["ArmedFault", "FaultBoard"]


class ArmedFault:
    """A fault that is armed; as a context manager it disarms itself."""

    def __init__(self, fault: Fault, disarm: Callable[[ArmedFault], None]) -> None:
        self.fault = fault
        self.hits = 0
        """How often the fake came to a step that the fault replaces."""
        self.replacements: Replacements = {
            function: partial(self._hit, replacement)
            for function, replacement in fault.build().items()
        }
        self._disarm = disarm

    def __repr__(self) -> str:
        """The fault and its hits."""
        return f"<fault {self.fault.name}, {self.hits} hits>"

    def __enter__(self) -> Self:
        """The fault stays armed until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disarm."""
        self.disarm()

    def disarm(self) -> None:
        """Misbehave no longer; harmless if it is disarmed already."""
        self._disarm(self)

    def _hit(
        self, replacement: Callable[..., Any], *arguments: object, **named: object
    ) -> Any:  # noqa: ANN401 - whatever the step returns
        self.hits += 1
        return replacement(*arguments, **named)


class FaultBoard:
    """The faults that are armed in one fake KMS."""

    def __init__(self) -> None:
        self._armed: tuple[ArmedFault, ...] = ()
        self._history: list[ArmedFault] = []

    @property
    def armed(self) -> tuple[ArmedFault, ...]:
        """What is armed now."""
        return self._armed

    def arm(self, name: str) -> ArmedFault:
        """Arm a fault of the catalogue.

        Raises:
            LookupError: no fault of that name.
        """
        armed = ArmedFault(find_fault(name), self._remove)
        self._armed = (*self._armed, armed)
        self._history.append(armed)
        return armed

    def never_hit(self) -> tuple[ArmedFault, ...]:
        """What has been armed and not been hit."""
        return tuple(each for each in self._history if not each.hits)

    def _remove(self, fault: ArmedFault) -> None:
        self._armed = tuple(each for each in self._armed if each is not fault)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the armed faults act on the calls within the block."""
        with ExitStack() as stack:
            for each in self._armed:
                stack.enter_context(replaced(each.replacements))
            yield
