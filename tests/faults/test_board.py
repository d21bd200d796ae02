"""Arming faults, and asking which of them concern a request or a connection."""

from __future__ import annotations

from enum import Enum, StrEnum

import pytest

from pytest_xks.faults import FaultBoard, Occasion


class Operation(StrEnum):
    """As an owner would have it."""

    ENCRYPT = "Encrypt"


class Other(Enum):
    """No strings."""

    ENCRYPT = "Encrypt"


# -- arming ---------------------------------------------------------------------------


def test_nothing_armed(board):
    """With nothing armed nobody even looks at the request."""
    assert board.at(None) == ()
    assert (board.armed, board.history, board.never_hit()) == ((), (), ())


def test_order_of_arming(board):
    """Faults concern a request in the order in which they were armed."""
    armed = tuple(board.arm(name) for name in ("silence", "delay", "silence"))

    assert board.armed == board.history == armed
    assert tuple(chance.armed for chance in board.at(Occasion())) == armed


def test_history(board):
    """What has been disarmed is remembered."""
    armed = board.arm("delay")
    armed.disarm()

    assert (board.armed, board.history) == ((), (armed,))


def test_clear(board):
    """Everything can be disarmed at once, whatever it acts on."""
    board.arm("delay")
    board.arm("connection-refused")
    board.clear()

    assert (board.armed, board.listening()) == ((), ())
    assert len(board.history) == 2


def test_never_hit(board, strikes):
    """What was armed in vain is known, where a hit would have been seen."""
    hit = board.arm("delay", operation="Encrypt")
    missed = board.arm("delay", operation="Decrypt")
    refused = board.arm("connection-refused")
    board.arm("certificate-expired")
    strikes(operation="Encrypt")

    assert hit.hits == 1
    assert board.never_hit() == (missed, refused)


def test_never_hit_goes_by_what_the_owner_says(board):
    """An owner that cannot count says so of the fault."""
    board.arm("connection-refused").countable = False

    assert board.never_hit() == ()


def test_watchers(board):
    """Whoever has to know is told of every change, and of nothing else."""
    told = []
    board.watchers.append(lambda: told.append(len(board.armed)))
    armed = board.arm("delay")
    board.arm("silence")
    armed.disarm()
    armed.disarm()
    board.clear()
    board.clear()

    assert told == [1, 2, 1, 0]


def test_watcher_that_leaves(board):
    """A watcher may take itself off the list while it is told."""
    told = []

    def once():
        told.append("once")
        board.watchers.remove(once)

    board.watchers += [once, lambda: told.append("always")]
    board.arm("delay")
    board.arm("delay")

    assert told == ["once", "always", "always"]


def test_watcher_may_use_the_board(board, strikes):
    """A watcher is told when the board is free: it may ask it, and change it."""
    board.watchers.append(strikes)
    board.watchers.append(lambda: board.clear() if board.armed else None)
    armed = board.arm("delay")

    assert (armed.hits, board.armed) == (1, ())


def test_two_boards(catalogue):
    """What is armed in one owner is nobody else's."""
    FaultBoard(catalogue).arm("delay")

    assert FaultBoard(catalogue).at(Occasion()) == ()


# -- what cannot be armed -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "error", "said"),
    [
        ("delat", {}, LookupError, "has no fault 'delat'; did you mean"),
        ("delay", {"milliseconds": "300"}, TypeError, "not '300'"),
        ("delay", {"milliseconds": -1}, ValueError, "negative"),
        ("delay", {"seconds": 1}, TypeError, "no option 'seconds'"),
        ("delay", {"times": 0}, ValueError, "times must be at least 1"),
        ("delay", {"times": True}, TypeError, "times must be a whole number"),
        ("delay", {"rate": 5}, ValueError, "rate must be above 0"),
        ("delay", {"key_store": 5}, TypeError, "key_store must be a string"),
        ("delay", {"operation": Other.ENCRYPT}, ValueError, "it has Encrypt, Decrypt"),
    ],
)
def test_nothing_is_armed(board, name, arguments, error, said):
    """A slip is told, and nothing is armed and nobody told of a change."""
    board.watchers.append(pytest.fail)

    with pytest.raises(error, match=said):
        board.arm(name, **arguments)

    assert board.history == ()


