"""What every part of the suite starts from: the recorder of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.session import JOBS, LOAD, SCRATCH, recorder_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_xks.certify.evidence.recorder import Recorder


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """The exchanges and measurements of this check."""
    return recorder_of(request.node)


@pytest.fixture(scope="session")
def scratch(pytestconfig: pytest.Config) -> Path:
    """A folder for files that a reproduction line needs."""
    return pytestconfig.stash[SCRATCH]


@pytest.fixture(scope="session")
def jobs(pytestconfig: pytest.Config) -> int:
    """How many requests of a check go out at once, at most."""
    return pytestconfig.stash[JOBS]


@pytest.fixture(scope="session")
def load(pytestconfig: pytest.Config) -> bool:
    """Whether ``--load`` was given."""
    return pytestconfig.stash[LOAD]
