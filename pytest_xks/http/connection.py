"""One client's connection: what it asks, what it gets, and how that ends.

A connection has a thread to itself, so whatever a client does or fails to do holds up
nobody else. The bytes are the business of ``wire``, their meaning that of ``http1``.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pytest_xks.http import http1
from pytest_xks.http.defects import log_defect
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.stream import PlainHttpError, Wire, seconds_until
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    import socket

    from pytest_xks.proxy_api.http import Response

__all__ = ["Connection", "ConnectionOptions", "Handler", "Peer"]

# Beside the proxy's own log, which is JSON about requests and nothing else.
_log = logging.getLogger("pytest_xks.server")

_GARBAGE = b"\x00\xff\x00\xffThis is not HTTP.\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end of a connection."""

    address: str
    """The IP address."""
    common_name: str | None = None
    """The subject common name of the client's certificate, if it presented one."""


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
        self._wire = Wire(accepted)
        self._options = options
        self._peer = Peer(address=address)
        self._parser = http1.RequestParser(max_body_bytes=options.max_body_bytes)
        self._deadline: float | None = None

    def abort(self) -> None:
        """End the connection at once; may be called from any thread."""
        self._wire.abort()

    def run(self) -> None:
        """Serve the client until either side has had enough. Never raises."""
        try:
            if self._handshake():
                self._serve()
        except OSError as error:
            # The client broke off, stayed silent or does not keep to TLS: its right.
            _log.debug("A connection ended early: %s", error)
        except Exception as error:  # noqa: BLE001 - a thread ends without a traceback
            log_defect(error)
        finally:
            self._wire.close()

    # -- the beginning ------------------------------------------------------------

    def _handshake(self) -> bool:
        """Do the TLS handshake; whether the client may speak."""
        options = self._options
        if options.context is None:
            return True
        deadline = time.monotonic() + options.request_timeout_s
        try:
            self._wire.shake_hands(options.context, deadline=deadline)
        except PlainHttpError:
            self._refuse(http1.PLAIN_HTTP)
            return False
        except ssl.SSLError:
            self._wire.end()  # The client has been sent an alert; let it arrive.
            raise
        name = self._wire.client_common_name
        self._peer = Peer(address=self._peer.address, common_name=name)
        # "Authentication": the proxy "MUST terminate the TLS handshake if the client
        # presents a certificate containing a different subject name". Python's ssl asks
        # nobody during the handshake, so ours ends right after it, without a byte of
        # HTTP. A client hardly sees the difference: in TLS 1.3 its half is always over
        # before the server has seen the certificate.
        if options.allowed_client_common_name in {None, name}:
            return True
        self._wire.end()
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
                self._wire.send(http1.CONTINUE)

    def _receive(self) -> bytes:
        """The next bytes; none once the client is done, or has taken too long."""
        try:
            self._wire.wait_at_most(self._time_left_s())
            data = self._wire.receive()
        except TimeoutError:
            if self._parser.idle:
                self._wire.end()
            else:
                self._refuse(http1.NOT_IN_TIME)
            return b""
        if not data:
            self._wire.notify_close()
        return data

    def _time_left_s(self) -> float:
        if self._parser.idle:
            self._deadline = None
            return self._options.idle_timeout_s
        if self._deadline is None:
            self._deadline = time.monotonic() + self._options.request_timeout_s
        return seconds_until(self._deadline)

    def _answer(self, message: http1.Message) -> bool:
        """Answer a request; whether the connection goes on."""
        delivery = self._ask_handler(message.request)
        if delivery.delay_ms > 0 and self._wire.wait(delivery.delay_ms / 1000):
            return False
        keep_alive = message.keep_alive and delivery.ending is Ending.ANSWER
        data = self._render(message, delivery.response, keep_alive=keep_alive)
        if keep_alive:
            self._wire.send(data)
        else:
            self._carry_out(delivery.ending, data)
        return keep_alive

    def _ask_handler(self, request: Request) -> Delivery:
        try:
            return self._options.handler(request, self._peer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a 500
            log_defect(error)
            return Delivery(response=http1.FAILED.response)

    def _render(
        self, message: http1.Message, response: Response, *, keep_alive: bool
    ) -> bytes:
        with_body = message.request.method != "HEAD"
        render = partial(http1.render, keep_alive=keep_alive, with_body=with_body)
        try:
            return render(response)
        except ValueError as error:
            log_defect(error)
            return render(http1.FAILED.response)

    # -- the end ------------------------------------------------------------------

    def _refuse(self, refusal: http1.Refusal) -> None:
        """Give the HTTP layer's own answer, and end."""
        self._wire.send(http1.render(refusal.response, keep_alive=False))
        self._wire.end()

    def _carry_out(self, ending: Ending, response: bytes) -> None:
        """Answer, or not, in a way that ends the connection."""
        if ending is Ending.RESET:
            self._wire.reset()
            return
        if ending is Ending.SILENCE:
            self._wire.outwait()
            return
        if ending is Ending.TRUNCATE:
            self._wire.send(_without_half_of_the_body(response))
        elif ending is not Ending.CLOSE:
            self._wire.send(_GARBAGE if ending is Ending.GARBAGE else response)
        self._wire.end()


def _without_half_of_the_body(response: bytes) -> bytes:
    body = response.partition(b"\r\n\r\n")[2]
    # At least a byte goes missing, be it of the head.
    return response[: -max(1, len(body) - len(body) // 2)]
