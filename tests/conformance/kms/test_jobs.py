"""How many calls go out at once changes nothing but the time that it takes."""

from __future__ import annotations

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_fake_kms

from ..comparable import comparable

pytestmark = pytest.mark.slow


def report(fault, jobs, scratch):
    """What a report says of our fake KMS with a fault."""
    catalogue = load_catalogue("kms")
    with served_fake_kms() as (fake, target, probe_proxy):
        fake.fault(fault)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            scratch=scratch,
            selection=Selection(jobs=jobs),
        )
        return build_document(run, catalogue=catalogue, target=target)


@pytest.mark.parametrize(
    "fault", ["encryption-context-in-any-case", "connecting-enables-keys"]
)
def test_one_job_and_eight(fault, tmp_path):
    """The report is the same, findings and exchanges in the same order."""
    one, eight = (report(fault, jobs, tmp_path) for jobs in (1, 8))

    assert one["verdict"] == "not conformant"
    assert comparable(one) == comparable(eight)
