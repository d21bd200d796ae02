"""Key stores and keys for checks, and their removal.

A key in an external key store cannot be removed before its waiting period is over, and
its store not before the key. So all keys are in two stores, which the next run takes
over; every other store is removed with the check that made it. All names begin with
``pytest-xks-conformance``; nothing else in the account is touched.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from .expect import control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore
    from pytest_xks.certify.probe_proxy.vocabulary import ExternalKey

    from .kms_client import KmsClient
    from .reply import KmsReply

__all__ = [
    "PREFIX",
    "Key",
    "KeyStore",
    "Provisioner",
    "connection_state_of",
    "creation",
    "description_of",
    "wait_while",
]

PREFIX = "pytest-xks-conformance"
"""How every name begins."""
_SETTLING_SECONDS = 30
_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5
_WAITING_DAYS = 7
_PASSING = ("CONNECTING", "DISCONNECTING")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStore:
    """An external key store at the endpoint, and its side of the proxy."""

    id: str
    name: str
    proxy: ProxyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key in an external key store."""

    key_id: str
    arn: str
    external_key: ExternalKey
    store: KeyStore


def creation(
    proxy: ProxyStore, name: str | None = None, **changes: object
) -> dict[str, Any]:
    """Good parameters of CreateCustomKeyStore for a key store of the proxy.

    Args:
        proxy: the proxy's side.
        name: the friendly name; an unused one by default.
        changes: members to replace; None leaves a member out.
    """
    parameters: dict[str, Any] = {
        "CustomKeyStoreName": name or f"{PREFIX}-{secrets.token_hex(6)}",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": proxy.endpoint,
        "XksProxyUriPath": proxy.uri_path,
        "XksProxyAuthenticationCredential": proxy.credential,
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def description_of(kms: KmsClient, store_id: str) -> dict[str, object]:
    """What DescribeCustomKeyStores says of a store.

    Raises:
        NotTestable: nothing.
    """
    reply = kms.call(
        "DescribeCustomKeyStores", CustomKeyStoreId=store_id, label="control: the store"
    )
    stores = control(reply).get("CustomKeyStores") or []
    if not stores:
        raise NotTestable(f"DescribeCustomKeyStores does not know {store_id}.")
    return dict(stores[0])


def connection_state_of(kms: KmsClient, store_id: str) -> str:
    """The ConnectionState of a store.

    Raises:
        NotTestable: there is none to be seen.
    """
    return str(description_of(kms, store_id).get("ConnectionState"))


def wait_while(kms: KmsClient, store_id: str, *states: str) -> str:
    """The first other ConnectionState; what passes may take its time (KMS-CONNECT-003).

    Raises:
        NotTestable: it does not come within half a minute.
    """
    deadline = time.monotonic() + _SETTLING_SECONDS
    pause = _PAUSE_SECONDS
    while (state := connection_state_of(kms, store_id)) in states:
        if time.monotonic() > deadline:
            raise NotTestable(
                f"A key store is still {state} after {_SETTLING_SECONDS} seconds."
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return state


@dataclass(slots=True)
class _Made:
    """What has been made and not yet removed."""

    stores: list[KeyStore] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


class Provisioner:
    """Makes what checks need, and removes it.

    Args:
        probe_proxy: the proxy.
    """

    def __init__(self, probe_proxy: ProbeProxy) -> None:
        self.probe_proxy = probe_proxy
        self._keyed: dict[str, KeyStore] = {}
        self._shared_keys: dict[tuple[object, ...], Key] = {}
        self._made = _Made()
        self._connected: set[str] = set()
        """Stores that were connected when last looked at."""

    # -- stores -------------------------------------------------------------------

    def keyed_store(self, kms: KmsClient, role: str = "main") -> KeyStore:
        """The connected store of a role, in which keys may be made.

        Raises:
            NotTestable: it cannot be obtained.
        """
        if role not in self._keyed:
            self._keyed[role] = self._take_over(kms, role) or self._create(
                kms,
                self.probe_proxy.open_store(),
                f"{PREFIX}-{role}-{secrets.token_hex(4)}",
            )
        store = self._keyed[role]
        self.connect(kms, store)
        return store

    def make_store(
        self,
        kms: KmsClient,
        *,
        connect: bool = False,
        label: str | None = None,
        **changes: object,
    ) -> KeyStore:
        """A store without keys, for one check.

        Args:
            kms: the endpoint.
            connect: whether to connect it; otherwise it is DISCONNECTED.
            label: of its endpoint; an unused one by default.
            changes: of the parameters of CreateCustomKeyStore.

        Raises:
            NotTestable: it cannot be obtained.
        """
        proxy = self.probe_proxy.open_store(label=label)
        store = self._create(kms, proxy, None, **changes)
        self._made.stores.append(store)
        if connect:
            self.connect(kms, store)
        else:
            # It is already, unless the endpoint breaks KMS-CREATESTORE-047.
            self.disconnect(kms, store)
        return store

    def adopt(
        self, reply: KmsReply, proxy: ProxyStore, name: str = ""
    ) -> KeyStore | None:
        """The store that a check itself created, to be removed; None without one."""
        store_id = reply.document.get("CustomKeyStoreId")
        if not isinstance(store_id, str):
            return None
        store = KeyStore(id=store_id, name=name, proxy=proxy)
        self._made.stores.append(store)
        return store

    def connect(self, kms: KmsClient, store: KeyStore) -> None:
        """Connect a store, from whatever state.

        Raises:
            NotTestable: it does not come to be connected.
        """
        if store.id in self._connected and store.id not in kms.touched:
            return
        state = wait_while(kms, store.id, *_PASSING)
        if state == "FAILED":
            self.disconnect(kms, store)
        if state != "CONNECTED":
            control(
                kms.call(
                    "ConnectCustomKeyStore",
                    CustomKeyStoreId=store.id,
                    label="control: connect",
                )
            )
            state = wait_while(kms, store.id, *_PASSING)
        if state != "CONNECTED":
            raise NotTestable(f"A key store with a good proxy becomes {state}.")
        kms.touched.discard(store.id)
        self._connected.add(store.id)

    def disconnect(self, kms: KmsClient, store: KeyStore) -> None:
        """Disconnect a store that is not.

        Raises:
            NotTestable: it does not come to be disconnected.
        """
        if wait_while(kms, store.id, *_PASSING) == "DISCONNECTED":
            return
        control(
            kms.call(
                "DisconnectCustomKeyStore",
                CustomKeyStoreId=store.id,
                label="control: disconnect",
            )
        )
        state = wait_while(kms, store.id, *_PASSING)
        if state != "DISCONNECTED":
            raise NotTestable(f"A key store that is disconnected becomes {state}.")

    def _create(
        self, kms: KmsClient, proxy: ProxyStore, name: str | None, **changes: object
    ) -> KeyStore:
        parameters = creation(proxy, name, **changes)
        reply = kms.call(
            "CreateCustomKeyStore", label="control: a good key store", **parameters
        )
        store_id = control(reply).get("CustomKeyStoreId")
        if not isinstance(store_id, str):
            raise NotTestable("CreateCustomKeyStore returned no CustomKeyStoreId.")
        return KeyStore(
            id=store_id, name=str(parameters["CustomKeyStoreName"]), proxy=proxy
        )

    def _take_over(self, kms: KmsClient, role: str) -> KeyStore | None:
        """The store of an earlier run, on a proxy of this one."""
        for entry in self._ours(kms):
            name = str(entry.get("CustomKeyStoreName"))
            if not name.startswith(f"{PREFIX}-{role}-"):
                continue
            store = KeyStore(
                id=str(entry.get("CustomKeyStoreId")),
                name=name,
                proxy=self.probe_proxy.open_store(),
            )
            self.disconnect(kms, store)
            update = kms.call(
                "UpdateCustomKeyStore",
                CustomKeyStoreId=store.id,
                XksProxyUriEndpoint=store.proxy.endpoint,
                XksProxyUriPath=store.proxy.uri_path,
                XksProxyAuthenticationCredential=store.proxy.credential,
                label="control: take over the store of an earlier run",
            )
            if update.succeeded:
                return store
        return None

    def _ours(self, kms: KmsClient) -> Iterator[dict[str, object]]:
        reply = kms.call("DescribeCustomKeyStores", label="what earlier runs left")
        for entry in reply.document.get("CustomKeyStores") or []:
            if str(entry.get("CustomKeyStoreName")).startswith(f"{PREFIX}-"):
                yield entry

    # -- keys ---------------------------------------------------------------------

    def make_key(self, kms: KmsClient, store: KeyStore, **properties: Any) -> Key:  # noqa: ANN401 - the external key's
        """A new KMS key on a new external key.

        Args:
            kms: the endpoint.
            store: the store, connected.
            properties: of the external key.

        Raises:
            NotTestable: it cannot be obtained.
        """
        external_key = store.proxy.add_key(**properties)
        reply = kms.call(
            "CreateKey",
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=store.id,
            XksKeyId=external_key.id,
            label="control: a good key",
        )
        metadata = control(reply).get("KeyMetadata") or {}
        self.adopt_key(reply)
        if not metadata.get("KeyId") or not metadata.get("Arn"):
            raise NotTestable("CreateKey returned no KeyId and Arn.")
        return Key(
            key_id=str(metadata["KeyId"]),
            arn=str(metadata["Arn"]),
            external_key=external_key,
            store=store,
        )

    def adopt_key(self, reply: KmsReply) -> None:
        """Note the key of a CreateKey, if there is one, to be removed."""
        key_id = (reply.document.get("KeyMetadata") or {}).get("KeyId")
        if isinstance(key_id, str):
            self._made.keys.append(key_id)

    def shared_key(self, kms: KmsClient, role: str = "main", **properties: Any) -> Key:  # noqa: ANN401 - the external key's
        """A key that checks share: enabled, on an enabled external key.

        Args:
            kms: the endpoint.
            role: of its store.
            properties: of the external key; each set has a key of its own.

        Raises:
            NotTestable: it cannot be obtained.
        """
        store = self.keyed_store(kms, role)
        shared = (role, *sorted(properties.items()))
        if shared not in self._shared_keys:
            self._shared_keys[shared] = self.make_key(kms, store, **properties)
        return self._shared_keys[shared]

    # -- removal ------------------------------------------------------------------

    def remove_stores(self, kms: KmsClient) -> None:
        """Remove the stores that were made for a check, as far as it goes."""
        while self._made.stores:
            _remove_store(kms, self._made.stores.pop().id)

    def clear_away(self, kms: KmsClient) -> None:
        """Remove what earlier runs left, as far as it goes."""
        for entry in list(self._ours(kms)):
            _remove_store(kms, str(entry.get("CustomKeyStoreId")))

    def close(self, kms: KmsClient) -> None:
        """Remove everything that can be removed; keys wait for their deletion."""
        self.remove_stores(kms)
        for key_id in self._made.keys:
            kms.call(
                "ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=_WAITING_DAYS
            )
        for store in self._keyed.values():
            _remove_store(kms, store.id)


def _remove_store(kms: KmsClient, store_id: str) -> None:
    """Disconnect and delete; a store with keys only becomes disconnected."""
    if kms.call("DeleteCustomKeyStore", CustomKeyStoreId=store_id).succeeded:
        return
    kms.call("DisconnectCustomKeyStore", CustomKeyStoreId=store_id)
    with suppress(NotTestable):
        wait_while(kms, store_id, "DISCONNECTING")
    kms.call("DeleteCustomKeyStore", CustomKeyStoreId=store_id)
