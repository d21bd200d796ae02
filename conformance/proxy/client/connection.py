"""Connections to the proxy under test: bytes out, one HTTP response back.

The one HTTP client of this part of the suite, the load test included. Every exchange
has one deadline, from the first packet to the last byte, and every answer a bound, so
that a proxy which sends one byte a second is late like any other. No variable of the
environment is obeyed: no proxy, and no authorities but those of the target file, or of
the system.
"""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from pytest_xks.certify.evidence.exchange import ConnectionSettings
from pytest_xks.certify.trust import client_context

from .http1 import (
    Deadline,
    Failure,
    HttpResponse,
    NoResponseError,
    read_response,
    reason_of,
)

if TYPE_CHECKING:
    from pytest_xks.certify.targets.proxy_target import (
        Endpoint,
        MtlsTarget,
        ProxyTarget,
        RefusedCertificate,
    )

__all__ = ["ConnectionPool", "Connector", "HttpConnection", "connect"]

_CHUNK_BYTES = 65_536


class Connector:
    """Where to connect, and how: one address with one TLS configuration.

    Args:
        endpoint: where the proxy listens.
        target: whom to trust.
        client: the client certificate to present, if any.
        alpn: the protocols to offer; none leaves the TLS extension out.
        checks_name: whether the certificate has to be for the host.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        target: ProxyTarget,
        *,
        client: MtlsTarget | RefusedCertificate | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
        checks_name: bool = True,
    ) -> None:
        self.endpoint = endpoint
        self.settings = ConnectionSettings(
            ca_bundle=target.ca_bundle,
            verify=target.verify,
            certificate=client.certificate if client else None,
            private_key=client.private_key if client else None,
            alpn=bool(alpn),
        )
        self._context: ssl.SSLContext | None = None
        if endpoint.scheme == "https":
            self._context = client_context(self.settings)
            self._context.check_hostname &= checks_name
            if alpn:
                self._context.set_alpn_protocols(list(alpn))

    def open(self, deadline: Deadline, *, tls: bool = True) -> HttpConnection:
        """Connect.

        Args:
            deadline: of TCP and TLS, and of what follows.
            tls: False leaves TLS out, whatever the endpoint's scheme.

        Raises:
            NoResponseError: there is no connection to be had.
        """
        return connect(
            self.endpoint.host,
            self.endpoint.port,
            self._context if tls else None,
            deadline,
        )


def connect(
    host: str, port: int, context: ssl.SSLContext | None, deadline: Deadline
) -> HttpConnection:
    """A connection, with TLS if there is a context.

    Raises:
        NoResponseError: there is none to be had.
    """
    try:
        plain = _connected(host, port, deadline)
    except (OSError, UnicodeError) as error:
        reason = f"no TCP connection ({reason_of(error)})"
        raise NoResponseError(reason, Failure.NO_CONNECTION) from None
    if context is None:
        return HttpConnection(plain)
    try:
        plain.settimeout(deadline.remaining())
        return HttpConnection(context.wrap_socket(plain, server_hostname=host))
    except (OSError, ValueError) as error:
        plain.close()
        reason = f"no TLS connection ({reason_of(error)})"
        raise NoResponseError(reason, Failure.NO_CONNECTION) from error


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address that takes one; all share the deadline."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(deadline.remaining())
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    raise failure


class HttpConnection:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.uses = 0
        """How many responses it has carried."""

    @property
    def tls_version(self) -> str:
        """The version of TLS, as OpenSSL calls it; empty without TLS."""
        tls = self._socket
        return (tls.version() or "") if isinstance(tls, ssl.SSLSocket) else ""

    @property
    def peer_certificate(self) -> bytes:
        """What the proxy presented, DER; empty without TLS."""
        tls = self._socket
        if not isinstance(tls, ssl.SSLSocket):
            return b""
        return tls.getpeercert(binary_form=True) or b""

    def __enter__(self) -> Self:
        """The connection ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def fileno(self) -> int:
        """The socket's descriptor, to wait for it."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the connection; never fails."""
        self._socket.close()

    def exchange(self, data: bytes, method: str, deadline: Deadline) -> HttpResponse:
        """Write a request and read the response.

        Raises:
            NoResponseError: there was none, or something else, or not in time.
        """
        unasked = self._take_unasked() if self.uses else b""
        try:
            self.send(data, deadline)
        except NoResponseError as reason:
            if reason.failure is not Failure.ENDED:
                raise
            # It may have answered before it stopped reading.
        response = self.receive(method, deadline)
        return replace(response, leftover=unasked + response.leftover)

    def _take_unasked(self) -> bytes:
        """What has come since the last answer, although nothing was asked."""
        try:
            self._socket.settimeout(0)
            return self._socket.recv(_CHUNK_BYTES)
        except OSError:
            # Nothing has come, or the connection has ended: sending will show it.
            return b""

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Write bytes.

        Raises:
            NoResponseError: the proxy ended the connection, or does not read.
        """
        rest = memoryview(data)
        try:
            while rest:
                self._socket.settimeout(deadline.remaining())
                rest = rest[self._socket.send(rest[:_CHUNK_BYTES]) :]
        except TimeoutError:
            late = "no complete answer: the request was not read in time"
            raise NoResponseError(late, Failure.LATE) from None
        except OSError:
            raise NoResponseError("the connection was closed", Failure.ENDED) from None

    def receive(self, method: str, deadline: Deadline) -> HttpResponse:
        """Read one response.

        Raises:
            NoResponseError: there was none, or something else, or not in time.
        """
        response = read_response(self._socket, method, deadline)
        self.uses += 1
        return response


class ConnectionPool:
    """Idle connections to one address, kept between requests; thread-safe."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self._idle: list[HttpConnection] = []
        self._lock = threading.Lock()

    def take(self, deadline: Deadline) -> HttpConnection:
        """An idle connection, or a new one.

        Raises:
            NoResponseError: there is no connection to be had.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self.connector.open(deadline)

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
