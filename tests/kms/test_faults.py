"""Arming faults of the fake KMS, by the names of their catalogue."""

from __future__ import annotations

from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from pytest_xks.certify.requirements.suite import load_catalogue
from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.faults.catalogue import CATALOGUE

FAULT = "connect-of-unknown-store-as-validation"
UNKNOWN_STORE = "cks-00000000000000000"


@pytest.mark.parametrize("name", sorted(CATALOGUE.all()))
def test_every_fault_can_be_armed(local_system, name):
    """Every fault of the catalogue replaces steps, and says what it does."""
    fault = CATALOGUE.all()[name]

    with local_system.fake.fault(name) as armed:
        assert armed.effects
        with suppress(ClientError):
            local_system.kms.list_keys()

    assert fault.summary.endswith(".")
    assert local_system.fake._desk.faults.armed == ()


def test_every_fault_violates_what_is_checked():
    """Every id that a fault names is a requirement with a check."""
    checked = {r.id for r in load_catalogue("kms").requirements if r.is_checked}

    named = {each for fault in CATALOGUE.all().values() for each in fault.violates}

    assert named <= checked


def test_fault_within_the_block(local_system, assert_kms_error):
    """A fault acts within its block, counts its hits, and is over after it."""

    def connect() -> object:
        return local_system.kms.connect_custom_key_store(CustomKeyStoreId=UNKNOWN_STORE)

    with local_system.fake.fault(FAULT) as armed:
        assert_kms_error(connect, "ValidationException")
        assert armed.hits == 1

    assert_kms_error(connect, "CustomKeyStoreNotFoundException")


def test_unknown_fault(local_system):
    """A name that no fault has is refused, with the nearest one."""
    with pytest.raises(LookupError, match=FAULT):
        local_system.fake.fault(FAULT + "-")


def test_fault_of_one_fake():
    """A fault of one fake is none of another."""
    with FakeKms() as one, FakeKms() as other:
        one.fault(FAULT)

        assert other._desk.faults.armed == ()
