"""Named misbehaviours of the fake KMS: one catalogue for everyone.

The self-test of the conformance suite arms each in turn, and tests of applications may,
by ``FakeKms.fault``. ``catalogue`` holds the register, ``armed`` what is going on in
one fake; every other file here is a shelf of faults, one for each part of the API.
"""

from __future__ import annotations

from pytest_xks.kms.faults.armed import ArmedFault, FaultBoard
from pytest_xks.kms.faults.catalogue import Fault, all_faults, find_fault

__all__ = ["ArmedFault", "Fault", "FaultBoard", "all_faults", "find_fault"]
