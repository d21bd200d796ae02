"""What the proxy answered, as a check looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bodies import read_json

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.exchange import Exchange

    from .http1 import Failure

__all__ = ["Circumstances", "ProxyAnswer"]

_BODY_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAnswer:
    """A response, or the reason why there was none."""

    exchange: Exchange
    failure: Failure | None = None
    """Why there was no response; None with one."""
    was_away: bool = False
    """Whether the proxy took no connection afterwards, and came back."""
    version: int = 0
    """10 or 11; 0 without a response."""
    closes: bool = True
    """Whether the proxy announced the end of the connection."""
    leftover: bytes = b""
    """What came and nobody had asked for: behind the answer, or before its request."""

    @property
    def status(self) -> int | None:
        """The HTTP status; None without a response."""
        received = self.exchange.received
        return received.status if received else None

    @property
    def body(self) -> bytes:
        """The body; empty without a response."""
        received = self.exchange.received
        return received.body if received else b""

    def header(self, name: str) -> str | None:
        """The value of a header; None if there is none."""
        received = self.exchange.received
        found = (
            (v for n, v in received.headers if n.lower() == name.lower())
            if (received)
            else iter(())
        )
        return next(found, None)

    @property
    def media_type(self) -> str:
        """The media type of Content-Type without parameters, in lower case."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def document(self) -> dict[str, object] | None:
        """The body as a JSON object; None if it is none."""
        return read_json(self.body)

    @property
    def error_name(self) -> str | None:
        """errorName; None if there is none or it is no string."""
        name = (self.document or {}).get("errorName")
        return name if isinstance(name, str) else None

    def describe(self) -> str:
        """The answer in a phrase."""
        if self.status is None:
            return self.exchange.error
        if name := self.error_name:
            return f"{self.status} {name}"
        if not self.body:
            return f"{self.status} without a body"
        document = self.document
        if document is None:
            text = self.body[:_BODY_SHOWN].decode("utf-8", "replace")
            return f"{self.status} with a body that is no JSON object: {text!r}"
        members = ", ".join(sorted(document)) or "no members"
        return f"{self.status} with a JSON object ({members})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else went on during an exchange, without which it shows nothing."""

    connection_number: int = 0
    """The number of its connection, where others went over the same; else 0."""
    repeat: int = 1
    """How many of the same were sent at once."""
    background: Exchange | None = None
    """An unfinished exchange that was under way meanwhile."""
    after: Exchange | None = None
    """An earlier exchange on another connection."""
