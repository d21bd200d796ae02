"""Every failure's shell line, run as it is printed, reproduces the failure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from pytest_xks.certify.evidence.reproduction import credential_variables
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import RENDERERS
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.proxy.faults.catalogue import CATALOGUE

pytestmark = pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("openssl"), reason="runs curl"
)

# One for each way in which a request is sent or signed.
FAULTS = [
    "accepts-an-hour-in-the-past",
    "accepts-conflicting-lengths",
    "accepts-truncated-signature",
    "accepts-unknown-access-key-id",
    "accepts-unsigned-requests",
    "aad-beyond-4096-bytes-ignored",
    "chunked-body-as-400",
    "decrypt-ignores-aad",
    "duplicate-members-as-500",
    "ignores-body-in-signature",
    "key-not-found-as-418",
    "malformed-authorization-as-500",
    "only-one-credential",
    "plaintext-limit-4096",
    "serves-get",
    "serves-keys-of-another-store",
    "throttling-as-503",
    "wrong-cdiv",
]


def violations(fault, folder):
    """The violated checks under a fault, and a function that runs a line meanwhile."""
    catalogue = load_catalogue()
    with served_mock_proxy() as (proxy, target):
        environ = {"PATH": os.environ["PATH"]}
        for name, credential in target.credentials():
            key_id, secret = credential_variables(name)
            environ[key_id] = credential.access_key_id
            environ[secret] = credential.secret_access_key

        def run(line):
            done = subprocess.run(
                ["/bin/sh", "-s"],
                input=line.encode(),
                env=environ,
                capture_output=True,
                check=False,
                timeout=30,
            )
            return (done.stdout + done.stderr).decode("latin-1")

        proxy.proxy.fault(fault)
        outcome = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            scratch=folder,
            selection=Selection(only=CATALOGUE.all()[fault].violates),
        )
        document = build_document(outcome, catalogue=catalogue, target=target)
        for result in document["requirements"]:
            for check in result["checks"]:
                if check["status"] in {"failed", "warning"}:
                    yield check, run


@pytest.mark.parametrize("fault", FAULTS)
def test_reproduction(fault, tmp_path):
    """The line gets the answer that the check got."""
    statuses = []
    for check, run in violations(fault, tmp_path):
        (exchange,) = (e for e in check["exchanges"] if e["shows_violation"])
        came = re.findall(r"HTTP/1\.1 (\d+)", run(check["reproduce"]))
        statuses.append((check["id"], str(exchange["response"]["status"]), came[-1]))

    assert statuses
    assert [] == [row for row in statuses if row[1] != row[2]]


def test_canary_of_a_real_run(tmp_path, capfd):
    """No secret of the target is in any report of a run in which much goes wrong."""
    catalogue = load_catalogue()
    with served_mock_proxy() as (proxy, target):
        proxy.proxy.fault("accepts-unsigned-requests")
        proxy.proxy.fault("decrypt-ignores-aad")
        outcome = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            scratch=tmp_path,
            selection=Selection(
                only=("XKS-AUTH", "XKS-DEC"), pytest_args=("-vv", "--showlocals")
            ),
        )
        log = target.log.file.read_text()
    document = build_document(outcome, catalogue=catalogue, target=target)
    printed = "".join(capfd.readouterr())
    reports = [render(document) for render in RENDERERS.values()]

    for text in (*reports, log, printed, repr(target)):
        assert text
        assert not any(secret in text for secret in target.secrets())
