"""How many requests go out at once changes nothing but the time that it takes."""

from __future__ import annotations

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

from ..comparable import comparable

pytestmark = pytest.mark.slow

# How fast answers are, how many go out before a quota, how many overlap.
MEASURED = ("XKS-PERF", "XKS-QUOTA", "XKS-HTTP-010")


@pytest.mark.parametrize("fault", ["decrypt-ignores-aad", "key-not-found-as-418"])
def test_one_job_and_eight(fault, tmp_path):
    """The report is the same, findings and exchanges in the same order."""
    catalogue = load_catalogue("proxy")
    documents, exchanges = [], []
    with served_mock_proxy() as (reference, target):
        reference.proxy.fault(fault)
        for jobs in (1, 8):
            run = run_suite(
                suite=suite_folder(),
                catalogue=catalogue,
                target=target,
                scratch=tmp_path,
                selection=Selection(jobs=jobs, skip=MEASURED),
            )
            document = build_document(run, catalogue=catalogue, target=target)
            documents.append(comparable(document))
            labels = [each.label for each in run.recorder.recorded]
            exchanges.append(comparable(labels))
    assert documents[0] == documents[1]
    assert exchanges[0] == exchanges[1]
