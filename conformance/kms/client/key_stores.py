"""Key stores and keys as checks hold them, and what the endpoint says of a store."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from .expect import control
from .names import own_name

if TYPE_CHECKING:
    from pytest_xks.certify.probe_proxy.scripts import ScriptedPath
    from pytest_xks.certify.probe_proxy.store import ProxyStore
    from pytest_xks.certify.probe_proxy.vocabulary import ExternalKey

    from .kms_client import KmsClient
    from .reply import KmsReply

__all__ = [
    "PASSING",
    "Key",
    "KeyStore",
    "connection_state_of",
    "creation",
    "describe",
    "description_of",
    "entry_in",
    "remove_store",
    "state_in",
    "wait_while",
    "watch_while",
]

PASSING = ("CONNECTING", "DISCONNECTING")
"""The ConnectionStates that do not last."""
_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5


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

    @property
    def proxy(self) -> ScriptedPath:
        """What the proxy is asked about the external key, and answers."""
        return self.store.proxy.about_key(self.external_key.id)


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
        "CustomKeyStoreName": name or own_name(),
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": proxy.endpoint,
        "XksProxyUriPath": proxy.uri_path,
        "XksProxyAuthenticationCredential": proxy.credential,
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def describe(kms: KmsClient, store_id: str) -> KmsReply:
    """DescribeCustomKeyStores, which has to know a store.

    Raises:
        NotTestable: it does not.
    """
    reply = kms.call(
        "DescribeCustomKeyStores", CustomKeyStoreId=store_id, label="control: the store"
    )
    if not control(reply).get("CustomKeyStores"):
        raise NotTestable(f"DescribeCustomKeyStores does not know {store_id}.")
    return reply


def entry_in(reply: KmsReply) -> dict[str, object]:
    """The first entry of DescribeCustomKeyStores."""
    return dict((control(reply).get("CustomKeyStores") or [{}])[0])


def state_in(reply: KmsReply) -> str:
    """The ConnectionState of the first entry of DescribeCustomKeyStores."""
    return str(entry_in(reply).get("ConnectionState"))


def description_of(kms: KmsClient, store_id: str) -> dict[str, object]:
    """What DescribeCustomKeyStores says of a store.

    Raises:
        NotTestable: nothing.
    """
    return entry_in(describe(kms, store_id))


def connection_state_of(kms: KmsClient, store_id: str) -> str:
    """The ConnectionState of a store.

    Raises:
        NotTestable: there is none to be seen.
    """
    return state_in(describe(kms, store_id))


def wait_while(kms: KmsClient, store_id: str, *states: str) -> str:
    """The first other ConnectionState; what passes may take its time (KMS-CONNECT-003).

    Raises:
        NotTestable: it does not come within the time that the target file allows.
    """
    return state_in(watch_while(kms, store_id, *states))


def watch_while(kms: KmsClient, store_id: str, *states: str) -> KmsReply:
    """DescribeCustomKeyStores once it shows another ConnectionState; see wait_while.

    Raises:
        NotTestable: it does not come within the time that the target file allows.
    """
    settling = kms.target.settling_seconds
    deadline = time.monotonic() + settling
    pause = _PAUSE_SECONDS
    while (state := state_in(reply := describe(kms, store_id))) in states:
        if time.monotonic() > deadline:
            raise NotTestable(
                f"A key store is still {state} after {settling:g} seconds."
            )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return reply


def remove_store(kms: KmsClient, store_id: str, *, connected: bool = False) -> None:
    """Disconnect and delete; a store with keys only becomes disconnected.

    Args:
        kms: the endpoint.
        store_id: of the store.
        connected: whether it may well be connected, and so need not be tried as it is.
    """
    delete = partial(kms.call, "DeleteCustomKeyStore", CustomKeyStoreId=store_id)
    if not connected and delete().succeeded:
        return
    left = kms.call("DisconnectCustomKeyStore", CustomKeyStoreId=store_id)
    if delete().succeeded or not left.succeeded:
        return
    with suppress(NotTestable):
        wait_while(kms, store_id, "DISCONNECTING")
        delete()
