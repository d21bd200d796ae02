"""``pytest-xks explain``: what the line in a report promises."""

from __future__ import annotations


def test_explain(run):
    """explain tells what a report's line promises."""
    status, text, _ = run("explain", "XKS-HTTP-001")

    assert 0 == status
    assert "XKS-HTTP-001  MUST" in text
    assert "Faults" in text


def test_explain_of_kms(run):
    """explain finds requirements of KMS endpoints, and the faults of the fake KMS."""
    status, text, _ = run("explain", "kms-connect-001")

    assert 0 == status
    assert "KMS-CONNECT-001" in text
    assert "ConnectCustomKeyStore" in text
