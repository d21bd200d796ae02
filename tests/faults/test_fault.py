"""A fault builds effects, from options that were checked."""

from __future__ import annotations

import pytest

from pytest_xks.faults import Delay, Edit, End, Fault, Listen


def fault(build):
    """A fault that builds so."""
    return Fault(name="odd", summary="Is odd.", build=build)


def test_one_effect_or_several():
    """An effect alone is a tuple of one."""
    assert fault(lambda: End("close")).effects() == (End("close"),)
    assert fault(lambda: (End("close"), Delay(1))).effects() == (End("close"), Delay(1))


def test_options_reach_the_function(catalogue):
    """The function gets what was given, and its own defaults for the rest."""
    delay = catalogue.find("delay")

    assert delay.effects() == (Delay(1000),)
    assert delay.effects(milliseconds=(1, 2)) == (Delay((1, 2)),)


def test_options_out_of_bounds(catalogue):
    """What only the effect can judge, it judges when it is built."""
    with pytest.raises(ValueError, match="negative"):
        catalogue.find("delay").effects(milliseconds=-1)


def test_state_of_its_own(catalogue):
    """A factory builds anew, so that two armings share nothing."""
    counts = catalogue.find("counts-answers")
    documents = [{}, {}]
    for document in documents:
        (effect,) = counts.effects()
        assert isinstance(effect, Edit)
        effect.change(document)

    assert documents == [{"number": 1}, {"number": 1}]


@pytest.mark.parametrize("built", [None, (), "close", (End("close"), "close")])
def test_no_effect(built):
    """A function that forgets to return an effect is told so."""
    with pytest.raises(TypeError, match="'odd' builds no effect"):
        fault(lambda: built).effects()


def test_connections_and_requests_do_not_mix():
    """One fault acts on connections or on requests: hits are counted of one kind."""
    with pytest.raises(ValueError, match="connections and on requests"):
        fault(lambda: (Listen("refuse"), Delay(1))).effects()
