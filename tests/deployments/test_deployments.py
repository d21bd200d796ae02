"""Correct proxies in the idiom of other frameworks are certified; mistakes are found.

Each makes a few mistakes on demand, such as a vendor makes in that framework. What
turns red then stands in its ``expected.toml``: these requirements, and no other MUST.

Two variables of the environment: ``DEPLOYMENTS_INSIST`` fails what lacks its toolchain
and is skipped otherwise; ``DEPLOYMENTS_BUILDS`` is a folder in which builds are kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .deployment import FRAMEWORKS, deployed

_SECONDS = 300

# Correct, as we read the specification, and refused all the same.
FALSE_ALARMS: dict[str, str] = {}


def expectations(framework):
    """What comes of each mistake of a proxy."""
    return tomllib.loads((framework.folder / "expected.toml").read_text("utf-8"))


def marks(framework, *, correct):
    """One worker for what shares a build; a false alarm is expected to go."""
    yield pytest.mark.xdist_group(framework.in_front_of or framework.name)
    if correct and framework.name in FALSE_ALARMS:
        yield pytest.mark.xfail(reason=FALSE_ALARMS[framework.name], strict=False)


CORRECT = [
    pytest.param(framework, id=name, marks=[*marks(framework, correct=True)])
    for name, framework in FRAMEWORKS.items()
]
WRONG = [
    pytest.param(
        *(framework, wrong),
        id=f"{name}-{wrong}",
        marks=[*marks(framework, correct=False)],
    )
    for name, framework in FRAMEWORKS.items()
    for wrong in expectations(framework)
]


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Build a proxy, once for all of its tests."""
    kept = os.environ.get("DEPLOYMENTS_BUILDS")
    directory = Path(kept) if kept else tmp_path_factory.mktemp("builds")
    built = {}

    def of(framework):
        if framework.missing:
            reason = f"{', '.join(framework.missing)} is not installed"
            if os.environ.get("DEPLOYMENTS_INSIST"):
                pytest.fail(reason)
            pytest.skip(reason)
        if framework.name not in built:
            built[framework.name] = framework.built(directory)
        return built[framework.name]

    return of


def certify(target, *options):
    """Certify a proxy, as its vendor would; the exit status, the text, the report."""
    report_dir = target.parent / "report"
    command = [sys.executable, "-m", "pytest_xks", "certify", "proxy", *options]
    process = subprocess.run(
        [*command, "--target", target, "--report-dir", report_dir],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    text = process.stdout + process.stderr
    assert process.returncode in {0, 1, 3}, text
    report = json.loads((report_dir / "report.json").read_text("utf-8"))
    return process.returncode, text, report


def red(report, *levels):
    """The ids of requirements that are violated."""
    return {
        requirement["id"]
        for requirement in report["requirements"]
        if requirement["level"] in levels
        and requirement["status"] in {"failed", "warning"}
    }


@pytest.mark.parametrize("framework", CORRECT)
def test_correct(framework, build, tmp_path):
    """The proxy is conformant, with what it lacks declared."""
    with deployed(framework, build(framework), tmp_path) as target:
        status, text, report = certify(target)

    assert (0, "conformant") == (status, report["verdict"]), text


@pytest.mark.parametrize(("framework", "wrong"), WRONG)
def test_wrong(framework, wrong, build, tmp_path):
    """A mistake turns red what expected.toml says, and no other MUST."""
    expected = expectations(framework)[wrong]
    only = [option for chapter in expected["only"] for option in ("--only", chapter)]
    with deployed(framework, build(framework), tmp_path, wrong=wrong) as target:
        _, text, report = certify(target, *only)

    failed = set(expected["failed"])
    assert failed == red(report, "MUST") | (failed & red(report, "SHOULD")), text
