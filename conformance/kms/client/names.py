"""The names of what a run makes: our prefix, and the run's own id.

By them runs side by side on one account leave each other alone, and a later run knows
what is left of one that is over: one that came to its end says so in the names of the
stores that have to wait for their keys; one that crashed is over after an hour.
"""

from __future__ import annotations

import re
import secrets
import time

__all__ = ["PREFIX", "is_left", "left_name", "own_name", "role_of_left"]

PREFIX = "pytest-xks-conformance"
"""How every name begins."""

# The second in which this process began to count, and something of its own.
_RUN = f"{int(time.time()):08x}{secrets.token_hex(2)}"
_OF_RUN = re.compile(rf"{PREFIX}-(?P<second>[0-9a-f]{{8}})[0-9a-f]{{4}}-(?P<role>\w+)")
_LEFT = re.compile(rf"{PREFIX}-left-(?P<role>[a-z]+)-[0-9a-f]+")
_LONGEST_RUN_SECONDS = 3600


def own_name(role: str = "") -> str:
    """A name of this run that is not in use.

    Args:
        role: of a key store that lasts for the run.
    """
    return f"{PREFIX}-{_RUN}-{role or secrets.token_hex(6)}"


def left_name(role: str) -> str:
    """The name of a key store that stays when the run is over."""
    return f"{PREFIX}-left-{role}-{secrets.token_hex(4)}"


def is_left(name: str) -> bool:
    """Whether what has this name is of a run that is over."""
    if not name.startswith(f"{PREFIX}-"):
        return False
    found = _OF_RUN.fullmatch(name)
    # A name of no form of today's is one of a version before.
    return found is None or _seconds_since(found["second"]) > _LONGEST_RUN_SECONDS


def role_of_left(name: str) -> str:
    """The role of a key store that a run left; empty if it had none."""
    found = _LEFT.fullmatch(name) or _OF_RUN.fullmatch(name)
    return found["role"] if found else ""


def _seconds_since(second: str) -> float:
    return time.time() - int(second, 16)
