"""Requests that start together: on warm connections, signed beforehand.

All of a burst are sent but for their last byte; then the last bytes follow, one right
after the other. So the proxy gets sixteen requests within a fraction of a millisecond,
whatever the threads of this process do.
"""

from __future__ import annotations

import selectors
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Self

from ..client.answer import Circumstances
from ..client.http1 import Deadline, NoResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_xks.certify.evidence.exchange import Meaning

    from ..client.answer import ProxyAnswer
    from ..client.connection import HttpConnection
    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient

__all__ = ["Burst", "Shot"]

_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request of a burst."""

    request: HttpRequest
    label: str
    meaning: Meaning


class Burst:
    """Clients that send together, each on a connection of its own.

    Args:
        proxy: the proxy under test.
        clients: how many.
    """

    def __init__(self, proxy: ProxyClient, clients: int) -> None:
        self._proxy = proxy
        self._clients = clients
        self._connections: list[HttpConnection] = []
        self._opened = ExitStack()
        self.overlaps = 0
        """How many pairs of requests were under way at the same time, and answered."""

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            NotTestable: a connection cannot be had.
        """
        with ExitStack() as opened:
            for _ in range(self._clients):
                connection = opened.enter_context(self._proxy.connect())
                self._connections.append(connection)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections."""
        self._opened.close()

    def fire(self, shots: Sequence[Shot]) -> list[ProxyAnswer]:
        """Send a request for each client, together, and read all answers."""
        deadline = Deadline(_SECONDS)
        encoded = [shot.request.encode() for shot in shots]
        for connection, data in zip(self._connections, encoded, strict=True):
            self._send(connection, data[:-1], deadline)
        started = []
        for connection, data in zip(self._connections, encoded, strict=True):
            started.append(monotonic())
            self._send(connection, data[-1:], deadline)
        answers, ended = self._read(shots, started)
        self._count(answers, started, ended)
        for index, answer in enumerate(answers):
            if answer.status is None or answer.closes:
                self._connections[index].close()
                connection = self._opened.enter_context(self._proxy.connect())
                self._connections[index] = connection
        return answers

    @staticmethod
    def _send(connection: HttpConnection, data: bytes, deadline: Deadline) -> None:
        try:
            connection.send(data, deadline)
        except NoResponseError:
            # It may have answered before it stopped reading.
            return

    def _read(
        self, shots: Sequence[Shot], started: Sequence[float]
    ) -> tuple[list[ProxyAnswer], list[float]]:
        """The answers as they come, in the order of the clients, and when each did."""
        found: dict[int, ProxyAnswer] = {}
        ended = [0.0] * len(shots)
        with selectors.DefaultSelector() as selector:
            for index, connection in enumerate(self._connections):
                selector.register(connection, selectors.EVENT_READ, index)
            while len(found) < len(shots):
                ready = selector.select(_SECONDS)
                waiting = [i for i in range(len(shots)) if i not in found]
                # Of what never comes, reading says so.
                for index in [key.data for key, _ in ready] or waiting:
                    selector.unregister(self._connections[index])
                    found[index] = self._receive(index, shots[index], started[index])
                    ended[index] = monotonic()
        return [found[index] for index in range(len(shots))], ended

    def _receive(self, index: int, shot: Shot, started: float) -> ProxyAnswer:
        return self._proxy.receive(
            shot.request,
            self._connections[index],
            label=shot.label,
            meaning=shot.meaning,
            started=started,
            circumstances=Circumstances(repeat=self._clients),
        )

    def _count(
        self,
        answers: Sequence[ProxyAnswer],
        started: Sequence[float],
        ended: Sequence[float],
    ) -> None:
        served = [i for i, answer in enumerate(answers) if answer.status == 200]
        self.overlaps += sum(
            started[later] < ended[earlier]
            for place, earlier in enumerate(served)
            for later in served[place + 1 :]
        )
