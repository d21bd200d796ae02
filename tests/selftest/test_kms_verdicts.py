"""The KMS suite as a whole, against our own fake, over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.mocks import MOCKS
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection


def ids(report: dict, status: str) -> set[str]:
    """The requirements of one status."""
    return {each["id"] for each in report["requirements"] if each["status"] == status}


def test_our_fake_kms_is_conformant(tmp_path):
    """Every requirement with a check is verified and holds, whatever its level."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest_xks", "certify", "kms", "--strict"),
            *("--report-dir", tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    report = json.loads((tmp_path / "report.json").read_text())

    assert run.returncode == 0, run.stdout + run.stderr
    assert report["verdict"] == "conformant"
    assert ids(report, "passed") == {each["id"] for each in report["requirements"]}


@pytest.mark.parametrize(
    ("fault", "violated"),
    [
        pytest.param(
            "never-refuses",
            {"KMS-CONNECT-001", "KMS-DESCRIBESTORE-002"},
            id="accept all",
        ),
        pytest.param(
            "accepts-everything", {"KMS-DESCRIBESTORE-001"}, id="one answer for all"
        ),
        pytest.param("rejects-everything", {"KMS-DESCRIBESTORE-001"}, id="reject all"),
    ],
)
def test_hopeless_emulator(tmp_path, fault, violated):
    """An emulator that is wrong altogether is not conformant, and no check breaks."""
    catalogue = load_catalogue("kms")
    with MOCKS["kms"].served(fault) as (target, probe_proxy):
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            scratch=tmp_path,
            selection=Selection(),
        )
        report = build_document(run, catalogue=catalogue, target=target)

    assert report["exit_status"] == 1
    assert ids(report, "error") == set()
    assert violated <= ids(report, "failed")
