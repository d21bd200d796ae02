"""The proxy under test, as the checks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.session import IN_BREADTH, RUN_RECORDER, TARGET

from .client.proxy_client import ProxyClient
from .client.proxy_session import ProxySession
from .log.log_file import LogFile
from .log.log_search import LogSearch
from .passive.observation import Where
from .passive.rule import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.evidence.recorder import Recorder


_LAST = {"operator": 1, "log": 2, "passive": 3}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the operator act last, but for who reads the log, and then the run."""
    items.sort(key=lambda item: _LAST.get(item.path.parent.name, 0))


@pytest.fixture(scope="session")
def session(
    pytestconfig: pytest.Config, jobs: int, *, load: bool
) -> Iterator[ProxySession]:
    """The connections of the run, and what it has learnt of the proxy."""
    stash = pytestconfig.stash
    session = ProxySession(
        stash[TARGET], jobs=jobs, load=load, in_breadth=stash[IN_BREADTH]
    )
    yield session
    session.close()


@pytest.fixture
def proxy(session: ProxySession, recorder: Recorder) -> ProxyClient:
    """The proxy under test; every exchange is recorded for this check."""
    return ProxyClient(session, recorder)


@pytest.fixture(scope="session", autouse=True)
def log_file(pytestconfig: pytest.Config) -> LogFile | None:
    """The proxy's log, as it was before the first request of the run."""
    log = pytestconfig.stash[TARGET].log
    return LogFile(log.file) if log else None


@pytest.fixture(scope="session")
def evidence(pytestconfig: pytest.Config) -> Evidence:
    """Every exchange of the run."""
    stash = pytestconfig.stash
    return Evidence(stash[RUN_RECORDER], Where.of(stash[TARGET]))


@pytest.fixture(scope="session")
def search_of_log(log_file: LogFile | None, evidence: Evidence) -> LogSearch | None:
    """The one search of the proxy's log; None without one."""
    return LogSearch(log_file, evidence) if log_file else None


@pytest.fixture
def log_search(proxy: ProxyClient, search_of_log: LogSearch | None) -> LogSearch:
    """The one search of the proxy's log, for a check that needs it."""
    proxy.needs("log")
    assert search_of_log is not None, "needs() says so"
    return search_of_log
