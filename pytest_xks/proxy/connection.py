"""One client's connection: handshake, requests, responses, and how each of them ends.

A connection has a thread to itself, so whatever a client does or fails to do holds up
nobody else. Everything that the client sees of TCP and TLS is decided in this file;
what its bytes mean is decided in ``http1``.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, cast

from pytest_xks.proxy import http1
from pytest_xks.proxy.delivery import Delivery, Ending
from pytest_xks.spec.http import Request

if TYPE_CHECKING:
    from pytest_xks.spec.http import Response

__all__ = ["Connection", "ConnectionOptions", "Handler", "Peer"]

_log = logging.getLogger(__name__)
# A library is silent unless asked; without this, Python prints errors on stderr.
_log.addHandler(logging.NullHandler())

# One TLS record.
_CHUNK_BYTES = 16 * 1024
# How long to wait for the client's end after ours, and how much to read until then.
_LINGER_S = 2.0
_LINGER_BYTES = 16 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_GARBAGE = b"\x00\xff\x00\xffThis is not HTTP.\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end of a connection."""

    address: str
    """The IP address."""
    common_name: str | None = None
    """The subject common name of the client certificate, if it presented one."""


Handler = Callable[[Request, Peer], Delivery]
"""What answers the requests; called from many threads at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """What the connections of a server have in common; see ``HttpsServer``."""

    handler: Handler
    context: ssl.SSLContext | None
    allowed_client_common_name: str | None
    max_body_bytes: int
    idle_timeout_s: float
    request_timeout_s: float


class Connection:
    """A connection, from its handshake to its end.

    Args:
        accepted: the socket; the connection closes it.
        address: the IP address of the client.
        options: what it has in common with the server's other connections.
    """

    def __init__(
        self, accepted: socket.socket, address: str, options: ConnectionOptions
    ) -> None:
        self._socket = accepted
        self._options = options
        self._peer = Peer(address=address)
        self._parser = http1.RequestParser(max_body_bytes=options.max_body_bytes)
        self._deadline: float | None = None
        self._aborted = Event()

    def abort(self) -> None:
        """End the connection at once; may be called from any thread."""
        self._aborted.set()
        with suppress(OSError):
            # Not SSLSocket.shutdown, which takes TLS away from a thread that reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def run(self) -> None:
        """Serve the client until either side has had enough. Never raises."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._greet():
                self._serve()
        except OSError as error:
            # The client broke off, stayed silent or does not keep to TLS: its right.
            _log.debug("A connection ended early: %s", error)
        except Exception:  # noqa: BLE001 - a thread must not end in a traceback
            _log.exception("A connection ended in a failure of the server.")
        finally:
            self._socket.close()

    # -- the beginning ------------------------------------------------------------

    def _greet(self) -> bool:
        """Do the TLS handshake; whether the client may speak."""
        options = self._options
        self._socket.settimeout(options.request_timeout_s)
        if options.context is None:
            return True
        tls = self._socket = options.context.wrap_socket(
            self._socket, server_side=True, do_handshake_on_connect=False
        )
        if self._aborted.is_set():
            return False
        try:
            tls.do_handshake()
        except ssl.SSLError as error:
            self._socket = socket.socket(fileno=tls.detach())
            if error.reason == "HTTP_REQUEST":
                self._refuse(http1.PLAIN_HTTP)
            else:
                self._end()  # OpenSSL has sent an alert; let it arrive.
            return False
        self._peer = Peer(address=self._peer.address, common_name=_common_name(tls))
        # "Authentication": the proxy "MUST terminate the TLS handshake if the client
        # presents a certificate containing a different subject name". Python's ssl asks
        # nobody during the handshake, so ours ends right after it, without a byte of
        # HTTP. A client hardly sees the difference: in TLS 1.3 its half of the handshake
        # is always over before the server has seen the certificate.
        allowed = self._options.allowed_client_common_name
        if allowed is None or self._peer.common_name == allowed:
            return True
        self._end()
        return False

    # -- the middle ---------------------------------------------------------------

    def _serve(self) -> None:
        parser = self._parser
        while data := self._receive():
            parser.feed(data)
            while parser.complete:
                self._deadline = None
                if not self._answer(parser.complete.popleft()):
                    return
            if parser.refusal is not None:
                self._refuse(parser.refusal)
                return
            if parser.awaits_continue:
                parser.awaits_continue = False
                self._socket.sendall(http1.CONTINUE)

    def _receive(self) -> bytes:
        """The next bytes; none once the client is done, or has taken too long."""
        try:
            self._socket.settimeout(self._patience_s())
            data = self._socket.recv(_CHUNK_BYTES)
        except TimeoutError:
            if self._parser.idle:
                self._end()
            else:
                self._refuse(http1.NOT_IN_TIME)
            return b""
        if not data:
            self._notify_close()
        return data

    def _patience_s(self) -> float:
        if self._parser.idle:
            self._deadline = None
            return self._options.idle_timeout_s
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._options.request_timeout_s
        if now >= self._deadline:
            raise TimeoutError
        return self._deadline - now

    def _answer(self, message: http1.Message) -> bool:
        """Answer a request; whether the connection goes on."""
        delivery = self._ask_handler(message.request)
        if delivery.delay_ms > 0 and self._aborted.wait(delivery.delay_ms / 1000):
            return False
        keep_alive = message.keep_alive and delivery.ending is Ending.ANSWER
        data = self._render(message, delivery.response, keep_alive=keep_alive)
        if keep_alive:
            self._socket.sendall(data)
            return True
        self._carry_out(delivery.ending, data)
        return False

    def _ask_handler(self, request: Request) -> Delivery:
        try:
            return self._options.handler(request, self._peer)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets a 500
            _log.exception("The handler of the server failed.")
            return Delivery(response=http1.FAILED.response)

    def _render(
        self, message: http1.Message, response: Response, *, keep_alive: bool
    ) -> bytes:
        with_body = message.request.method != "HEAD"
        render = partial(http1.render, keep_alive=keep_alive, with_body=with_body)
        try:
            return render(response)
        except ValueError:
            _log.exception("The response of the handler cannot be sent.")
            return render(http1.FAILED.response)

    # -- the end ------------------------------------------------------------------

    def _refuse(self, refusal: http1.Refusal) -> None:
        """Give the HTTP layer's own answer, and end."""
        self._socket.sendall(http1.render(refusal.response, keep_alive=False))
        self._end()

    def _end(self) -> None:
        """End in an orderly way: our end first, then wait for the client's.

        To close a socket that has unread data resets the connection, and a reset may
        overtake the response.
        """
        self._notify_close()
        plain = socket.socket
        plain.shutdown(self._socket, socket.SHUT_WR)
        deadline, left = time.monotonic() + _LINGER_S, _LINGER_BYTES
        while left > 0 and (remaining := deadline - time.monotonic()) > 0:
            self._socket.settimeout(remaining)
            data = plain.recv(self._socket, _CHUNK_BYTES)
            if not data:
                return
            left -= len(data)

    def _notify_close(self) -> None:
        """Send TLS's close_notify, without waiting for the client's."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(0)
            # It is sent; what is missing is the client's, or the client.
            with suppress(OSError, ValueError):
                self._socket.unwrap()

    def _carry_out(self, ending: Ending, response: bytes) -> None:
        """Answer, or not, in a way that ends the connection."""
        match ending:
            case Ending.RESET:
                option = socket.SO_LINGER
                self._socket.setsockopt(socket.SOL_SOCKET, option, _RESET_ON_CLOSE)
                return
            case Ending.SILENCE:
                self._socket.settimeout(None)
                while self._socket.recv(_CHUNK_BYTES):
                    pass
                return
            case Ending.ANSWER:
                self._socket.sendall(response)
            case Ending.TRUNCATE:
                self._socket.sendall(_without_half_of_the_body(response))
            case Ending.GARBAGE:
                self._socket.sendall(_GARBAGE)
            case Ending.CLOSE:
                pass
        self._end()


def _without_half_of_the_body(response: bytes) -> bytes:
    body = response.partition(b"\r\n\r\n")[2]
    # At least a byte goes missing, be it of the head.
    return response[: -max(1, len(body) - len(body) // 2)]


_Name = tuple[tuple[tuple[str, str], ...], ...]


def _common_name(tls: ssl.SSLSocket) -> str | None:
    """The common name of the client; None without a certificate or with several."""
    certificate = tls.getpeercert() or {}
    subject = cast("_Name", certificate.get("subject", ()))
    names = [value for part in subject for name, value in part if name == "commonName"]
    return names[0] if len(names) == 1 else None
