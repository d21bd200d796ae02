"""One fault on one occasion: decided once, when somebody asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from pytest_xks.faults import Delay, Occasion


def chance_of(board, occasion=None):
    """The only chance that there is."""
    (chance,) = board.at(occasion or Occasion())
    return chance


def test_not_asked(board):
    """A fault that concerns a request is not hit by it before a step is reached."""
    armed = board.arm("delay")
    chance = chance_of(board)

    assert (armed.hits, chance.struck) == (0, False)


def test_asked_often(board):
    """The answer holds for the rest of the request, and counts once."""
    armed = board.arm("delay", every=2)
    first, second = chance_of(board), chance_of(board)

    assert [first.strikes() for _ in range(3)] == [False, False, False]
    assert [second.strikes() for _ in range(3)] == [True, True, True]
    assert (first.struck, second.struck, armed.hits) == (False, True, 1)


def test_occasions_count_when_asked(board):
    """A request that never comes to the step is no occasion for ``every``."""
    board.arm("delay", every=2)
    chance_of(board)
    asked = [chance_of(board).strikes() for _ in range(2)]

    assert asked == [False, True]


def test_disarmed_meanwhile(board):
    """What is disarmed strikes no request that is under way; what it did, it did."""
    armed = board.arm("delay")
    before, after = chance_of(board), chance_of(board)
    assert before.strikes()
    armed.disarm()

    assert (before.strikes(), after.strikes(), armed.hits) == (True, False, 1)


def test_asked_by_two_threads(board):
    """Two that ask about one request at the same time get one answer, and one hit."""
    armed = board.arm("delay", times=1)
    chance = chance_of(board)
    both_ask, lock = threading.Barrier(2), threading.Lock()

    class Gate:
        """A lock that nobody takes before both have come to it."""

        def __enter__(self):
            both_ask.wait(timeout=60)
            lock.acquire()

        def __exit__(self, *_):
            lock.release()

    armed.tally.lock = Gate()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: chance.strikes(), range(2)))

    assert answers == [True, True]
    assert armed.hits == 1


def test_latency_is_drawn_once(board):
    """Whoever asks for the latency of a request again gets the same."""
    delay = Delay((0, 1000))
    board.arm("delay")
    chance = chance_of(board)

    assert len({chance.delay_ms(delay) for _ in range(10)}) == 1


def test_latencies_of_two_delays(board):
    """Two delays of one fault are drawn apart."""
    board.arm("delay")
    chance = chance_of(board)

    assert chance.delay_ms(Delay((0, 1000))) != chance.delay_ms(Delay((0, 1000)))


def test_latencies_in_turn(board):
    """A list is taken hit by hit; a request that is not struck takes nothing."""
    armed = board.arm("delay", milliseconds=[100, 200], every=2)
    (delay,) = armed.effects
    drawn = [chance_of(board).delay_ms(delay) for _ in range(6)]

    assert drawn == [0, 100, 0, 200, 0, 100]


def test_latencies_are_reproducible(board):
    """The seed decides each hit's latency, in whichever order they are asked for."""
    drawn = []
    for backwards in (False, True):
        armed = board.arm("delay", milliseconds=(0, 1000), seed=5)
        (delay,) = armed.effects
        chances = [chance_of(board) for _ in range(5)]
        for chance in chances:
            chance.strikes()
        asked = reversed(chances) if backwards else chances
        drawn.append(sorted(chance.delay_ms(delay) for chance in asked))
        armed.disarm()
    other = board.arm("delay", milliseconds=(0, 1000), seed=6)

    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 5
    assert chance_of(board).delay_ms(other.effects[0]) not in drawn[0]


def test_latency_asked_first(board):
    """To ask for the latency is to ask whether it strikes."""
    armed = board.arm("delay", milliseconds=7)
    chance = chance_of(board)

    assert chance.delay_ms(armed.effects[0]) == 7
    assert (chance.struck, armed.hits) == (True, 1)


def test_repr(board):
    """It says what was decided."""
    board.arm("delay", times=1)
    first, second = chance_of(board), chance_of(board)

    assert repr(first) == "<undecided: <fault delay times=1, 0 hits>>"
    first.strikes()
    second.strikes()
    assert repr(first) == "<strikes: <fault delay times=1, 1 hits>>"
    assert repr(second) == "<passes: <fault delay times=1, 1 hits>>"
