"""A baseline excuses what it lists, for a reason, and may not rot."""

from __future__ import annotations

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.run.baseline import (
    apply_baseline,
    load_baseline,
    render_baseline,
)

ONE = "XKS-HTTP-001"
TWO = "XKS-HTTP-002"
FAILS = f"""
@requirement("{ONE}")
def test_one():
    raise Violation(expected="a", observed='it said "no"')
"""
PASSES = f"""
@requirement("{TWO}")
def test_two():
    pass
"""


@pytest.fixture
def document(certify):
    """A result with one failed and one passed MUST."""
    return certify({ONE: "MUST", TWO: "MUST"}, FAILS + PASSES)


def load(tmp_path, text):
    """Write and load a baseline."""
    file = tmp_path / "baseline.toml"
    file.write_text(text)
    return load_baseline(file)


def entry(requirement_id, reason="because"):
    """One entry of the file."""
    return f'[[known_failure]]\nid = "{requirement_id}"\nreason = "{reason}"\n'


def test_known_failure(document, tmp_path):
    """With all failures known the exit status is 0; the verdict does not lie."""
    path = tmp_path / "b.toml"
    apply_baseline(document, {ONE: "because"}, path)

    assert ("not conformant", 0) == (document["verdict"], document["exit_status"])
    assert "because" == document["requirements"][0]["known_failure"]
    assert [ONE] == document["baseline"]["known"]


def test_unexpected_failure(document, tmp_path):
    """A failure that is not listed counts as ever."""
    apply_baseline(document, {}, tmp_path / "b.toml")

    assert 1 == document["exit_status"]
    assert [ONE] == document["baseline"]["unexpected"]


@pytest.mark.parametrize(
    ("stale", "kind"),
    [
        pytest.param(TWO, "stale", id="passes"),
        pytest.param("XKS-HTTP-999", "unknown", id="no-requirement"),
    ],
)
def test_rotten_entries(document, tmp_path, stale, kind):
    """An entry that no longer fails, or means nothing, makes the exit status 1."""
    apply_baseline(document, {ONE: "because", stale: "x"}, tmp_path / "b.toml")

    assert 1 == document["exit_status"]
    assert [stale] == document["baseline"][kind]


def test_rotten_entry_of_a_conformant_target(certify, tmp_path):
    """So it does if nothing fails at all."""
    document = certify({TWO: "MUST"}, PASSES)
    apply_baseline(document, {TWO: "because"}, tmp_path / "b.toml")

    assert ("conformant", 1) == (document["verdict"], document["exit_status"])


def test_disabled_entry_is_not_stale(certify, tmp_path):
    """What did not run neither failed nor passed."""
    document = certify({ONE: "MUST", TWO: "MUST"}, FAILS + PASSES, skip=(ONE,))
    apply_baseline(document, {ONE: "because"}, tmp_path / "b.toml")

    assert ("partial", 0) == (document["verdict"], document["exit_status"])
    assert [] == document["baseline"]["stale"]


def test_known_failures_do_not_hide_gaps(certify, tmp_path):
    """What was not verified still makes the result incomplete."""
    document = certify({ONE: "MUST", "XKS-HTTP-003": "MUST"}, FAILS)
    apply_baseline(document, {ONE: "because"}, tmp_path / "b.toml")

    assert 3 == document["exit_status"]


@pytest.mark.parametrize(("strict", "status"), [(False, 0), (True, 1)])
def test_warnings(certify, tmp_path, strict, status):
    """A failed SHOULD needs an entry only where it counts."""
    document = certify({ONE: "SHOULD", TWO: "MUST"}, FAILS + PASSES, strict=strict)
    apply_baseline(document, {}, tmp_path / "b.toml")

    assert status == document["exit_status"]


def test_written_baseline_is_accepted(document, tmp_path):
    """What --write-baseline writes makes the next run pass, and keeps old reasons."""
    reasons = load(tmp_path, render_baseline(document, {}))
    assert {ONE} == reasons.keys()
    assert 'it said "no"' in reasons[ONE]

    kept = load(tmp_path, render_baseline(document, {ONE: 'my "reason"'}))
    assert {ONE: 'my "reason"'} == kept

    apply_baseline(document, kept, tmp_path / "b.toml")
    assert 0 == document["exit_status"]


def test_partial_run_keeps_what_it_left_out(certify, tmp_path):
    """A run of a chapter says nothing of the others, and forgets none of them."""
    document = certify({ONE: "MUST", TWO: "MUST"}, FAILS + PASSES, only=(TWO,))

    text = render_baseline(document, {ONE: "because", TWO: "no longer"})

    assert {ONE: "because"} == load(tmp_path, text)


def test_nothing_to_write(certify, tmp_path):
    """Without failures the file is empty, and legal."""
    document = certify({TWO: "MUST"}, PASSES)

    assert {} == load(tmp_path, render_baseline(document, {}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(entry(ONE, ""), "reason", id="no-reason"),
        pytest.param(entry(ONE, "  "), "reason", id="blank-reason"),
        pytest.param('[[known_failure]]\nid = "A"\n', "reason", id="reason-missing"),
        pytest.param(entry(ONE) + entry(ONE), "twice", id="doubled"),
        pytest.param(entry(ONE) + "x = 1\n", "x", id="unknown-key"),
        pytest.param("known_failure = 1", "known_failure", id="no-array"),
        pytest.param("[known]", "known", id="unknown-table"),
        pytest.param("[", "TOML", id="no-toml"),
    ],
)
def test_mistakes(tmp_path, text, named):
    """A mistake in the file is one message."""
    with pytest.raises(UsageProblem, match=named):
        load(tmp_path, text)
