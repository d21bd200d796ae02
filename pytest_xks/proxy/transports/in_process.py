"""The in-process transport: the proxy without sockets, and with the same outcomes.

A delay passes on a simulated clock, so that a time-out of 250 ms takes no time. What
TLS and TCP would do to a faulty proxy is raised as the real transport would raise it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pytest_xks.http.client import (
    ConnectFailure,
    ConnectionLost,
    MalformedResponse,
    TlsFailure,
    TransportTimeout,
)
from pytest_xks.http.delivery import Ending
from pytest_xks.http.tricks import PREVENTS_CONNECTION, PREVENTS_TLS, Trick

if TYPE_CHECKING:
    from pytest_xks.clock import SimulatedClock
    from pytest_xks.http.client import PeerCertificate, TransportError
    from pytest_xks.proxy.core import ProxyCore
    from pytest_xks.proxy_api.http import Request, Response

__all__ = ["InProcessTransport"]

_FAILURES: dict[Ending, type[TransportError]] = {
    Ending.CLOSE: ConnectionLost,
    Ending.RESET: ConnectionLost,
    Ending.TRUNCATE: ConnectionLost,
    Ending.GARBAGE: MalformedResponse,
    Ending.SILENCE: TransportTimeout,
}


class InProcessTransport:
    """Hands requests to a proxy core in the same process.

    Args:
        core: the proxy.
        clock: the clock on which delays pass; the core's own, for a consistent picture.
    """

    def __init__(self, core: ProxyCore, clock: SimulatedClock) -> None:
        self._core = core
        self._clock = clock
        self.peer_certificate: PeerCertificate | None = None
        """What takes the place of the certificate that TLS would show, if anything."""

    def send(self, request: Request, *, timeout_ms: float) -> Response:
        """Exchange one request for its response.

        Args:
            request: complete and signed.
            timeout_ms: the deadline in milliseconds of the simulated clock.

        Raises:
            TransportError: as the HTTPS transport would raise it.
        """
        self._connect()
        delivery = self._core.handle(request)
        late = delivery.delay_ms >= timeout_ms or delivery.ending is Ending.SILENCE
        self._clock.elapse(milliseconds=timeout_ms if late else delivery.delay_ms)
        if late:
            raise TransportTimeout(f"no complete answer within {timeout_ms:g} ms")
        failure = _FAILURES.get(delivery.ending)
        if failure is not None:
            raise failure(f"the answer ended in: {delivery.ending}")
        return delivery.response

    def _connect(self) -> None:
        for armed in self._core.faults.listening():
            for trick in PREVENTS_CONNECTION.intersection(armed.tricks):
                if self._core.faults.count_connection(armed):
                    _refuse(trick)


def _refuse(trick: Trick) -> NoReturn:
    if trick in PREVENTS_TLS:
        raise TlsFailure(f"the TLS handshake fails: {trick}")
    raise ConnectFailure("the connection is refused")
