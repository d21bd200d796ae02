"""A quota on the main key store is legal; refusals for other reasons prove nothing."""

from __future__ import annotations

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.clock import SystemClock
from pytest_xks.proxy.admission import RequestQuota

pytestmark = pytest.mark.slow


def certified(prepare, folder):
    """The facts of a run of one chapter, and the statuses of its requirements."""
    catalogue = load_catalogue("proxy")
    with served_mock_proxy() as (reference, target):
        prepare(reference.proxy)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            scratch=folder,
            selection=Selection(only=("XKS-AUTH-00",)),
        )
    document = build_document(run, catalogue=catalogue, target=target)
    results = document["requirements"]
    chosen = [r for r in results if r["id"].startswith("XKS-AUTH-00")]
    return document["facts"], {r["id"]: r["status"] for r in chosen}


def test_quota(tmp_path):
    """A proxy that serves a hundred requests a second, right otherwise, passes."""

    def prepare(proxy):
        proxy.store.quota = RequestQuota(
            burst=5, requests_per_second=100, clock=SystemClock()
        )

    facts, statuses = certified(prepare, tmp_path)
    assert set(statuses.values()) == {"passed"}
    assert facts["requests_throttled"] > 0


@pytest.mark.parametrize("name", ["InternalException", "ThrottlingException"])
def test_every_second_request(name, tmp_path):
    """An error to every second request is no refusal, and so nothing is certified."""
    _, statuses = certified(lambda proxy: proxy.fault(name, every=2), tmp_path)
    assert set(statuses.values()) & {"failed", "not_testable"}
