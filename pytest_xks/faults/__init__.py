"""The one machine for faults: what a fault is, where it is listed, when it strikes.

What an effect does is up to its owner (the proxy, the fake KMS), which has a catalogue.
From outside, import the names below, and nothing else from the files in this folder.
"""

from __future__ import annotations

from pytest_xks.faults.armed import ArmedFault
from pytest_xks.faults.board import FaultBoard
from pytest_xks.faults.catalogue import Catalogue
from pytest_xks.faults.chance import Chance
from pytest_xks.faults.effects import (
    Delay,
    Edit,
    Effect,
    Effects,
    End,
    Error,
    Latency,
    Listen,
    Replace,
)
from pytest_xks.faults.fault import Fault
from pytest_xks.faults.occasion import Occasion
from pytest_xks.faults.options import Option
from pytest_xks.faults.replacing import Translatable, replacements
from pytest_xks.faults.schedule import Schedule

__all__ = [
    "ArmedFault",
    "Catalogue",
    "Chance",
    "Delay",
    "Edit",
    "Effect",
    "Effects",
    "End",
    "Error",
    "Fault",
    "FaultBoard",
    "Latency",
    "Listen",
    "Occasion",
    "Option",
    "Replace",
    "Schedule",
    "Translatable",
    "replacements",
]
