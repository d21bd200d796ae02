"""Switches: attributes that also take text, and refuse what they cannot be.

A switch is a descriptor, so that an assignment is checked when the program runs, and
its type, enum or number, is known to type checkers.
"""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Choice", "Number", "Switch", "no_such"]

Value = TypeVar("Value")
Member = TypeVar("Member", bound=StrEnum)
Amount = TypeVar("Amount", int, float)


class Switch(Generic[Value]):
    """An attribute that checks what it is set to.

    Args:
        default: the value until it is set.
    """

    name = ""
    """The name of the attribute."""

    def __init__(self, default: Value) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object, owner: type) -> Self | Value:
        if instance is None:
            return self
        value: Value = vars(instance).get(self.name, self.default)
        return value

    @property
    def kind(self) -> type[Value]:
        """The type of its values."""
        return type(self.default)


class Choice(Switch[Member]):
    """A switch with the values of an enum, which may be given as text."""

    def __set__(self, instance: object, value: Member | str) -> None:
        values = [str(member) for member in self.kind]
        if value not in values:
            raise ValueError(no_such(f"value of {self.name}", value, values))
        vars(instance)[self.name] = self.kind(value)


class Number(Switch[Amount]):
    """A switch that is a number, not negative, which may be given as text."""

    def __set__(self, instance: object, value: float | str) -> None:
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            number = None
        whole = self.kind is int
        if isinstance(value, bool) or number is None or (whole and number % 1):
            what = "a whole number" if whole else "a number"
            raise ValueError(f"{self.name} must be {what}, not {value!r}")
        if not 0 <= number < float("inf"):
            raise ValueError(f"{self.name} must not be negative or infinite")
        vars(instance)[self.name] = self.kind(number)


def no_such(what: str, given: object, known: Iterable[str]) -> str:
    """The message for something that does not exist: the nearest, and all there are."""
    names = list(known)
    near = difflib.get_close_matches(str(given), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"there is no {what} {str(given)!r}; {hint}there are: {', '.join(names)}"
