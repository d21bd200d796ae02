"""A target that dies midway makes the run incomplete, and no list of failures."""

from __future__ import annotations

import pytest

from pytest_xks.certify.preflight.pulse import pulse_of_proxy
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import render
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

CHECKS_BEFORE = 3


@pytest.fixture
def dies_midway(tmp_path):
    """Certify a proxy that closes every connection after a few checks."""

    def certify(fault_before=None, **selection):
        catalogue = load_catalogue("proxy", suite_folder())
        seen = []
        with (
            served_mock_proxy() as (reference, target),
            pulse_of_proxy(target) as pulse,
        ):

            def on_check(check):
                seen.append(check)
                if len(seen) == CHECKS_BEFORE:
                    reference.proxy.fault("connection-closed")

            if fault_before:
                reference.proxy.fault(fault_before)
            run = run_suite(
                suite=suite_folder(),
                catalogue=catalogue,
                target=target,
                scratch=tmp_path,
                pulse=pulse,
                selection=Selection(**selection),
                on_check=on_check,
            )
        return build_document(run, catalogue=catalogue, target=target), len(seen)

    return certify


def test_dead_proxy(dies_midway):
    """The run ends at once, says when and after which request, and accuses nobody."""
    document, ran = dies_midway()

    assert ("incomplete", 3) == (document["verdict"], document["exit_status"])
    assert 0 == document["summary"]["MUST"]["failed"]
    assert ran < CHECKS_BEFORE + 10
    assert "stopped answering" == document["lost"]["what"]
    text = render(document, "text")
    first = text.splitlines()[0]
    assert first.startswith("The target stopped answering at 20")
    assert f"after this request: POST {document['target']['endpoint']}" in first
    assert "Add what is missing" not in text
    assert "requirements did not run (the target stopped answering)" in text
    assert text.splitlines()[-1].startswith("incomplete, the target stopped answering")


def test_what_failed_before(dies_midway):
    """What a proxy did wrong while it was there stays its failure."""
    document, _ = dies_midway("health-as-201", only=("XKS-HEALTH",))

    assert ("partial", 1) == (document["verdict"], document["exit_status"])
    assert "lost" in document
