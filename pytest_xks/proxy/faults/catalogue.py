"""The register of faults, and the words in which a fault is written.

A fault is a function that returns an ``Effect``; its parameters are the fault's
options, its docstring says in one sentence what the faulty proxy does.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_xks.register import Register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.http.delivery import Delivery
    from pytest_xks.http.tricks import Trick
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.errors import Operation
    from pytest_xks.proxy_api.http import Request, Response

__all__ = [
    "Effect",
    "Fault",
    "all_faults",
    "changed",
    "delivered",
    "edited",
    "fault",
    "find_fault",
    "responded",
]

_SHELVES = (
    "answers",
    "authentication",
    "cryptography.decryption",
    "cryptography.encryption",
    "cryptography.integrity",
    "health",
    "metadata",
    "policies",
    "requests",
    "wire",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a fault changes: the rules, the delivery, or the door."""

    rules: Callable[[Rules], Rules] | None = None
    delivery: Callable[[Delivery, Request], Delivery] | None = None
    door: Trick | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One named misbehaviour."""

    name: str
    summary: str
    """What the faulty proxy does, in one sentence."""
    violates: tuple[str, ...]
    """Ids of the requirements whose checks it turns red, and of no other MUST."""
    operation: Operation | None
    """The only operation it concerns; None for all."""
    build: Callable[..., Effect]
    scope: tuple[str, ...] = ()
    """Prefixes of the requirements against which the self-test tries it, where the
    whole suite would take too long or say nothing; all of them by default."""
    wholesale: bool = False
    """Whether it leaves so little of the API that no single requirement is meant."""

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options that ``fault(name, ...)`` takes."""
        return tuple(inspect.signature(self.build).parameters)


_CATALOGUE: Register[Fault] = Register(
    "fault", (f"pytest_xks.proxy.faults.{shelf}" for shelf in _SHELVES)
)


def fault(  # noqa: PLR0913 - keyword-only, each with its default
    name: str,
    *,
    violates: tuple[str, ...] = (),
    operation: Operation | None = None,
    summary: str | None = None,
    scope: tuple[str, ...] = (),
    wholesale: bool = False,
) -> Callable[[Callable[..., Effect]], Callable[..., Effect]]:
    """Register a fault under its name.

    Raises:
        ValueError: the name is taken.
    """

    def register(build: Callable[..., Effect]) -> Callable[..., Effect]:
        entry = Fault(
            name=name,
            summary=summary or (build.__doc__ or "").strip().partition("\n")[0],
            violates=violates,
            operation=operation,
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


def changed(**steps: Any) -> Effect:  # noqa: ANN401 - the steps of Rules differ in type
    """An effect that replaces steps of the rules."""
    return Effect(rules=lambda rules: replace(rules, **steps))


def responded(change: Callable[[Response], Response]) -> Effect:
    """An effect that changes every response."""
    return delivered(
        lambda delivery: replace(delivery, response=change(delivery.response))
    )


def delivered(change: Callable[[Delivery], Delivery]) -> Effect:
    """An effect that changes how every answer travels."""
    return Effect(delivery=lambda delivery, _request: change(delivery))


def edited(edit: Callable[[dict[str, Any]], object]) -> Effect:
    """An effect that edits the document of every success before it is written."""

    def change(rules: Rules) -> Rules:
        def respond(document: Mapping[str, object]) -> Response:
            copy = dict(document)
            edit(copy)
            return rules.respond(copy)

        return replace(rules, respond=respond)

    return Effect(rules=change)
