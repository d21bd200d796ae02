"""What is asked of the probe proxy beneath a path, and what it answers there.

The path is that of a key store or of an external key. So what a check lets go wrong for
one of them concerns nobody else, and what it sees was asked about that one.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.http.delivery import Delivery, Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.scripted_core import ScriptedCore
    from pytest_xks.certify.probe_proxy.vocabulary import ConnectionEnd
    from pytest_xks.proxy_api.http import Request

__all__ = ["ScriptedPath"]


class ScriptedPath:
    """The requests beneath a path, and the answers to them."""

    def __init__(self, core: ScriptedCore, path: str) -> None:
        self._core = core
        self._path = path

    # -- what the emulator asked --------------------------------------------------

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """What was asked."""
        return self._own(self._core.requests)

    @contextmanager
    def watching(self) -> Iterator[Callable[[], tuple[ProxyRequest, ...]]]:
        """Yield a function that returns what was asked since."""
        with self._core.watching() as asked:
            yield lambda: self._own(asked())

    def _own(self, requests: tuple[ProxyRequest, ...]) -> tuple[ProxyRequest, ...]:
        prefix = f"{self._path}/"
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
            path=self._path,
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

    def _changing(
        self, change: Callable[[Delivery, Request], Delivery], operation: str | None
    ) -> AbstractContextManager[None]:
        return self._core.changing(change, operation=operation, path=self._path)
