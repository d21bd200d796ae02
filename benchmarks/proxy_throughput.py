"""How many requests the mock proxy answers, next to the 1800 per second that AWS asks.

"GetHealthStatus": "The default TPS limit for external key stores is 1800". A request is
a signed Encrypt with a data integrity value, over TLS 1.3, kept alive. The server has
one processor core, the load generator is another process on another. The proxy's logic
behind ``http.server`` is measured in turns with it: machines differ, ratios less.

Usage: ``python benchmarks/proxy_throughput.py [--json FILE]``
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from servers import SERVERS, new_proxy, ready_request

from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.contexts import client_context

if TYPE_CHECKING:
    import ssl

_HERE = Path(__file__).parent
_ASKED_PER_SECOND = 1800
_CONNECTIONS = (1, 8, 32)
_PACED_CONNECTIONS = 16
_IDLE_CLIENTS = 8

Outcome = dict[str, float]
Outcomes = dict[str, dict[str, Outcome]]
"""By scenario, then by server."""


# -- under load -----------------------------------------------------------------------


class _Server:
    """A server under test, in a process of its own."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, _HERE / "servers.py", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._address = json.loads(self._ask())

    def _ask(self, question: str = "") -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - a pipe was asked for
        assert stdout is not None  # noqa: S101 - likewise
        stdin.write(question)
        stdin.flush()
        return stdout.readline()

    def load(self, **plan: float | None) -> Outcome:
        """Let the load generator carry out a plan."""
        cpu_seconds = float(self._ask("cpu\n"))
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, _HERE / "load_generator.py"],
            input=json.dumps({**self._address, **plan}),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        cpu_seconds = float(self._ask("cpu\n")) - cpu_seconds
        outcome: Outcome = json.loads(done.stdout)
        return {**outcome, "cpu_us": cpu_seconds * 1_000_000 / outcome["answered"]}

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def _median(outcomes: list[Outcome]) -> Outcome:
    """The median of each number; all of the errors."""
    middle = {
        name: statistics.median(each[name] for each in outcomes) for name in outcomes[0]
    }
    return {**middle, "errors": sum(each.get("errors", 0) for each in outcomes)}


def measure_load(*, seconds: float, rounds: int) -> Outcomes:
    """Closed loops, and an open one at the rate that AWS asks for."""
    plans = {
        f"{count} conn.": {"connections": count, "rate": None} for count in _CONNECTIONS
    }
    plans[f"{_ASKED_PER_SECOND}/s"] = {
        "connections": _PACED_CONNECTIONS,
        "rate": _ASKED_PER_SECOND,
    }
    outcomes: dict[str, dict[str, list[Outcome]]] = {
        scenario: {name: [] for name in SERVERS} for scenario in plans
    }
    for _ in range(rounds):
        for name in SERVERS:
            with closing(_Server(name)) as server:
                for scenario, plan in plans.items():
                    outcome = server.load(seconds=seconds, **plan)
                    outcomes[scenario][name].append(outcome)
    return {
        scenario: {name: _median(each) for name, each in by_server.items()}
        for scenario, by_server in outcomes.items()
    }


# -- start and stop -------------------------------------------------------------------


def _first_200(port: int, context: ssl.SSLContext, request: bytes) -> ssl.SSLSocket:
    """A connection on which one request was answered with 200."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(request)
    if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
        raise RuntimeError("The server does not answer with 200.")
    return connection


def _start_and_stop(name: str) -> Outcome:
    proxy = new_proxy()
    with ExitStack() as clients:
        with ExitStack() as serving:
            began = time.perf_counter()
            ca = CertificateAuthority.create()
            port = serving.enter_context(SERVERS[name](proxy, ca))
            context = client_context(ca.certificate_pem)
            request = ready_request(proxy)
            clients.enter_context(_first_200(port, context, request))
            started = time.perf_counter()
            for _ in range(_IDLE_CLIENTS - 1):
                clients.enter_context(_first_200(port, context, request))
            stopping = time.perf_counter()
        stopped = time.perf_counter()
    return {
        "start_ms": (started - began) * 1000,
        "stop_ms": (stopped - stopping) * 1000,
    }


def measure_start_and_stop(rounds: int) -> dict[str, Outcome]:
    """From nothing, certificate included, to the first 200; and back, clients idle.

    What is imported late is imported before, and does not count.
    """
    for name in SERVERS:
        _start_and_stop(name)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, each in outcomes.items():
            each.append(_start_and_stop(name))
    return {name: _median(each) for name, each in outcomes.items()}


# -- the report -----------------------------------------------------------------------


def _load_table(outcomes: Outcomes) -> Table:
    table = Table(title="Signed Encrypt requests over TLS 1.3, the server on one core")
    table.add_column("load", no_wrap=True)
    for heading in (
        "server",
        "req/s",
        f"/{_ASKED_PER_SECOND}",
        "/stdlib",
        "p50 ms",
        "p99 ms",
        "max ms",
        "CPU us",
        "errors",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for scenario, by_server in outcomes.items():
        for name, outcome in by_server.items():
            rate = outcome["per_second"]
            table.add_row(
                scenario,
                name,
                f"{rate:.0f}",
                f"{rate / _ASKED_PER_SECOND:.2f}",
                f"{rate / by_server['stdlib']['per_second']:.2f}",
                f"{outcome['p50_ms']:.2f}",
                f"{outcome['p99_ms']:.2f}",
                f"{outcome['max_ms']:.1f}",
                f"{outcome['cpu_us']:.0f}",
                f"{outcome['errors']:.0f}",
            )
        table.add_section()
    return table


def _start_table(outcomes: dict[str, Outcome]) -> Table:
    table = Table(
        title=f"Start to the first 200; stop with {_IDLE_CLIENTS} idle clients"
    )
    for heading in ("server", "start ms", "stop ms"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for name, outcome in outcomes.items():
        start, stop = outcome["start_ms"], outcome["stop_ms"]
        table.add_row(name, f"{start:.1f}", f"{stop:.1f}")
    return table


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2, help="for each load")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 100)
    if (busy := os.getloadavg()[0]) > 1:
        console.print(f"[yellow]The load average is {busy:.1f}: only ratios count.")
    start_and_stop = measure_start_and_stop(rounds=max(5, options.rounds))
    load = measure_load(seconds=options.seconds, rounds=options.rounds)
    console.print(_load_table(load))
    console.print(_start_table(start_and_stop))
    if options.json:
        document = {"asked_per_second": _ASKED_PER_SECOND, "load": load}
        document["start_and_stop"] = start_and_stop
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
