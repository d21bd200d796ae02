"""The command line: exit statuses are public, and every problem is one message."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pytest_xks import __version__
from pytest_xks.certify.targets.kms_file import load_kms_target
from pytest_xks.certify.targets.kms_target import KMS_CAPABILITIES
from pytest_xks.certify.targets.proxy_file import load_proxy_target
from pytest_xks.certify.targets.proxy_target import CAPABILITIES
from pytest_xks.cli import main

CANARY = "Canary0Secret/That+NobodyMayEverSee0123456789="
SECRET_LINE = f'secret_access_key = "{CANARY}"'


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: exit status, output, errors."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["pytest-xks", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capsys.readouterr())

    return command


def write_target(path, **changes):
    """A target file for a proxy that does not exist."""
    values = {
        "endpoint": "https://127.0.0.1:1",
        "uri_path": "/kms/xks/v1",
        "secret_access_key": CANARY,
        **changes,
    }
    path.write_text(
        "[proxy]\n"
        f'endpoint = "{values["endpoint"]}"\nuri_path = "{values["uri_path"]}"\n'
        '[proxy.credential]\naccess_key_id = "AKIATESTTESTTESTTEST"\n'
        f'secret_access_key = "{values["secret_access_key"]}"\n'
        '[proxy.keys]\nusable = "foo"\n'
    )
    return path


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


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("", "[proxy] is missing", id="empty"),
        pytest.param("\x00", "TOML", id="binary"),
        pytest.param("[proxy]\nendpiont = 1", "endpoint", id="typo"),
    ],
)
def test_unreadable_target_file(run, tmp_path, content, named):
    """A bad target file is named, with what is wrong."""
    (tmp_path / "t.toml").write_text(content)

    status, _, errors = run("certify", "proxy", "--target", tmp_path / "t.toml")

    assert 2 == status
    assert named in errors
    assert "t.toml" in errors


def test_dead_endpoint(run, tmp_path):
    """A proxy that is not there is exit status 2, and no secret is printed."""
    file = write_target(tmp_path / "t.toml")

    status, text, errors = run("certify", "proxy", "--target", file)

    assert 2 == status
    assert "https://127.0.0.1:1 cannot be reached" in errors
    assert CANARY not in text + errors


def test_dead_emulator(run, tmp_path):
    """A KMS endpoint that is not there is exit status 2, too."""
    run("init", "kms", tmp_path / "t.toml")
    text = (tmp_path / "t.toml").read_text()
    for old, new in ((":5599", ":1"), ('secret_access_key = "testing"', SECRET_LINE)):
        text = text.replace(old, new)
    (tmp_path / "t.toml").write_text(text.replace("127.0.0.1:9443", "127.0.0.1:0"))

    status, text, errors = run("certify", "kms", "--target", tmp_path / "t.toml")

    assert 2 == status
    assert "http://127.0.0.1:1 cannot be reached" in errors
    assert CANARY not in text + errors


def test_from_env(run, monkeypatch):
    """--from-env takes the variables of AWS's client."""
    monkeypatch.setenv("XKS_PROXY_HOST", "127.0.0.1:1")

    status, _, errors = run("certify", "proxy", "--from-env")

    assert 2 == status
    assert "https://127.0.0.1:1 cannot be reached" in errors


def test_init(run, tmp_path):
    """init writes a target file, tells what is next, and never overwrites."""
    file = tmp_path / "t.toml"

    status, text, _ = run("init", "proxy", file)
    assert 0 == status
    assert f"pytest-xks certify proxy --target {file}" in text
    assert not any(map(load_proxy_target(file).provides, CAPABILITIES))
    assert 2 == run("init", "proxy", file)[0]


def test_init_kms(run, tmp_path):
    """init kms writes a CA as well, and tells how our own fake KMS fits."""
    file = tmp_path / "t.toml"

    status, text, _ = run("init", "kms", file)
    assert 0 == status
    assert f"pytest-xks certify kms --target {file}" in text
    assert f"--trust-ca {tmp_path / 'ca.pem'}" in text
    target = load_kms_target(file)
    assert all(map(target.provides, KMS_CAPABILITIES))
    assert 2 == run("init", "kms", file)[0]


def test_requirements_of_kms(run):
    """requirements kms lists the other part, with totals."""
    text = run("requirements", "kms")[1]

    assert "KMS-CREATEKEY-001" in text
    assert ["MUST", "SHOULD", "INFO"] == [
        line.split()[0] for line in text.splitlines()[-4:-1]
    ]


def test_requirements(run):
    """requirements lists the catalogue in three formats."""
    assert "XKS-HTTP-001" in run("requirements")[1]
    assert "| XKS-HTTP-001 |" in run("requirements", "--format", "markdown")[1]
    document = json.loads(run("requirements", "proxy", "--format", "json")[1])
    assert "XKS-HTTP-001" == document["requirements"][0]["id"]


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


def test_report(run, tmp_path):
    """report renders a saved result again, as text and as HTML."""
    folder, file = tmp_path / "reports", tmp_path / "reports" / "report.json"
    arguments = ("--only", "XKS-HEALTH-001", "--report-dir", folder, "--quiet")
    status, verdict, _ = run("certify", "proxy", *arguments)
    assert 3 == status

    assert verdict in run("report", file)[1]
    status, text, _ = run(
        "report", file, "--format", "html", "--output", tmp_path / "x.html"
    )
    assert (0, "") == (status, text)
    assert (tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")


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
