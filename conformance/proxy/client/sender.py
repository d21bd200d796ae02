"""Sends requests to the proxy under test, and records each with what became of it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from pytest_xks.certify.evidence.exchange import Exchange, Meaning
from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.run.side_by_side import side_by_side

from .answer import Circumstances, ProxyAnswer
from .http1 import Deadline, Failure, HttpRequest, NoResponseError
from .proxy_session import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_xks.certify.evidence.recorder import Recorder

    from .connection import Connector, HttpConnection
    from .http1 import HttpResponse
    from .proxy_session import ProxySession

__all__ = ["ALONE", "Sender"]

_CUT_OFF = {Failure.NO_CONNECTION, Failure.ENDED, Failure.BROKEN}
# Others that were under way when the proxy ended are innocent.
_TIMES_TO_BE_SURE = 2

ALONE = Circumstances()
"""Nothing else went on."""

T = TypeVar("T")


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

    def side_by_side(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make independent calls side by side; see ``certify.run.side_by_side``."""
        return side_by_side(calls, jobs=self.session.jobs, recorder=self.recorder)

    def send(  # noqa: PLR0913 - each is one circumstance that a check may vary
        self,
        request: HttpRequest | Callable[[], HttpRequest],
        *,
        label: str = "probe",
        meaning: Meaning | None = None,
        connection: HttpConnection | None = None,
        raw: bytes | None = None,
        connector: Connector | None = None,
        seconds: float | None = None,
        circumstances: Circumstances = ALONE,
        paced: bool = True,
    ) -> ProxyAnswer:
        """Send a request and read what comes back; never raises.

        Args:
            request: the request, or what makes it, where it should be signed anew if
                it has to be sent again.
            label: what it is for, in a phrase.
            meaning: what is meant by it.
            connection: the connection to use; one of the pool, if None.
            raw: send these bytes in its place.
            connector: how ``connection`` was made; as usual, if None.
            seconds: how long to wait on ``connection``; as long as usual, if None.
            circumstances: what else went on, for the line that repeats it.
            paced: whether to wait and send again what gets a 429.
        """
        if connection is not None:
            circumstances = replace(circumstances, connection_number=id(connection))

        def once() -> ProxyAnswer:
            made = request() if callable(request) else request
            data = made.encode() if raw is None else raw
            return self._exchange(
                made,
                lambda deadline: (
                    self._send_pooled(data, made.method, deadline)
                    if connection is None
                    else connection.exchange(data, made.method, deadline)
                ),
                seconds=seconds,
                draft=Exchange(
                    label=label,
                    meaning=meaning or Meaning(),
                    url=self._url(made, connector),
                    raw=raw,
                    connection=(connector or self.session.connector).settings,
                    connection_number=circumstances.connection_number,
                    repeat=circumstances.repeat,
                    background=circumstances.background,
                    after=circumstances.after,
                ),
            )

        return self._paced(once, connection=connection) if paced else once()

    def send_anew(  # noqa: PLR0913 - likewise
        self,
        request: HttpRequest | Callable[[], HttpRequest],
        *,
        label: str,
        meaning: Meaning | None = None,
        raw: Callable[[HttpRequest], bytes] | None = None,
        seconds: float | None = None,
        connector: Connector | None = None,
        circumstances: Circumstances = ALONE,
    ) -> ProxyAnswer:
        """Send a request on a new connection, which counts as part of the exchange.

        Args:
            request: the request, or what makes it, see ``send``.
            label: what it is for, in a phrase.
            meaning: what is meant by it.
            raw: makes the bytes to send in its place.
            seconds: how long to wait; as long as usual, if None.
            connector: where to connect; as usual, if None.
            circumstances: what else went on, for the line that repeats it.
        """
        connector = connector or self.session.connector

        def once() -> ProxyAnswer:
            made = request() if callable(request) else request
            data = raw(made) if raw else made.encode()

            def over(deadline: Deadline) -> HttpResponse:
                with connector.open(deadline) as connection:
                    return connection.exchange(data, made.method, deadline)

            return self._exchange(
                made,
                over,
                seconds=seconds,
                draft=Exchange(
                    label=label,
                    meaning=meaning or Meaning(),
                    url=self._url(made, connector),
                    raw=data if raw else None,
                    connection=connector.settings,
                    repeat=circumstances.repeat,
                    background=circumstances.background,
                    after=circumstances.after,
                ),
            )

        return self._paced(once)

    def receive(  # noqa: PLR0913 - likewise
        self,
        request: HttpRequest,
        connection: HttpConnection,
        *,
        label: str,
        meaning: Meaning,
        started: float,
        circumstances: Circumstances = ALONE,
    ) -> ProxyAnswer:
        """Read the answer to a request that was sent already; never raises.

        Args:
            request: the request.
            connection: where it was sent.
            label: what it is for, in a phrase.
            meaning: what is meant by it.
            started: when it was sent, by the monotonic clock.
            circumstances: what else went on, for the line that repeats it.
        """
        return self._exchange(
            request,
            lambda deadline: connection.receive(request.method, deadline),
            seconds=None,
            started=started,
            draft=Exchange(
                label=label,
                meaning=meaning,
                url=self._url(request, None),
                connection=self.session.connector.settings,
                repeat=circumstances.repeat,
            ),
        )

    def _url(self, request: HttpRequest, connector: Connector | None) -> str:
        endpoint = (connector or self.session.connector).endpoint
        return f"{endpoint.url}{request.path}"

    def _paced(
        self, once: Callable[[], ProxyAnswer], connection: HttpConnection | None = None
    ) -> ProxyAnswer:
        """Send, and send again what gets a 429, at the pace that the proxy allows."""
        pace = self.session.pace
        while True:
            sent_at = pace.wait_for_turn()
            answer = once()
            if answer.was_away and connection is None:
                answer = self._again_alone(once)
            again = pace.asks_again(answer, sent_at)
            if pace.throttled:
                self.recorder.fact("requests_throttled", pace.throttled)
            if not again or (connection is not None and answer.closes):
                return answer

    def _again_alone(self, once: Callable[[], ProxyAnswer]) -> ProxyAnswer:
        """Send again what the proxy ended with; it may not have been the cause."""
        with self.session.alone:
            for _ in range(_TIMES_TO_BE_SURE):
                answer = once()
                if not answer.was_away:
                    return answer
        self.session.ended_by.append(answer.exchange)
        return answer

    def _exchange(
        self,
        request: HttpRequest,
        over: Callable[[Deadline], HttpResponse],
        *,
        seconds: float | None,
        draft: Exchange,
        started: float | None = None,
    ) -> ProxyAnswer:
        """Exchange, write it down, and make an answer of it.

        Args:
            request: what is sent.
            over: sends it and returns the response.
            seconds: how long it may take; as long as usual, if None.
            draft: the exchange, without what ``request`` and the response say.
            started: when it was sent; now, if None.
        """
        deadline = Deadline(min(seconds or SECONDS, self.session.seconds))
        started = monotonic() if started is None else started
        response: HttpResponse | None = None
        reason, failure = "", None
        try:
            response = over(deadline)
        except NoResponseError as error:
            reason, failure = str(error), error.failure
        milliseconds = (monotonic() - started) * 1000
        was_away = failure in _CUT_OFF and self.session.went_away(started)
        self.session.note(failure)
        self.session.standing.clear()
        exchange = replace(
            draft,
            method=request.method,
            headers=request.headers,
            body=request.body,
            signing=request.signing,
            received=response.received if response else None,
            unasked=response.leftover if response else b"",
            error=reason,
            milliseconds=milliseconds,
        )
        return ProxyAnswer(
            exchange=self.recorder.add(exchange),
            failure=failure,
            was_away=was_away,
            version=response.version if response else 0,
            closes=response.closes if response else True,
            leftover=response.leftover if response else b"",
        )

    def _send_pooled(
        self, data: bytes, method: str, deadline: Deadline
    ) -> HttpResponse:
        pool = self.session.pool
        connection = pool.take(deadline)
        reused = connection.uses > 0
        try:
            return self._send_on(connection, data, method, deadline)
        except NoResponseError as reason:
            if not (reused and reason.failure is Failure.ENDED):
                raise
        # An idle connection may end at any time; that is no answer.
        return self._send_on(pool.connector.open(deadline), data, method, deadline)

    def _send_on(
        self, connection: HttpConnection, data: bytes, method: str, deadline: Deadline
    ) -> HttpResponse:
        """Send on a connection of the pool, and give it back if it can go on."""
        try:
            response = connection.exchange(data, method, deadline)
        except NoResponseError:
            connection.close()
            raise
        if response.closes or response.leftover:
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
        deadline = Deadline(self.session.seconds)
        try:
            return (connector or self.session.connector).open(deadline, tls=tls)
        except NoResponseError as reason:
            raise NotTestable(f"No connection: {reason}.") from None
