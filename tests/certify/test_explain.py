"""``requirements`` and ``explain`` show the catalogue whole."""

from __future__ import annotations

import json

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.explain import FORMATS, explain, find_checks
from pytest_xks.certify.suite import load_catalogue, suite_folder

BODY = '''
@requirement("XKS-HTTP-001")
def test_one():
    """The first check.

    More.
    """

@pytest.mark.parametrize(
    "x", [pytest.param(1, marks=pytest.mark.requirement("XKS-HTTP-001"))]
)
def test_two(x):
    pass
'''


def test_checks_are_found_in_the_source(make_suite):
    """A check is found by its marker, on the function or on a parameter."""
    suite = make_suite(
        {"XKS-HTTP-001": "MUST"},
        BODY.replace("@requirement", "@pytest.mark.requirement"),
    )

    first, second = find_checks(suite, "proxy")

    assert "The first check." == first.title
    assert ("XKS-HTTP-001",) == first.requirements == second.requirements


def test_explain(make_suite):
    """Text, source, checks and faults of one requirement."""
    suite = make_suite(
        {"XKS-HTTP-001": "MUST mtls"},
        BODY.replace("@requirement", "@pytest.mark.requirement"),
    )
    catalogue = load_catalogue("proxy", suite)

    text = explain(catalogue, "xks-http-001", suite, {"some-fault": "It is wrong."})

    for part in ("Text of XKS-HTTP-001.", "Section", "mtls", "some-fault", "test_one"):
        assert part in text


def test_unknown_requirement():
    """An id that nobody knows gets the nearest as a hint."""
    with pytest.raises(UsageProblem, match="Did you mean XKS-"):
        explain(load_catalogue("proxy"), "XKS-HTTP-00", suite_folder(), {})


def test_formats():
    """Every requirement is in every format, and JSON is JSON."""
    catalogue = load_catalogue("proxy")
    for render in FORMATS.values():
        text = render(catalogue)
        assert all(r.id in text for r in catalogue.requirements)

    document = json.loads(FORMATS["json"](catalogue))
    assert len(catalogue.requirements) == len(document["requirements"])
    assert "1.0.3" == document["specification_version"]


def test_totals():
    """The table ends with the totals by level."""
    last = FORMATS["table"](load_catalogue("proxy")).splitlines()[-4:]

    assert ["MUST", "SHOULD", "MAY"] == [line.split()[0] for line in last[:3]]
