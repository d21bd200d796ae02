"""Connections to the proxy under test: bytes out, one HTTP response back.

Requests are written here byte by byte, so that what is recorded is what was sent; only
responses are read by ``http.client``. Every wait has a deadline that covers the whole
exchange, so that a proxy which sends one byte a second is late like any other.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Self, cast

from pytest_xks.certify.evidence.exchange import (
    ConnectionSettings,
    Headers,
    Received,
    Signing,
)

if TYPE_CHECKING:
    from pytest_xks.certify.targets.proxy_target import (
        Endpoint,
        MtlsTarget,
        ProxyTarget,
        RefusedCertificate,
    )

__all__ = [
    "ConnectionPool",
    "Connector",
    "HttpConnection",
    "HttpRequest",
    "HttpResponse",
    "NoResponseError",
]

_MAX_BODY_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 65_536
_CLOSED = "the connection was closed"


class NoResponseError(Exception):
    """Why there is no response, in words fit for a report."""

    def __init__(self, reason: str, *, connection_ended: bool = False) -> None:
        super().__init__(reason)
        self.connection_ended = connection_ended
        """Whether the proxy ended the connection without a byte of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request, as it will be written."""

    method: str
    path: str
    headers: Headers
    body: bytes = field(default=b"", repr=False)
    signing: Signing | None = None
    """How it was signed, as long as nothing was changed afterwards."""

    def header(self, name: str) -> str:
        """The value of a header that the request has."""
        return next(v for n, v in self.headers if n.lower() == name.lower())

    def with_header(self, name: str, value: str | None) -> Headers:
        """The headers with one replaced, in its place, or left out."""
        return tuple(
            (n, v if n.lower() != name.lower() else str(value))
            for n, v in self.headers
            if n.lower() != name.lower() or value is not None
        )

    def encode(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        head = "\r\n".join([*lines, "", ""])
        return head.encode("utf-8") + self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An HTTP response, and what it means for the connection."""

    received: Received
    version: int
    """10 or 11, as ``http.client`` has it."""
    closes: bool
    """Whether the proxy announced that the connection ends."""


class Connector:
    """Where to connect, and how: one address with one TLS configuration.

    Args:
        endpoint: where the proxy listens.
        target: whom to trust.
        client: the client certificate to present, if any.
        alpn: the protocols to offer; none leaves the TLS extension out.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        target: ProxyTarget,
        *,
        client: MtlsTarget | RefusedCertificate | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
    ) -> None:
        self.endpoint = endpoint
        self.settings = ConnectionSettings(
            ca_bundle=target.ca_bundle,
            verify=target.verify,
            certificate=client.certificate if client else None,
            private_key=client.private_key if client else None,
            alpn=bool(alpn),
        )
        self._context = self._new_context(alpn) if endpoint.scheme == "https" else None

    def _new_context(self, alpn: tuple[str, ...]) -> ssl.SSLContext:
        settings = self.settings
        context = ssl.create_default_context(
            cafile=str(settings.ca_bundle) if settings.ca_bundle else None
        )
        if not settings.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.certificate and settings.private_key:
            context.load_cert_chain(settings.certificate, settings.private_key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def open(self, seconds: float, *, tls: bool = True) -> HttpConnection:
        """Connect.

        Args:
            seconds: how long TCP and TLS may take together.
            tls: False leaves TLS out, whatever the endpoint's scheme.

        Raises:
            NoResponseError: there is no connection to be had.
        """
        deadline = monotonic() + seconds
        address = (self.endpoint.host, self.endpoint.port)
        try:
            sock = socket.create_connection(address, timeout=seconds)
        except OSError as error:
            raise NoResponseError(f"no TCP connection ({_reason(error)})") from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not tls or self._context is None:
            return HttpConnection(sock)
        try:
            sock.settimeout(max(deadline - monotonic(), 0.001))
            return HttpConnection(
                self._context.wrap_socket(sock, server_hostname=self.endpoint.host)
            )
        except OSError as error:
            sock.close()
            raise NoResponseError(f"no TLS connection ({_reason(error)})") from None


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return (error.strerror or str(error) or type(error).__name__).lower()


class HttpConnection:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.uses = 0
        """How many responses it has carried."""

    def __enter__(self) -> Self:
        """The connection ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the connection; never fails."""
        self._socket.close()

    def send(self, data: bytes, seconds: float) -> None:
        """Write bytes.

        Raises:
            NoResponseError: the proxy ended the connection, or does not read.
        """
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(data)
        except TimeoutError:
            raise NoResponseError("the request was not read in time") from None
        except OSError:
            raise NoResponseError(_CLOSED, connection_ended=True) from None

    def receive(self, method: str, seconds: float) -> HttpResponse:
        """Read one response.

        Raises:
            NoResponseError: there was none, or something else, or not in time.
        """
        stream = _DeadlineStream(self._socket, monotonic() + seconds)
        reader = http.client.HTTPResponse(cast("socket.socket", stream), method=method)
        try:
            reader.begin()
            body = reader.read(_MAX_BODY_BYTES + 1)
        except TimeoutError:
            late = f"no complete answer in {seconds * 1000:.0f} ms"
            raise NoResponseError(late) from None
        except http.client.RemoteDisconnected:
            raise NoResponseError(_CLOSED, connection_ended=True) from None
        except http.client.IncompleteRead:
            raise NoResponseError("the body of the answer broke off") from None
        except (http.client.HTTPException, ValueError):
            raise NoResponseError("an answer that is not HTTP") from None
        except OSError as error:
            lost = f"the connection was lost ({_reason(error)})"
            raise NoResponseError(lost, connection_ended=True) from None
        finally:
            stream.detach_reader(reader)
        return self._response(reader, body)

    def _response(self, reader: http.client.HTTPResponse, body: bytes) -> HttpResponse:
        if len(body) > _MAX_BODY_BYTES:
            raise NoResponseError("an answer of more than 4 MiB")
        if reader.length:
            raise NoResponseError("the body of the answer broke off")
        self.uses += 1
        received = Received(
            status=reader.status,
            reason=reader.reason,
            headers=tuple(reader.getheaders()),
            body=body,
        )
        return HttpResponse(
            received=received, version=reader.version, closes=reader.will_close
        )


class _DeadlineStream:
    """What ``http.client`` takes for a socket: reads that share one deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._raw = _DeadlineReader(sock, deadline)

    def makefile(self, mode: str) -> io.BufferedReader:
        """The stream of a response."""
        del mode
        return io.BufferedReader(self._raw, _CHUNK_BYTES)

    @staticmethod
    def detach_reader(reader: http.client.HTTPResponse) -> None:
        """Close the buffer of a response; the socket stays open."""
        reader.close()


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        return self._socket.recv_into(cast("memoryview", buffer))


class ConnectionPool:
    """Idle connections to one address, kept between requests; thread-safe."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._idle: list[HttpConnection] = []
        self._lock = threading.Lock()

    def take(self, seconds: float) -> HttpConnection:
        """An idle connection, or a new one.

        Raises:
            NoResponseError: there is no connection to be had.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self.connector.open(seconds)

    def give_back(self, connection: HttpConnection) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all that are idle."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
