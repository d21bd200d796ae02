"""Key stores and keys for checks, and their removal.

A key in an external key store cannot be removed before its waiting period is over, and
its store not before the key. So all keys are in a few stores, which the next run takes
over; every other store is removed with the check, or the case, that made it. All names
begin with ``pytest-xks-conformance`` and the run's id; nothing else is touched.

What many checks need is made once, and recorded with the run rather than with the check
that happens to come first. Any thread may ask.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from .earlier_runs import EarlierRuns
from .expect import control
from .key_stores import (
    PASSING,
    Key,
    KeyStore,
    creation,
    remove_store,
    wait_while,
)
from .leftovers import Kind, Leftovers, Made
from .names import left_name, own_name
from .stock import Stock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from .kms_client import KmsClient
    from .reply import KmsReply

__all__ = ["Provisioner"]

_QUOTA = 10
"""Key stores in an account."""
_SPARE = 3
"""Of these, for what a check makes by itself."""
_KEYS_AHEAD = 8
_ATTEMPTS = 2
"""To connect; the proxy may be late once."""

_apart: ContextVar[Made | None] = ContextVar("apart", default=None)


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
        self._new_keys: dict[str, Stock[Key]] = {}
        self._leftovers = Leftovers(kms, self._remove_store)
        kms.fill_with(self._leftovers.some)
        self._shared_keys: dict[Kind, Key] = {}
        self._free_keys: dict[Kind, list[Key]] = {}
        self._standard_key = ""
        self._made = Made()
        self._lasting = Made()
        """What goes at the end of the run."""
        self._seen: dict[str, str] = {}
        """The ConnectionStates of stores when last looked at, by id."""
        self._earlier = EarlierRuns(kms, probe_proxy)
        self._state_when_new = ""

    def room(self, wanted: int = _QUOTA) -> int:
        """How many key stores the cases of a check may have at once.

        Args:
            wanted: how many that should be; what is left over goes for them.
        """
        taken = len(self._keyed) + len(self._here.stores)
        if taken + len(self._leftovers.stores) + wanted > self._limit:
            self._leftovers.remove_stores()
        return max(1, self._limit - taken - len(self._leftovers.stores))

    @property
    def _limit(self) -> int:
        return _QUOTA - self._earlier.strangers

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
                    own_name(role),
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

    def keep(self, role: str, store: KeyStore) -> None:
        """Let a store last until it is given up; it has no keys."""
        self._keyed[role] = store

    def give_up(self, role: str) -> None:
        """Remove the store of a role, if there is one."""
        if store := self._keyed.pop(role, None):
            self._remove_store(self._kms, store)

    def part(self, kms: KmsClient, role: str = "other") -> None:
        """Disconnect the store of a role, if it is not disconnected already.

        Raises:
            NotTestable: it does not come to be disconnected.
        """
        self.disconnect(kms, self._lasting_store(role))

    def connect(self, kms: KmsClient, store: KeyStore) -> None:
        """Connect a store, from whatever state.

        Raises:
            NotTestable: it does not come to be connected.
        """
        for _ in range(_ATTEMPTS):
            state = self.state_of(kms, store)
            if state == "CONNECTED":
                return
            if state == "FAILED":
                self.disconnect(kms, store)
            label = "control: connect"
            connect = partial(kms.call, "ConnectCustomKeyStore", label=label)
            control(connect(CustomKeyStoreId=store.id))
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
        for store in self._earlier.stores_of(role):
            self.disconnect(self._kms, store)
            if self._earlier.is_taken_over(store):
                return store
        return None

    # -- keys ---------------------------------------------------------------------

    def make_key(
        self,
        kms: KmsClient,
        store: KeyStore,
        *,
        alone: bool = False,
        **properties: Any,  # noqa: ANN401 - the external key's
    ) -> Key:
        """A new KMS key on a new external key.

        Args:
            kms: the endpoint.
            store: the store, connected.
            alone: whether the store gets no spare keys besides.
            properties: of the external key.

        Raises:
            NotTestable: it cannot be obtained.
        """
        role = next((r for r, each in self._keyed.items() if each is store), None)
        if alone or properties or role is None:
            key = self._make_key(kms, store, **properties)
        else:
            key = self._stock(role).take()
        self._here.keys.append(key.key_id)
        return key

    def spare_key(self, kms: KmsClient, role: str) -> Key:
        """A new KMS key in the store of a role, in whatever state that is.

        Raises:
            NotTestable: it cannot be obtained.
        """
        with self._lock:
            stock = self._stock(role)
            if not stock.there:
                self.keyed_store(kms, role)
            key = stock.take()
        self._here.keys.append(key.key_id)
        return key

    def _stock(self, role: str) -> Stock[Key]:
        with self._lock:
            if role not in self._new_keys:
                make = partial(self._new_key, role)
                self._new_keys[role] = Stock(self._kms, make, _KEYS_AHEAD)
            return self._new_keys[role]

    def _new_key(self, role: str) -> Key:
        return self._make_key(self._kms, self._keyed[role])

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
        _note_key(reply, self._here)

    def adopt_alias(self, name: str) -> None:
        """Note an alias, to be removed."""
        self._here.aliases.append(name)

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
                key = self._make_key(self._kms, store, **properties)
                self._shared_keys[kind] = key
                self._lasting.keys.append(key.key_id)
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
        if key is None:
            key = self._make_key(self._kms, store, **properties)
            self._lasting.keys.append(key.key_id)
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
                _note_key(reply, self._lasting)
                if not isinstance(arn, str):
                    raise NotTestable("CreateKey returned no Arn.")
                self._standard_key = arn
            return self._standard_key

    # -- removal ------------------------------------------------------------------

    @property
    def _here(self) -> Made:
        """Where what is made now is noted: with the case, or with the check."""
        return _apart.get() or self._made

    @contextmanager
    def for_the_run(self) -> Iterator[None]:
        """Keep until the run ends what is made in the block."""
        token = _apart.set(self._lasting)
        try:
            yield
        finally:
            _apart.reset(token)

    @contextmanager
    def apart(self, kms: KmsClient, *, at_once: bool = True) -> Iterator[None]:
        """Note apart what is made in the block, and remove it as far as it goes.

        Args:
            kms: the endpoint.
            at_once: whether the stores go at the end of the block; otherwise later.
        """
        made = Made()
        token = _apart.set(made)
        try:
            yield
        finally:
            _apart.reset(token)
            self._leave(kms, made, at_once=at_once)

    def remove_made(self, kms: KmsClient) -> None:
        """Remove the stores made for a check, or a case, so far, as far as it goes."""
        here = self._here
        stores, here.stores = here.stores, []
        self._leave(kms, Made(stores=stores), at_once=True)

    def put_aside(self) -> None:
        """A check is over: its stores go when there are a few, side by side."""
        made, self._made = self._made, Made()
        self._leave(self._kms, made, at_once=False)
        self.room(_SPARE)

    def _leave(self, kms: KmsClient, made: Made, *, at_once: bool) -> None:
        stores = made.stores
        if at_once:
            made.stores = []
        with self._lock:
            for kind, key in made.own_keys:
                self._free_keys[kind].append(key)
            self._leftovers.add(made)
        if at_once:
            kms.side_by_side(
                partial(self._remove_store, kms, store) for store in reversed(stores)
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
        self._earlier.clear_away()

    def close(self) -> None:
        """Remove everything that can be removed; keys wait for their deletion."""
        self.put_aside()
        for stock in self._new_keys.values():
            self._lasting.keys += [key.key_id for key in stock.there]
        self._leftovers.add(self._lasting)
        self._leftovers.remove_all()
        self._kms.side_by_side(
            partial(self._leave_behind, role, store)
            for role, store in self._keyed.items()
        )

    def _leave_behind(self, role: str, store: KeyStore) -> None:
        """Remove a store, or say by its name that it waits for its keys alone."""
        self._remove_store(self._kms, store)
        self._kms.call(
            "UpdateCustomKeyStore",
            CustomKeyStoreId=store.id,
            NewCustomKeyStoreName=left_name(role),
            label="leave the store behind",
        )


def _note_key(reply: KmsReply, made: Made) -> None:
    key_id = (reply.document.get("KeyMetadata") or {}).get("KeyId")
    if isinstance(key_id, str):
        made.keys.append(key_id)
