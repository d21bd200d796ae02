"""A request that the probe proxy received, as a check looks at it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.exchange import Headers

__all__ = ["ProxyRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """A request of the emulator as received, and the status that it got."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    status: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def operation(self) -> str:
        """The end of the path: health, metadata, encrypt or decrypt."""
        return self.path.rpartition("/")[2]

    def header(self, name: str) -> str | None:
        """The first value of a header; None if it is absent."""
        wanted = name.lower()
        return next((v for n, v in self.headers if n.lower() == wanted), None)

    @property
    def document(self) -> dict[str, object]:
        """The body as a JSON object; empty if it is something else."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def request_metadata(self) -> dict[str, object]:
        """The requestMetadata of the body; empty if there is none."""
        metadata = self.document.get("requestMetadata")
        return metadata if isinstance(metadata, dict) else {}
