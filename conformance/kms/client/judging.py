"""Several cases of one check, judged side by side: the check comes to the worst."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pytest_xks.certify.run.outcome import NotApplicable, NotTestable, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .kms_client import KmsClient

__all__ = ["judge", "outcome"]

T = TypeVar("T")


def judge(
    kms: KmsClient,
    listed: Mapping[str, Callable[[], object]],
    *,
    width: int | None = None,
) -> None:
    """Judge cases side by side.

    Args:
        kms: the endpoint.
        listed: what judges a case, by the case's name.
        width: how many may run at once, if that is less than usual.

    Raises:
        Exception: the worst outcome, of the first case that has it; it says which
            others have one like it.
    """
    found = kms.side_by_side(
        (partial(outcome, c) for c in listed.values()), width=width
    )
    _conclude(dict(zip(listed, found, strict=True)))


def outcome(call: Callable[[], T]) -> T | Exception:
    """What a call returns or raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - it may be any outcome
        return error


def _conclude(judged: Mapping[str, object]) -> None:
    found = {n: each for n, each in judged.items() if isinstance(each, Exception)}
    for is_worst in (_is_violation, _is_broken, _is_not_testable):
        worst = [label for label, error in found.items() if is_worst(error)]
        if worst:
            raise _telling(found[worst[0]], worst, len(judged))
    if found and len(found) == len(judged):
        raise next(iter(found.values()))


def _is_violation(error: Exception) -> bool:
    return isinstance(error, AssertionError)


def _is_not_testable(error: Exception) -> bool:
    return isinstance(error, NotTestable)


def _is_broken(error: Exception) -> bool:
    return not isinstance(error, AssertionError | NotTestable | NotApplicable)


def _telling(error: Exception, labels: list[str], count: int) -> Exception:
    """The outcome, saying which case it is of, and which others have one like it."""
    if count == 1:
        return error
    first, *others = (f'"{label}"' for label in labels)
    where = f"In the case {first}, of {count}"
    where += f"; so too in {', '.join(others)}." if others else "."
    if isinstance(error, Violation):
        return Violation(
            expected=error.expected,
            observed=error.observed,
            note=f"{where} {error.note}".strip(),
            exchange=error.exchange,
        )
    if isinstance(error, NotTestable):
        return NotTestable(f"{error.reason} {where}", add=error.add)
    error.add_note(where)
    return error
