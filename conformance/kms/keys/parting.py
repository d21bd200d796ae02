"""Keys whose key store is disconnected and connected again, once for all checks.

Each key is brought into a state; something may be done with it while the store is
disconnected; and what DescribeKey shows is noted then, and once more thereafter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..client.judging import outcome
from .states import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .states import States

__all__ = ["Parted", "Parting"]

_ROLE = "other"
_PATHS = (
    (KeyState.ENABLED, ""),
    (KeyState.DISABLED, ""),
    (KeyState.PENDING_DELETION, ""),
    (KeyState.ENABLED, "DisableKey"),
    (KeyState.DISABLED, "EnableKey"),
    (KeyState.PENDING_DELETION, "CancelKeyDeletion"),
)
"""The state when the store is disconnected, and the operation in between."""


@dataclass(slots=True, kw_only=True)
class Parted:
    """A key, and what was seen of it."""

    key: Key
    changed: KmsReply | None = None
    """The answer to the operation in between."""
    apart: KmsReply | None = None
    """DescribeKey while the store was disconnected."""
    used: KmsReply | None = None
    """Encrypt then."""
    again: KmsReply | None = None
    """DescribeKey once the store was connected again."""
    trouble: Exception | None = None
    """Why nothing can be said of it."""


class Parting:
    """Disconnects a key store with keys, connects it again, and says what was seen.

    Args:
        kms: the endpoint, for what is made once in a run.
        provisioner: has the store.
        states: brings keys into their states.
    """

    def __init__(
        self, kms: KmsClient, provisioner: Provisioner, states: States
    ) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self._states = states
        self._found: dict[tuple[KeyState, str], Parted] = {}
        self._trouble: Exception | None = None

    def make(self) -> None:
        """Do it; what hinders it, ``of`` says."""
        failed = outcome(self._part)
        self._trouble = failed if isinstance(failed, Exception) else None

    def of(self, before: KeyState, meanwhile: str = "") -> Parted:
        """What was seen of a key.

        Args:
            before: its state when the store was disconnected.
            meanwhile: the operation that was called on it then, if any.

        Raises:
            NotTestable: it could not be brought so far.
        """
        if self._trouble:
            raise self._trouble
        found = self._found[before, meanwhile]
        if found.trouble:
            raise found.trouble
        return found

    def _part(self) -> None:
        kms, provisioner = self._kms, self._provisioner
        store = provisioner.keyed_store(kms, _ROLE)
        found = {path: Parted(key=provisioner.make_key(kms, store)) for path in _PATHS}
        self._each(found, lambda path, parted: self._states.enter(path[0], parted.key))
        provisioner.part(kms, _ROLE)
        self._each(found, self._look)
        provisioner.keyed_store(kms, _ROLE)
        self._each(found, self._look_again)
        self._found = found

    def _each(
        self,
        found: dict[tuple[KeyState, str], Parted],
        step: Callable[[tuple[KeyState, str], Parted], None],
    ) -> None:
        """Take a step with each key that has come so far."""

        def take(path: tuple[KeyState, str], parted: Parted) -> None:
            failed = outcome(partial(step, path, parted))
            parted.trouble = failed if isinstance(failed, Exception) else None

        self._kms.side_by_side(
            partial(take, path, parted)
            for path, parted in found.items()
            if parted.trouble is None
        )

    def _look(self, path: tuple[KeyState, str], parted: Parted) -> None:
        _, meanwhile = path
        key_id = parted.key.key_id
        if meanwhile:
            parted.changed = self._kms.call(meanwhile, KeyId=key_id)
        parted.apart = self._describe(parted)
        parted.used = self._kms.call("Encrypt", KeyId=key_id, Plaintext=b"Ten Tokens")

    def _look_again(self, _: tuple[KeyState, str], parted: Parted) -> None:
        parted.again = self._describe(parted)

    def _describe(self, parted: Parted) -> KmsReply:
        return self._kms.call("DescribeKey", KeyId=parted.key.key_id)
