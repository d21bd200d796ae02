"""Steps of the fake KMS, and what takes their place."""

from __future__ import annotations

import threading

import pytest

from pytest_xks.kms.desk.steps import replaced, step


@step
def greet(name: str) -> str:
    """A step."""
    return f"hello {name}"


def shout(proceed, name):
    """Go on with the step, and change what it said."""
    return proceed(name).upper()


def test_a_step_is_a_function():
    """While nothing takes its place, a step is called as any function."""
    assert greet("you") == "hello you"


def test_replaced_within_the_block():
    """What takes the place of a step gets the step, and goes with the block."""
    with replaced({greet: shout}):
        assert greet("you") == "HELLO YOU"

    assert greet("you") == "hello you"


def test_replaced_twice():
    """What comes later gets what took the place before."""
    with (
        replaced({greet: shout}),
        replaced({greet: lambda proceed, name: proceed(name) + "!"}),
    ):
        assert greet("you") == "HELLO YOU!"


def test_another_thread():
    """What is put in place holds for the thread that put it there."""
    heard = []
    with replaced({greet: shout}):
        thread = threading.Thread(target=lambda: heard.append(greet("you")))
        thread.start()
        thread.join()

    assert heard == ["hello you"]


def test_what_is_no_step():
    """What is no step cannot be replaced: nobody would notice."""
    with (
        pytest.raises(TypeError, match="shout is not a step"),
        replaced({shout: greet}),
    ):
        pass
