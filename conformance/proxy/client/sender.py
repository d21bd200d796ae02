"""Sends requests to the proxy under test, and records each with what became of it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Exchange
from pytest_xks.certify.run.outcome import NotTestable

from .answer import Circumstances, ProxyAnswer
from .connection import NoResponseError
from .proxy_session import SECONDS

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.recorder import Recorder

    from .connection import Connector, HttpConnection, HttpRequest, HttpResponse
    from .proxy_session import ProxySession

__all__ = ["ALONE", "Sender"]

ALONE = Circumstances()
"""Nothing else went on."""


class Sender:
    """Sends what a check has built; every exchange has a deadline.

    Args:
        session: the connections of the run, and what it has learnt of the proxy.
        recorder: keeps every exchange of the check.
    """

    def __init__(self, session: ProxySession, recorder: Recorder) -> None:
        self.session = session
        self.target = session.target
        self.recorder = recorder

    def send(  # noqa: PLR0913 - each is one circumstance that a check may vary
        self,
        request: HttpRequest,
        *,
        label: str = "probe",
        connection: HttpConnection | None = None,
        raw: bytes | None = None,
        connector: Connector | None = None,
        seconds: float | None = None,
        circumstances: Circumstances = ALONE,
    ) -> ProxyAnswer:
        """Send a request and read what comes back; never raises.

        Args:
            request: the request.
            label: what it is for, in a phrase.
            connection: the connection to use; one of the pool, if None.
            raw: send these bytes in its place.
            connector: how ``connection`` was made; as usual, if None.
            seconds: how long to wait on ``connection``; as long as usual, if None.
            circumstances: what else went on, for the line that repeats it.
        """
        if connection is not None:
            circumstances = replace(circumstances, connection_number=id(connection))
        data = request.encode() if raw is None else raw
        seconds = min(seconds or SECONDS, self.session.seconds)
        started = monotonic()
        response, failure = None, ""
        try:
            if connection is None:
                response = self._send_pooled(data, request.method)
            else:
                connection.send(data, seconds)
                response = connection.receive(request.method, seconds)
        except NoResponseError as reason:
            failure = str(reason)
        return self._record(
            request,
            response,
            failure,
            monotonic() - started,
            label=label,
            raw=raw,
            connector=connector,
            circumstances=circumstances,
        )

    def _record(  # noqa: PLR0913 - what there is to say of an exchange
        self,
        request: HttpRequest,
        response: HttpResponse | None,
        failure: str,
        seconds: float,
        *,
        label: str,
        circumstances: Circumstances,
        raw: bytes | None = None,
        connector: Connector | None = None,
    ) -> ProxyAnswer:
        """Write an exchange down, and make an answer of it."""
        connector = connector or self.session.connector
        self.session.note(failure)
        exchange = self.recorder.add(
            Exchange(
                label=label,
                method=request.method,
                url=f"{connector.endpoint.url}{request.path}",
                headers=request.headers,
                body=request.body,
                raw=raw,
                signing=request.signing,
                connection=connector.settings,
                received=response.received if response else None,
                error=failure,
                milliseconds=seconds * 1000,
                connection_number=circumstances.connection_number,
                repeat=circumstances.repeat,
                background=circumstances.background,
                after=circumstances.after,
            )
        )
        if response is None:
            return ProxyAnswer(exchange=exchange)
        return ProxyAnswer(
            exchange=exchange, version=response.version, closes=response.closes
        )

    def send_anew(
        self,
        request: HttpRequest,
        *,
        label: str,
        seconds: float | None = None,
        connector: Connector | None = None,
        circumstances: Circumstances = ALONE,
    ) -> ProxyAnswer:
        """Send a request on a new connection, which counts as part of the exchange."""
        connector = connector or self.session.connector
        seconds = min(seconds or SECONDS, self.session.seconds)
        started = monotonic()
        response, failure = None, ""
        try:
            with connector.open(seconds) as connection:
                connection.send(request.encode(), seconds)
                response = connection.receive(request.method, seconds)
        except NoResponseError as reason:
            failure = str(reason)
        duration = monotonic() - started
        return self._record(
            request,
            response,
            failure,
            duration,
            label=label,
            connector=connector,
            circumstances=circumstances,
        )

    def _send_pooled(self, data: bytes, method: str) -> HttpResponse:
        pool, seconds = self.session.pool, self.session.seconds
        connection = pool.take(seconds)
        reused = connection.uses > 0
        try:
            return self._send_on(connection, data, method)
        except NoResponseError as reason:
            if not (reused and reason.connection_ended):
                raise
        # An idle connection may end at any time; that is no answer.
        return self._send_on(pool.connector.open(seconds), data, method)

    def _send_on(
        self, connection: HttpConnection, data: bytes, method: str
    ) -> HttpResponse:
        """Send on a connection of the pool, and give it back if it can go on."""
        seconds = self.session.seconds
        try:
            connection.send(data, seconds)
            response = connection.receive(method, seconds)
        except NoResponseError:
            connection.close()
            raise
        if response.closes:
            connection.close()
        else:
            self.session.pool.give_back(connection)
        return response

    def connect(
        self, connector: Connector | None = None, *, tls: bool = True
    ) -> HttpConnection:
        """A connection of the check's own.

        Raises:
            NotTestable: there is none to be had.
        """
        try:
            return (connector or self.session.connector).open(
                self.session.seconds, tls=tls
            )
        except NoResponseError as reason:
            raise NotTestable(f"No connection: {reason}.") from None
