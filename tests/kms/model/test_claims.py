"""What we claim of KMS's service model is in the one that is installed.

What a newer model has besides is not looked at here: see ``drift.py``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import botocore
import pytest

from pytest_xks.kms.desk import dispatch, identifiers
from pytest_xks.kms.desk.operation_names import OPERATION_NAMES
from pytest_xks.kms.keys import states

FILE = Path(__file__).with_name("drift.py")
SPEC = importlib.util.spec_from_file_location("drift", FILE)
assert SPEC is not None
drift = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(drift)

VERSION, KNOWN = drift.known()
# Every table of the fake KMS that is kept by operation.
TABLES = [
    dispatch.OPERATIONS,
    dispatch._BESIDE_MOTO,
    dispatch._JUDGED_BY_MOTO,
    identifiers._CROSS_ACCOUNT,
    identifiers._KEY_MEMBERS,
    identifiers._TAKE_ALIASES,
    states.NOT_WHILE_PENDING,
    states._REFUSED,
]


def release(version):
    """A version, to compare."""
    return tuple(int(part) for part in version.split(".")[:3])


@pytest.mark.skipif(
    release(botocore.__version__) < release(VERSION),
    reason="an older model knows less",
)
def test_nothing_is_claimed_that_the_installed_model_does_not_have():
    """Operations, members and values are those of AWS."""
    assert set() == KNOWN - drift.installed()


def test_the_operations_are_those_that_are_known():
    """Faults can be armed for them, and no other."""
    operations = {line for line in KNOWN if line.isalpha()}
    assert set(OPERATION_NAMES) == operations


def test_the_tables_name_operations():
    """A slip in a name would be a rule that never holds."""
    named = {name for table in TABLES for name in table}
    assert set() == named - set(OPERATION_NAMES)


def test_drift_names_what_is_new(monkeypatch, capsys):
    """And its exit status says that there is something."""
    monkeypatch.setattr(sys, "argv", ["drift.py"])
    monkeypatch.setattr(drift, "installed", lambda: KNOWN - {"Encrypt"} | {"Melt"})
    assert 1 == drift.main()
    assert ["new: Melt", "gone: Encrypt"] == capsys.readouterr().out.splitlines()[1:]
    monkeypatch.setattr(drift, "installed", lambda: KNOWN)
    assert 0 == drift.main()
