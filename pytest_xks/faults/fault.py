"""A fault: one named misbehaviour of an owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_xks.faults.effects import Effect, Listen
from pytest_xks.faults.options import Option, read_options

__all__ = ["Build", "Fault"]

Build = Callable[..., Effect | tuple[Effect, ...]]
"""The function of a fault; its parameters are the options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One named misbehaviour."""

    name: str
    summary: str
    """What the faulty owner does, in one sentence."""
    build: Build
    options: tuple[Option, ...] = ()
    """What ``fault(name, ...)`` takes for this one."""
    violates: tuple[str, ...] = ()
    """Ids of the requirements whose checks it turns red, and of no other MUST."""
    operations: tuple[str, ...] = ()
    """The only operations that it concerns; empty for all."""
    scope: tuple[str, ...] = ()
    """Prefixes of the requirements against which the self-test tries it, where the
    whole suite would take too long or say nothing; all of them by default."""
    wholesale: bool = False
    """Whether it leaves so little of the API that no single requirement is meant."""
    keywords: tuple[str, ...] = ()
    """Words that find it and that neither its name nor its summary has."""

    def effects(self, **options: object) -> tuple[Effect, ...]:
        """Build its effects, with a state of their own if they have one.

        Args:
            options: those that are not to be as by default.

        Raises:
            TypeError: an option that it does not have, or a value of another type; it
                built something that is no effect.
            ValueError: an option out of bounds; effects on connections and on requests
                in one fault, which could not be counted together.
        """
        built = self.build(**read_options(self.name, self.options, options))
        effects = built if isinstance(built, tuple) else (built,)
        if not effects or not all(isinstance(each, Effect) for each in effects):
            raise TypeError(f"the fault {self.name!r} builds no effect: {built!r:.60}")
        if len({isinstance(each, Listen) for each in effects}) > 1:
            raise ValueError(
                f"the fault {self.name!r} acts on connections and on requests; "
                "make it two"
            )
        return effects
