"""The matrix of signatures finds what is served in one of its columns alone."""

from __future__ import annotations

import re

import pytest
from pytest_xks.conformance.proxy.access.signature_columns import SignatureMatrix
from pytest_xks.conformance.proxy.access.signature_matrix import ROWS
from pytest_xks.conformance.proxy.client.proxy_client import ProxyClient
from pytest_xks.conformance.proxy.client.proxy_session import ProxySession

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.outcome import Violation
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.proxy.faults.catalogue import CATALOGUE
from pytest_xks.proxy.reference import AUTHORIZATION_URI_PATH, SECOND_URI_PATH
from pytest_xks.proxy_api.errors import Operation

REFUSED_ROWS = [row for row in ROWS if row.accept.text.startswith("a refusal")]
FAULTS = {
    "XKS-AUTH-003": "compares-half-of-signature",
    "XKS-AUTH-016": "accepts-unsigned-requests",
    "XKS-AUTH-020": "accepts-malformed-authorization",
    "XKS-AUTH-021": "ignores-age",
    "XKS-AUTH-033": "trusts-payload-hash",
}


@pytest.fixture(scope="module")
def reference():
    """A mock proxy, with the target that describes it."""
    with served_mock_proxy() as served:
        yield served


@pytest.fixture
def judged(reference):
    """What the matrix says of the rows of some requirements, by requirement."""
    _, target = reference
    session = ProxySession(target, jobs=8)

    def judge(*requirements):
        client = ProxyClient(session, Recorder())
        matrix = SignatureMatrix(client, set(requirements))
        findings = {}
        for requirement in requirements:
            try:
                matrix.judge(requirement, ProxyClient(session, Recorder()))
            except Violation as violation:
                findings[requirement] = f"{violation.observed} {violation.note}"
        return findings

    yield judge
    session.close()


def columns_in(finding):
    """The columns that a finding names."""
    operations = "|".join(operation.value for operation in Operation)
    return set(re.findall(f"((?:{operations})[^:;]*): ", finding))


@pytest.mark.parametrize("uri_path", [SECOND_URI_PATH, AUTHORIZATION_URI_PATH])
@pytest.mark.parametrize("operation", list(Operation))
def test_fault_of_one_column(reference, judged, operation, uri_path):
    """What one operation of one key store serves is found, and named."""
    proxy, _ = reference
    for requirement, name in FAULTS.items():
        with proxy.proxy.fault(name, operation=operation, key_store=uri_path):
            finding = judged(requirement)[requirement]
        assert columns_in(finding) == {f"{operation} at {uri_path}"}


@pytest.mark.parametrize("operation", list(Operation))
def test_fault_of_the_main_store(reference, judged, operation):
    """In the main store, both credentials are tried."""
    proxy, target = reference
    path = target.uri_path
    with proxy.proxy.fault("ignores-age", operation=operation, key_store=path):
        finding = judged("XKS-AUTH-021")["XKS-AUTH-021"]
    both = {operation.value, f"{operation} by the second credential"}
    assert columns_in(finding) == both


def test_without_a_fault(judged):
    """A verifier to the letter passes every row."""
    assert judged(*dict.fromkeys(row.requirement for row in ROWS)) == {}


def test_every_row_is_of_a_requirement_with_a_fault():
    """What is refused in the matrix is served by a fault of the mock."""
    violated = {id_ for each in CATALOGUE.all().values() for id_ in each.violates}
    assert {row.requirement for row in ROWS} <= violated


def test_whoever_looks_away_turns_every_row_red(reference, judged):
    """A proxy that takes any signature is found by each row that is to be refused."""
    proxy, _ = reference
    requirements = dict.fromkeys(row.requirement for row in REFUSED_ROWS)
    with proxy.proxy.fault("looks-at-no-signature", key_store=SECOND_URI_PATH):
        findings = judged(*requirements)
    assert findings.keys() == requirements.keys()
    for row in REFUSED_ROWS:
        assert row.text in findings[row.requirement]
