"""What checks that are over have left: removed side by side, a full batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
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
    """Removes stores when their room is wanted, and all else on the way.

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

    def remove(self) -> None:
        """Remove all stores, and of the rest what fits beside them."""
        stores, self.stores = self.stores, []
        calls: list[Callable[[], object]] = [
            partial(self._remove_store, self._kms, each) for each in stores
        ]
        spare = -len(calls) % self._kms.jobs
        rest = self._rest()
        self._kms.side_by_side([*calls, *(next(rest, _nothing) for _ in range(spare))])

    def remove_all(self) -> None:
        """Remove everything."""
        self.remove()
        self._kms.side_by_side(list(self._rest()))

    def _rest(self) -> Iterator[Callable[[], object]]:
        """What removes an alias or a key; each is asked for once."""
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


def _nothing() -> None:
    """There is nothing more to be removed."""
