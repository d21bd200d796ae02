"""The mock proxy inside the probe proxy: it keeps requests and follows scripts.

A script changes the deliveries of some requests within a block. What an answer should
say is for the check to state; nothing here knows what KMS does.
"""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_xks.certify.probe_proxy.request import ProxyRequest
from pytest_xks.clock import SystemClock
from pytest_xks.proxy.core import ProxyCore
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy_api.http import Request

    Change = Callable[[Delivery, Request], Delivery]

__all__ = ["ScriptedCore"]


@dataclass(frozen=True, slots=True)
class _Script:
    """What becomes of the answers to some requests."""

    operation: str | None
    path: str | None
    change: Change

    def concerns(self, request: Request) -> bool:
        if self.operation and not request.path.endswith(f"/{self.operation}"):
            return False
        return self.path is None or request.path.startswith(f"{self.path}/")


class ScriptedCore(ProxyCore):
    """A proxy that keeps requests as received, and whose answers can be scripted."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock())
        self._lock = threading.Lock()
        self._received: list[ProxyRequest] = []
        self._scripts: tuple[_Script, ...] = ()

    def handle(self, request: Request) -> Delivery:
        """Answer one request, as the scripts have it."""
        delivery = super().handle(request)
        for script in self._scripts:
            if script.concerns(request):
                delivery = script.change(delivery, request)
        self._received.append(
            ProxyRequest(
                method=request.method,
                target=request.target,
                headers=request.headers,
                body=request.body,
                status=delivery.response.status,
            )
        )
        return delivery

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """Everything that it was asked, in the order of its answers."""
        return tuple(self._received)

    @contextmanager
    def watching(self) -> Iterator[Callable[[], tuple[ProxyRequest, ...]]]:
        """Yield a function that returns what was asked since."""
        start = len(self._received)
        yield lambda: tuple(self._received[start:])

    @contextmanager
    def changing(
        self,
        change: Change,
        *,
        operation: str | None = None,
        path: str | None = None,
    ) -> Iterator[None]:
        """Change deliveries within the block.

        Args:
            change: gets the delivery that the proxy would make, and the request.
            operation: health, metadata, encrypt or decrypt; all by default.
            path: of one key store or external key only; all by default.
        """
        script = _Script(operation, path, change)
        with self._lock:
            self._scripts = (*self._scripts, script)
        try:
            yield
        finally:
            with self._lock:
                self._scripts = tuple(
                    each for each in self._scripts if each is not script
                )

    def answering(
        self,
        status: int,
        body: Mapping[str, object] | bytes,
        *,
        operation: str | None = None,
        path: str | None = None,
        content_type: str = "application/json",
    ) -> AbstractContextManager[None]:
        """Answer with this within the block, whatever was asked.

        Args:
            status: the HTTP status.
            body: a JSON document, or bytes.
            operation: health, metadata, encrypt or decrypt; all by default.
            path: of one key store or external key only; all paths by default, known
                or not.
            content_type: of the answer.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = Response(
            status=status, headers=(("Content-Type", content_type),), body=data
        )
        return self.changing(
            lambda delivery, _: replace(delivery, response=response),
            operation=operation,
            path=path,
        )
