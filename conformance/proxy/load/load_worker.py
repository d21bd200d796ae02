"""Sends requests by the clock, as a program of its own; see ``load``.

An open loop: request n is due at n / rate seconds, whatever became of the others. What
finds no idle connection waits, and the waiting counts.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, TypedDict

from pytest_xks.certify.evidence.exchange import ConnectionSettings
from pytest_xks.certify.trust import client_context

from ..client.connection import HttpConnection, connect
from ..client.http1 import Deadline, Failure, NoResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_GRACE_SECONDS = 3.0
_NO_ANSWER = "no answer"


class _Job(TypedDict):
    host: str
    port: int
    https: bool
    ca_bundle: str
    verify: bool
    certificate: str
    private_key: str
    rate: int
    seconds: int
    connections: int
    requests: list[str]


class _Load:
    def __init__(self, job: _Job) -> None:
        self._job = job
        self._requests = [base64.b64decode(text) for text in job["requests"]]
        self._context = client_context(_settings(job)) if job["https"] else None
        self._number = job["rate"] * job["seconds"]
        self._indices: Iterator[int] = itertools.count()
        self._start = self._end = 0.0
        self.milliseconds: list[float] = []
        self.failures: list[str] = []

    def run(self) -> int:
        """Offer the load; returns how many requests were due."""
        connections = self._job["connections"]
        with ThreadPoolExecutor(connections) as clients:
            opened = list(clients.map(lambda _: self._connect(), range(connections)))
            self._start = perf_counter()
            self._end = self._start + self._job["seconds"] + _GRACE_SECONDS
            for each in [clients.submit(self._client, c) for c in opened]:
                each.result()
        missing = self._number - len(self.milliseconds) - len(self.failures)
        self.failures += [_NO_ANSWER] * missing
        return self._number

    def _connect(self) -> HttpConnection | None:
        deadline = Deadline(_GRACE_SECONDS)
        try:
            return connect(
                self._job["host"], self._job["port"], self._context, deadline
            )
        except NoResponseError:
            return None

    def _client(self, connection: HttpConnection | None) -> None:
        """Send the next request that is due, over and over, on one connection."""
        while (index := next(self._indices)) < self._number:
            due = self._start + index / self._job["rate"]
            if (wait := due - perf_counter()) > 0:
                sleep(wait)
            if perf_counter() > self._end:
                break
            connection = self._send(connection or self._connect(), index, due)
        if connection:
            connection.close()

    def _send(
        self, connection: HttpConnection | None, index: int, due: float
    ) -> HttpConnection | None:
        """Send a request; returns the connection if it can go on."""
        if connection is None:
            self.failures.append("no connection")
            return None
        deadline = Deadline(_GRACE_SECONDS)
        try:
            response = connection.exchange(self._requests[index], "POST", deadline)
        except NoResponseError as reason:
            connection.close()
            late = reason.failure is Failure.LATE
            self.failures.append(_NO_ANSWER if late else "connection lost")
            return None
        if response.received.status == 200:
            self.milliseconds.append((perf_counter() - due) * 1000)
        else:
            self.failures.append(str(response.received.status))
        if response.closes or response.leftover:
            connection.close()
            return None
        return connection


def _settings(job: _Job) -> ConnectionSettings:
    def path(text: str) -> Path | None:
        return Path(text) if text else None

    return ConnectionSettings(
        ca_bundle=path(job["ca_bundle"]),
        verify=job["verify"],
        certificate=path(job["certificate"]),
        private_key=path(job["private_key"]),
    )


def _main(file: str) -> None:
    job: _Job = json.loads(Path(file).read_text(encoding="ascii"))
    load = _Load(job)
    offered = load.run()
    report = {
        "offered": offered,
        "milliseconds": load.milliseconds,
        "failures": load.failures,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    _main(sys.argv[1])
