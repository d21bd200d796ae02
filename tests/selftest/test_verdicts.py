"""The whole product from the outside: a proxy over HTTPS, a target file, a verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.toml.writing import dump_toml
from pytest_xks.proxy.reference import ReferenceProxy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def reference():
    """The proxy that ``serve`` runs."""
    with ReferenceProxy() as reference:
        yield reference


def certify(document: dict, folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Certify what a target document describes, as a user would."""
    target = folder / "target.toml"
    target.write_text(dump_toml(document), encoding="utf-8")
    command = [sys.executable, "-m", "pytest_xks", "certify", "proxy"]
    return subprocess.run(
        [*command, "--target", target, "--report-dir", folder / "report", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def report_in(folder: Path) -> dict:
    """What ``report.json`` says."""
    return json.loads((folder / "report" / "report.json").read_text())


def ids(report: dict, status: str) -> set[str]:
    """The requirements of one status."""
    return {each["id"] for each in report["requirements"] if each["status"] == status}


def test_reference_proxy_is_conformant(reference):
    """Every MUST and SHOULD is verified and holds; nothing is left untested."""
    folder = reference.directory

    run = certify(reference.target_document(), folder, "--strict")
    report = report_in(folder)

    assert run.returncode == 0, run.stdout + run.stderr
    assert report["verdict"] == "conformant"
    assert not ids(report, "not_testable")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "violated"),
    [
        pytest.param(
            "teapot", {"XKS-HEALTH-001", "XKS-ENC-001"}, id="418 and wrong values"
        ),
        pytest.param(
            "accepts-everything", {"XKS-AUTH-016", "XKS-DEC-001"}, id="accept all"
        ),
        pytest.param(
            "rejects-everything", {"XKS-HEALTH-001", "XKS-ENC-001"}, id="reject all"
        ),
    ],
)
def test_hopeless_proxy(reference, fault, violated):
    """A proxy that is wrong altogether is not conformant, and the ids are named."""
    folder = reference.directory
    reference.proxy.fault(fault)

    run = certify(reference.target_document(), folder)

    assert run.returncode == 1, run.stdout + run.stderr
    assert report_in(folder)["verdict"] == "not conformant"
    assert violated <= ids(report_in(folder), "failed")
    assert all(requirement_id in run.stdout for requirement_id in violated)


@pytest.mark.slow
def test_target_of_one_key(reference):
    """With one usable key much cannot be tested, and the report names what to add."""
    folder = reference.directory
    proxy = reference.target_document()["proxy"]
    names = ("endpoint", "uri_path", "region", "ca_bundle", "credential")
    bare = {name: proxy[name] for name in names}
    bare["keys"] = {"usable": proxy["keys"]["usable"]}

    run = certify({"proxy": bare}, folder)

    assert run.returncode == 3, run.stdout + run.stderr
    assert report_in(folder)["verdict"] == "incomplete"
    for what in ("encrypt_only", "rotated_credential", "mtls", "throttled_store"):
        assert what in run.stdout


@pytest.mark.slow
def test_secrets_stay_out_of_reports_and_logs(reference):
    """No secret of the target shows, whether it passes or fails."""
    folder = reference.directory
    document = reference.target_document()
    reference.proxy.fault("errors-show-stack-trace")
    reference.proxy.fault("decrypt-flips-a-bit")

    run = certify(document, folder)

    shown = run.stdout + run.stderr + reference.log_file.read_text()
    shown += "".join(
        file.read_text(errors="replace")
        for file in (folder / "report").rglob("*")
        if file.is_file()
    )
    assert run.returncode == 1, run.stdout + run.stderr
    for store in reference.proxy._core.stores.values():
        for secret in store.secrets.values():
            assert secret not in shown
