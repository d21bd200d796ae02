"""Failures with one cause are told once, and the one that means most stands first."""

from __future__ import annotations

import pytest

from pytest_xks.certify.report.causes import causes
from pytest_xks.certify.report.output import render


def failed(requirement_id, observed, *, level="MUST"):
    """A violated requirement to which this came."""
    status = "failed" if level == "MUST" else "warning"
    return {
        "id": requirement_id,
        "level": level,
        "status": status,
        "checks": [{"status": status, "observed": observed}],
    }


def test_weight():
    """Who is served that should not be, then what can be forged, then the rest."""
    results = [
        failed("XKS-HTTP-005", "GET: 404 InvalidUriPathException"),
        failed("XKS-ENC-005", "13 bytes"),
        failed("XKS-DEC-019", "200 with a JSON object", level="SHOULD"),
        failed("XKS-DEC-013", "the last byte: 200 with a JSON object"),
        failed("XKS-AUTH-016", "unsigned Encrypt: 200 with a JSON object"),
    ]

    assert [
        ["XKS-AUTH-016"],
        ["XKS-DEC-013"],
        ["XKS-ENC-005"],
        ["XKS-HTTP-005"],
        ["XKS-DEC-019"],
    ] == causes(results)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            "a: 422 ValidationException", "b: 422 ValidationException", id="x"
        ),
        pytest.param(
            "a: 400 with a body that is no JSON object: 'no'",
            "b: 404 with a body that is no JSON object: 'gone'",
            id="text",
        ),
        pytest.param("a: 500 InternalException", "500 InternalException", id="broken"),
        pytest.param("1 other bytes", "a: 32 other bytes", id="garbled"),
    ],
)
def test_one_cause(first, second):
    """What came by the same defect is one group, led by what binds every answer."""
    results = [
        failed("XKS-ERR-011", first),
        failed("XKS-ERR-003", second),
        failed("XKS-ERR-001", first),
    ]

    assert [["XKS-ERR-001", "XKS-ERR-011", "XKS-ERR-003"]] == causes(results)


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param("a: 400 ValidationException", id="good-error"),
        pytest.param("a: 200 with a JSON object (plaintext)", id="served"),
        pytest.param("16 bytes", id="bytes"),
    ],
)
def test_several_causes(observed):
    """What may come for many reasons puts nothing together."""
    results = [failed("XKS-ERR-004", observed), failed("XKS-ERR-011", observed)]

    assert [["XKS-ERR-004"], ["XKS-ERR-011"]] == causes(results)


@pytest.mark.parametrize("style", ["text", "markdown"])
def test_hidden(certify, style):
    """What another failure explains is two lines; its id stays among the failed."""
    document = certify(
        {f"XKS-ERR-00{n}": "MUST" for n in (1, 3, 4)},
        """
        @pytest.mark.parametrize("n", [
            pytest.param(n, marks=requirement(f"XKS-ERR-00{n}")) for n in (1, 3, 4)
        ])
        def test_one(n):
            raise Violation(expected="a", observed=f"case {n}: 422 Unprocessable")
        """,
    )

    text = render(document, style).replace("\\", "")

    first = next(line for line in text.splitlines() if "XKS-ERR" in line)
    assert "Title of XKS-ERR-001: case 1: 422 Unprocessable (and 2 more like" in first
    assert "hidden by XKS-ERR-001: case 3: 422 Unprocessable" in text
    assert 1 == text.count("section “Section”")
    assert "XKS-ERR-001, XKS-ERR-003, XKS-ERR-004" in text


def test_strict_warnings_are_failures(certify):
    """What makes the exit status 1 stands among the failures, and not elsewhere."""
    document = certify(
        {"XKS-ERR-003": "SHOULD"},
        """
        @requirement("XKS-ERR-003")
        def test_one():
            raise Violation(expected="a", observed="b")
        """,
        strict=True,
    )

    text = render(document, "text")

    assert "Failed (1)" in text
    assert "Warnings" not in text
    assert "Failed: XKS-ERR-003" == text.splitlines()[-2]


def test_long_values_are_cut_on_the_terminal(certify):
    """A plaintext of pages does not hide the rest; files have it whole."""
    document = certify(
        {"XKS-ERR-003": "MUST"},
        """
        @requirement("XKS-ERR-003")
        def test_one():
            raise Violation(expected="a", observed="x" * 5000)
        """,
    )

    assert "x" * 1000 not in render(document, "text")
    assert "(5000 characters)" in render(document, "text")
    for style in ("html", "junit", "markdown"):
        assert "x" * 5000 in render(document, style)
