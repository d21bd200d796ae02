"""``serve`` tells others how to connect once it answers, and ends when told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from pytest_xks.certify.environment import proxy_target_from_environment
from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight import preflight
from pytest_xks.certify.serve import ServeOptions, serve
from pytest_xks.certify.target import CAPABILITIES
from pytest_xks.certify.target_file import load_proxy_target


@contextmanager
def serving(*arguments):
    """`pytest-xks serve` in a process of its own, and the lines that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_xks", "serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = []
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "ends it" in line:
                break
        yield process, lines
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve(tmp_path, number):
    """The files are there when the server is, and a signal ends it cleanly."""
    ready, target_file = tmp_path / "ready.json", tmp_path / "t.toml"
    ready.write_text("stale")
    with serving("--ready-file", ready, "--target-file", target_file) as served:
        process, lines = served
        document = json.loads(ready.read_text())
        target = load_proxy_target(target_file)
        preflight(target)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)

    assert (0, "") == (process.returncode, errors)
    assert target.endpoint.url == document["proxy"]["endpoint"]
    assert (
        target.credential.secret_access_key == (document["proxy"]["secret_access_key"])
    )
    assert {"usable", "second", "encrypt_only"} <= document["proxy"]["keys"].keys()
    assert {c for c in CAPABILITIES if target.provides(c)} == set(CAPABILITIES) - {
        "load"
    }
    assert f"  pytest-xks certify proxy --target {target_file}" in lines
    for file in (ready, target_file):
        assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_variables():
    """The variables that are printed describe the target, for AWS's client and us."""
    with serving() as (_, lines):
        script = "\n".join(line for line in lines if line.startswith("  export "))
        shown = subprocess.run(
            ["/bin/sh", "-c", f"{script}\nenv -0"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        environ = dict(e.split("=", 1) for e in shown.split("\0") if "=" in e)
        preflight(proxy_target_from_environment(environ))

    assert any("--from-env" in line for line in lines)


def options(**changes):
    """Options, and a print that is not expected."""
    return ServeOptions(**changes), pytest.fail


def test_port_in_use():
    """A port that somebody else has is a usage problem."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UsageProblem, match=str(port)):
            serve(*options(proxy_port=port))


def test_address_of_another_machine():
    """So is an address that is not of this machine."""
    with pytest.raises(UsageProblem, match=r"192\.0\.2\.1"):
        serve(*options(host="192.0.2.1"))


@pytest.mark.parametrize("name", ["ready_file", "target_file"])
def test_unwritable_files(tmp_path, name):
    """A file that cannot be written ends it, and leaves nothing behind."""
    with pytest.raises(UsageProblem, match="cannot be written"):
        serve(*options(**{name: tmp_path / "nosuch" / "file"}))

    assert [] == list(tmp_path.iterdir())
