"""``pytest-xks requirements``: the catalogue in three formats."""

from __future__ import annotations

import json


def test_requirements(run):
    """requirements lists the catalogue in three formats."""
    assert "XKS-HTTP-001" in run("requirements")[1]
    assert "| XKS-HTTP-001 |" in run("requirements", "--format", "markdown")[1]
    document = json.loads(run("requirements", "proxy", "--format", "json")[1])
    assert "XKS-HTTP-001" == document["requirements"][0]["id"]


def test_requirements_of_kms(run):
    """requirements kms lists the other part, with totals."""
    text = run("requirements", "kms")[1]

    assert "KMS-CREATEKEY-001" in text
    assert ["MUST", "SHOULD", "INFO"] == [
        line.split()[0] for line in text.splitlines()[-4:-1]
    ]


def test_statements(run):
    """requirements --statements goes through the specification line by line."""
    text = run("requirements", "proxy", "--statements")[1]

    assert " 120  MUST            an HTTP GET" in text
    assert "XKS-HTTP-005 observable" in text
    assert "XKS-AUTH-025 by capability (rotated_credential)" in text
    assert "binds KMS" in text
    assert "146 statements" in text
    markdown = run("requirements", "proxy", "--statements", "--format", "markdown")[1]
    assert "| 120 | MUST |" in markdown
    listed = run("requirements", "proxy", "--statements", "--format", "json")[1]
    assert json.loads(listed)["statements"][0]["line"] == 94


def test_statements_of_kms(run):
    """There are none, and the message says so."""
    code, _, error = run("requirements", "kms", "--statements")

    assert code == 2
    assert "no list of statements" in error
