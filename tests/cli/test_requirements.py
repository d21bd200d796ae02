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
