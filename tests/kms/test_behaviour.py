"""The switches: their names, their values, and the words that they change."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from pytest_xks.kms.behaviour import Behaviour, Messages, TlsFailureAtCreate
from pytest_xks.kms.desk.exceptions import ErrorCode
from pytest_xks.kms.proxy_calls.error_mapping import (
    FAILURES,
    Group,
    Scenario,
    kms_error,
)

if TYPE_CHECKING:
    from .conftest import Lab


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
        ("custom_key_stores", "many", "must be a number"),
        ("custom_key_stores", "1.5", "must be a number"),
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


@pytest.mark.parametrize("name", Behaviour.switches())
def test_every_switch_can_be_set(name: str):
    """To each of its values."""
    behaviour = Behaviour()
    kind = Behaviour.switches()[name]
    values = [str(each) for each in kind] if issubclass(kind, StrEnum) else ["7"]
    for value in values:
        behaviour.set_switch(name, value)
        assert value in {str(getattr(behaviour, name)), "7"}


@pytest.mark.parametrize("scenario", Scenario)
def test_the_guide_s_words(scenario: Scenario):
    """The text changes where the guide has another, the exception never does."""
    group = Group.CRYPTOGRAPHY
    spec = kms_error(scenario, group, Behaviour())
    guide = kms_error(scenario, group, Behaviour(messages=Messages.DEVELOPER_GUIDE))
    assert spec.code == guide.code
    assert (spec.message != guide.message) == bool(FAILURES[scenario].guide)


def test_the_other_exception_without_tls(inner_lab: Lab, assert_kms_error):
    """The guide lists the text of a TLS failure under another exception."""
    switch = TlsFailureAtCreate.INVALID_CONFIGURATION
    inner_lab.fake.behaviour.tls_failure_at_create = switch
    inner_lab.proxy.fault("certificate-wrong-host")
    assert_kms_error(
        inner_lab.create_store,
        "XksProxyInvalidConfigurationException",
        FAILURES[Scenario.NO_TLS].message,
    )


def test_every_scenario_has_its_row():
    """No failure goes without an exception and a statement."""
    assert set(Scenario) == set(FAILURES)
    assert all(failure.statement for failure in FAILURES.values())


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("group", [Group.STORE, Group.CREATE_KEY, Group.CRYPTOGRAPHY])
def test_every_cell_has_an_exception(scenario: Scenario, group: Group):
    """What cannot happen in a group is a malformed answer there."""
    assert kms_error(scenario, group, Behaviour()).code in set(ErrorCode)
