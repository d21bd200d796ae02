"""Key stores and keys for checks, and their removal.

A key in an external key store cannot be removed before its waiting period is over, and
its store not before the key. So all keys are in a few stores, which the next run takes
over; every other store is removed with the check, or the case, that made it. All names
begin with ``pytest-xks-conformance``; nothing else in the account is touched.

What many checks need is made once, and recorded with the run rather than with the check
that happens to come first. Any thread may ask.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from .expect import control
from .key_stores import (
    PASSING,
    PREFIX,
    Key,
    KeyStore,
    creation,
    remove_store,
    wait_while,
)
from .stock import Stock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from .kms_client import KmsClient
    from .reply import KmsReply

__all__ = ["Provisioner"]

_WAITING_DAYS = 7
_QUOTA = 10
"""Key stores in an account."""
_SPARE = 3
"""Of these, for what a check makes by itself."""
_KEYS_AHEAD = 8

_Kind = tuple[object, ...]


@dataclass(slots=True)
class _Made:
    """What has been made for a check, or for a case of it."""

    stores: list[KeyStore] = field(default_factory=list)
    own_keys: list[tuple[_Kind, Key]] = field(default_factory=list)


_apart: ContextVar[_Made | None] = ContextVar("apart", default=None)


class Provisioner:
    """Makes what checks need, and removes it.

    Args:
        probe_proxy: the proxy.
        kms: the endpoint, for what all checks share.
    """

    def __init__(self, probe_proxy: ProbeProxy, kms: KmsClient) -> None:
        self.probe_proxy = probe_proxy
        self._kms = kms
        self._lock = threading.RLock()
        """Held by who makes what is shared, so that it is made once."""
        self._keyed: dict[str, KeyStore] = {}
        self._new_keys = Stock(kms, self._new_key, _KEYS_AHEAD)
        self._aside: list[KeyStore] = []
        """Stores of checks that are over."""
        self._shared_keys: dict[_Kind, Key] = {}
        self._free_keys: dict[_Kind, list[Key]] = {}
        self._standard_key = ""
        self._made = _Made()
        self._keys: list[str] = []
        self._seen: dict[str, str] = {}
        """The ConnectionStates of stores when last looked at, by id."""
        self._left: list[dict[str, object]] = []
        """What DescribeCustomKeyStores said of earlier runs' stores."""
        self._strangers = 0
        self._state_when_new = ""

    def room(self) -> int:
        """How many key stores the cases of a check may have at once.

        What was put aside is removed first.
        """
        self._clear(0)
        return max(1, self._limit - len(self._keyed))

    @property
    def _limit(self) -> int:
        return _QUOTA - self._strangers

    def _clear(self, most: int) -> None:
        """Remove what was put aside if there are more stores than so many in all."""
        kept = len(self._keyed) + len(self._here.stores)
        if kept + len(self._aside) <= most:
            return
        aside, self._aside = self._aside, []
        self._kms.side_by_side(
            partial(self._remove_store, self._kms, store) for store in aside
        )

    # -- stores -------------------------------------------------------------------

    def keyed_store(self, kms: KmsClient, role: str = "main") -> KeyStore:
        """The connected store of a role, in which keys may be made.

        Raises:
            NotTestable: it cannot be obtained.
        """
        with self._lock:
            is_new = role not in self._keyed
            store = self._lasting_store(role)
            self.connect(self._kms if is_new else kms, store)
        return store

    def _lasting_store(self, role: str) -> KeyStore:
        """The store of a role, in whatever state it was left; it lasts for the run."""
        with self._lock:
            if role not in self._keyed:
                self._keyed[role] = self._take_over(role) or self._create(
                    self._kms,
                    self.probe_proxy.open_store(),
                    f"{PREFIX}-{role}-{secrets.token_hex(4)}",
                )
            return self._keyed[role]

    def make_store(
        self,
        kms: KmsClient,
        *,
        connect: bool = False,
        label: str | None = None,
        **changes: object,
    ) -> KeyStore:
        """A store without keys, for one check or case.

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
        self._here.stores.append(store)
        self._seen[store.id] = self._state_of_new(store)
        if connect:
            self.connect(kms, store)
        else:
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
        self._here.stores.append(store)
        return store

    def connect(self, kms: KmsClient, store: KeyStore) -> None:
        """Connect a store, from whatever state.

        Raises:
            NotTestable: it does not come to be connected.
        """
        state = self.state_of(kms, store)
        if state == "CONNECTED":
            return
        if state == "FAILED":
            self.disconnect(kms, store)
        control(
            kms.call(
                "ConnectCustomKeyStore",
                CustomKeyStoreId=store.id,
                label="control: connect",
            )
        )
        state = self.state_of(kms, store)
        if state != "CONNECTED":
            raise NotTestable(f"A key store with a good proxy becomes {state}.")

    def state_of(self, kms: KmsClient, store: KeyStore) -> str:
        """The ConnectionState: the last one seen, if nothing has happened since.

        Raises:
            NotTestable: there is none to be seen, or none that lasts.
        """
        if kms.touched.pop(store.id, None):
            self._seen.pop(store.id, None)
        if store.id not in self._seen:
            self._seen[store.id] = wait_while(kms, store.id, *PASSING)
        return self._seen[store.id]

    def disconnect(self, kms: KmsClient, store: KeyStore) -> None:
        """Disconnect a store that is not.

        Raises:
            NotTestable: it does not come to be disconnected.
        """
        if self.state_of(kms, store) == "DISCONNECTED":
            return
        control(
            kms.call(
                "DisconnectCustomKeyStore",
                CustomKeyStoreId=store.id,
                label="control: disconnect",
            )
        )
        state = self.state_of(kms, store)
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

    def _state_of_new(self, store: KeyStore) -> str:
        """The ConnectionState of a new store: DISCONNECTED, once one was seen to be.

        It always is unless the endpoint breaks KMS-CREATESTORE-047.
        """
        with self._lock:
            if self._state_when_new != "DISCONNECTED":
                self._state_when_new = wait_while(self._kms, store.id, *PASSING)
            return self._state_when_new

    def _take_over(self, role: str) -> KeyStore | None:
        """The store of an earlier run, on a proxy of this one."""
        for entry in self._left:
            name = str(entry.get("CustomKeyStoreName"))
            if not name.startswith(f"{PREFIX}-{role}-"):
                continue
            store = KeyStore(
                id=str(entry.get("CustomKeyStoreId")),
                name=name,
                proxy=self.probe_proxy.open_store(),
            )
            self.disconnect(self._kms, store)
            update = self._kms.call(
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
        if not properties and store is self._keyed.get("main"):
            return self._new_keys.take()
        return self._make_key(kms, store, **properties)

    def _new_key(self) -> Key:
        return self._make_key(self._kms, self._keyed["main"])

    def _make_key(self, kms: KmsClient, store: KeyStore, **properties: Any) -> Key:  # noqa: ANN401 - likewise
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
            self._keys.append(key_id)

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
        kind = (role, *sorted(properties.items()))
        with self._lock:
            if kind not in self._shared_keys:
                self._shared_keys[kind] = self._make_key(self._kms, store, **properties)
            return self._shared_keys[kind]

    def own_key(self, kms: KmsClient, role: str = "main", **properties: Any) -> Key:  # noqa: ANN401 - the external key's
        """A key like a shared one, which nobody else has until the case is over.

        What the proxy is asked about it, it is asked on behalf of this case; and what
        the proxy answers about it may go wrong.

        Raises:
            NotTestable: it cannot be obtained.
        """
        store = self.keyed_store(kms, role)
        kind = (role, *sorted(properties.items()))
        with self._lock:
            free = self._free_keys.setdefault(kind, [])
            key = free.pop(0) if free else None
        key = key or self._make_key(self._kms, store, **properties)
        self._here.own_keys.append((kind, key))
        return key

    def standard_key(self) -> str:
        """The ARN of a KMS key of the origin AWS_KMS, which checks leave as it is.

        Raises:
            NotTestable: there is none to be had.
        """
        with self._lock:
            if not self._standard_key:
                label = "control: a key of the origin AWS_KMS"
                reply = self._kms.call("CreateKey", label=label)
                arn = (control(reply).get("KeyMetadata") or {}).get("Arn")
                self.adopt_key(reply)
                if not isinstance(arn, str):
                    raise NotTestable("CreateKey returned no Arn.")
                self._standard_key = arn
            return self._standard_key

    # -- removal ------------------------------------------------------------------

    @property
    def _here(self) -> _Made:
        """Where what is made now is noted: with the case, or with the check."""
        return _apart.get() or self._made

    @contextmanager
    def apart(self, kms: KmsClient) -> Iterator[None]:
        """Remove what was made in the block as soon as it ends, as far as it goes."""
        made = _Made()
        token = _apart.set(made)
        try:
            yield
        finally:
            _apart.reset(token)
            self._remove(kms, made)

    def remove_made(self, kms: KmsClient) -> None:
        """Remove the stores made for a check, or a case, so far, as far as it goes."""
        here = self._here
        stores, here.stores = here.stores, []
        self._remove(kms, _Made(stores=stores))

    def put_aside(self) -> None:
        """A check is over: its stores go when there are a few, side by side."""
        made, self._made = self._made, _Made()
        self._give_back(made)
        self._aside += made.stores
        self._clear(self._limit - _SPARE)

    def _give_back(self, made: _Made) -> None:
        with self._lock:
            for kind, key in made.own_keys:
                self._free_keys[kind].append(key)

    def _remove(self, kms: KmsClient, made: _Made) -> None:
        self._give_back(made)
        kms.side_by_side(
            partial(self._remove_store, kms, store) for store in reversed(made.stores)
        )

    def _remove_store(self, kms: KmsClient, store: KeyStore) -> None:
        last = kms.touched.get(store.id)
        seen = self._seen.get(store.id, "DISCONNECTED")
        left = last in {"DisconnectCustomKeyStore", "DeleteCustomKeyStore"}
        connected = not left and (
            last == "ConnectCustomKeyStore" or seen != "DISCONNECTED"
        )
        remove_store(kms, store.id, connected=connected)

    def clear_away(self) -> None:
        """Remove what earlier runs left, as far as it goes."""
        reply = self._kms.call("DescribeCustomKeyStores", label="what is there")
        there = reply.document.get("CustomKeyStores") or []
        self._left = [
            entry
            for entry in there
            if str(entry.get("CustomKeyStoreName")).startswith(f"{PREFIX}-")
        ]
        self._strangers = len(there) - len(self._left)
        self._kms.side_by_side(
            partial(remove_store, self._kms, str(entry.get("CustomKeyStoreId")))
            for entry in self._left
        )

    def close(self) -> None:
        """Remove everything that can be removed; keys wait for their deletion."""
        self.put_aside()
        self._clear(0)
        self._kms.side_by_side(
            partial(
                self._kms.call,
                "ScheduleKeyDeletion",
                KeyId=key_id,
                PendingWindowInDays=_WAITING_DAYS,
            )
            for key_id in self._keys
            if key_id not in self._kms.doomed
        )
        self._kms.side_by_side(
            partial(self._remove_store, self._kms, store)
            for store in self._keyed.values()
        )
