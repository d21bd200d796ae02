"""Connections of a faulty server: what goes wrong on the wire beside the answers.

The good connection knows nothing of this: a listener with tricks serves its clients
with ``TrickyConnection`` in place of ``Connection``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_xks.clock import steady_s
from pytest_xks.http.connection import Connection
from pytest_xks.http.http1 import PLAIN_HTTP, Refusal
from pytest_xks.http.tricks import Trick
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    import socket

    from pytest_xks.http.connection import ConnectionOptions
    from pytest_xks.http.http1 import Message

__all__ = ["Tricks", "TrickyConnection"]

_TLS_HANDSHAKE = b"\x16"
_PAUSE_S = 0.3
_STALL_S = 2.0
_CONNECTIONS = 30
_LONG = b"9" * 1000
_ANY_SUBJECT = {
    Trick.ACCEPTS_ANY_CLIENT_AUTHORITY,
    Trick.ACCEPTS_ANY_CLIENT_SUBJECT,
}


class _Served(Refusal):
    """A refusal that looks like a success."""

    @property
    def response(self) -> Response:
        """An empty document."""
        return Response(
            status=200, headers=(("Content-Type", "application/json"),), body=b"{}"
        )


@dataclass(slots=True)
class Tricks:
    """The tricks of one listener, and what its connections share."""

    active: frozenset[Trick]
    sender: threading.Lock = field(default_factory=threading.Lock)
    places: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(_CONNECTIONS)
    )
    stalled_until: float = 0.0
    away_until: float = 0.0


class TrickyConnection(Connection):
    """A connection with tricks.

    Args:
        accepted: the socket.
        address: the IP address of the client.
        options: what it has in common with the server's other connections.
        tricks: what is wrong with it.
    """

    def __init__(
        self,
        accepted: socket.socket,
        address: str,
        options: ConnectionOptions,
        *,
        tricks: Tricks,
    ) -> None:
        self._tricks = tricks
        if _ANY_SUBJECT & tricks.active:
            options = replace(options, allowed_client_common_name=None)
        super().__init__(accepted, address, options)
        self._is_sender = False
        self._received = b""
        self._status = 200

    def run(self) -> None:
        """Serve the client; then let others speak."""
        if not self._has(Trick.FEW_CONNECTIONS):
            super().run()
        elif self._tricks.places.acquire(timeout=_STALL_S):
            try:
                super().run()
            finally:
                self._tricks.places.release()
        else:
            self._wire.close()
        self._let_others_speak()

    def _has(self, trick: Trick) -> bool:
        return trick in self._tricks.active

    def _handshake(self) -> bool:
        if steady_s() < self._tricks.away_until:
            self._wire.reset()
            return False
        if self._has(Trick.SERVES_PLAIN_HTTP) and self._wire.peek() != _TLS_HANDSHAKE:
            return True
        if not super()._handshake():
            return False
        if self._has(Trick.SLOW_FIRST_REQUEST):
            self._wire.wait(_PAUSE_S)
        if self._has(Trick.REFUSES_CLIENTS_WITHOUT_ALPN):
            return self._wire.application_protocol is not None
        return True

    def _receive(self) -> bytes:
        data = super()._receive()
        self._received += data
        if data and self._has(Trick.SLOW_SENDER_BLOCKS_OTHERS) and not self._is_sender:
            self._is_sender = self._tricks.sender.acquire(timeout=_STALL_S)
        return data

    def _let_others_speak(self) -> None:
        if self._is_sender:
            self._is_sender = False
            self._tricks.sender.release()

    def _answer(self, message: Message) -> bool:
        self._received = b""
        self._let_others_speak()
        if self._has(Trick.ENDS_AT_LONG_NUMBERS) and _LONG in message.request.body:
            self._tricks.away_until = steady_s() + _PAUSE_S
        if steady_s() < self._tricks.away_until:
            self._wire.reset()
            return False
        self._wire.wait(max(0.0, self._tricks.stalled_until - steady_s()))
        if self._has(Trick.CLOSES_EVERY_CONNECTION):
            message = replace(message, keep_alive=False)
        goes_on = super()._answer(message)
        if self._has(Trick.DROPS_CONNECTION_AFTER_ERROR) and self._status >= 400:
            self._wire.end()
            return False
        return goes_on

    def _render(
        self, message: Message, response: Response, *, keep_alive: bool
    ) -> bytes:
        self._status = response.status
        data = super()._render(message, response, keep_alive=keep_alive)
        if self._has(Trick.ANSWERS_TWICE) and keep_alive:
            return data + data
        if self._has(Trick.ANSWERS_HTTP_1_0):
            return data.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        return data

    def _refuse(self, refusal: Refusal) -> None:
        if refusal.status == 413 and self._has(Trick.LARGE_BODY_STALLS_SERVICE):
            self._tricks.stalled_until = steady_s() + _STALL_S
        unreadable = refusal.status == 400 and refusal is not PLAIN_HTTP
        if unreadable and self._serves_what_it_cannot_read():
            refusal = _Served(refusal.status, refusal.message, refusal.name)
        super()._refuse(refusal)

    def _serves_what_it_cannot_read(self) -> bool:
        head = self._received.lower()
        lengths = head.count(b"content-length:") + head.count(b"transfer-encoding:")
        if lengths > 1:
            return self._has(Trick.ACCEPTS_CONFLICTING_LENGTHS)
        return self._has(Trick.SERVES_BROKEN_HTTP)
