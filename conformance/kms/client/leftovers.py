"""What checks that are over have left: removed beside other calls, or all at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .key_stores import Key, KeyStore
    from .kms_client import KmsClient

__all__ = ["Kind", "Leftovers", "Made"]

_WAITING_DAYS = 7

Kind = tuple[object, ...]
"""What keys that can stand for each other have in common."""


@dataclass(slots=True)
class Made:
    """What has been made for a check, or for a case of it."""

    stores: list[KeyStore] = field(default_factory=list)
    own_keys: list[tuple[Kind, Key]] = field(default_factory=list)
    """Keys that somebody else may have thereafter."""
    keys: list[str] = field(default_factory=list)
    """The ids of those that nobody else may have."""
    aliases: list[str] = field(default_factory=list)


class Leftovers:
    """Removes what nobody needs, where a pool of calls is not full or room is wanted.

    Args:
        kms: the endpoint.
        remove_store: removes a store, as far as it goes.
    """

    def __init__(
        self, kms: KmsClient, remove_store: Callable[[KmsClient, KeyStore], None]
    ) -> None:
        self._kms = kms
        self._remove_store = remove_store
        self.stores: list[KeyStore] = []
        self._aliases: list[str] = []
        self._keys: list[str] = []

    def add(self, made: Made) -> None:
        """Take what was made, but for the keys that others may have."""
        self.stores += made.stores
        self._aliases += made.aliases
        self._keys += made.keys

    def some(self, most: int) -> list[Callable[[], object]]:
        """What removes so many of them at most; each is asked for once."""
        return list(islice(self._each(), most))

    def remove_stores(self) -> None:
        """Remove all stores."""
        self._kms.side_by_side(self.some(len(self.stores)))

    def remove_all(self) -> None:
        """Remove everything."""
        self._kms.side_by_side(list(self._each()))

    def _each(self) -> Iterator[Callable[[], object]]:
        while self.stores:
            yield partial(self._remove_store, self._kms, self.stores.pop(0))
        while self._aliases:
            yield partial(
                self._kms.call,
                "DeleteAlias",
                AliasName=self._aliases.pop(0),
                label="remove the alias",
            )
        while self._keys:
            key_id = self._keys.pop(0)
            if key_id not in self._kms.doomed:
                yield partial(
                    self._kms.call,
                    "ScheduleKeyDeletion",
                    KeyId=key_id,
                    PendingWindowInDays=_WAITING_DAYS,
                    label="remove the key",
                )
