"""A register of named things that are written down on several shelves (modules).

Both catalogues of faults are one: a module that is imported registers what it defines.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Register"]

T = TypeVar("T")


class Register(Generic[T]):
    """Named things.

    Args:
        what: what they are called in messages: "fault".
        shelves: the modules that register them, imported when somebody asks.
    """

    def __init__(self, what: str, shelves: Iterable[str]) -> None:
        self._what = what
        self._shelves = tuple(shelves)
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        """Register something under its name.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._entries:
            raise ValueError(f"there is a {self._what} {name!r} already")
        self._entries[name] = entry

    def all(self) -> Mapping[str, T]:
        """Everything by its name."""
        for shelf in self._shelves:
            importlib.import_module(shelf)
        return self._entries

    def find(self, name: str) -> T:
        """What has a name.

        Raises:
            LookupError: nothing; the message names the nearest.
        """
        known = self.all()
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise LookupError(f"there is no {self._what} {name!r}{hint}")
