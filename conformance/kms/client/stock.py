"""Things that checks need of their own, made ahead: a few at a time, side by side."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from .judging import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kms_client import KmsClient

__all__ = ["Stock"]

T = TypeVar("T")


class Stock(Generic[T]):
    """A few of one kind.

    Args:
        kms: the endpoint, for what is made ahead.
        make: makes one.
        size: how many are made at a time.
    """

    def __init__(self, kms: KmsClient, make: Callable[[], T], size: int) -> None:
        self._kms = kms
        self._make = make
        self._size = size
        self._lock = threading.Lock()
        self.there: list[T] = []
        """Those that nobody has."""

    def take(self) -> T:
        """One that nobody had before.

        Raises:
            NotTestable: none can be made.
        """
        with self._lock:
            if not self.there and not self._kms.is_one_of_many:
                made = self._kms.side_by_side(
                    [partial(outcome, self._make)] * self._size
                )
                self.there = [each for each in made if not isinstance(each, Exception)]
            if self.there:
                return self.there.pop(0)
        return self._make()
