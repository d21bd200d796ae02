"""A correct proxy that is not ours is certified: the suite is not fitted to our mock.

``independent/`` implements AWS's specification a second time, with other libraries, and
reads it differently wherever two readings are admissible.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .independent.deployment import deployed
from .independent.variant import Variant

VARIANTS = [
    pytest.param(
        Variant(
            iv_length=16,
            metadata_length=0,
            describes_disabled_keys=False,
            error_message="",
            chunked=False,
        ),
        id="reserved",
    ),
    pytest.param(
        Variant(
            iv_length=12,
            metadata_length=20,
            describes_disabled_keys=True,
            error_message="~ " * 255 + '"',
            chunked=True,
        ),
        id="generous",
    ),
]


def certify(target: Path, report_dir: Path) -> subprocess.CompletedProcess:
    """Certify a proxy, as its vendor would."""
    command = [sys.executable, "-m", "pytest_xks", "certify", "proxy", "--strict"]
    return subprocess.run(
        [*command, "--target", target, "--report-dir", report_dir],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def unproven(report: dict) -> dict[str, str]:
    """Every requirement that is not passed, but for what is optional."""
    fine = {"passed", "not_applicable"}
    return {
        requirement["id"]: requirement["status"]
        for requirement in report["requirements"]
        if requirement["status"] not in fine
        # A MAY that a proxy does not follow is information.
        and (requirement["level"], requirement["status"]) != ("MAY", "warning")
    }


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_certified(variant, tmp_path):
    """The independent proxy is conformant, and nothing of it could not be tested."""
    with deployed(tmp_path, variant) as target:
        process = certify(target, tmp_path / "report")

    assert 0 == process.returncode, process.stdout + process.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))
    assert ("conformant", {}) == (report["verdict"], unproven(report))


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parent / "independent").glob("*.py")),
    ids=lambda path: path.name,
)
def test_independence(path):
    """It takes throw-away certificates from the library, and nothing else."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                imported |= {alias.name for alias in node.names}
            case ast.ImportFrom(level=0, module=str(module)):
                imported.add(module)
            case ast.ImportFrom(level=level):
                assert 1 == level

    ours = {"pytest_xks", "conformance"}
    assert {n for n in imported if n.partition(".")[0] in ours} <= {
        "pytest_xks.http.certificates"
    }
