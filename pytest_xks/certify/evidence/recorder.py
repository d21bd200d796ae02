"""What went over the wire during a check: recorded by the suite, shown by the reports.

An ``Exchange`` is one request and what became of it. It also knows how the connection
was made and how the request was signed, because ``reproduction`` writes the shell line
that repeats it from these.

The shell lines name credentials by variable (``$XKS_SECRET_ACCESS_KEY``), so a report
may be shared.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ConnectionSettings",
    "Exchange",
    "Headers",
    "Received",
    "Recorder",
    "Signing",
]

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order sent or received."""

_EXCHANGES_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """How the connection of an exchange was made, as far as a shell line needs it."""

    ca_bundle: Path | None = None
    verify: bool = True
    certificate: Path | None = None
    """The client certificate presented, PEM."""
    private_key: Path | None = None
    tls_minimum: str = ""
    """"1.2" or "1.3"; empty for the client's default."""
    tls_maximum: str = ""
    """As above; also "1.0" and "1.1"."""
    ciphers: str = ""
    """OpenSSL names of the TLS 1.2 cipher suites offered; empty for the default."""
    alpn: bool = True
    """False: the client's handshake has no ALPN extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A signature as KMS makes it, which curl's ``--aws-sigv4`` can make anew."""

    region: str
    credential: str = ""
    """Which credential of the target: "" or a name from ``ProxyTarget.credentials``."""
    service: str = "kms-xks-proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An HTTP response."""

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it."""

    label: str = ""
    """What the request is for: "control: unaltered", "probe: tag altered"."""
    method: str = "POST"
    url: str
    """The complete URL as sent."""
    headers: Headers = field(default=(), repr=False)
    """As sent, Host, Authorization and framing included."""
    body: bytes = field(default=b"", repr=False)
    raw: bytes | None = field(default=None, repr=False)
    """Every byte sent, for a request that no HTTP client would make."""
    signing: Signing | None = None
    """None: the request goes out with its headers as they stand (altered signatures,
    unsigned requests)."""
    connection: ConnectionSettings = ConnectionSettings()
    received: Received | None = None
    """None: there was no response; ``error`` says why."""
    error: str = ""
    """Why there was no response: "connection closed", "no answer in 2000 ms"."""
    milliseconds: float = 0.0
    """From the first byte sent to the last byte received."""
    connection_number: int = 0
    """Exchanges of a check with the same number other than 0 went over one connection,
    in their order; the shell line of a later one begins with the earlier ones."""
    repeat: int = 1
    """How many of these went out at once, where one alone proves nothing (quotas)."""
    background: Exchange | None = None
    """An unfinished exchange (with ``raw``) that was under way meanwhile."""
    after: Exchange | None = None
    """An earlier exchange on another connection, without which this one
    shows nothing."""
    command: str = ""
    """A shell line that repeats the exchange, where ours could not (TLS handshakes)."""


class Recorder:
    """The exchanges and the measurements of one check.

    Any thread may call. Of many exchanges the last 200 are kept; measurements are all
    kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._dropped = 0
        self._latencies: dict[str, list[float]] = {}
        self._facts: dict[str, str | float] = {}

    def add(self, exchange: Exchange) -> None:
        """Record an exchange."""
        with self._lock:
            self._exchanges.append(exchange)
            if len(self._exchanges) > _EXCHANGES_KEPT:
                del self._exchanges[0]
                self._dropped += 1

    def latency(self, series: str, milliseconds: float) -> None:
        """Record a measurement for the report's latency plot.

        Args:
            series: what was measured: an operation, "Encrypt, first on a connection".
            milliseconds: the time from request to complete response.
        """
        with self._lock:
            self._latencies.setdefault(series, []).append(milliseconds)

    def fact(self, name: str, value: str | float) -> None:
        """Record something for the report that is no verdict ("tls_version", "1.3")."""
        with self._lock:
            self._facts[name] = value

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges kept, in order."""
        return tuple(self._exchanges)

    @property
    def dropped(self) -> int:
        """How many earlier exchanges were not kept."""
        return self._dropped

    @property
    def latencies(self) -> dict[str, tuple[float, ...]]:
        """The measurements by series, in milliseconds."""
        return {name: tuple(values) for name, values in self._latencies.items()}

    @property
    def facts(self) -> dict[str, str | float]:
        """What ``fact`` recorded."""
        return dict(self._facts)
