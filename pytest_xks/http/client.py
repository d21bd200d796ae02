"""The way from KMS to an XKS proxy: one request out, one response back, in time.

A transport raises what went wrong as one of five errors, whose messages are fit for
users and hold no secret. ``HttpsTransport`` is the real one; the in-process one lives
with the mock proxy, and does the same without sockets.

Rule of this file: every wait has the caller's deadline.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from pytest_xks.proxy_api.http import Request

__all__ = [
    "ConnectFailure",
    "ConnectionLost",
    "HttpsTransport",
    "MalformedResponse",
    "PeerCertificate",
    "TlsFailure",
    "Transport",
    "TransportError",
    "TransportTimeout",
]

_CHUNK_BYTES = 16 * 1024
_RESPONSE_MAX_BYTES = 1 << 20


class TransportError(Exception):
    """No response; the message says why, and is fit for users."""


class ConnectFailure(TransportError):  # noqa: N818 - it says what is the case
    """There is no TCP connection: it is refused, or the name has no address."""


class TlsFailure(TransportError):  # noqa: N818 - it says what is the case
    """There is no TLS session: the handshake failed, or a certificate was refused."""


class TransportTimeout(TransportError):  # noqa: N818 - it says what is the case
    """No complete response came within the deadline."""


class ConnectionLost(TransportError):  # noqa: N818 - it says what is the case
    """The peer ended the connection before the response was complete."""


class MalformedResponse(TransportError):  # noqa: N818 - it says what is the case
    """What came is not HTTP, or larger than any response of an XKS proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCertificate:
    """What operators want to know of a proxy's certificate."""

    common_name: str
    """The subject's; of one that has none, the host that it was shown for."""
    not_after: datetime
    """When it expires."""


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

    Safe to use from many threads at once; each has a connection to itself for the time
    of an exchange.

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
        self.peer_certificate: PeerCertificate | None = None
        """The server's, as of the newest connection; None before, and without TLS."""

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the connections that are idle; a later request opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def send(self, request: Request, *, timeout_ms: float) -> Response:
        """Exchange one request for its response; see ``Transport``.

        The deadline covers connection, handshake, request and response. It does not
        cover how the system resolves a host name; an address needs no resolving.

        Raises:
            TransportError: there is no response.
        """
        deadline = _Deadline(timeout_ms)
        try:
            connection = self._idle_connection() or self._connect(deadline)
            return self._exchange(connection, request, deadline)
        except TimeoutError:
            raise TransportTimeout(
                f"no complete response within {timeout_ms:g} ms: {deadline.stage} was "
                f"not there after {deadline.elapsed_ms():.0f} ms"
            ) from None

    def _exchange(
        self, connection: _Connection, request: Request, deadline: _Deadline
    ) -> Response:
        try:
            response = connection.exchange(request, deadline)
        finally:
            # False until an exchange has left the connection fit for the next.
            if connection.reusable:
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
        secured = _secure(plain, self._context, self._server_name, deadline)
        self.peer_certificate = _certificate_of(secured, self._server_name)
        return _Connection(secured)


class _Deadline:
    """The moment by which an exchange has to be over."""

    def __init__(self, timeout_ms: float) -> None:
        self._begin = time.monotonic()
        self._end = self._begin + timeout_ms / 1000
        self.stage = "the connection"
        """What is being waited for."""

    def elapsed_ms(self) -> float:
        """The milliseconds that have passed."""
        return (time.monotonic() - self._begin) * 1000

    def remaining_s(self) -> float:
        """The seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def _open(host: str, port: int, deadline: _Deadline) -> socket.socket:
    """A TCP connection to the first address of the host that takes one."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectFailure(f"{host} cannot be resolved: {error}") from error
    failure: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        with ExitStack() as stack:
            opened = stack.enter_context(socket.socket(family, kind, protocol))
            opened.settimeout(deadline.remaining_s())
            try:
                opened.connect(address)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except TimeoutError:
                raise
            except OSError as error:
                failure = error
                continue
            stack.pop_all()
            return opened
    raise ConnectFailure(f"no connection to {host}:{port}: {failure}") from failure


