"""The reply to a call of the KMS API, as a check looks at it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.evidence.exchange import Exchange

__all__ = ["KmsReply"]

_MESSAGE_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsReply:
    """The answer of the endpoint, or the reason why there was none."""

    operation: str
    exchange: Exchange
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What boto3 made of a success: blobs as bytes, times as datetimes."""
    code: str | None = None
    """The error code; None for a success, and where there was no answer."""
    message: str = ""
    """The error message."""

    @property
    def status(self) -> int | None:
        """The HTTP status; None without an answer."""
        received = self.exchange.received
        return received.status if received else None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint did what it was asked."""
        return self.status == 200 and self.code is None

    @property
    def raw(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is something else."""
        received = self.exchange.received
        try:
            document = json.loads(received.body) if received else {}
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def header(self, name: str) -> str | None:
        """The value of a header; None if there is none."""
        received = self.exchange.received
        wanted = name.lower()
        found = (
            (v for n, v in received.headers if n.lower() == wanted)
            if received
            else iter(())
        )
        return next(found, None)

    @property
    def request_id(self) -> str | None:
        """The request id in the response's header."""
        return self.header("x-amzn-RequestId")

    def describe(self) -> str:
        """The reply in a phrase."""
        if self.status is None:
            return self.exchange.error
        if self.succeeded:
            members = ", ".join(sorted(self.raw)) or "no members"
            return f"success ({members})"
        shown = self.message[:_MESSAGE_SHOWN]
        return f"{self.status} {self.code or 'without an error code'}: {shown}"
