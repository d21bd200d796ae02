"""The register of faults, and the words in which a fault is written.

A fault is a function that returns what it puts in place of steps (``steps``); its
docstring says in one sentence what the faulty KMS does::

    @fault("store-names-not-unique", violates=("KMS-CREATESTORE-021",))
    def _store_names_not_unique() -> Replacements:
        \"\"\"Two key stores may have one name.\"\"\"
        return {uniqueness.check_name: nothing}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_xks.register import Register

__all__ = ["Fault", "Replacements", "all_faults", "fault", "find_fault", "nothing"]

Replacements = Mapping[Callable[..., Any], Callable[..., Any]]
"""Step -> what is called in its place; it gets the step as its first argument."""

_SHELVES = (
    "desk.protocol",
    "keys.create_key",
    "keys.cryptography",
    "keys.management",
    "keys.states",
    "proxy_calls.answers",
    "proxy_calls.failures",
    "proxy_calls.requests",
    "stores.connection",
    "stores.creation",
    "stores.deletion",
    "stores.descriptions",
    "stores.updates",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One named misbehaviour."""

    name: str
    summary: str
    """What the faulty KMS does, in one sentence."""
    violates: tuple[str, ...]
    """Ids of the requirements whose checks it turns red, and of no other MUST."""
    build: Callable[[], Replacements]
    scope: tuple[str, ...] = ()
    """Prefixes of the requirements against which the self-test tries it; all of them by
    default."""
    wholesale: bool = False
    """Whether it leaves so little of the API that no single requirement is meant."""


_CATALOGUE: Register[Fault] = Register(
    "fault", (f"pytest_xks.kms.faults.{shelf}" for shelf in _SHELVES)
)


def fault(
    name: str,
    *,
    violates: tuple[str, ...] = (),
    summary: str | None = None,
    scope: tuple[str, ...] = (),
    wholesale: bool = False,
) -> Callable[[Callable[[], Replacements]], Callable[[], Replacements]]:
    """Register a fault under its name.

    Raises:
        ValueError: the name is taken.
    """

    def register(build: Callable[[], Replacements]) -> Callable[[], Replacements]:
        entry = Fault(
            name=name,
            summary=summary or (build.__doc__ or "").strip().partition("\n")[0],
            violates=violates,
            build=build,
            scope=scope,
            wholesale=wholesale,
        )
        _CATALOGUE.add(name, entry)
        return build

    return register


all_faults = _CATALOGUE.all
"""Every fault by its name."""

find_fault = _CATALOGUE.find
"""The fault of a name; a LookupError names the nearest one."""


def nothing(*_: object, **__: object) -> None:
    """In place of a check: whatever it is, it is fine."""
