"""A load generator: keeps connections to a proxy busy, and says how long it took.

It runs as a process of its own, because client and server in one process share one
interpreter lock, and then measure each other. It does as little as it can: requests
come ready, signed and as bytes, and of a response it reads the status and the length.

Usage: a plan, as JSON, on stdin; the outcome, as JSON, on stdout.
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import ssl
import statistics
import sys
from collections import deque
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do."""

    port: int
    ca_bundle: str
    requests: list[str]
    """Whole requests in Base64, sent in turn."""
    connections: int
    seconds: float
    rate: float | None = None
    """Requests per second, sent whether or not the proxy keeps up (open loop); None
    sends the next request when a response is there (closed loop)."""
    warm_up_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    answered: int
    """Good responses, those of the warm-up included."""
    errors: int
    """Responses other than 200, and connections that were lost."""
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._received = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._load.is_free(self)

    def send(self, data: bytes, began: float) -> None:
        self._began = began
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head + b"\r\n")
        if length is None or len(body) < int(length[1]):
            return
        self._received = b""
        self._load.is_answered(self._began, is_good=head.startswith(b"HTTP/1.1 200 "))
        self._load.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._load.is_lost()


class _Load:
    """Hands requests to free connections and keeps the score."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._now = asyncio.get_running_loop().time
        self._requests: Iterator[bytes] = cycle(map(base64.b64decode, plan.requests))
        self._free: deque[_Client] = deque()
        self._due: deque[float] = deque()
        self._latencies: list[float] = []
        self._answered = self._errors = 0
        self._running = False
        self._begin = self._end = 0.0

    async def run(self) -> Outcome:
        await self._connect()
        self._running = True
        self._begin = self._now() + self._plan.warm_up_s
        self._end = self._begin + self._plan.seconds
        if self._plan.rate is None:
            while self._free:
                self._send(self._free.popleft(), self._now())
            await asyncio.sleep(self._end - self._now())
        else:
            await self._pace(1 / self._plan.rate)
        self._running = False
        return self._outcome()

    async def _connect(self) -> None:
        context = ssl.create_default_context(cafile=self._plan.ca_bundle)
        for _ in range(self._plan.connections):
            await asyncio.get_running_loop().create_connection(
                lambda: _Client(self),
                "127.0.0.1",
                self._plan.port,
                ssl=context,
                server_hostname="localhost",
            )

    async def _pace(self, interval: float) -> None:
        due = self._now()
        while due < self._end:
            while due <= self._now():
                if self._free:
                    self._send(self._free.popleft(), due)
                else:
                    self._due.append(due)
                due += interval
            await asyncio.sleep(due - self._now())

    def _send(self, client: _Client, began: float) -> None:
        client.send(next(self._requests), began)

    def is_free(self, client: _Client) -> None:
        """Take a connection that has nothing to do."""
        if self._running and self._plan.rate is None:
            self._send(client, self._now())
        elif self._due:
            self._send(client, self._due.popleft())
        else:
            self._free.append(client)

    def is_answered(self, began: float, *, is_good: bool) -> None:
        """Score a response."""
        now = self._now()
        if not is_good:
            self._errors += 1
            return
        self._answered += 1
        if self._begin <= began and now <= self._end:
            self._latencies.append(now - began)

    def is_lost(self) -> None:
        """Score a lost connection."""
        if self._running:
            self._errors += 1

    def _outcome(self) -> Outcome:
        percentiles = statistics.quantiles(self._latencies, n=100)
        return Outcome(
            answered=self._answered,
            errors=self._errors,
            per_second=len(self._latencies) / self._plan.seconds,
            p50_ms=percentiles[49] * 1000,
            p99_ms=percentiles[98] * 1000,
            max_ms=max(self._latencies) * 1000,
        )


async def _run(plan: Plan) -> Outcome:
    return await _Load(plan).run()


def main() -> None:
    """Carry out the plan."""
    # The server has core 0 to itself.
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[1:])
    json.dump(asdict(asyncio.run(_run(Plan(**json.load(sys.stdin))))), sys.stdout)


if __name__ == "__main__":
    main()
