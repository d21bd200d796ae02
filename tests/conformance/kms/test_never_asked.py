"""An emulator that has keys of its own, and never asks the proxy."""

from __future__ import annotations

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_fake_kms
from pytest_xks.kms.proxy_calls import client
from pytest_xks.proxy.core import ProxyCore

pytestmark = pytest.mark.slow

UNPROVEN = (
    "KMS-CONNECT-013",
    "KMS-CREATEKEY-036",
    "KMS-CREATESTORE-029",
    "KMS-CREATESTORE-032",
    "KMS-DELETESTORE-004",
    "KMS-DISCONNECT-005",
    "KMS-KEYMGMT-002",
    "KMS-KEYMGMT-005",
    "KMS-UPDATESTORE-013",
)


def test_silence_of_who_never_asks_proves_nothing(tmp_path, monkeypatch):
    """What could be said of the proxy's silence alone is not testable, and no pass."""
    catalogue = load_catalogue("kms")
    with served_fake_kms() as (_, target, probe_proxy):
        core = probe_proxy._core

        def answer_oneself(_transport, request, _timeout_ms):
            # As the proxy would, which does not hear of it.
            return ProxyCore.handle(core, request).response

        monkeypatch.setattr(client, "exchange", answer_oneself)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            scratch=tmp_path,
            selection=Selection(only=UNPROVEN),
        )
        document = build_document(run, catalogue=catalogue, target=target)
    found = {r["id"]: r["status"] for r in document["requirements"]}

    assert {i: found[i] for i in UNPROVEN} == dict.fromkeys(UNPROVEN, "not_testable")
