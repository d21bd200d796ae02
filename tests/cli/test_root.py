"""``pytest-xks`` itself: exit statuses are public, every problem is one message."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_xks import __version__


def test_version(run):
    """--version tells the version."""
    assert (0, f"pytest-xks, version {__version__}\n", "") == run("--version")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("certify",),
        ("certify", "proxy"),
        ("certify", "kms"),
        ("serve",),
        ("init",),
        ("init", "kms"),
        ("requirements",),
        ("explain",),
        ("selftest",),
        ("report",),
    ],
)
def test_help(run, command):
    """Every command explains itself, and quickly: without the heavy libraries."""
    status, text, _ = run(*command, "--help")

    assert 0 == status
    assert "Usage: pytest-xks" in text


def test_help_is_light():
    """--help imports nothing that takes long."""
    code = (
        "import sys; sys.argv = ['x', '--help']\n"
        "from pytest_xks.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pytest', 'rich', 'jinja2', 'cryptography', 'botocore', 'moto'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("nosuch",), id="unknown-command"),
        pytest.param(("certify", "proxy", "--nosuch"), id="unknown-option"),
        pytest.param(("certify", "proxy", "stray"), id="stray-word"),
        pytest.param(("certify", "proxy", "--target"), id="no-value"),
        pytest.param(("certify", "proxy", "--only", "NOSUCH"), id="unknown-prefix"),
        pytest.param(("certify", "proxy", "--target", "nosuch"), id="no-target"),
        pytest.param(("certify", "kms", "--load"), id="no-load-of-kms"),
        pytest.param(("certify", "kms", "--from-env"), id="no-variables-of-kms"),
        pytest.param(("certify", "kms", "--only", "XKS-"), id="prefix-of-a-proxy"),
        pytest.param(("selftest", "kms", "--fault", "nosuch"), id="fault-of-kms"),
        pytest.param(("selftest", "--fault", "nosuch"), id="unknown-fault"),
        pytest.param(("serve", "--proxy-port", "99999"), id="port"),
        pytest.param(("serve", "--host", "192.0.2.1"), id="host"),
        pytest.param(("explain",), id="explain-nothing"),
        pytest.param(("explain", "XKS-HTTP-999"), id="explain-unknown"),
        pytest.param(("explain", "KMS-GEN-999"), id="explain-unknown-of-kms"),
        pytest.param(("explain", "\x1b[31m"), id="explain-escape"),
        pytest.param(("report", "nosuch.json"), id="no-report"),
        pytest.param(("init", "proxy", "/nosuch/target.toml"), id="init-folder"),
        pytest.param(("init", "kms", "/nosuch/target.toml"), id="init-kms-folder"),
    ],
)
def test_usage_errors(run, arguments):
    """A mistake in the command is one message and exit status 2."""
    status, text, errors = run(*arguments)

    assert (2, "") == (status, text)
    assert errors
    assert "Traceback" not in errors
    assert "\x1b" not in errors


def test_internal_errors_are_no_verdict(run, monkeypatch):
    """A bug of ours is exit status 3 and one message without the exception's text."""
    monkeypatch.setattr(
        "pytest_xks.certify.requirements.suite.suite_folder", lambda: {}["the secret"]
    )

    status, _, errors = run("explain", "XKS-HTTP-001")

    assert 3 == status
    assert "KeyError" in errors
    assert "the secret" not in errors


@pytest.mark.skipif(os.name != "posix", reason="uses a pipe of POSIX")
def test_closed_output():
    """A reader that goes away early is no crash."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pytest_xks", "requirements"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert b"Traceback" not in done.stderr
