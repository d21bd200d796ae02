"""Options: what a signature allows, and what is said of anything else."""

from __future__ import annotations

import inspect
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest

from pytest_xks.faults import FaultBoard, Latency
from pytest_xks.faults.options import RESERVED, options_of, read_options

if TYPE_CHECKING:
    from nowhere import Unknown


class Ending(StrEnum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"


def everything(
    whole: int = 1,
    number: float = 1.5,
    text: str = "a",
    flag: bool = False,  # noqa: FBT001, FBT002 - a type of option
    maybe: str | None = None,
    literal: Literal["a", 1] = "a",
    ending: Ending = Ending.CLOSE,
    milliseconds: Latency = 1000,
) -> Unknown:
    """Has an option of each type; what it returns is known to type checkers only."""


def read(**given):
    """What the function of a fault would be called with."""
    return read_options("delay", options_of(everything), given)


def test_options_of_a_signature():
    """Name, type and default come from the function, and are shown as one writes it."""
    assert [str(option) for option in options_of(everything)] == [
        "whole=1",
        "number=1.5",
        "text='a'",
        "flag=False",
        "maybe=None",
        "literal='a'",
        "ending='close'",
        "milliseconds=1000",
    ]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("whole", "a whole number"),
        ("number", "a number"),
        ("text", "a string"),
        ("flag", "True or False"),
        ("maybe", "a string or None"),
        ("literal", "'a' or 1"),
        ("ending", "'close' or 'reset'"),
        ("milliseconds", "a number, a range (low, high) or a list of numbers"),
    ],
)
def test_what_is_allowed(name, allowed):
    """Each option says what it may be, in words."""
    options = {option.name: option for option in options_of(everything)}

    assert options[name].allowed == allowed


@pytest.mark.parametrize(
    ("name", "value", "as_read"),
    [
        ("whole", 2, 2),
        ("number", 2, 2),
        ("number", 2.5, 2.5),
        ("text", "b", "b"),
        ("flag", True, True),
        ("maybe", None, None),
        ("maybe", "b", "b"),
        ("literal", 1, 1),
        ("ending", Ending.RESET, Ending.RESET),
        ("ending", "reset", Ending.RESET),
        ("milliseconds", 300, 300),
        ("milliseconds", (100, 300.5), (100, 300.5)),
        ("milliseconds", [1, 2, 3], [1, 2, 3]),
    ],
)
def test_right_values(name, value, as_read):
    """A value of the type is taken; a string becomes the enum's member."""
    (taken,) = read(**{name: value}).values()

    assert taken == as_read
    assert type(taken) is type(as_read)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", 1.0),
        ("whole", True),
        ("whole", "1"),
        ("number", True),
        ("number", "1.5"),
        ("number", None),
        ("text", 1),
        ("text", None),
        ("flag", 1),
        ("maybe", 0),
        ("literal", "b"),
        ("literal", True),
        ("ending", "silence"),
        ("ending", 1),
        ("milliseconds", "300"),
        ("milliseconds", (1, 2, 3)),
        ("milliseconds", [1, "2"]),
        ("milliseconds", {"low": 1}),
    ],
)
def test_wrong_values(name, value):
    """A value of another type is refused in one line that says what is allowed."""
    options = {option.name: option for option in options_of(everything)}

    with pytest.raises(TypeError) as caught:
        read(**{name: value})

    assert str(caught.value) == (
        f"the fault 'delay' takes {name} as {options[name].allowed}, not {value!r}"
    )


def test_message_of_a_string_for_a_number():
    """The commonest slip, word for word."""
    with pytest.raises(TypeError) as caught:
        read(milliseconds="300")

    assert str(caught.value) == (
        "the fault 'delay' takes milliseconds as a number, a range (low, high) or "
        "a list of numbers, not '300'"
    )


def test_long_values_are_cut():
    """A message stays one line, whatever was given."""
    with pytest.raises(TypeError) as caught:
        read(whole="x" * 10_000 + "\n")

    assert len(str(caught.value)) < 160
    assert str(caught.value).endswith("xxx...")


def test_unknown_option():
    """An option that there is not is told with those that there are."""
    with pytest.raises(TypeError) as caught:
        read_options("delay", options_of(everything)[:2], {"seconds": 1})

    assert str(caught.value) == (
        "the fault 'delay' has no option 'seconds'; its options: whole=1, number=1.5"
    )


def test_unknown_option_of_a_fault_without():
    """A fault without options says so."""
    with pytest.raises(TypeError, match="no option 'seconds'; its options: none"):
        read_options("silence", (), {"seconds": 1})


def test_a_list_is_copied():
    """What the caller does to the list later changes nothing."""
    given = [1, 2]
    (taken,) = read(milliseconds=given).values()
    given.clear()

    assert taken == [1, 2]


def test_options_of_a_partial():
    """What is filled in by position is no option any more."""
    options = options_of(partial(everything, 5, 2.5))

    assert [option.name for option in options][:2] == ["text", "flag"]


def without_a_type(status=418):
    """Cannot be checked."""


def without_a_default(status: int):
    """Cannot be armed by its name alone."""


def of_another_type(status: bytes = b""):
    """No kind of option."""


def with_a_bad_default(status: int = "418"):
    """Would be refused if it were given."""


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (without_a_type, "'status' needs a type and a default"),
        (without_a_default, "'status' needs a type and a default"),
        (of_another_type, "bytes"),
        (with_a_bad_default, "status as a whole number, not '418'"),
    ],
)
def test_signatures_that_are_none(build, said):
    """A signature that cannot be kept is refused when the fault is written."""
    with pytest.raises(TypeError, match=said):
        options_of(build)


def test_reserved_names():
    """No option has a name with which every fault is armed."""

    def build(times: int = 1) -> None: ...

    with pytest.raises(ValueError, match="'times'"):
        options_of(build)


def test_reserved_names_are_those_of_arming():
    """What is reserved is what arming takes, no more and no less."""
    parameters = inspect.signature(FaultBoard.arm).parameters

    assert set(parameters) - {"self", "options"} == RESERVED
