"""Any terminal, any pipe, any machine: a verdict and an exit status, or one message."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="uses a POSIX shell")

COMMAND = f"{sys.executable} -m pytest_xks"
# Seconds of work: one requirement, of our own mock.
CERTIFY = f"{COMMAND} certify proxy --only XKS-HEALTH-001"
EXPLAIN = f"{COMMAND} explain XKS-HEALTH-001"


def shell(line, folder, **variables):
    """Run a line: exit status, output, errors."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": str(folder),
        **variables,
    }
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env={name: value for name, value in environ.items() if value},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    return done.returncode, done.stdout, done.stderr


ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "cp437": {"PYTHONIOENCODING": "cp437:strict"},
    "utf-8": {"PYTHONIOENCODING": "utf-8:strict"},
    "posix": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "narrow": {"COLUMNS": "20"},
    "no-home": {"HOME": ""},
    "unknown-home": {"HOME": "/nonexistent"},
    "dumb": {"TERM": "dumb", "NO_COLOR": "1"},
    "ci": {"CI": "true", "GITHUB_ACTIONS": "true"},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved result with characters of every kind in what failed."""
    folder = tmp_path_factory.mktemp("saved")
    file = folder / "report.json"
    old = Path(__file__).parents[1] / "certify/report/saved/proxy-0.1.0.json"
    text = old.read_text("utf-8").replace(
        '"observed": "', '"observed": "\u2026\u20ac\u540d '
    )
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("variables", [*ENCODINGS.values()], ids=[*ENCODINGS])
@pytest.mark.parametrize("style", ["text", "markdown", "html"])
def test_encodings(tmp_path, saved, variables, style):
    """What a stream cannot encode is escaped; nothing else changes."""
    status, text, errors = shell(
        f"{COMMAND} report {saved} --format {style}", tmp_path, **variables
    )

    assert (0, b"") == (status, errors)
    assert b"conformant" in text


@pytest.mark.parametrize("name", ["ascii", "cp1252", "narrow", "no-home", "ci"])
def test_certify(tmp_path, name):
    """The verdict comes whatever the terminal."""
    status, text, errors = shell(CERTIFY, tmp_path, **ENCODINGS[name])

    assert (0, b"") == (status, errors)
    assert b"\npartial: MUST 1 passed" in text


STREAMS = {
    "closed-output": (f"{CERTIFY} >&-", 0, b""),
    "closed-errors": (f"{CERTIFY} 2>&-", 0, b""),
    "closed-input": (f"{CERTIFY} <&-", 0, b""),
    "all-closed": (f"{CERTIFY} <&- >&- 2>&-", 0, b""),
    "full": (f"{CERTIFY} >/dev/full", 3, b"No space left on device"),
    "full-explain": (f"{EXPLAIN} >/dev/full", 3, b"No space left on device"),
    "all-full": (f"{CERTIFY} >/dev/full 2>/dev/full", 3, b""),
    "mistake-with-closed-errors": (f"{COMMAND} report nosuch 2>&-", 2, b""),
    "mistake-with-full-errors": (f"{COMMAND} report nosuch 2>/dev/full", 2, b""),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize(
    ("line", "status", "message"), [*STREAMS.values()], ids=[*STREAMS]
)
def test_streams(tmp_path, line, status, message):
    """A stream that takes nothing changes no verdict, and is one message at most."""
    ended, _, errors = shell(line, tmp_path)

    assert status == ended
    assert message in errors
    assert 1 >= errors.count(b"\n")


def test_small_disk(tmp_path):
    """Reports that cannot be written are one message; the verdict is told before."""
    status, text, errors = shell(
        f"ulimit -f 64; {CERTIFY} --report-dir reports", tmp_path
    )

    assert 2 == status
    assert b"\npartial: MUST 1 passed" in text
    assert b"File too large" in errors
    assert 1 == errors.count(b"\n")
