"""What an account has in a Region: its external key stores and its KMS keys."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_xks.kms.keys.key import KeyRepository, XksKey
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["AccountRegion"]


class AccountRegion:
    """What an account has in a Region; most of AWS is kept apart by these two.

    Args:
        account_id: the account.
        name: the Region.
        keys: the KMS keys there.
    """

    def __init__(self, account_id: str, name: str, keys: KeyRepository) -> None:
        self.account_id = account_id
        self.name = name
        self.keys = keys
        self.stores: dict[str, ExternalKeyStore] = {}
        """The external key stores, by their ids."""
        self.pending_deletion: dict[str, datetime] = {}
        """When keys will be deleted, by key id."""
        self.alias_dates: dict[str, tuple[float, float]] = {}
        """When aliases were created and updated (seconds since the epoch), by name."""
        self.lock = threading.RLock()

    def store(self, custom_key_store_id: str) -> ExternalKeyStore:
        """The key store of an id.

        Raises:
            KmsError: CustomKeyStoreNotFoundException.
        """
        store = self.stores.get(custom_key_store_id)
        if store is None:
            raise KmsError(
                ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
                "AWS KMS cannot find a custom key store with the ID "
                f"{custom_key_store_id}.",
            )
        return store

    def delete_due_keys(self, now: datetime) -> list[XksKey]:
        """Delete the keys whose waiting period has ended (KMS-STATE-005).

        Returns:
            The keys that were deleted.
        """
        deleted = []
        for key_id, due in list(self.pending_deletion.items()):
            if due > now:
                continue
            del self.pending_deletion[key_id]
            key = self.keys.find(key_id)
            if key is not None:
                self.keys.delete(key)
                deleted.append(key)
        return deleted