def test_operation_of_somebody_else(board):
    """An operation that the owner does not have: one line with those it has."""
    with pytest.raises(ValueError, match="Sign") as caught:
        board.arm("delay", operation="Sign")

    assert str(caught.value) == (
        "the small proxy has no operation 'Sign'; it has Encrypt, Decrypt"
    )


def test_operation_that_the_fault_cannot_have(board):
    """An operation that the fault does not concern: one line with those it does."""
    with pytest.raises(ValueError, match="Encrypt") as caught:
        board.arm("decrypt-ignores-aad", operation="Encrypt")

    assert str(caught.value) == (
        "the fault 'decrypt-ignores-aad' concerns Decrypt only, not 'Encrypt'"
    )


def test_operation_as_an_enum(board, strikes):
    """A member of a StrEnum is as good as its value."""
    armed = board.arm("delay", operation=Operation.ENCRYPT)

    assert armed.operation == "Encrypt"
    assert strikes(operation=Operation.ENCRYPT) == [True]
    assert strikes(operation="Decrypt") == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"operation": "Encrypt"},
        {"key_store": "s"},
        {"external_key_id": "k"},
        {"after": 1},
        {"every": 2},
        {"rate": 0.5},
        {"operation": "Encrypt", "every": 2, "times": 1},
    ],
    ids=str,
)
def test_connections_are_not_requests(board, arguments):
    """What acts on connections takes nothing that chooses among requests."""
    refused = ", ".join(name for name in arguments if name != "times")

    with pytest.raises(ValueError, match="connections") as caught:
        board.arm("connection-refused", **arguments)

    assert str(caught.value) == (
        "the fault 'connection-refused' acts on connections, not on requests: "
        f"it takes times, not {refused}"
    )
    assert board.history == ()


# -- connections ----------------------------------------------------------------------


def test_listening(board):
    """Faults of connections and of requests are asked for apart."""
    board.arm("delay")
    refused = board.arm("connection-refused")

    assert board.listening() == (refused,)
    assert refused not in [chance.armed for chance in board.at(Occasion())]


def test_connections_are_counted(board):
    """After so many connections the owner listens as it should, and is told to."""
    told = []
    refused = board.arm("connection-refused", times=2)
    board.watchers.append(lambda: told.append(board.listening()))

    assert board.count_connection(refused)
    assert (told, board.listening()) == ([], (refused,))
    assert board.count_connection(refused)
    assert (told, board.listening()) == ([()], ())
    assert not board.count_connection(refused)
    assert (refused.hits, refused.exhausted) == (2, True)


def test_connection_after_the_end(board):
    """A connection that comes when the fault has been disarmed is no hit."""
    refused = board.arm("connection-refused")
    refused.disarm()

    assert not board.count_connection(refused)
    assert refused.hits == 0


# -- threads --------------------------------------------------------------------------


def test_exactly_as_often_under_threads(board, strikes, in_threads):
    """32 threads and ten times: ten hits, no more and no less."""
    for _ in range(10):
        armed = board.arm("delay", times=10)
        answers = in_threads(strikes, 20)
        armed.disarm()

        assert answers.count([True]) == armed.hits == 10


def test_every_third_under_threads(board, strikes, in_threads):
    """Of 960 requests at once every third is hit, whichever they are."""
    armed = board.arm("delay", every=3)
    answers = in_threads(strikes, 30)

    assert answers.count([True]) == armed.hits == 320


def test_decided_under_the_lock(board, strikes):
    """Nobody else decides while a decision is made."""
    held = []
    armed = board.arm("delay", rate=0.5)

    class Dice:
        """Looks at the lock when it is asked."""

        def random(self):
            held.append(armed.tally.lock.locked())
            return 0.0

    armed.tally._draw = Dice()

    assert strikes() == [True]
    assert held == [True]


def test_arming_under_threads(board, in_threads):
    """Whatever is armed and disarmed at once, nothing is lost and nothing left."""

    def arm():
        with board.arm("delay"):
            board.at(Occasion())

    in_threads(arm, 10)

    assert len(board.history) == 320
    assert board.armed == ()
