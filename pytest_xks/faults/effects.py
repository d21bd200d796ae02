"""What a fault builds: effects, which are data. What they do is their owner's business.

A number that an effect carries is checked here; a name (of an ending, an error, a way
to listen) is the owner's, and so is its meaning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from random import Random

__all__ = [
    "Delay",
    "Edit",
    "Effect",
    "Effects",
    "End",
    "Error",
    "Latency",
    "Listen",
    "Replace",
]

Latency = float | tuple[float, float] | list[float]
"""Milliseconds: a number, a range ``(low, high)``, or a list, one a hit, in turn."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Takes time.

    Args:
        milliseconds: always the same, at random from a range ``(low, high)``, or one
            after the other from a list, which begins anew at its end.

    Raises:
        ValueError: a negative or infinite number, an empty list, a range whose low end
            is the higher one.
    """

    milliseconds: Latency

    def __post_init__(self) -> None:
        value = self.milliseconds
        numbers = value if isinstance(value, tuple | list) else (value,)
        if not numbers:
            raise ValueError("milliseconds must have at least one latency, not []")
        if not all(0 <= number < math.inf for number in numbers):
            raise ValueError(
                f"milliseconds must not be negative or infinite, as in {value!r:.60}"
            )
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError(
                f"milliseconds as a range must be (low, high), not {value!r}"
            )

    def draw(self, random: Random, hit: int) -> float:
        """The milliseconds of one hit.

        Args:
            random: decides within a range.
            hit: the number of the hit, from 1; it decides within a list.
        """
        value = self.milliseconds
        if isinstance(value, tuple):
            return random.uniform(*value)
        if isinstance(value, list):
            return value[(hit - 1) % len(value)]
        return value


@dataclass(frozen=True, slots=True)
class End:
    """Ends a connection or an exchange in another way than with the whole answer."""

    how: str
    """The owner's name for the way."""


@dataclass(frozen=True, slots=True)
class Error:
    """Answers with an error."""

    name: str
    """The owner's name for it."""
    message: str | None = None
    """What the error says; what it always says by default."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Edits the document of a success before it is written."""

    change: Callable[[dict[str, Any]], object]
    """Gets the document, and edits it in place."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Takes the place of one of the owner's steps."""

    step: Hashable
    """The step, as the owner names it: a string, a function."""
    replacement: Callable[..., Any]
    """Gets what it replaces as its first argument, then the step's own arguments."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Listens for connections in another way; acts on connections, not on requests."""

    trick: str
    """The owner's name for the way."""


Effect = Delay | End | Error | Edit | Replace | Listen
"""What a fault builds: one of these ..."""

Effects = Effect | tuple[Effect, ...]
"""... or several at once."""
