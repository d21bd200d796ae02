"""Checks of several cases, side by side: one result, whatever the number of jobs."""

from __future__ import annotations

import itertools
import os
import shutil
import signal

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_fake_kms
from pytest_xks.kms.fake import FakeKms

ID = "KMS-GEN-001"
SHARED = ("__init__.py", "conftest.py", "kms/__init__.py", "kms/conftest.py")
HELPERS = ("kms/client", "kms/keys")
PROLOGUE = """
import threading
from .client.cases import cases
"""


@pytest.fixture
def run(make_suite, tmp_path):
    """Certify our fake KMS with a check that starts from what the real ones do."""

    def run_check(body, jobs=8, prepare=lambda _: None):
        suite = make_suite({ID: "MUST"}, f"{PROLOGUE}\n{body}", part="kms")
        for name in SHARED:
            shutil.copy(suite_folder() / name, suite / name)
        for name in HELPERS:
            no_checks = shutil.ignore_patterns("test_*", "__pycache__")
            shutil.copytree(suite_folder() / name, suite / name, ignore=no_checks)
        catalogue = load_catalogue("kms", suite)
        with served_fake_kms() as (fake, target, probe_proxy):
            prepare(fake)
            outcome = run_suite(
                suite=suite,
                catalogue=catalogue,
                target=target,
                probe_proxy=probe_proxy,
                scratch=tmp_path,
                selection=Selection(jobs=jobs),
            )
            left = fake.client().describe_custom_key_stores()["CustomKeyStores"]
        document = build_document(outcome, catalogue=catalogue, target=target)
        (requirement,) = document["requirements"]
        (check,) = requirement["checks"]
        return check, left

    return run_check


VIOLATIONS = """
@requirement("KMS-GEN-001")
@cases("name", ["a", "b", pytest.param("d", id="delta"), "c"])
def test_names(kms, name):
    reply = kms.call("ListKeys", label=f"probe: {name}")
    if name in "bd":
        raise Violation(
            expected="a", observed=name, note="So.", exchange=reply.exchange
        )
    if name == "c":
        raise NotTestable("c")
"""


@pytest.mark.parametrize("jobs", [1, 8])
def test_first_violation_of_the_list(run, jobs):
    """The finding is the first case's that failed, and names the others."""
    check, _ = run(VIOLATIONS, jobs)

    assert (check["status"], check["observed"]) == ("failed", "b")
    assert check["note"] == 'In the case "b", of 4; so too in "delta". So.'
    culprits = [e for e in check["exchanges"] if e["shows_violation"]]
    assert ["probe: b"] == [each["label"] for each in culprits]


ORDER = """
ENDED = {name: threading.Event() for name in "abc"}

@requirement("KMS-GEN-001")
@cases("name, following".split(", "), [("a", "b"), ("b", "c"), ("c", None)])
def test_names(kms, name, following):
    kms.call("ListKeys", label=f"first {name}")
    if following and PARALLEL:
        assert ENDED[following].wait(timeout=30)
    reply = kms.call("ListKeys", label=f"second {name}")
    ENDED[name].set()
    if name == "c":
        raise Violation(expected="a", observed=name, exchange=reply.exchange)
"""


@pytest.mark.parametrize("jobs", [1, 3])
def test_records_are_in_the_order_of_the_list(run, jobs):
    """Also where the last case of the list ends first; all three run at once then."""
    check, _ = run(f"PARALLEL = {jobs > 1}\n{ORDER}", jobs)

    assert check["observed"] == "c", check["reason"]
    assert [e["label"] for e in check["exchanges"]] == [
        f"{turn} {name}" for name in "abc" for turn in ("first", "second")
    ]


OUTCOMES = """
@requirement("KMS-GEN-001")
@cases("error", [{errors}])
def test_errors(kms, error):
    if error:
        raise error
"""


@pytest.mark.parametrize(
    ("errors", "status", "reason"),
    [
        pytest.param("None, None", "passed", "", id="none"),
        pytest.param(
            'None, NotTestable("Why.")',
            "not_testable",
            'Why. In the case "error1", of 2.',
            id="not testable",
        ),
        pytest.param('NotApplicable("No."), None', "passed", "", id="not applicable"),
        pytest.param(
            'NotApplicable("No."), NotApplicable("Nor.")',
            "not_applicable",
            "No.",
            id="all not applicable",
        ),
        pytest.param(
            'NotTestable("Why."), KeyError("x")', "error", "KeyError: 'x'", id="error"
        ),
    ],
)
def test_worst_outcome(run, errors, status, reason):
    """A check comes to the worst that one of its cases came to."""
    check, _ = run(OUTCOMES.format(errors=errors))

    assert check["status"] == status
    assert check["reason"].startswith(reason)


STORES = """
@requirement("KMS-GEN-001")
@cases("number", range(12), stores=2)
def test_stores(kms, provisioner, number):
    for connect in (True, False):
        provisioner.make_store(kms, connect=connect)
"""


def test_stores_of_a_case(run):
    """A case's key stores go with it: an account has room for ten."""
    check, left = run(STORES)

    assert (check["status"], check["reason"]) == ("passed", "")
    assert left == []


KEYS = """
SEEN = []

@requirement("KMS-GEN-001")
@cases("number", range(8))
def test_keys(kms, provisioner, number):
    key = provisioner.own_key(kms)
    parameters = {"KeyId": key.arn, "Plaintext": b"x"}
    with key.proxy.watching() as asked, key.proxy.failing("ThrottlingException", 429):
        failed = kms.call("Encrypt", **parameters)
    succeeded = kms.call("Encrypt", **parameters)
    requests = {each.request_metadata["kmsRequestId"] for each in asked()}
    if failed.succeeded or not succeeded.succeeded:
        raise Violation(expected="one of two", observed=succeeded.describe())
    if requests != {failed.request_id, succeeded.request_id}:
        raise Violation(expected="its own requests", observed=str(requests))
"""


def test_own_keys(run):
    """What the proxy is asked, and answers, about a case's key is that case's alone."""
    check, _ = run(KEYS)

    assert (check["status"], check["observed"]) == ("passed", "")


INTERRUPTED = """
@requirement("KMS-GEN-001")
@cases("number", range(12), stores=1)
def test_interrupted(kms, provisioner, number):
    provisioner.make_key(kms, provisioner.keyed_store(kms))
    provisioner.make_store(kms, connect=True)
"""


def test_nothing_is_left_after_an_interrupt(run, monkeypatch):
    """Ctrl-C amid the cases ends the run, and what was made goes all the same."""
    handle = FakeKms.handle
    connects = itertools.count()

    def interrupting(fake, request):
        target = request.header("X-Amz-Target") or ""
        # The first is of the store with the keys, which has to stay, disconnected.
        if target.endswith(".ConnectCustomKeyStore") and next(connects) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return handle(fake, request)

    monkeypatch.setattr(FakeKms, "handle", interrupting)
    check, left = run(INTERRUPTED)

    assert check["status"] == "disabled"
    assert ["DISCONNECTED"] == [store["ConnectionState"] for store in left]
    assert "-main-" in left[0]["CustomKeyStoreName"]
