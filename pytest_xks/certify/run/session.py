"""What the runner hands to the suite, and the suite back to the runner.

Stash keys are the only channel between the two: the runner fills ``config.stash``
before collection, and every test item carries one recorder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.evidence.recorder import Recorder, RunRecorder
from pytest_xks.certify.run.outcome import NotApplicable, NotTestable
from pytest_xks.certify.targets.kms_target import KmsTarget
from pytest_xks.certify.targets.proxy_target import CAPABILITIES, ProxyTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.target import Target

__all__ = [
    "IN_BREADTH",
    "JOBS",
    "KMS_TARGET",
    "LOAD",
    "PROBE_PROXY",
    "RECORDER",
    "RUN_RECORDER",
    "SCRATCH",
    "TARGET",
    "TARGETS",
    "recorder_of",
    "require",
]

TARGET = pytest.StashKey[ProxyTarget]()
"""In ``config.stash``: the proxy under test."""

KMS_TARGET = pytest.StashKey[KmsTarget]()
"""In ``config.stash``: the KMS endpoint under test."""

PROBE_PROXY: pytest.StashKey[ProbeProxy] = pytest.StashKey()
"""In ``config.stash``: the mock proxy that a KMS emulator must call."""

TARGETS: Mapping[str, pytest.StashKey[Any]] = {"proxy": TARGET, "kms": KMS_TARGET}
"""Where the target under test is, by the part of the suite."""

LOAD = pytest.StashKey[bool]()
"""In ``config.stash``: whether ``--load`` was given."""

JOBS = pytest.StashKey[int]()
"""In ``config.stash``: how many requests of a check go out at once, at most."""

IN_BREADTH = pytest.StashKey[frozenset[str] | None]()
"""In ``config.stash``: see ``Selection.in_breadth``."""

RUN_RECORDER = pytest.StashKey[RunRecorder]()
"""In ``config.stash``: every exchange of the run."""

SCRATCH = pytest.StashKey[Path]()
"""In ``config.stash``: a folder for files that a reproduction line needs (a bad client
certificate). It outlives the run only if a report does."""

RECORDER = pytest.StashKey[Recorder]()
"""In ``item.stash``: the exchanges and measurements of one check."""


def recorder_of(item: pytest.Item) -> Recorder:
    """The recorder of a test item, made at the first call."""
    if RECORDER not in item.stash:
        item.stash[RECORDER] = Recorder(item.config.stash[RUN_RECORDER])
    return item.stash[RECORDER]


def require(target: Target, capability: str, *, load: bool = False) -> None:
    """Return if ``target`` provides ``capability``.

    Args:
        target: the target under test.
        capability: a key of ``target.capabilities``.
        load: whether ``--load`` was given.

    Raises:
        NotApplicable: ``not_supported`` lists it, or ``--load`` is not given.
        NotTestable: the target file says nothing about it.
    """
    if capability in target.not_supported:
        raise NotApplicable(f'not_supported lists "{capability}".')
    if capability == "load":
        if not load:
            raise NotApplicable(CAPABILITIES["load"])
        return
    if not target.provides(capability):
        raise NotTestable(
            f"The target file does not provide: {capability}.",
            add=target.capabilities[capability],
        )
