"""Effects are data; a delay checks its numbers and draws from them."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.faults import Delay, Edit, End, Error, Listen, Replace

LATENCIES = st.floats(min_value=0, max_value=1e6)


def dice(seed=0):
    """A random number generator whose numbers are known."""
    return random.Random(seed)  # noqa: S311 - no secret


@pytest.mark.parametrize(
    "effect",
    [
        Delay(1),
        End("close"),
        Error("InternalException"),
        Edit(dict.clear),
        Replace("step", print),
        Listen("refuse"),
    ],
)
def test_frozen(effect):
    """An effect is data that nobody changes."""
    with pytest.raises(FrozenInstanceError):
        setattr(effect, fields(effect)[0].name, "other")


def test_equal():
    """Two effects with the same content are the same."""
    assert Delay([1, 2]) == Delay([1, 2])
    assert Error("InternalException") != Error("InternalException", "the HSM is down")


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (-1, "negative"),
        ([5, -1], "negative"),
        ((-1, 5), "negative"),
        (float("inf"), "infinite"),
        (float("nan"), "infinite"),
        ([], "at least one"),
        ((300, 200), r"\(low, high\), not \(300, 200\)"),
    ],
)
def test_impossible_delays(milliseconds, said):
    """A latency that cannot be is refused where it is written, in milliseconds."""
    with pytest.raises(ValueError, match=said) as caught:
        Delay(milliseconds)

    assert str(caught.value).startswith("milliseconds ")


def test_a_number():
    """A number is the latency of every hit."""
    delay = Delay(300)

    assert [delay.draw(dice(), hit) for hit in (1, 2)] == [300, 300]


def test_a_list():
    """A list is taken in turn, and begins anew at its end."""
    delay = Delay([100, 200, 300])

    drawn = [delay.draw(dice(), hit) for hit in range(1, 6)]

    assert drawn == [100, 200, 300, 100, 200]


@given(ends=st.tuples(LATENCIES, LATENCIES), seed=st.integers())
def test_a_range(ends, seed):
    """A latency of a range lies within it, and the seed decides where."""
    low, high = sorted(ends)
    delay = Delay((low, high))

    drawn = delay.draw(dice(seed), 1)

    assert low <= drawn <= high
    assert drawn == delay.draw(dice(seed), 1)
