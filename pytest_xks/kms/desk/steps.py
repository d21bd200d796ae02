"""Steps of the fake KMS that a fault can replace.

A function marked with ``@step`` is called as any other. While faults are at work, what
they put in its place is called instead and gets the step itself as its first argument,
to go on with or not::

    {check_name: lambda proceed, *arguments: None}

What is put in place holds for the calls of one fake, in the context (thread) in which
it answers, so two fakes in one process are independent.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["replaced", "step"]

P = ParamSpec("P")
R = TypeVar("R")

_replacements: ContextVar[Mapping[Callable[..., Any], Callable[..., Any]] | None] = (
    ContextVar("replacements", default=None)
)
_steps: set[Callable[..., Any]] = set()


def step(function: Callable[P, R]) -> Callable[P, R]:
    """Let faults replace a function."""

    @wraps(function)
    def replaceable(*args: P.args, **kwargs: P.kwargs) -> R:
        replacements = _replacements.get()
        if replacements is None or replaceable not in replacements:
            return function(*args, **kwargs)
        result: R = replacements[replaceable](*args, **kwargs)
        return result

    _steps.add(replaceable)
    return replaceable


@contextmanager
def replaced(
    replacements: Mapping[Callable[..., Any], Callable[..., Any]],
) -> Iterator[None]:
    """Replace steps for the calls within the block.

    Args:
        replacements: what takes the place of each step. It gets the step, or what took
            its place before, as its first argument.

    Raises:
        TypeError: one of them is no step.
    """
    before = _replacements.get() or {}
    added = {}
    for function, replacement in replacements.items():
        if function not in _steps:
            raise TypeError(f"{function.__qualname__} is not a step")
        proceed = before.get(function, function.__wrapped__)  # type: ignore[attr-defined] # wraps() sets it
        added[function] = partial(replacement, proceed)
    token = _replacements.set({**before, **added})
    try:
        yield
    finally:
        _replacements.reset(token)
