"""Key stores that open what is another's: a warning, or worse where they must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

ONLY = ("XKS-URI-008", "XKS-URI-009", "XKS-URI-012")


@pytest.mark.parametrize(
    ("isolated", "of_the_claim"), [(True, "failed"), (False, "not_applicable")]
)
def test_credential_of_another_store(isolated, of_the_claim, tmp_path):
    """A store that takes the other's credential too is found."""
    catalogue = load_catalogue("proxy")
    with served_mock_proxy() as (reference, described):
        reference.second_store.add_credential(reference.proxy.credential)
        target = replace(described, isolated=isolated)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            scratch=tmp_path,
            selection=Selection(only=ONLY),
        )
    document = build_document(run, catalogue=catalogue, target=target)
    found = {each["id"]: each["status"] for each in document["requirements"]}
    assert [found[id_] for id_ in ONLY] == ["warning", "passed", of_the_claim]
