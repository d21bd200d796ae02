"""What the proxy was asked, and how it answered: for tests, and without plaintext.

An entry holds no body, no header and no secret, so a journal may be printed anywhere.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pytest_xks.proxy_api.errors import Operation

__all__ = ["Journal", "JournalEntry"]

_LIMIT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request and its outcome."""

    time: datetime
    method: str
    path: str
    uri_path: str | None = None
    """The XksProxyUriPath; None if the path names no key store."""
    operation: Operation | None = None
    external_key_id: str | None = None
    access_key_id: str | None = None
    """Who signed; None if the signature was not verified."""
    request_metadata: Mapping[str, str] = field(default_factory=dict)
    """The requestMetadata, under its names on the wire."""
    status: int
    error_name: str | None = None
    error_message: str | None = None
    denied_by: str | None = None
    """The name of the statement behind an AccessDeniedException."""
    duration_ms: float
    fault: str | None = None
    """The fault that changed the answer; None if the proxy behaved."""

    def __str__(self) -> str:
        """One line, as it stands in the message of a failed expectation."""
        what = self.operation or f"{self.method} {self.path}"
        key = f" {self.external_key_id}" if self.external_key_id else ""
        caused_by = self.request_metadata.get("kmsOperation")
        cause = f" for {caused_by}" if caused_by else ""
        error = f" {self.error_name}" if self.error_name else ""
        return f"{what}{key}{cause} -> {self.status}{error}"


class Journal:
    """The entries in the order of their answers; a full one forgets the oldest."""

    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=_LIMIT)

    def add(self, entry: JournalEntry) -> None:
        """Keep an entry; may be called from any thread."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    @property
    def entries(self) -> tuple[JournalEntry, ...]:
        """What has been kept so far."""
        return tuple(self._entries)