def _secure(
    plain: socket.socket, context: ssl.SSLContext, name: str, deadline: _Deadline
) -> ssl.SSLSocket:
    """TLS on a connection, with a server that has proven its name."""
    deadline.stage = "the TLS session"
    with ExitStack() as stack:
        stack.enter_context(plain)
        try:
            name.encode("idna")  # So does ssl, but then it forgets to close the socket.
            tls = context.wrap_socket(
                plain,
                server_hostname=name,
                do_handshake_on_connect=False,
                # An end without close_notify is a loss, not the end of a response.
                suppress_ragged_eofs=False,
            )
            stack.enter_context(tls)
            tls.settimeout(deadline.remaining_s())
            tls.do_handshake()
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise TlsFailure(f"no TLS session with {name}: {error}") from error
        stack.pop_all()
        return tls


def _certificate_of(tls: ssl.SSLSocket, name: str) -> PeerCertificate | None:
    shown: Any = tls.getpeercert()
    if not shown:
        return None  # A context that verifies nothing does not read it either.
    seconds = ssl.cert_time_to_seconds(shown["notAfter"])
    subject = dict(part for parts in shown.get("subject", ()) for part in parts)
    return PeerCertificate(
        common_name=subject.get("commonName", name),
        not_after=datetime.fromtimestamp(seconds, UTC),
    )


class _Connection:
    """A connection that exchanges one request after another."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self.reusable = False

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

    def exchange(self, request: Request, deadline: _Deadline) -> Response:
        """Send a request and return its response; then ``reusable`` is up to date.

        Raises:
            TransportError: there is no response.
            TimeoutError: likewise, within the deadline.
        """
        self.reusable = False
        deadline.stage = "the response"
        reader = _ResponseReader(request.method)
        try:
            self._send(_render(request), deadline)
            while not reader.complete:
                self._socket.settimeout(deadline.remaining_s())
                reader.feed(self._socket.recv(_CHUNK_BYTES))
        except (ConnectionError, ssl.SSLEOFError) as error:
            raise ConnectionLost(f"the connection is lost: {error}") from error
        except ssl.SSLError as error:
            # TLS 1.3 tells a client so late that its certificate is refused.
            raise TlsFailure(f"the TLS session failed: {error}") from error
        self.reusable = reader.keep_alive
        return reader.response

    def _send(self, data: bytes, deadline: _Deadline) -> None:
        # Not sendall: over TLS its timeout is one of each record, not of them all.
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(deadline.remaining_s())
            rest = rest[self._socket.send(rest[:_CHUNK_BYTES]) :]


def _render(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.header("Content-Length") is None:
        lines.append(f"Content-Length: {len(request.body)}")
    lines += ["", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body


class _ResponseReader:
    """Makes a response of the bytes that come; httptools calls the ``on_`` methods."""

    def __init__(self, method: str) -> None:
        self.complete = False
        self.keep_alive = False
        self._without_body = method == "HEAD"
        self._received = 0
        self._parser = HttpResponseParser(self)
        self._forget()

    def _forget(self) -> None:
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    @property
    def response(self) -> Response:
        return Response(
            status=self._status, headers=tuple(self._headers), body=b"".join(self._body)
        )

    def feed(self, data: bytes) -> None:
        """Take the next bytes; none mean that no more will come."""
        if not data:
            self._end()
            return
        self._received += len(data)
        if self._received > _RESPONSE_MAX_BYTES:
            raise MalformedResponse("the response is too large")
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise MalformedResponse(f"the response is not HTTP: {error}") from error

    def _end(self) -> None:
        names = {name.lower() for name, _ in self._headers}
        # RFC 9112, section 6.3: without a length, a response lasts until the end.
        if self._status < 200 or names & {"content-length", "transfer-encoding"}:
            raise ConnectionLost("the peer closed the connection before its response")
        self.complete = True
        self.keep_alive = False

    def on_message_begin(self) -> None:
        if self.complete:
            # Who says more than was asked is not asked again.
            self.keep_alive = False
        else:
            self._forget()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status:
            return  # A trailer, or a header of what nobody asked for.
        text = value.decode("latin-1").strip(" \t")
        self._headers.append((name.decode("latin-1"), text))

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        self._status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        self.complete = self._without_body and self._status >= 200

    def on_body(self, part: bytes) -> None:
        if not self.complete:
            self._body.append(part)

    def on_message_complete(self) -> None:
        # RFC 9110, section 15.2: any number of interim responses may come first.
        if self._status >= 200:
            self.complete = True
