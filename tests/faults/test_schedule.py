"""When a fault strikes: tables, and what holds for any numbers."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.faults import Schedule
from pytest_xks.faults.schedule import Tally

SCHEDULES = st.builds(
    Schedule,
    times=st.none() | st.integers(1, 20),
    after=st.integers(0, 20),
    every=st.integers(1, 7),
    rate=st.sampled_from([1, 0.5, 0.05]),
    seed=st.integers(),
)


def struck(schedule, occasions):
    """The numbers, from 1, of the occasions on which it strikes."""
    tally = Tally(schedule, threading.Lock())
    return [number for number in range(1, occasions + 1) if tally.next_hit()]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Schedule(times=2), [1, 2]),
        (Schedule(after=6), [7, 8, 9]),
        (Schedule(every=3), [3, 6, 9]),
        (Schedule(every=3, times=2), [3, 6]),
        (Schedule(after=2, every=3), [5, 8]),
        (Schedule(after=2, every=3, times=1), [5]),
        (Schedule(after=9), []),
        (Schedule(rate=1, seed=7), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
    ids=repr,
)
def test_table(schedule, expected):
    """Which of nine occasions are struck."""
    assert struck(schedule, 9) == expected


@given(schedule=SCHEDULES)
def test_reproducible(schedule):
    """The same schedule, seed included, gives the same sequence."""
    assert struck(schedule, 200) == struck(schedule, 200)


@given(schedule=SCHEDULES)
def test_bounds(schedule):
    """Never before ``after``, only every ``every``-th, at most ``times`` in all."""
    hits = struck(schedule, 200)

    assert all(number > schedule.after for number in hits)
    assert all((number - schedule.after) % schedule.every == 0 for number in hits)
    assert len(hits) <= (schedule.times or 200)


@given(schedule=SCHEDULES)
def test_times_cuts_and_changes_nothing_else(schedule):
    """With ``times`` the sequence is the beginning of that without."""
    endless = Schedule(
        after=schedule.after,
        every=schedule.every,
        rate=schedule.rate,
        seed=schedule.seed,
    )

    assert struck(schedule, 200) == struck(endless, 200)[: schedule.times]


def test_rate():
    """A rate of 5 % strikes about one in twenty."""
    assert 400 < len(struck(Schedule(rate=0.05), 10_000)) < 600


def test_seeds_differ():
    """Another seed gives another sequence."""
    sequences = {tuple(struck(Schedule(rate=0.5, seed=seed), 50)) for seed in range(10)}

    assert len(sequences) == 10


def test_pure():
    """A schedule remembers nothing: what it decides depends on what it is given."""
    schedule = Schedule(times=1, after=1)
    dice = random.Random(0)  # noqa: S311 - no secret

    assert schedule.strikes(2, 0, dice)
    assert schedule.strikes(2, 0, dice)
    assert not schedule.strikes(1, 0, dice)
    assert not schedule.strikes(2, 1, dice)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("times", 0, "at least 1, not 0"),
        ("times", -1, "at least 1"),
        ("after", -1, "at least 0, not -1"),
        ("every", 0, "at least 1, not 0"),
        ("rate", 0, "above 0 and at most 1, not 0"),
        ("rate", -0.5, "above 0"),
        ("rate", 5, "at most 1, not 5"),
        ("rate", float("nan"), "at most 1, not nan"),
    ],
)
def test_out_of_bounds(name, value, said):
    """A number out of bounds is told with the bounds."""
    with pytest.raises(ValueError, match=said) as caught:
        Schedule(**{name: value})

    assert str(caught.value).startswith(f"{name} must be ")


@pytest.mark.parametrize("name", ["times", "after", "every", "seed"])
@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_no_whole_number(name, value):
    """Where a whole number is meant, nothing else is taken for one."""
    with pytest.raises(TypeError) as caught:
        Schedule(**{name: value})

    assert str(caught.value) == f"{name} must be a whole number, not {value!r}"


@pytest.mark.parametrize("value", [True, "0.5", None])
def test_rate_that_is_no_number(value):
    """A rate is a number."""
    with pytest.raises(TypeError, match="rate must be a number"):
        Schedule(rate=value)


def test_closed():
    """What is closed strikes no more and counts no more."""
    tally = Tally(Schedule(), threading.Lock())
    assert tally.next_hit() == 1
    tally.close()

    assert tally.next_hit() == 0
    assert (tally.hits, tally.is_over) == (1, True)
