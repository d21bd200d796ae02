"""A request to an XKS proxy and its response, as plain data.

What server, in-process transport and signer hand on is one of these two. Header names
are compared without regard to case; order and duplicates are kept, because a verifier
must see what was sent (RFC 9110, section 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Headers", "Request", "Response"]

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order sent; names in any case, values without the line's CRLF."""


def _values(headers: Headers, name: str) -> list[str]:
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


def _first(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request, its body complete and with any transfer coding removed."""

    method: str
    target: str
    """The request target as sent: path and, after ``?``, the query."""
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The target without its query, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first ``?`` of the target, or the empty string."""
        return self.target.partition("?")[2]

    def header_values(self, name: str) -> list[str]:
        """Every value of the header ``name``, in the order sent."""
        return _values(self.headers, name)

    def header(self, name: str) -> str | None:
        """The only or first value of the header ``name``; None if it is absent."""
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP response, its body complete."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def header_values(self, name: str) -> list[str]:
        """Every value of the header ``name``, in the order sent."""
        return _values(self.headers, name)

    def header(self, name: str) -> str | None:
        """The only or first value of the header ``name``; None if it is absent."""
        return _first(self.headers, name)
