"""How many requests go out at once changes nothing but the time that it takes."""

from __future__ import annotations

import json
import re

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

pytestmark = pytest.mark.slow

# What two runs against one proxy do not have in common: random bytes among it.
OF_ONE_RUN = {
    "duration_ms",
    "duration_seconds",
    "started_at",
    "latencies",
    "headers",
    "body",
    "reproduce",
}


def without_times(value):
    """The document without what differs between two runs."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in OF_ONE_RUN}
    return [without_times(v) for v in value] if isinstance(value, list) else value


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
                selection=Selection(jobs=jobs, skip=("XKS-PERF", "XKS-QUOTA")),
            )
            document = build_document(run, catalogue=catalogue, target=target)
            documents.append(json.dumps(without_times(document), indent=1))
            exchanges.append([each.label for each in run.recorder.recorded])
    one, eight = (re.sub(r"reproduce/\S+", "", text) for text in documents)
    assert one == eight
    assert exchanges[0] == exchanges[1]
