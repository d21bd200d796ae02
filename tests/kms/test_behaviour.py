"""The switches: their names, their values, and the words that they change."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from pytest_xks.kms.behaviour import (
    Behaviour,
    Messages,
    Timeouts,
    TlsFailureAtCreate,
)
from pytest_xks.kms.desk.exceptions import ErrorCode
from pytest_xks.kms.proxy_calls.error_mapping import (
    FAILURES,
    FailureScenario,
    Group,
    kms_error,
)

if TYPE_CHECKING:
    from .conftest import System


def test_a_switch_by_its_name():
    """Dashes and underscores are the same, and the value is one of its type."""
    behaviour = Behaviour()
    behaviour.set_switch("messages", "developer-guide")
    assert behaviour.messages is Messages.DEVELOPER_GUIDE
    behaviour.set_switch(
        "tls-failure-at-create", "XksProxyInvalidConfigurationException"
    )
    assert behaviour.tls_failure_at_create is TlsFailureAtCreate.INVALID_CONFIGURATION
    behaviour.set_switch("custom_key_stores", "20")
    assert 20 == behaviour.custom_key_stores
    behaviour.set_switch("connecting-seconds", "0.5")
    assert 0.5 == behaviour.connecting_seconds


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("mesages", "developer-guide", "did you mean messages?"),
        ("messages", "developer", "developer-guide"),
        ("custom_key_stores", "many", "must be a whole number"),
        ("custom_key_stores", "1.5", "must be a whole number"),
        ("connecting_seconds", "soon", "must be a number"),
        ("connecting_seconds", "-1", "must not be negative"),
        ("connecting_seconds", "inf", "must not be negative or infinite"),
        ("connecting_seconds", "nan", "must not be negative or infinite"),
        ("set_switch", "x", "there is no switch"),
    ],
)
def test_switches_that_there_are_not(name: str, value: str, hint: str):
    """The message says what there is."""
    with pytest.raises(ValueError, match=re.escape(hint)):
        Behaviour().set_switch(name, value)


def test_an_attribute_takes_text():
    """The words of README and ``--behaviour`` do, and give a member of the enum."""
    behaviour = Behaviour(messages="developer-guide")
    behaviour.timeouts = "fail"
    behaviour.custom_key_stores = "20"
    assert behaviour.messages is Messages.DEVELOPER_GUIDE
    assert behaviour.timeouts is Timeouts.FAIL
    assert 20 == behaviour.custom_key_stores


def test_an_attribute_takes_what_it_took():
    """A member of the enum, or a number."""
    behaviour = Behaviour(timeouts=Timeouts.FAIL)
    behaviour.requests_per_second = 1e9
    behaviour.connecting_seconds = 300
    assert behaviour.timeouts is Timeouts.FAIL
    assert 1e9 == behaviour.requests_per_second
    assert 300 == behaviour.connecting_seconds


def test_two_behaviours_are_apart():
    """A switch of one fake is not that of another."""
    Behaviour().timeouts = Timeouts.FAIL
    assert Behaviour().timeouts is Timeouts.RETRY_ONCE


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("timeouts", "retry", "did you mean retry-once? there are: retry-once, fail"),
        ("timeouts", None, "there are: retry-once, fail"),
        ("custom_key_stores", 1.5, "must be a whole number, not 1.5"),
        ("custom_key_stores", True, "must be a whole number, not True"),
        ("requests_per_second", None, "must be a number, not None"),
        ("requests_per_second", -1, "must not be negative"),
    ],
)
def test_values_that_an_attribute_refuses(name: str, value: object, hint: str):
    """The message says what is allowed, and the switch stays as it was."""
    behaviour = Behaviour()
    with pytest.raises(ValueError, match=re.escape(hint)):
        setattr(behaviour, name, value)
    assert getattr(Behaviour(), name) == getattr(behaviour, name)


def test_attributes_that_are_no_switch():
    """To read or set one is an error that names the nearest, and all there are."""
    behaviour = Behaviour()
    hint = re.escape("did you mean timeouts? there are: messages, proxy_reliability")
    with pytest.raises(AttributeError, match=hint):
        behaviour.timeout = "fail"
    with pytest.raises(AttributeError, match=hint):
        _ = behaviour.timeout
    with pytest.raises(AttributeError, match=hint):
        Behaviour(timeout="fail")


def test_what_a_behaviour_shows():
    """The switches that were set."""
    assert "Behaviour(timeouts='fail')" == repr(Behaviour(timeouts="fail"))


@pytest.mark.parametrize("name", Behaviour.switches())
def test_every_switch_can_be_set(name: str):
    """To each of its values."""
    behaviour = Behaviour()
    kind = Behaviour.switches()[name]
    values = [str(each) for each in kind] if issubclass(kind, StrEnum) else ["7"]
    for value in values:
        behaviour.set_switch(name, value)
        assert value in {str(getattr(behaviour, name)), "7"}


@pytest.mark.parametrize("scenario", FailureScenario)
def test_the_guide_s_words(scenario: FailureScenario):
    """The text changes where the guide has another, the exception never does."""
    group = Group.CRYPTOGRAPHY
    spec = kms_error(scenario, group, Behaviour())
    guide = kms_error(scenario, group, Behaviour(messages=Messages.DEVELOPER_GUIDE))
    assert spec.code == guide.code
    assert (spec.message != guide.message) == bool(FAILURES[scenario].guide)


def test_the_other_exception_without_tls(local_system: System, assert_kms_error):
    """The guide lists the text of a TLS failure under another exception."""
    switch = TlsFailureAtCreate.INVALID_CONFIGURATION
    local_system.fake.behaviour.tls_failure_at_create = switch
    local_system.proxy.fault("certificate-wrong-host")
    assert_kms_error(
        local_system.create_store,
        "XksProxyInvalidConfigurationException",
        FAILURES[FailureScenario.NO_TLS].message,
    )


def test_every_scenario_has_its_row():
    """No failure goes without an exception and a statement."""
    assert set(FailureScenario) == set(FAILURES)
    assert all(failure.statement for failure in FAILURES.values())


@pytest.mark.parametrize("scenario", FailureScenario)
@pytest.mark.parametrize("group", [Group.STORE, Group.CREATE_KEY, Group.CRYPTOGRAPHY])
def test_every_cell_has_an_exception(scenario: FailureScenario, group: Group):
    """What cannot happen in a group is a malformed answer there."""
    assert kms_error(scenario, group, Behaviour()).code in set(ErrorCode)
