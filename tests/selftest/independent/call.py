"""One request and its answer, between HTTP and the operations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .refusal import Refusal

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Answer", "Call"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request, read to its end."""

    method: str
    target: str
    headers: Message
    body: bytes

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body, which must be a JSON object without duplicate members.

        Raises:
            Refusal: it is anything else.
        """
        try:
            document = json.loads(
                self.body.decode(),
                object_pairs_hook=_without_duplicates,
                parse_constant=_no_constant,
            )
        except (ValueError, RecursionError):
            raise Refusal("ValidationException", "not JSON") from None
        if not isinstance(document, dict):
            raise Refusal("ValidationException", "not a JSON object")
        return document

    @property
    def request_metadata(self) -> dict[str, Any]:
        """The member of that name; empty if there is none or no JSON."""
        try:
            metadata = self.document.get("requestMetadata")
        except Refusal:
            return {}
        return metadata if isinstance(metadata, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to send back."""

    status: int
    document: dict[str, Any] | None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """Indented JSON, the members from z to a: any order is legal."""
        if self.document is None:
            return b""
        members = sorted(self.document.items(), reverse=True)
        return json.dumps(dict(members), indent=4).encode() + b"\n"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate members")
    return document


def _no_constant(text: str) -> None:
    raise ValueError(text)
