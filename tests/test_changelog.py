"""The changelog: what comes next is in fragments, and they render as one release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FRAGMENTS = sorted(
    path for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md"
)


@pytest.fixture(scope="module")
def release():
    """The next release, as towncrier would write it."""
    command = (sys.executable, "-m", "towncrier", "build", "--draft")
    rendered = subprocess.run(
        [*command, "--version", "9.9.9", "--dir", ROOT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert rendered.returncode == 0, rendered.stderr
    return rendered.stdout


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_fragment(release, path):
    """A fragment is one entry of the release, under the heading of its category."""
    category = path.stem.rpartition(".")[2].capitalize()
    (section,) = re.findall(rf"(?ms)^### {category}\n(.*?)(?=^###|\Z)", release)
    entry = "\n  ".join(path.read_text("utf-8").splitlines())

    assert f"\n- {entry}\n" in section


def test_release(release):
    """It has the headings of the changelog, and an entry for each fragment."""
    assert release.startswith("## [9.9.9]\n")
    assert len(FRAGMENTS) == len(re.findall("(?m)^- ", release))


def test_place_of_the_next_release():
    """What is released next gets its place above what was released last."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")

    assert text.count("\n<!-- towncrier release notes start -->\n\n## [") == 1
