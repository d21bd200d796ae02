"""Reports and baselines that version 0.1.0 saved still load: their shape is public."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_xks.certify.report.json import load_report, load_schema, render_json
from pytest_xks.certify.report.output import render
from pytest_xks.certify.run.baseline import apply_baseline, load_baseline

SAVED = Path(__file__).parent / "saved"
REPORTS = ["proxy-0.1.0.json", "kms-0.1.0.json"]
BASELINE = SAVED / "baseline-0.1.0.toml"


@pytest.mark.parametrize("name", REPORTS)
def test_report_loads_unchanged(name):
    """It is legal by today's schema, and nothing of it is lost or renamed."""
    saved = json.loads((SAVED / name).read_text("utf-8"))

    jsonschema.Draft202012Validator(load_schema()).validate(saved)
    assert saved == json.loads(render_json(load_report(SAVED / name)))


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("style", ["text", "html", "markdown", "junit"])
def test_report_renders(name, style):
    """Every report can be made of it, and says which target it was."""
    text = render(load_report(SAVED / name), style)

    assert "external key stores" in text if name.startswith("kms") else "418" in text


def test_unsupported_emulator():
    """The members for an emulator without key stores keep their names."""
    text = render(load_report(SAVED / "kms-0.1.0.json"), "text")

    assert "No external key stores: 1 requirements failed untried" in text
    assert "Not testable" not in text


def test_known_failure_of_a_saved_report():
    """What the baseline explained then is told, with its reason."""
    text = render(load_report(SAVED / "proxy-0.1.0.json"), "text")

    assert "Known failures (1)" in text
    assert "Fixed in firmware 4.2." in text


def test_baseline_still_applies():
    """A saved baseline makes the same failure a known one."""
    document = load_report(SAVED / "proxy-0.1.0.json")
    document["exit_status"] = 1
    document["requirements"][0]["known_failure"] = None

    apply_baseline(document, load_baseline(BASELINE), BASELINE)

    assert document["requirements"][0]["known_failure"] == "Fixed in firmware 4.2."
    assert document["baseline"]["known"] == ["XKS-HTTP-001"]
    assert document["exit_status"] == 3, "an error of the suite remains"
