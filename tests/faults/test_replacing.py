"""From effects to what is called in place of steps."""

from __future__ import annotations

from functools import partial

import pytest

from pytest_xks.faults import (
    Catalogue,
    Delay,
    Edit,
    End,
    Error,
    FaultBoard,
    Occasion,
    Replace,
    replacements,
)


class ServiceError(Exception):
    """What the owner raises for an Error."""


def greet(name):
    """A step of the owner's."""
    return {"hello": name}


def translate(effect, chance):
    """The owner's part: all that it knows happens in one step."""

    def step(proceed, name):
        match effect:
            case Delay():
                return {**proceed(name), "ms": chance.delay_ms(effect)}
            case End():
                return {**proceed(name), "end": effect.how}
            case Error():
                raise ServiceError(effect.name)
            case Edit():
                document = proceed(name)
                effect.change(document)
                return document

    return [Replace(greet, step)]


@pytest.fixture
def board():
    """An owner with faults in its own terms and in those of a step."""
    catalogue = Catalogue(owner="the host", operations=[], modules=[])
    for name, effect in {
        "late": Delay([1, 2]),
        "ends": End("close"),
        "fails": Error("InternalException"),
        "edits": Edit(lambda document: document.update(edited=True)),
        "shouts": Replace(greet, lambda proceed, name: proceed(name.upper())),
        "doubles": Replace(greet, lambda proceed, name: proceed(name + name)),
        "forgets": Replace(greet, lambda _proceed, *_, **__: {}),
        "both": (
            Replace(greet, lambda proceed, name: proceed(name + "!")),
            Replace("leave", lambda proceed: f"{proceed()}!"),
        ),
    }.items():
        catalogue.row(name, "Does so.", effect)
    return FaultBoard(catalogue)


@pytest.fixture
def call(board):
    """Call the step as one request would."""

    def call(name="you"):
        replaced = replacements(board.at(Occasion()), translate)
        return partial(replaced[greet], greet)(name) if replaced else greet(name)

    return call


def test_nothing_armed(board):
    """Without faults there is nothing to replace."""
    assert replacements(board.at(Occasion()), translate) == {}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("late", {"hello": "you", "ms": 1}),
        ("ends", {"hello": "you", "end": "close"}),
        ("edits", {"hello": "you", "edited": True}),
        ("shouts", {"hello": "YOU"}),
        ("forgets", {}),
    ],
)
def test_each_effect(board, call, name, answer):
    """Effects in the owner's terms are translated; replacements are taken as is."""
    board.arm(name)

    assert call() == answer


def test_errors_pass(board, call):
    """What a replacement raises reaches whoever called the step."""
    board.arm("fails")

    with pytest.raises(ServiceError, match="InternalException"):
        call()


def test_guarded(board, call):
    """Where the fault does not strike, the step itself is called."""
    armed = board.arm("shouts", every=2, times=1)

    assert [call()["hello"] for _ in range(4)] == ["you", "YOU", "you", "you"]
    assert armed.hits == 1


def test_step_that_is_not_reached(board):
    """A fault whose step is never called is not hit."""
    armed = board.arm("shouts")
    replacements(board.at(Occasion()), translate)

    assert armed.hits == 0


def test_the_later_armed_is_outermost(board, call):
    """The later armed gets what the earlier armed made of the step."""
    board.arm("shouts")
    board.arm("ends")
    board.arm("edits")

    assert list(call().items()) == [
        ("hello", "YOU"),
        ("end", "close"),
        ("edited", True),
    ]


def test_one_of_a_chain_passes(board, call):
    """A fault that does not strike leaves the others of the chain alone."""
    board.arm("doubles")
    board.arm("shouts", after=1)
    board.arm("edits")

    assert call() == {"hello": "youyou", "edited": True}
    assert call() == {"hello": "YOUYOU", "edited": True}


def test_hidden_by_another(board, call):
    """A fault that is never reached behind another one is not hit."""
    hidden = board.arm("shouts")
    board.arm("forgets")
    call()

    assert board.never_hit() == (hidden,)


def test_two_steps_of_one_fault(board):
    """All that a fault changes in one request, it changes or leaves together."""
    armed = board.arm("both", every=2)
    seen = []
    for _ in range(4):
        replaced = replacements(board.at(Occasion()), translate)
        seen += [replaced[greet](greet, "you"), replaced["leave"](lambda: "bye")]

    assert seen == [{"hello": "you"}, "bye", {"hello": "you!"}, "bye!"] * 2
    assert armed.hits == 2


def test_a_step_that_is_called_again(board):
    """Within a request the decision holds, however often a step is called."""
    armed = board.arm("shouts", times=1)
    step = partial(replacements(board.at(Occasion()), translate)[greet], greet)

    assert [step("you"), step("you")] == [{"hello": "YOU"}] * 2
    assert armed.hits == 1


def test_named_arguments(board):
    """Whatever a step is called with reaches it, by name too."""
    board.arm("both", after=1)
    step = replacements(board.at(Occasion()), translate)[greet]

    assert step(lambda **named: named, proceed=1, chance=2) == {
        "proceed": 1,
        "chance": 2,
    }
