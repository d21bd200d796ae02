"""The self-test notices a check that cannot fail, and one that accuses the innocent."""

from __future__ import annotations

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.run.mocks import MOCKS
from pytest_xks.certify.run.selftest import Proof, prove, selftest
from pytest_xks.proxy.faults.catalogue import CATALOGUE

FAULT = "health-as-201"
DECLARED = CATALOGUE.all()[FAULT].violates
OTHER = "XKS-HTTP-999"
LEVELS = dict.fromkeys(DECLARED, "MUST")


def health_check(requirement_ids, expression):
    """A check that asks for health and judges the status by ``expression``."""
    return f"""
    @requirement(*{requirement_ids!r})
    def test_{len(requirement_ids)}_{requirement_ids[0][-3:]}(request):
        from pytest_xks.certify.preflight.proxy_caller import ProxyCaller
        with ProxyCaller(request.config.stash[TARGET]) as caller:
            status = caller.health().status
        assert {expression}
    """


@pytest.mark.parametrize(
    ("declared", "other", "complaints"),
    [
        pytest.param("status == 200", "status > 0", [], id="exact"),
        pytest.param(
            "status > 0",
            "status > 0",
            [f"does not turn red: {', '.join(sorted(DECLARED))}"],
            id="cannot-fail",
        ),
        pytest.param(
            "status == 200",
            "status == 200",
            [f"turns red, too: {OTHER}"],
            id="accuses-the-innocent",
        ),
        pytest.param(
            "status == 200",
            "1 / 0",
            [f"{OTHER} ends in an error: ZeroDivisionError"],
            id="broken",
        ),
    ],
)
def test_prove(make_suite, declared, other, complaints):
    """A fault has to turn red what it declares, and no other MUST."""
    body = health_check(DECLARED, declared) + health_check((OTHER,), other)
    suite = make_suite({**LEVELS, OTHER: "MUST"}, body)

    proof = prove("proxy", FAULT, suite)

    assert len(complaints) == len(proof.complaints)
    for expected, found in zip(complaints, proof.complaints, strict=True):
        assert found.startswith(expected)


def test_without_a_fault(make_suite):
    """The reference proxy itself must turn nothing red, and leave no gap."""
    body = health_check(("XKS-HTTP-001",), "status == 201")
    suite = make_suite({"XKS-HTTP-001": "SHOULD", OTHER: "MUST"}, body)

    assert [
        "turns red, too: XKS-HTTP-001",
        f"has no check: {OTHER}",
    ] == prove("proxy", "", suite).complaints


def test_others_may_warn():
    """A fault may also break a SHOULD that it does not declare."""
    proof = Proof(
        fault="x",
        declared=frozenset({"XKS-HTTP-001"}),
        red=frozenset({"XKS-HTTP-001", OTHER}),
        red_musts=frozenset({"XKS-HTTP-001"}),
    )

    assert [] == proof.complaints


def test_selftest_of_some_faults(make_suite):
    """The command reports how many requirements are proven."""
    suite = make_suite(LEVELS, health_check(DECLARED, "status == 200"))
    lines = []

    status = selftest(lines.append, only=[FAULT], workers=1, suite=suite)

    assert 0 == status
    count = len(DECLARED)
    assert f"{count} requirements proven, of {count} with a check" == lines[-1]


def test_unproven_fault(make_suite):
    """A fault that is not caught makes the exit status 1."""
    suite = make_suite(LEVELS, health_check(DECLARED, "status > 0"))
    lines = []

    assert 1 == selftest(lines.append, only=[FAULT], workers=1, suite=suite)
    assert lines[0].startswith(f"{FAULT}: does not turn red: ")


def unknown_store_check(name, expression):
    """A check of a KMS endpoint: connects a key store that is not there."""
    return f"""
    @requirement("{name}")
    def test_unknown_store(request):
        from pytest_xks.certify.targets.kms_call import KmsCaller
        with KmsCaller(request.config.stash[KMS_TARGET]) as caller:
            answer = caller.call(
                "ConnectCustomKeyStore", CustomKeyStoreId="cks-0123456789abcdef0"
            )
        assert {expression}
    """


@pytest.mark.parametrize(
    ("expression", "status"),
    [
        pytest.param('answer.code == "CustomKeyStoreNotFoundException"', 0, id="good"),
        pytest.param("answer.status", 1, id="cannot-fail"),
    ],
)
def test_selftest_of_the_fake_kms(make_suite, expression, status):
    """Checks of KMS endpoints are proven with the fake KMS and its faults."""
    name = "connect-of-unknown-store-as-validation"
    (requirement,) = MOCKS["kms"].catalogue().find(name).violates
    body = unknown_store_check(requirement, expression)
    suite = make_suite({requirement: "MUST"}, body, part="kms")
    lines = []

    assert status == selftest(
        lines.append, part="kms", only=[name], workers=1, suite=suite
    )


@pytest.mark.parametrize(
    ("thorough", "red"),
    [
        pytest.param(False, {"KMS-CONNECT-001"}, id="its-chapters"),
        pytest.param(
            True,
            {"KMS-CONNECT-001", "KMS-CONNECT-002", "KMS-CREATEKEY-001"},
            id="thorough",
        ),
    ],
)
def test_reach_of_a_fault_of_kms(make_suite, thorough, red):
    """What a fault violates is run whole; of the rest of its chapters, a sample."""
    body = """
    @requirement("KMS-CONNECT-001")
    @pytest.mark.parametrize("number", [1, 2])
    def test_declared(number):
        assert number == 1

    @requirement("KMS-CONNECT-002")
    @pytest.mark.parametrize("number", [1, 2])
    def test_of_the_same_chapter(number):
        assert number == 1

    @requirement("KMS-CREATEKEY-001")
    def test_of_another_chapter():
        raise AssertionError
    """
    levels = dict.fromkeys(
        ("KMS-CONNECT-001", "KMS-CONNECT-002", "KMS-CREATEKEY-001"), "MUST"
    )
    suite = make_suite(levels, body, part="kms")

    proof = prove(
        "kms", "connect-of-unknown-store-as-validation", suite, thorough=thorough
    )

    assert proof.red == red


def test_unknown_fault_of_kms():
    """The two parts have faults of their own."""
    with pytest.raises(UsageProblem, match="has no fault 'health-as-201'"):
        selftest(print, part="kms", only=["health-as-201"])


def test_unknown_fault():
    """A name that no fault has is a usage problem."""
    with pytest.raises(UsageProblem, match="health-as-201"):
        selftest(print, only=["health-as-200"])
