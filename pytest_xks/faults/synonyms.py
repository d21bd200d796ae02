"""What people say for what the faults call by another word. Used in searches only.

Several words in one alternative all have to be there. An alternative that is the whole
name of a fault leads to that fault before all others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STOP_WORDS", "SYNONYMS", "TIME_OUT"]

TIME_OUT = re.compile(r"\btim(?:e|es|ed|ing)[ _-]outs?\b", re.IGNORECASE)
"""One word in two: time-out, timed out."""

STOP_WORDS = frozenset(
    {"a", "an", "and", "are", "at", "for", "from", "in", "is", "of", "on", "the", "to"}
)

_ENDS = ("connection closed", "connection reset", "closes connection")
_GONE = ("connection refused", "silence", "unavailable", "internal exception")
_LATE = ("delay", "late", "slow")
_NEVER = ("silence", "never answers", "stops answering")
_REFUSED = ("access denied", "authentication failed", "refuses")
_UNREADABLE = ("response garbage", "broken json", "malformed", "response truncated")

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "corrupt": ("response garbage", "corrupted", "flips a bit"),
    "crash": ("connection reset", "internal exception", "fails internally"),
    "disconnect": _ENDS,
    "down": _GONE,
    "drop": _ENDS,
    "duplicate": ("repeats", "one initialization vector"),
    "ekm": ("key manager",),
    "flaky": ("now and then",),
    "forbidden": _REFUSED,
    "garbled": _UNREADABLE,
    "hang": _NEVER,
    "hsm": ("key manager",),
    "intermittent": ("now and then",),
    "invalid": _UNREADABLE,
    "iv": ("initialization vector", "vector"),
    "lag": _LATE,
    "latency": _LATE,
    "limit": ("throttling", "quota"),
    "lost": _ENDS,
    "malformed": _UNREADABLE,
    "missing": ("without", "omits", "leaves out"),
    "nonce": ("initialization vector", "vector"),
    "offline": _GONE,
    "outage": _GONE,
    "overload": ("throttling", "quota"),
    "permission": _REFUSED,
    "quota": ("throttling",),
    "slow": _LATE,
    "ssl": ("tls", "certificate"),
    "stuck": _NEVER,
    "timeout": ("delay", "silence", "late", "never answers"),
    "unauthorized": _REFUSED,
    "unavailable": _GONE,
    "unreachable": _GONE,
    "unresponsive": _NEVER,
    "untrusted": ("unknown ca", "self signed"),
}
"""Word -> what it may be called."""
