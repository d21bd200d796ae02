"""How a check judges what it observed: by a list of accepted outcomes.

An ``Outcome`` is one way of being right, with its text for the report. Where the
documents leave several, a check lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

from pytest_xks.certify.run.outcome import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_xks.certify.evidence.exchange import Exchange

__all__ = ["Observed", "Outcome", "expect", "violated"]


class Observed(Protocol):
    """What a check observed: an answer of a proxy, a reply of a KMS endpoint."""

    @property
    def exchange(self) -> Exchange:
        """As it went over the wire."""

    def describe(self) -> str:
        """It in a phrase."""


T_contra = TypeVar("T_contra", bound=Observed, contravariant=True)
T = TypeVar("T", bound=Observed)


@dataclass(frozen=True)  # With slots, 3.11 cannot make one of a parametrised alias.
class Outcome(Generic[T_contra]):
    """One way of being right."""

    text: str
    accepts: Callable[[T_contra], bool]


def expect(answer: T, *accepted: Outcome[T], note: str = "") -> None:
    """The answer is one of the accepted outcomes.

    Raises:
        Violation: it is none of them.
    """
    if not any(outcome.accepts(answer) for outcome in accepted):
        violated(answer, (outcome.text for outcome in accepted), note=note)


def violated(
    answer: Observed,
    expected: str | Iterable[str],
    observed: str | None = None,
    *,
    note: str = "",
) -> NoReturn:
    """Report that a requirement is broken.

    Raises:
        Violation: always.
    """
    raise Violation(
        expected=expected,
        observed=answer.describe() if observed is None else observed,
        note=note,
        exchange=answer.exchange,
    )
