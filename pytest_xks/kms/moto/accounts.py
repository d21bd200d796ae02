"""What accounts have in Regions, kept at moto's backends: gone when moto is reset.

``kms_backends[account][region]`` is a ``KmsBackend``; on a reset of moto its
``__dict__`` is emptied or the object dropped.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from moto.kms.models import kms_backends

from pytest_xks.kms.account import AccountRegion
from pytest_xks.kms.moto.keys import MotoKeys

if TYPE_CHECKING:
    from moto.kms.models import KmsBackend

__all__ = ["Accounts"]

_STATE = "_pytest_xks"


class Accounts:
    """What every account has in every Region, as far as one fake knows of it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def regions(self) -> list[AccountRegion]:
        """Those accounts and Regions that have been touched."""
        found = [self._kept(backend) for backend in _backends()]
        return [region for region in found if region is not None]

    def region(self, account_id: str, name: str) -> AccountRegion:
        """What an account has in a Region."""
        backend = kms_backends[account_id][name]
        region = self._kept(backend)
        if region is None:
            with self._lock:
                region = AccountRegion(account_id, name, MotoKeys(backend))
                vars(backend)[_STATE] = (self, region)
        return region

    def clear(self) -> None:
        """Take the key stores and their keys out of moto."""
        with self._lock:
            for backend in _backends():
                region = self._kept(backend)
                if region is None:
                    continue
                for store_id in region.stores:
                    for key in region.keys.in_store(store_id):
                        region.keys.delete(key)
                del vars(backend)[_STATE]

    def _kept(self, backend: KmsBackend) -> AccountRegion | None:
        owner, region = vars(backend).get(_STATE, (None, None))
        return region if owner is self else None


def _backends() -> list[KmsBackend]:
    return [
        backend
        for of_account in list(kms_backends.values())
        for backend in list(of_account.values())
    ]
