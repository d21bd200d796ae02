"""The options of a fault: the parameters of its function, checked when it is armed.

They come from outside (a test, a command line, JSON), so a slip is told in one line
that names what would have been right.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["RESERVED", "Option", "abridged", "listed", "options_of", "read_options"]

RESERVED = frozenset(
    {
        "after",
        "every",
        "external_key_id",
        "key_store",
        "name",
        "operation",
        "rate",
        "seed",
        "times",
    }
)
"""What whoever arms a fault says of any fault, so no option can be named so."""

_LONGEST = 60


class _Kind(NamedTuple):
    """One thing that an option may be."""

    words: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], object] = lambda value: value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_whole(value)


_KINDS: Mapping[Any, _Kind] = {
    NoneType: _Kind("None", lambda value: value is None),
    bool: _Kind("True or False", lambda value: isinstance(value, bool)),
    float: _Kind("a number", _is_number),
    int: _Kind("a whole number", _is_whole),
    list[float]: _Kind(
        "a list of numbers",
        lambda value: isinstance(value, list) and all(map(_is_number, value)),
        list,  # a copy: what is armed does not change with the caller's list
    ),
    str: _Kind("a string", lambda value: isinstance(value, str)),
    tuple[float, float]: _Kind(
        "a range (low, high)",
        lambda value: (
            isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a fault."""

    name: str
    annotation: Any
    """Its type, evaluated."""
    default: object

    def __str__(self) -> str:
        """As it would be written: ``milliseconds=1000``."""
        return f"{self.name}={_written(self.default)}"

    @property
    def allowed(self) -> str:
        """What it may be: ``a number, a range (low, high) or a list of numbers``."""
        return listed([kind.words for kind in _kinds(self.annotation)])

    def read(self, value: object) -> object:
        """The value as the fault's function takes it.

        Raises:
            TypeError: the option cannot have it; the message begins with the option.
        """
        for kind in _kinds(self.annotation):
            if kind.accepts(value):
                return kind.convert(value)
        raise TypeError(f"{self.name} as {self.allowed}, not {abridged(value)}")


def options_of(build: Callable[..., object]) -> tuple[Option, ...]:
    """The options of the function of a fault, from its signature.

    Raises:
        TypeError: a parameter without a type or a default, of a type that cannot be
            checked, or whose default is of another type.
        ValueError: a parameter with a name that is reserved.
    """
    types = _types_of(build)
    return tuple(
        _option(parameter, types)
        for parameter in inspect.signature(build).parameters.values()
    )


def read_options(
    fault: str, options: tuple[Option, ...], given: Mapping[str, object]
) -> dict[str, object]:
    """What was given, as the fault's function takes it.

    Args:
        fault: the name of the fault, for messages.
        options: those that it has.
        given: value by name.

    Raises:
        TypeError: an option that it does not have, or a value of another type.
    """
    known = {option.name: option for option in options}
    for name in given:
        if name not in known:
            has = ", ".join(map(str, options)) or "none"
            raise TypeError(
                f"the fault {fault!r} has no option {name!r}; its options: {has}"
            )
    try:
        return {name: known[name].read(value) for name, value in given.items()}
    except TypeError as error:
        raise TypeError(f"the fault {fault!r} takes {error}") from None


def abridged(value: object) -> str:
    """A value in one line of a message, however long it is."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def listed(words: list[str]) -> str:
    """Words as alternatives: ``a, b or c``."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _option(parameter: inspect.Parameter, types: Mapping[str, object]) -> Option:
    name = parameter.name
    if name in RESERVED:
        raise ValueError(f"no option can be named {name!r}: any fault is armed with it")
    if name not in types or parameter.default is parameter.empty:
        # The self-test arms a fault by its name alone.
        raise TypeError(f"the option {name!r} needs a type and a default")
    option = Option(name, types[name], parameter.default)
    option.read(option.default)
    return option


def _types_of(build: Callable[..., object]) -> Mapping[str, object]:
    """The types of the parameters.

    Not of what it returns, which is often imported for type checkers only.
    """
    function: Any = build
    while isinstance(function, partial):
        function = function.func
    annotations = {
        name: annotation
        for name, annotation in getattr(function, "__annotations__", {}).items()
        if name != "return"
    }
    return get_type_hints(
        SimpleNamespace(__annotations__=annotations),
        globalns=getattr(function, "__globals__", {}),
    )


def _kinds(annotation: Any) -> Iterator[_Kind]:  # noqa: ANN401 - a type of any form
    if annotation in _KINDS:
        yield _KINDS[annotation]
    elif get_origin(annotation) in {Union, UnionType}:
        for alternative in get_args(annotation):
            yield from _kinds(alternative)
    elif get_origin(annotation) is Literal:
        yield from map(_literal, get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield from map(_member, annotation)
    else:
        raise TypeError(f"no option can be of the type {annotation}")


def _literal(literal: object) -> _Kind:
    return _Kind(
        repr(literal),
        # For True == 1.
        lambda value: value == literal and type(value) is type(literal),
    )


def _member(member: StrEnum) -> _Kind:
    return _Kind(
        repr(member.value), lambda value: value == member.value, lambda _: member
    )


def _written(value: object) -> str:
    return abridged(value.value if isinstance(value, StrEnum) else value)
