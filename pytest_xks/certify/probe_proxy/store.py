"""A key store of the probe proxy: path, credential, external keys, and their faults."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from pytest_xks.http.delivery import Delivery, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.scripted_core import ScriptedCore
    from pytest_xks.certify.probe_proxy.vocabulary import (
        ConnectionEnd,
        ExternalKey,
        KeyProperties,
        ListenerFault,
    )
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = ["ProxyStore"]


class ProxyStore:
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
        self._endpoint = endpoint
        self._store = store
        self._core = core
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

    # -- what the emulator asked --------------------------------------------------

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """What was asked of this key store."""
        return self._own(self._core.requests)

    @contextmanager
    def watching(self) -> Iterator[Callable[[], tuple[ProxyRequest, ...]]]:
        """Yield a function that returns what was asked of this key store since."""
        with self._core.watching() as asked:
            yield lambda: self._own(asked())

    def _own(self, requests: tuple[ProxyRequest, ...]) -> tuple[ProxyRequest, ...]:
        prefix = f"{self.uri_path}/"
        return tuple(r for r in requests if r.path.startswith(prefix))

    # -- what goes wrong ----------------------------------------------------------

    def answering(
        self,
        status: int,
        body: Mapping[str, object] | bytes,
        *,
        operation: str | None = None,
        content_type: str = "application/json",
    ) -> AbstractContextManager[None]:
        """Answer with this within the block, whatever was asked.

        Args:
            status: the HTTP status.
            body: a JSON document, or bytes.
            operation: health, metadata, encrypt or decrypt; all by default.
            content_type: of the answer.
        """
        return self._core.answering(
            status,
            body,
            operation=operation,
            uri_path=self.uri_path,
            content_type=content_type,
        )

    def failing(
        self,
        error_name: str,
        status: int,
        *,
        operation: str | None = None,
        message: str = "",
    ) -> AbstractContextManager[None]:
        """Answer with an error of the proxy API within the block."""
        body = {"errorName": error_name}
        if message:
            body["errorMessage"] = message
        return self.answering(status, body, operation=operation)

    def altering(
        self,
        change: Callable[[dict[str, object]], object],
        *,
        operation: str | None = None,
    ) -> AbstractContextManager[None]:
        """Change the document of every success within the block.

        Args:
            change: edits the document in place.
            operation: health, metadata, encrypt or decrypt; all by default.
        """
        return self.rewriting(lambda document, _: change(document), operation=operation)

    def rewriting(
        self,
        change: Callable[[dict[str, object], Mapping[str, object]], object],
        *,
        operation: str | None = None,
    ) -> AbstractContextManager[None]:
        """Change the document of every success, knowing what was asked.

        Args:
            change: edits the document in place; gets the request's, too.
            operation: health, metadata, encrypt or decrypt; all by default.
        """

        def alter(delivery: Delivery, request: Request) -> Delivery:
            if delivery.response.status != 200:
                return delivery
            document = json.loads(delivery.response.body)
            change(document, json.loads(request.body))
            body = json.dumps(document).encode()
            return replace(delivery, response=replace(delivery.response, body=body))

        return self._changing(alter, operation)

    def delaying(
        self, milliseconds: float, *, operation: str | None = None
    ) -> AbstractContextManager[None]:
        """Answer late within the block."""
        return self._changing(
            lambda delivery, _: replace(delivery, delay_ms=milliseconds), operation
        )

    def ending(
        self, end: ConnectionEnd, *, operation: str | None = None
    ) -> AbstractContextManager[None]:
        """End the connection in place of every answer within the block."""
        ending = Ending(end.value)
        return self._changing(
            lambda delivery, _: replace(delivery, ending=ending), operation
        )

    def listening(self, fault: ListenerFault) -> AbstractContextManager[None]:
        """Let the listener misbehave within the block, for all key stores alike."""
        return self._listening(fault)

    def _changing(
        self, change: Callable[[Delivery, Request], Delivery], operation: str | None
    ) -> AbstractContextManager[None]:
        return self._core.changing(change, operation=operation, uri_path=self.uri_path)


def _as_parameter(credential: Credential) -> dict[str, str]:
    return {
        "AccessKeyId": credential.access_key_id,
        "RawSecretAccessKey": credential.secret_access_key,
    }
