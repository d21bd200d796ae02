"""Named misbehaviours of the mock XKS proxy: one catalogue for everyone.

Tests of applications arm a fault by its name, the self-test of the conformance suite
arms each in turn, and the documentation lists them. ``catalogue`` holds the register,
``armed`` what is going on in one proxy; every other file here is a shelf of faults.
"""

from __future__ import annotations

from pytest_xks.proxy.faults.armed import ArmedFault, FaultBoard
from pytest_xks.proxy.faults.catalogue import Fault, all_faults, find_fault

__all__ = ["ArmedFault", "Fault", "FaultBoard", "all_faults", "find_fault"]
