"""What only the operator can cause or claim is no gap where he has done neither."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.targets.proxy_target import ProxyTarget

BY_COMMAND = (
    '[[requirement]]\nid = "XKS-HTTP-002"\nlevel = "MUST"\ntitle = "T"\n'
    'source = "S"\ntext = "X."\nverification = "check"\n'
    'command = "break_key_manager"\n'
)
BY_CLAIM = (
    BY_COMMAND.replace("-002", "-003")
    .replace("command", "claim")
    .replace("break_key_manager", "isolated")
)
CHECKS = """
    @requirement("XKS-HTTP-001")
    def test_always():
        pass

    @requirement("XKS-HTTP-002")
    def test_with_the_command():
        raise Violation(expected="x", observed="y")

    @requirement("XKS-HTTP-003")
    def test_of_a_claim():
        raise Violation(expected="x", observed="y")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operated(ProxyTarget):
    """A target with a command and a claim."""

    commands: frozenset[str] = frozenset({"break_key_manager"})
    claims: frozenset[str] = frozenset({"isolated"})


@pytest.fixture
def certified(make_suite, target, tmp_path):
    """The result of a target, with the command and the claim or without."""
    suite = make_suite({"XKS-HTTP-001": "MUST"}, CHECKS, extra=BY_COMMAND + BY_CLAIM)
    catalogue = load_catalogue("proxy", suite)

    def run(*, operated, strict=False):
        tried = target
        if operated:
            names = ProxyTarget.__dataclass_fields__
            tried = Operated(**{name: getattr(target, name) for name in names})
        done = run_suite(
            suite=suite, catalogue=catalogue, target=tried, scratch=tmp_path
        )
        return build_document(done, catalogue=catalogue, target=tried, strict=strict)

    return run


@pytest.mark.parametrize("strict", [False, True])
def test_without_command_and_claim(certified, strict):
    """One is listed as not observable, one as not applicable; neither is a gap."""
    document = certified(operated=False, strict=strict)

    assert "conformant" == document["verdict"]
    assert ["XKS-HTTP-002"] == [each["id"] for each in document["not_observable"]]
    assert "break_key_manager" in document["not_observable"][0]["reason"]
    assert {"XKS-HTTP-001": "passed", "XKS-HTTP-003": "not_applicable"} == {
        each["id"]: each["status"] for each in document["requirements"]
    }


def test_with_command_and_claim(certified):
    """Both bind as any other requirement does."""
    document = certified(operated=True)

    assert "not conformant" == document["verdict"]
    assert {
        "XKS-HTTP-001": "passed",
        "XKS-HTTP-002": "failed",
        "XKS-HTTP-003": "failed",
    } == {each["id"]: each["status"] for each in document["requirements"]}


def test_the_report_names_the_catalogue(certified):
    """Results of two versions of the catalogue measure different things."""
    assert "7" == certified(operated=False)["suite"]["catalogue_version"]
