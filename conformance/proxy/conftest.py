"""The proxy under test, as the checks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.session import TARGET

from .client.proxy_client import ProxyClient
from .client.proxy_session import ProxySession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.evidence.recorder import Recorder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Read the log last, when every other check has left its traces in it."""
    items.sort(key=lambda item: item.path.name == "test_logging.py")


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
