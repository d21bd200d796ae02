"""``requirements`` and ``explain`` show the catalogue whole."""

from __future__ import annotations

import json

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.requirements.explain import FORMATS, explain, find_checks
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder

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


def test_not_checked(make_suite):
    """What has no check says why, and the totals tell the two reasons apart."""
    row = (
        '[[requirement]]\nid = "KMS-HTTP-00{0}"\nlevel = "INFO"\ntitle = "T"\n'
        'source = "S"\ntext = "X."\nverification = "{1}"\nreason = "It is so."\n'
    )
    extra = row.format(2, "informational") + row.format(3, "not_observable")
    suite = make_suite({"KMS-HTTP-001": "MUST"}, "", extra=extra, part="kms")
    catalogue = load_catalogue("kms", suite)

    text = explain(catalogue, "KMS-HTTP-002", suite, {})
    assert "Not checked informational: It is so." in text
    assert [
        "MUST       1 observable,    0 not observable,    0 informational",
        "INFO       0 observable,    1 not observable,    1 informational",
    ] == FORMATS["table"](catalogue).splitlines()[-3:-1]
    assert "| informational: It is so. |" in FORMATS["markdown"](catalogue)


def test_totals():
    """The table ends with the totals by level."""
    last = FORMATS["table"](load_catalogue("proxy")).splitlines()[-4:]

    assert ["MUST", "SHOULD", "MAY"] == [line.split()[0] for line in last[:3]]


@pytest.mark.parametrize("part", ["proxy", "kms"])
def test_every_checked_requirement_has_a_check(part):
    """Whoever looks a requirement up finds its checks, in whatever folder they are."""
    checked = {r.id for r in load_catalogue(part).requirements if r.is_checked}
    found = {
        each
        for check in find_checks(suite_folder(), part)
        for each in check.requirements
    }

    # Some checks take their ids from a table, which the source does not tell.
    assert len(checked & found) > len(checked) / 2
