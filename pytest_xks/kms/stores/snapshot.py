"""An external key store as it was, to begin with again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.kms.stores.store import ConnectionState, ExternalKeyStore

if TYPE_CHECKING:
    from pytest_xks.clock import Clock
    from pytest_xks.kms.stores.store import StoreConfiguration

__all__ = ["KeyStoreSnapshot", "snapshot_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStoreSnapshot:
    """What makes an external key store, its id included."""

    id: str
    account_id: str
    region: str
    name: str
    configuration: StoreConfiguration

    def restored(self, clock: Clock) -> ExternalKeyStore:
        """The key store, created anew and connected.

        Args:
            clock: that of the fake.
        """
        store = ExternalKeyStore(
            account_id=self.account_id,
            region=self.region,
            name=self.name,
            configuration=self.configuration,
            clock=clock,
        )
        store.id = self.id
        store.configure(self.configuration, new_credential=True)
        store.change_state(
            ConnectionState.CONNECTING, ConnectionState.CONNECTED, seconds=0
        )
        return store


def snapshot_of(store: ExternalKeyStore) -> KeyStoreSnapshot:
    """A key store as it is now."""
    return KeyStoreSnapshot(
        id=store.id,
        account_id=store.account_id,
        region=store.region,
        name=store.name,
        configuration=store.configuration,
    )
