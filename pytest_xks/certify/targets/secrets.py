"""Whose secrets may not be shown: those of the target and of the suite's own proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.redaction import Redactor

if TYPE_CHECKING:
    from pytest_xks.certify.probe_proxy.proxy import Instrument
    from pytest_xks.certify.targets.target import Target

__all__ = ["redactor_for"]


def redactor_for(target: Target, instrument: Instrument | None = None) -> Redactor:
    """What removes secrets from everything that a run on ``target`` shows.

    Args:
        target: the target under test.
        instrument: the suite's own proxy, which makes credentials during the run.
    """
    learned = instrument.secrets if instrument else tuple
    return Redactor(target.secrets(), learned=learned)
