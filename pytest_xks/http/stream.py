"""The wire to one client: a socket, TLS on it if there is any, and each way to end it.

Everything that the client sees of TCP and TLS is decided in this file. TLS runs in
memory and never owns the socket: that halves the system calls of a request, and leaves
the socket to whoever has to interrupt, reset or half-close it.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from contextlib import suppress
from threading import Event
from typing import cast

from pytest_xks.clock import steady_s

__all__ = ["PlainHttpError", "Wire", "seconds_until"]

# More than TLS's largest record.
_CHUNK_BYTES = 32 * 1024
# How long to wait for the client's end after ours, and how much to read until then.
_LINGER_S = 2.0
_LINGER_BYTES = 16 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class PlainHttpError(Exception):
    """The client speaks plain HTTP where TLS is expected."""


def seconds_until(deadline: float) -> float:
    """What is left until a moment of the monotonic clock.

    Raises:
        TimeoutError: nothing is.
    """
    remaining = deadline - steady_s()
    if remaining <= 0:
        raise TimeoutError("The deadline has passed.")
    return remaining


class _Tls:
    """A TLS session in memory, and the bytes on their way to it and from it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)


class Wire:
    """A connection as bytes. All but ``abort`` is for one thread.

    Args:
        accepted: the socket; ``close`` closes it.
    """

    def __init__(self, accepted: socket.socket) -> None:
        self._socket = accepted
        self._timeout_s = accepted.gettimeout()
        self._tls: _Tls | None = None
        self._aborted = Event()
        with suppress(OSError):  # The client may have left already.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def abort(self) -> None:
        """End the connection at once, and whatever its thread waits for."""
        self._aborted.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    # -- the beginning ------------------------------------------------------------

    def shake_hands(self, context: ssl.SSLContext, *, deadline: float) -> None:
        """Begin TLS.

        Raises:
            PlainHttpError: the client's first words are HTTP; the wire is plain yet.
            ssl.SSLError: there is no agreement, and the client has been told.
            TimeoutError: the client takes too long.
            OSError: the connection is lost.
        """
        tls = _Tls(context)
        while not self._handshake_is_done(tls):
            self.wait_at_most(seconds_until(deadline))
            data = self._socket.recv(_CHUNK_BYTES)
            if not data:
                raise ConnectionAbortedError("The client left during the handshake.")
            tls.incoming.write(data)
        self._tls = tls

    def _handshake_is_done(self, tls: _Tls) -> bool:
        try:
            tls.session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                tls.outgoing.read()  # The alert is for those who know TLS.
                raise PlainHttpError from error
            raise
        finally:
            self._flush(tls)
        return True

    def _flush(self, tls: _Tls) -> None:
        if tls.outgoing.pending:
            self._socket.sendall(tls.outgoing.read())

    @property
    def client_common_name(self) -> str | None:
        """The subject common name of the client's certificate.

        None without a certificate, and with one that has no common name or several.
        """
        certificate = self._tls.session.getpeercert() if self._tls else None
        subject = cast("_Name", (certificate or {}).get("subject", ()))
        names = [
            value for part in subject for name, value in part if name == "commonName"
        ]
        return names[0] if len(names) == 1 else None

    @property
    def application_protocol(self) -> str | None:
        """What the handshake agreed on (ALPN); None if the client offered nothing."""
        return self._tls.session.selected_alpn_protocol() if self._tls else None

    def peek(self) -> bytes:
        """The first byte of the client, which stays there to be read.

        Raises:
            OSError: nothing came in time, or the connection is lost.
        """
        return self._socket.recv(1, socket.MSG_PEEK)

    # -- the middle ---------------------------------------------------------------

    def wait_at_most(self, seconds: float | None) -> None:
        """Set how long to wait for the client from now on; None means for ever."""
        if seconds != self._timeout_s:
            self._timeout_s = seconds
            self._socket.settimeout(seconds)

    def wait(self, seconds: float) -> bool:
        """Do nothing for a while; whether ``abort`` cut it short."""
        return self._aborted.wait(seconds)

    def receive(self) -> bytes:
        """The next bytes; none once the client has ended its side.

        Raises:
            OSError: nothing came in time, or the connection is lost.
        """
        if self._tls is None:
            return self._socket.recv(_CHUNK_BYTES)
        while True:
            if self._tls.incoming.pending:
                with suppress(ssl.SSLWantReadError):
                    return self._read(self._tls)
            data = self._socket.recv(_CHUNK_BYTES)
            if not data:
                return b""
            self._tls.incoming.write(data)

    def _read(self, tls: _Tls) -> bytes:
        try:
            return tls.session.read(_CHUNK_BYTES)
        finally:
            self._flush(tls)  # An alert, or the answer to a key update.

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the client does not read, or the connection is lost.
        """
        if self._tls is None:
            self._socket.sendall(data)
            return
        while data:
            data = data[self._tls.session.write(data) :]
        self._flush(self._tls)

    # -- the end ------------------------------------------------------------------

    def end(self) -> None:
        """End in an orderly way: our side first, then wait for the client's.

        Without the wait, what the client still sends would meet a closed socket, and
        draw a reset that may overtake our last words.
        """
        self.notify_close()
        self._socket.shutdown(socket.SHUT_WR)
        deadline, left = steady_s() + _LINGER_S, _LINGER_BYTES
        with suppress(TimeoutError):
            while left > 0:
                self.wait_at_most(seconds_until(deadline))
                data = self._socket.recv(_CHUNK_BYTES)
                if not data:
                    return
                left -= len(data)

    def notify_close(self) -> None:
        """Tell the client that nothing more will come, if TLS is there to say so."""
        if self._tls is not None:
            # It would rather read the client's close_notify too, and says so.
            with suppress(ssl.SSLError):
                self._tls.session.unwrap()
            self._flush(self._tls)

    def reset(self) -> None:
        """Have ``close`` reset the connection (TCP RST)."""
        option = socket.SO_LINGER
        self._socket.setsockopt(socket.SOL_SOCKET, option, _RESET_ON_CLOSE)

    def outwait(self) -> None:
        """Say nothing until the client gives up."""
        self.wait_at_most(None)
        while self._socket.recv(_CHUNK_BYTES):
            pass


_Name = tuple[tuple[tuple[str, str], ...], ...]
"""A distinguished name as ``ssl`` has it."""
