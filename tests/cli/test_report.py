"""``pytest-xks report``: a saved result again."""

from __future__ import annotations


def test_report(run, tmp_path):
    """report renders a saved result again, as text and as HTML."""
    folder, file = tmp_path / "reports", tmp_path / "reports" / "report.json"
    arguments = ("--only", "XKS-HEALTH-001", "--report-dir", folder, "--quiet")
    status, verdict, _ = run("certify", "proxy", *arguments)
    assert (0, True) == (status, verdict.startswith("partial"))

    assert verdict in run("report", file)[1]
    status, text, _ = run(
        "report", file, "--format", "html", "--output", tmp_path / "x.html"
    )
    assert (0, "") == (status, text)
    assert (tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")
