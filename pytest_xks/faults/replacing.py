"""From effects to what is called in place of an owner's steps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any

from pytest_xks.faults.chance import Chance
from pytest_xks.faults.effects import Delay, Edit, End, Error, Listen, Replace

__all__ = ["Replacement", "Translatable", "Translate", "replacements"]

Translatable = Delay | End | Error | Edit
"""The effects that only their owner can turn into replacements of its steps."""

Translate = Callable[[Translatable, Chance], Iterable[Replace]]
"""Does so; the chance is for ``Chance.delay_ms``, and is asked when a step is reached,
not before."""

Replacement = Callable[..., Any]
"""Called with the step itself, then with the step's arguments."""


def replacements(
    chances: Iterable[Chance], translate: Translate
) -> dict[Hashable, Replacement]:
    """What is to be called in place of each step that the faults change.

    Each replacement is called where its fault strikes; otherwise the request goes on to
    what it would have replaced. Where several change one step, the later armed gets
    what the earlier armed made of it.

    Args:
        chances: the faults that concern a request, in the order of their arming.
        translate: the owner's part.
    """
    chained: dict[Hashable, Replacement] = {}
    for chance in chances:
        for each in _replaces(chance, translate):
            guarded = partial(_strike_or_proceed, chance, each.replacement)
            inner = chained.get(each.step)
            chained[each.step] = partial(_around, guarded, inner) if inner else guarded
    return chained


def _replaces(chance: Chance, translate: Translate) -> Iterator[Replace]:
    for effect in chance.armed.effects:
        if isinstance(effect, Replace):
            yield effect
        elif not isinstance(effect, Listen):
            yield from translate(effect, chance)


def _strike_or_proceed(
    chance: Chance,
    replacement: Replacement,
    proceed: Callable[..., Any],
    /,
    *arguments: object,
    **named: object,
) -> Any:  # noqa: ANN401 - whatever the step returns
    if not chance.strikes():
        return proceed(*arguments, **named)
    return replacement(proceed, *arguments, **named)


def _around(
    outer: Replacement,
    inner: Replacement,
    proceed: Callable[..., Any],
    /,
    *arguments: object,
    **named: object,
) -> Any:  # noqa: ANN401 - whatever the step returns
    return outer(partial(inner, proceed), *arguments, **named)
