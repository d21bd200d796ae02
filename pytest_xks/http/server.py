"""The HTTPS server: a port, and a thread for every connection to it.

Threads and sockets are owned here: who starts one, ends it. A thread per connection has
the lowest latency of what was measured, sees the client's certificate, may wait without
holding up its neighbours, and needs no event loop to be imported.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from dataclasses import replace
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Self

from pytest_xks.clock import steady_s
from pytest_xks.http.connection import Connection, ConnectionOptions, Handler, Peer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["Handler", "HttpsServer", "Peer"]

_log = logging.getLogger("pytest_xks.server")

_BACKLOG = 128
# How long to wait before the next try when the system is out of descriptors or threads.
_RECOVERY_S = 0.02
# How long stop() waits for handlers that are still at work.
_JOIN_S = 2.0


class HttpsServer:
    """Serves a handler over HTTPS, or over plain HTTP.

    Args:
        handler: answers every request that is well-formed HTTP, whatever its method.
        context: TLS; None means plain HTTP.
        host: the name or address to listen at.
        port: 0 means a free one.
        allowed_client_common_name: a client whose certificate has another subject is
            cut off after the handshake. The context has to ask for certificates.
        max_body_bytes: a request with more is answered with 413.
        idle_timeout_s: how long a connection may go without a request.
        request_timeout_s: how long a handshake may take, and then each request.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        handler: Handler,
        *,
        context: ssl.SSLContext | None,
        host: str = "127.0.0.1",
        port: int = 0,
        allowed_client_common_name: str | None = None,
        max_body_bytes: int = 1 << 20,
        idle_timeout_s: float = 60.0,
        request_timeout_s: float = 10.0,
    ) -> None:
        self.host = host
        self._port = port
        self._options = ConnectionOptions(
            handler=handler,
            context=context,
            allowed_client_common_name=allowed_client_common_name,
            max_body_bytes=max_body_bytes,
            idle_timeout_s=idle_timeout_s,
            request_timeout_s=request_timeout_s,
        )
        self._switching = Lock()
        """Held by who opens or closes the port."""
        self._listener: _Listener | None = None
        self._reserved: socket.socket | None = None
        """The port while connections are refused."""
        self.connection_factory: Callable[
            [socket.socket, str, ConnectionOptions], Connection
        ] = Connection
        """Makes the connections to come."""
        self._lock = Lock()
        """Held by who touches the connections."""
        self._connections: dict[Connection, Thread] = {}
        self.accepted = 0
        """How many connections came so far, whatever became of them."""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def port(self) -> int:
        """The port; before the first start, the one asked for."""
        return self._port

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL begins."""
        scheme = "http" if self._options.context is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self._port}"

    @property
    def context(self) -> ssl.SSLContext | None:
        """TLS; another one ends the connections that were made under the old."""
        return self._options.context

    @context.setter
    def context(self, context: ssl.SSLContext | None) -> None:
        if context is not self._options.context:
            self._options = replace(self._options, context=context)
            self.drop_connections()

    def start(self) -> None:
        """Listen; does nothing if the server has started already.

        Raises:
            OSError: the address is not this machine's, or the port is taken.
        """
        with self._switching:
            if self._listener is None and self._reserved is None:
                self._listen(_bind(self.host, self._port))

    def stop(self) -> None:
        """Close the port and end every connection; may be called twice."""
        with self._switching:
            self._close_listener()
            reserved, self._reserved = self._reserved, None
            if reserved is not None:
                reserved.close()
        self.drop_connections()

    def refuse_connections(self) -> None:
        """Have the system refuse connections, and end those that are open.

        A client sees ECONNREFUSED. The port stays ours: bound, but not listened at.

        Raises:
            OSError: somebody else took the port at this very moment.
        """
        with self._switching:
            if self._close_listener():
                self._reserved = _bind(self.host, self._port)
        self.drop_connections()

    def accept_connections(self) -> None:
        """Listen again after ``refuse_connections``; does nothing otherwise."""
        with self._switching:
            reserved, self._reserved = self._reserved, None
            if reserved is not None:
                self._listen(reserved)

    def drop_connections(self) -> None:
        """End every connection that is open, in whatever state; new ones are welcome.

        A delay ends at once. A handler at work is waited for, within reason.
        """
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            connection.abort()
        deadline = steady_s() + _JOIN_S
        for thread in connections.values():
            if thread is not current_thread():
                thread.join(max(0.0, deadline - steady_s()))

    def _listen(self, bound: socket.socket) -> None:
        self._port = bound.getsockname()[1]
        self._listener = _Listener(bound, self._welcome)

    def _close_listener(self) -> bool:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        return listener is not None

    def _welcome(self, accepted: socket.socket, address: str) -> None:
        connection = self.connection_factory(accepted, address, self._options)
        thread = Thread(
            target=self._serve, args=(connection,), name="xks-proxy-client", daemon=True
        )
        with self._lock:
            self.accepted += 1
            try:
                thread.start()
            except RuntimeError:
                _log.warning("No thread is left for a connection; it is closed.")
                accepted.close()
            else:
                self._connections[connection] = thread

    def _serve(self, connection: Connection) -> None:
        connection.run()
        with self._lock:
            self._connections.pop(connection, None)


class _Listener:
    """A port that is listened at, and the thread that accepts there."""

    def __init__(
        self, bound: socket.socket, welcome: Callable[[socket.socket, str], None]
    ) -> None:
        self._socket = bound
        self._welcome = welcome
        # What select wakes up for at the end; to close a socket under it does not do.
        self._bell, self._button = socket.socketpair()
        bound.settimeout(0)
        bound.listen(_BACKLOG)
        self._thread = Thread(target=self._run, name="xks-proxy-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._button.send(b"!")
        self._thread.join()
        for each in (self._socket, self._bell, self._button):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._bell in ready:
                    return
                self._accept()

    def _accept(self) -> None:
        try:
            accepted, address = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return  # The client has left again.
        except OSError as error:
            _log.warning("A connection cannot be accepted: %s", error)
            time.sleep(_RECOVERY_S)
            return
        self._welcome(accepted, address[0])


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # Elsewhere the option lets two servers have one port.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound
