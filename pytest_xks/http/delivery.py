"""How an answer travels: what the proxy decided, and what becomes of it on the wire.

The core and the faults produce a ``Delivery``; the HTTPS server and the in-process
transport carry it out, each in its own way and with the same outcome for the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.proxy_api.http import Response

__all__ = ["Delivery", "Ending"]


class Ending(StrEnum):
    """What happens to the connection once the delay is over."""

    ANSWER = "answer"
    """The response goes out whole."""
    CLOSE = "close"
    """The connection ends in an orderly way, without a byte of a response."""
    RESET = "reset"
    """The connection is reset (TCP RST), without a byte of a response."""
    TRUNCATE = "truncate"
    """Half of the body goes out under its full Content-Length, then the end."""
    GARBAGE = "garbage"
    """Bytes that are not HTTP go out, then the end."""
    SILENCE = "silence"
    """Nothing goes out; the connection stays open until the client gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A response and its fate."""

    response: Response
    delay_ms: float = 0
    """Milliseconds between the request's last byte and the response's first."""
    ending: Ending = Ending.ANSWER
