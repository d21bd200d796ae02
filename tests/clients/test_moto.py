"""moto's own tests of its KMS, on the fake KMS: `tox -e moto` installs what they need.

They are not in moto's wheel, so they come out of the sdist of the version that is
installed. ``MOTO_TESTS`` is a folder in which they are kept.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

_SECONDS = 600
_MOTO = f"moto-{version('moto')}"
# The tests' helpers, and the tests.
_NEEDED = ("tests/__init__.py", "tests/conftest.py", "tests/test_kms")
_PYTEST = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
_WITHOUT_US = ("-p", "no:xks")
_UNDER_THE_FAKE = ("-p", "pytest_xks.kms.everywhere")


@pytest.fixture(scope="module")
def tests(tmp_path_factory):
    """The folder with moto's tests."""
    kept = os.environ.get("MOTO_TESTS")
    folder = (Path(kept) if kept else tmp_path_factory.mktemp("moto")) / _MOTO
    if not folder.exists():
        sdist = downloaded(tmp_path_factory.mktemp("sdist"))
        with tarfile.open(sdist) as archive:
            wanted = [
                member
                for member in archive.getmembers()
                if member.name.startswith(tuple(f"{_MOTO}/{each}" for each in _NEEDED))
            ]
            archive.extractall(folder.parent, wanted, filter="data")
        # So that pytest looks for a configuration no further up.
        (folder / "pytest.ini").touch()
    return folder


def downloaded(folder):
    """moto's sdist from PyPI."""
    requirement = _MOTO.replace("-", "==")
    options = ["--quiet", "--no-deps", "--no-binary", "moto", "--dest", folder]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, requirement],
        check=True,
        timeout=_SECONDS,
    )
    (sdist,) = folder.iterdir()
    return sdist


@pytest.fixture(scope="module")
def outcomes(tests, tmp_path_factory):
    """Run moto's tests of KMS; what fails, of how many."""

    def run(*plugins, server=None):
        report = tmp_path_factory.mktemp("report") / "junit.xml"
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", *_PYTEST, *plugins),
                *("tests/test_kms", f"--junitxml={report}"),
            ],
            cwd=tests,
            env=environment(server),
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        return {
            f"{case.get('classname')}::{case.get('name')}": said(case)
            for case in ET.parse(report).iter("testcase")  # noqa: S314 - pytest's own
        }

    return run


def environment(server):
    """This process's, and nothing of the user's AWS."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_"))}
    if server is None:
        return mine
    return mine | {"TEST_SERVER_MODE": "true", "TEST_SERVER_MODE_ENDPOINT": server}


def said(case):
    """Why a test failed; nothing if it passed."""
    return "\n".join(
        each.text or each.get("message") or each.tag
        for each in case
        if each.tag in {"error", "failure", "skipped"}
    )


@contextmanager
def moto_server():
    """moto's own server; its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port, process):
    """Until it listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("moto_server does not listen")


def assert_nothing_more_fails(without_us, with_us):
    """What passes on moto alone passes on the fake; and that is nearly everything."""
    assert len([each for each in without_us.values() if not each]) > 200
    assert without_us.keys() == with_us.keys()
    failed = {
        test: why for test, why in with_us.items() if why and not without_us[test]
    }
    assert {} == failed


def test_in_process(outcomes):
    """Behind every ``mock_aws`` of theirs is the fake."""
    assert_nothing_more_fails(outcomes(*_WITHOUT_US), outcomes(*_UNDER_THE_FAKE))


def test_server_mode(outcomes, xks_server):
    """Their clients ask ``pytest-xks serve``, which they reset before each test."""
    with moto_server() as address:
        without_us = outcomes(*_WITHOUT_US, server=address)
    with_us = outcomes(*_WITHOUT_US, server=xks_server.kms_endpoint_url)

    assert_nothing_more_fails(without_us, with_us)
