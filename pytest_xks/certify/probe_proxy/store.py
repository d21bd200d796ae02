"""A key store of the probe proxy: path, credential, and external keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from pytest_xks.certify.probe_proxy.scripts import ScriptedPath

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.scripted_core import ScriptedCore
    from pytest_xks.certify.probe_proxy.vocabulary import (
        ExternalKey,
        KeyProperties,
        ListenerFault,
    )
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = ["ProxyStore"]


class ProxyStore(ScriptedPath):
    """A key store of the probe proxy, as checks hold it; ``ProbeProxy`` makes it."""

    def __init__(
        self,
        *,
        endpoint: str,
        store: ProxyKeyStore,
        core: ScriptedCore,
        listening: Callable[[ListenerFault], AbstractContextManager[None]],
        learn: Callable[[str], None],
    ) -> None:
        super().__init__(core, store.uri_path)
        self._endpoint = endpoint
        self._store = store
        self._listening = listening
        self._learn = learn

    def __repr__(self) -> str:
        """The store without its secret."""
        return f"ProxyStore({self.endpoint}{self.uri_path})"

    @property
    def endpoint(self) -> str:
        """The XksProxyUriEndpoint."""
        return self._endpoint

    @property
    def uri_path(self) -> str:
        """The XksProxyUriPath."""
        return self._store.uri_path

    @property
    def credential(self) -> dict[str, str]:
        """The XksProxyAuthenticationCredential."""
        return _as_parameter(self._store.credential)

    def rotate_credential(self) -> dict[str, str]:
        """A new credential, which becomes the store's; the old one stays valid."""
        credential = self._store.rotate_credential()
        self._learn(credential.secret_access_key)
        return _as_parameter(credential)

    def forget_credential(self, access_key_id: str) -> None:
        """Accept a credential no longer."""
        self._store.remove_credential(access_key_id)

    def add_key(
        self, external_key_id: str | None = None, **properties: Unpack[KeyProperties]
    ) -> ExternalKey:
        """An external key.

        Args:
            external_key_id: a random one by default.
            properties: what is special about it.
        """
        return self._store.add_key(external_key_id, **properties)

    def remove_key(self, external_key_id: str) -> None:
        """Delete an external key."""
        self._store.remove_key(external_key_id)

    def about_key(self, external_key_id: str) -> ScriptedPath:
        """What the emulator asks about one external key, and is answered."""
        return ScriptedPath(self._core, f"{self.uri_path}/keys/{external_key_id}")

    def listening(self, fault: ListenerFault) -> AbstractContextManager[None]:
        """Let the listener misbehave within the block, for all key stores alike."""
        return self._listening(fault)


def _as_parameter(credential: Credential) -> dict[str, str]:
    return {
        "AccessKeyId": credential.access_key_id,
        "RawSecretAccessKey": credential.secret_access_key,
    }
