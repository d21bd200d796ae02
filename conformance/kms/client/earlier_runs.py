"""Key stores that earlier runs left: removed, or taken over where they have keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .key_stores import KeyStore, remove_store
from .names import is_left, own_name, role_of_left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy

    from .kms_client import KmsClient

__all__ = ["EarlierRuns"]


class EarlierRuns:
    """What the account has when a run begins.

    Args:
        kms: the endpoint.
        probe_proxy: the proxy of this run.
    """

    def __init__(self, kms: KmsClient, probe_proxy: ProbeProxy) -> None:
        self._kms = kms
        self._probe_proxy = probe_proxy
        self._left: list[dict[str, object]] = []
        """What DescribeCustomKeyStores said of their stores."""
        self.strangers = 0
        """How many key stores are of others, or of a run beside this one."""

    def clear_away(self) -> None:
        """Remove what they left, as far as it goes."""
        reply = self._kms.call("DescribeCustomKeyStores", label="what is there")
        there = reply.document.get("CustomKeyStores") or []
        self._left = [
            entry for entry in there if is_left(str(entry.get("CustomKeyStoreName")))
        ]
        self.strangers = len(there) - len(self._left)
        self._kms.side_by_side(
            partial(remove_store, self._kms, str(entry.get("CustomKeyStoreId")))
            for entry in self._left
        )

    def stores_of(self, role: str) -> Iterator[KeyStore]:
        """The stores of a role that they left, each with a proxy of this run."""
        for entry in self._left:
            if role_of_left(str(entry.get("CustomKeyStoreName"))) == role:
                yield KeyStore(
                    id=str(entry.get("CustomKeyStoreId")),
                    name=own_name(role),
                    proxy=self._probe_proxy.open_store(),
                )

    def is_taken_over(self, store: KeyStore) -> bool:
        """Lead a store, which is disconnected, to its proxy; whether that succeeds."""
        return self._kms.call(
            "UpdateCustomKeyStore",
            CustomKeyStoreId=store.id,
            NewCustomKeyStoreName=store.name,
            XksProxyUriEndpoint=store.proxy.endpoint,
            XksProxyUriPath=store.proxy.uri_path,
            XksProxyAuthenticationCredential=store.proxy.credential,
            label="control: take over the store of an earlier run",
        ).succeeded
