"""The proxy under test, as the checks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.session import RUN_RECORDER, TARGET

from .client.proxy_client import ProxyClient
from .client.proxy_session import ProxySession
from .passive.observation import Where
from .passive.rule import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.evidence.recorder import Recorder


_LAST = {"log": 1, "passive": 2}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Read the log, then the run, when every other check has left its traces there."""
    items.sort(key=lambda item: _LAST.get(item.path.parent.name, 0))


@pytest.fixture(scope="session")
def session(
    pytestconfig: pytest.Config, jobs: int, *, load: bool
) -> Iterator[ProxySession]:
    """The connections of the run, and what it has learnt of the proxy."""
    session = ProxySession(pytestconfig.stash[TARGET], jobs=jobs, load=load)
    yield session
    session.close()


@pytest.fixture
def proxy(session: ProxySession, recorder: Recorder) -> ProxyClient:
    """The proxy under test; every exchange is recorded for this check."""
    return ProxyClient(session, recorder)


@pytest.fixture(scope="session")
def evidence(pytestconfig: pytest.Config) -> Evidence:
    """Every exchange of the run."""
    stash = pytestconfig.stash
    return Evidence(stash[RUN_RECORDER], Where.of(stash[TARGET]))
