"""What stands in front of a proxy is excused for what is its own, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_xks.certify.report.build import status_of
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy


@pytest.mark.parametrize(
    ("fault", "behind", "status"),
    [
        pytest.param("get-as-404", "", "failed", id="the-proxy's-own"),
        pytest.param("get-as-404", "load-balancer", "passed", id="the-balancer's"),
    ],
)
def test_another_method(tmp_path, fault, behind, status):
    """A balancer may refuse a GET in its way; a proxy by itself may not."""
    catalogue = load_catalogue("proxy", suite_folder())
    with served_mock_proxy() as (reference, target):
        reference.proxy.fault(fault)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=replace(target, behind=behind),
            scratch=tmp_path,
            selection=Selection(only=("XKS-HTTP-005",)),
        )

    assert status == status_of(catalogue.get("XKS-HTTP-005"), run)
