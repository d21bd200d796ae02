"""Sends requests by the clock, as a program of its own; see ``load``.

An open loop: request n is due at n / rate seconds, whatever became of the others. What
finds no idle connection waits, and the waiting counts. Only the standard library.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TypedDict, cast

_WARM_UP_SECONDS = 1.0
_GRACE_SECONDS = 3.0
_TICK_SECONDS = 0.001


class _Job(TypedDict):
    host: str
    port: int
    ca_bundle: str
    verify: bool
    certificate: str
    private_key: str
    rate: int
    seconds: int
    connections: int
    requests: list[str]


class _Connection(asyncio.Protocol):
    """One connection, with at most one unanswered request."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment."""
        self._due = due
        assert self._transport is not None, "connected before it is used"
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head) or self._due is None:
            return
        due, self._due, self._received = self._due, None, b""
        closes = b"connection: close" in head.lower()
        self._load.answered(self, due, head[9:12].decode("ascii", "replace"))
        if closes:
            self.abort()
        else:
            self._load.is_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._load.lost(self, unanswered=self._due is not None)

    def abort(self) -> None:
        """End the connection, answered or not."""
        if self._transport is not None:
            self._transport.abort()


class _Load:
    def __init__(self, job: _Job) -> None:
        self._job = job
        self._requests = [base64.b64decode(text) for text in job["requests"]]
        self._context = _context(job)
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[tuple[int, float]] = deque()
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        self._ended = asyncio.Event()
        self._number = job["rate"] * job["seconds"]
        self.milliseconds: list[float] = []
        self.failures: list[str] = []

    async def run(self) -> int:
        """Offer the load; returns how many requests were due."""
        for _ in range(self._job["connections"]):
            self._connect_soon()
        await asyncio.sleep(_WARM_UP_SECONDS)
        await self._offer(self._number)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _GRACE_SECONDS)
        self._over = True
        self.failures += ["no answer"] * self._missing()
        for connection in list(self._connections):
            connection.abort()
        return self._number

    async def _offer(self, number: int) -> None:
        start, offered = perf_counter(), 0
        while offered < number:
            elapsed = perf_counter() - start
            due_by_now = min(int(elapsed * self._job["rate"]) + 1, number)
            for index in range(offered, due_by_now):
                self._waiting.append((index, start + index / self._job["rate"]))
            offered = due_by_now
            self._dispatch()
            await asyncio.sleep(_TICK_SECONDS)

    def _missing(self) -> int:
        return self._number - len(self.milliseconds) - len(self.failures)

    def _count(self) -> None:
        if not self._missing():
            self._ended.set()

    def _dispatch(self) -> None:
        while self._waiting and self._idle:
            index, due = self._waiting.popleft()
            self._idle.popleft().send(self._requests[index], due)

    def is_idle(self, connection: _Connection) -> None:
        """Give a connection its next request, or keep it."""
        self._idle.append(connection)
        self._dispatch()

    def answered(self, connection: _Connection, due: float, status: str) -> None:
        """Count an answer."""
        del connection
        if status == "200":
            self.milliseconds.append((perf_counter() - due) * 1000)
        else:
            self.failures.append(status)
        self._count()

    def lost(self, connection: _Connection, *, unanswered: bool) -> None:
        """Count a request that went with its connection, and connect anew."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._over:
            if unanswered:
                self.failures.append("connection lost")
                self._count()
            self._connect_soon()

    def _connect_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self),
                self._job["host"],
                self._job["port"],
                ssl=self._context,
                server_hostname=self._job["host"],
            )
        except OSError:
            return
        self._connections.add(connection)
        self.is_idle(connection)


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _context(job: _Job) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=job["ca_bundle"] or None)
    if not job["verify"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if job["certificate"]:
        context.load_cert_chain(job["certificate"], job["private_key"])
    return context


def _main(file: str) -> None:
    job: _Job = json.loads(Path(file).read_text(encoding="ascii"))
    load = _Load(job)
    offered = asyncio.run(load.run())
    report = {
        "offered": offered,
        "milliseconds": load.milliseconds,
        "failures": load.failures,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    _main(sys.argv[1])
