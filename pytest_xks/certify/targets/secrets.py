"""Whose secrets may not be shown: those of the target and of the suite's own proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.redaction import Redactor

if TYPE_CHECKING:
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.target import Target

__all__ = ["redactor_for"]


def redactor_for(target: Target, probe_proxy: ProbeProxy | None = None) -> Redactor:
    """What removes secrets from everything that a run on ``target`` shows.

    Args:
        target: the target under test.
        probe_proxy: the suite's own proxy, which makes credentials during the run.
    """
    learned = probe_proxy.secrets if probe_proxy else tuple
    return Redactor(target.secrets(), learned=learned)
