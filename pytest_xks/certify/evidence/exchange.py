"""An exchange: one request, what was meant by it, and what became of it; data alone.

It also knows how the connection was made and how the request was signed, because
``reproduction`` writes the shell line that repeats it from these.

The shell lines name credentials by variable (``$XKS_SECRET_ACCESS_KEY``), so a report
may be shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ConnectionSettings",
    "Exchange",
    "Headers",
    "Meaning",
    "Purpose",
    "Received",
    "Signing",
]

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order sent or received."""


class Purpose(StrEnum):
    """What a check sends a request for."""

    CONTROL = "control"
    """It has to succeed before a refusal means anything."""
    PROBE = "probe"
    """What comes back is judged."""
    PREPARATION = "preparation"
    """It makes what a probe needs: a ciphertext, a key store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What was meant by a request; empty where it does not apply."""

    purpose: Purpose = Purpose.PROBE
    operation: str = ""
    """AWS's name of the operation: "Encrypt", "CreateKey"."""
    key_id: str = ""
    """The external key, or the KMS key."""
    credential: str = ""
    """Which credential of the target: "" or a name from ``ProxyTarget.credentials``."""
    store: str = ""
    """Which key store: of a proxy its URI path, of KMS its id."""
    altered: str = ""
    """In what the request differs from a good one, in a phrase."""


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
    meaning: Meaning = Meaning()
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
    unasked: bytes = field(default=b"", repr=False)
    """What came on the connection although nobody had asked for it: behind the answer,
    or between the answer before it and this request."""
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
    key: int = 0
    """By what the recorder of the run knows it; 0 for one that is not recorded."""
