"""A fault that is armed: what it shows, and the end of it."""

from __future__ import annotations

import pytest

from pytest_xks.faults import Delay, Occasion, Schedule


def test_what_it_shows(board):
    """All that was said when it was armed can be read."""
    armed = board.arm(
        "delay", operation="Encrypt", key_store="s", external_key_id="k", every=2
    )

    assert armed.fault.name == armed.name == "delay"
    assert armed.effects == (Delay(1000),)
    assert (armed.operation, armed.key_store) == ("Encrypt", "s")
    assert armed.external_key_id == "k"
    assert armed.schedule == Schedule(every=2)
    assert (armed.hits, armed.exhausted) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({}, "<fault delay, 1 hits>"),
        ({"milliseconds": 5}, "<fault delay, 1 hits>"),
        ({"times": 2}, "<fault delay times=2, 1 hits>"),
        (
            {"operation": "Encrypt", "external_key_id": "k", "times": 1},
            "<fault delay operation=Encrypt external_key_id=k times=1, 1 hits>",
        ),
        (
            {"key_store": "s", "rate": 1, "seed": 3},
            "<fault delay key_store=s seed=3, 1 hits>",
        ),
    ],
)
def test_repr(board, strikes, arguments, shown):
    """It shows the fault, what was chosen, and its hits."""
    armed = board.arm("delay", **arguments)
    strikes(
        operation="Encrypt",
        key_stores=frozenset({"s"}),
        external_key_ids=frozenset({"k"}),
    )

    assert repr(armed) == shown


def test_exhausted(board, strikes):
    """After so many hits it is exhausted, and concerns nothing any more."""
    armed = board.arm("delay", times=2)

    assert strikes() == [True]
    assert not armed.exhausted
    assert strikes() == [True]
    assert armed.exhausted
    assert strikes() == []
    assert armed.hits == 2


def test_context_manager(board, strikes):
    """At the end of the block it misbehaves no longer; its hits stay known."""
    with board.arm("delay") as armed:
        assert strikes() == [True]

    assert strikes() == []
    assert armed.hits == 1
    assert not armed.exhausted


def test_disarmed_twice(board):
    """To disarm what is disarmed is harmless."""
    armed = board.arm("delay")
    armed.disarm()
    armed.disarm()

    assert board.armed == ()


def test_declared_operations(board):
    """A fault concerns the operations that it declares and no other."""
    armed = board.arm("decrypt-ignores-aad")

    assert armed.concerns(Occasion(operation="Decrypt"))
    assert not armed.concerns(Occasion(operation="Encrypt"))
    assert not armed.concerns(Occasion())


@pytest.mark.parametrize(
    ("name", "countable"),
    [("delay", True), ("connection-refused", True), ("certificate-expired", False)],
)
def test_countable(board, name, countable):
    """Requests are counted; connections where the owner says that it does."""
    assert board.arm(name).countable is countable


def test_tricks(board):
    """What acts on connections says how; what acts on requests does not."""
    assert board.arm("connection-refused").tricks == ("connection-refused",)
    assert board.arm("delay").tricks == ()
