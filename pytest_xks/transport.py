"""The way from KMS to an XKS proxy: one request out, one response back, in time.

A transport raises what went wrong as one of five errors, whose messages are fit for users
and hold no secret. ``HttpsTransport`` is the real one; the in-process one lives with the
mock proxy, and does the same without sockets.

Rule of this file: every wait has the caller's deadline.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol, Self

from httptools import HttpParserError, HttpResponseParser

from pytest_xks.spec.http import Response

if TYPE_CHECKING:
    from types import TracebackType

    from pytest_xks.spec.http import Request

__all__ = [
    "ConnectFailure",
    "ConnectionLost",
    "HttpsTransport",
    "MalformedResponse",
    "TlsFailure",
    "Transport",
    "TransportError",
    "TransportTimeout",
]

_CHUNK_BYTES = 16 * 1024
_RESPONSE_MAX_BYTES = 1 << 20


class TransportError(Exception):
    """No response; the message says why, and is fit for users."""


class ConnectFailure(TransportError):
    """There is no TCP connection: refused, unreachable, or a name without an address."""


class TlsFailure(TransportError):
    """There is no TLS session: the handshake failed, or a certificate was refused."""


class TransportTimeout(TransportError):
    """No complete response came within the deadline."""


class ConnectionLost(TransportError):
    """The peer ended the connection before the response was complete."""


class MalformedResponse(TransportError):
    """What came is not HTTP, or larger than any response of an XKS proxy."""


class Transport(Protocol):
    """Takes a request to an XKS proxy."""

    def send(self, request: Request, *, timeout_ms: float) -> Response:
        """Exchange one request for its response.

        Args:
            request: complete and signed.
            timeout_ms: how long the whole exchange may take.

        Raises:
            TransportError: there is no response.
        """


class HttpsTransport:
    """Sends requests over HTTPS, or plain HTTP, and keeps connections for the next.

    Safe to use from many threads at once; each has a connection to itself for the time of
    an exchange.

    A connection that the proxy has closed meanwhile is noticed before it is used, and
    replaced. Once a request is out it is never sent a second time: the proxy may have
    acted on it, and whoever rehearses a lost connection wants to see it lost.

    Args:
        host: where to connect to.
        port: likewise.
        context: TLS; None means plain HTTP.
        server_name: the name that the certificate has to bear, if it is not ``host``.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        server_name: str | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._server_name = server_name or host
        self._idle: deque[_Connection] = deque()

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the connections that are not in use; a later request opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def send(self, request: Request, *, timeout_ms: float) -> Response:
        """Exchange one request for its response; see ``Transport``.

        The deadline covers connection, handshake, request and response. It does not cover
        the resolution of a host name, which is the system's; an address needs none.

        Raises:
            TransportError: there is no response.
        """
        deadline = _Deadline(timeout_ms)
        connection = self._idle_connection() or self._connect(deadline)
        try:
            response, reusable = connection.exchange(request, deadline)
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def _idle_connection(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive():
                return connection
            connection.close()
        return None

    def _connect(self, deadline: _Deadline) -> _Connection:
        plain = _open(self._host, self._port, deadline)
        if self._context is None:
            return _Connection(plain)
        return _Connection(_secure(plain, self._context, self._server_name, deadline))


class _Deadline:
    """The moment by which an exchange has to be over."""

    def __init__(self, timeout_ms: float) -> None:
        self._timeout_ms = timeout_ms
        self._end = time.monotonic() + timeout_ms / 1000

    def remaining_s(self) -> float:
        """The seconds that are left; never zero, which means something else to sockets.

        Raises:
            TransportTimeout: none are.
        """
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise self.missed()
        return remaining

    def missed(self) -> TransportTimeout:
        """What to raise when it is over."""
        return TransportTimeout(f"no complete response within {self._timeout_ms:g} ms")


def _open(host: str, port: int, deadline: _Deadline) -> socket.socket:
    failure: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectFailure(f"{host} cannot be resolved: {error}") from error
    for family, kind, protocol, _, address in found:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(deadline.remaining_s())
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError:
            opened.close()
            raise deadline.missed() from None
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    raise ConnectFailure(f"no connection to {host}:{port}: {failure}") from failure


def _secure(
    plain: socket.socket, context: ssl.SSLContext, name: str, deadline: _Deadline
) -> ssl.SSLSocket:
    try:
        tls = context.wrap_socket(
            plain, server_hostname=name, do_handshake_on_connect=False
        )
    except (OSError, ValueError) as error:
        plain.close()
        raise TlsFailure(f"no TLS session with {name}: {error}") from error
    try:
        tls.settimeout(deadline.remaining_s())
        tls.do_handshake()
    except TimeoutError:
        tls.close()
        raise deadline.missed() from None
    except OSError as error:
        tls.close()
        raise TlsFailure(f"no TLS session with {name}: {error}") from error
    except TransportTimeout:
        tls.close()
        raise
    return tls


class _Connection:
    """A connection that exchanges one request after another."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def close(self) -> None:
        self._socket.close()

    def is_alive(self) -> bool:
        """Whether the peer has neither ended it nor sent what nobody asked for."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def exchange(self, request: Request, deadline: _Deadline) -> tuple[Response, bool]:
        """Send a request; return its response, and whether another may follow.

        Raises:
            TransportError: there is no response.
        """
        try:
            self._socket.settimeout(deadline.remaining_s())
            self._socket.sendall(_render(request))
            return self._receive(_ResponseReader(request.method), deadline)
        except TimeoutError:
            raise deadline.missed() from None
        except HttpParserError as error:
            raise MalformedResponse(f"the response is not HTTP: {error}") from error
        except (ConnectionError, ssl.SSLEOFError) as error:
            raise ConnectionLost(f"the connection is lost: {error}") from error
        except ssl.SSLError as error:
            # TLS 1.3 tells a client so late that its certificate is refused.
            raise TlsFailure(f"the TLS session failed: {error}") from error

    def _receive(
        self, reader: _ResponseReader, deadline: _Deadline
    ) -> tuple[Response, bool]:
        while not reader.complete:
            self._socket.settimeout(deadline.remaining_s())
            data = self._socket.recv(_CHUNK_BYTES)
            if not data:
                reader.end()
                break
            reader.feed(data)
        return reader.response, reader.keep_alive


def _render(request: Request) -> bytes:
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if "content-length" not in given:
        lines.append(f"Content-Length: {len(request.body)}")
    lines += ["", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body


class _ResponseReader:
    """Makes a response of the bytes that come; the methods ``on_…`` are for httptools."""

    def __init__(self, method: str) -> None:
        self.complete = False
        self.keep_alive = False
        self._without_body = method == "HEAD"
        self._received = 0
        self._parser = HttpResponseParser(self)
        self.on_message_begin()

    @property
    def response(self) -> Response:
        return Response(
            status=self._status,
            headers=tuple(self._headers),
            body=b"".join(self._body),
        )

    def feed(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > _RESPONSE_MAX_BYTES:
            raise MalformedResponse("the response is too large")
        self._parser.feed_data(data)

    def end(self) -> None:
        """Take note that no more bytes will come."""
        # RFC 9112, section 6.3: without a length, a response lasts until the end.
        if not self._status or self._has_length:
            raise ConnectionLost("the peer ended the connection before its response")
        self.complete = True

    def on_message_begin(self) -> None:
        if self.complete:
            self.keep_alive = False  # Who says more than was asked is not to be trusted.
            return
        self._status = 0
        self._has_length = False
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    ...
