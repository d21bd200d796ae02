"""A thousand tests on external keys, next to a thousand on moto's standard keys.

Each test has a key of its own, encrypts and decrypts; on the one side it has a proxy,
a key store and an external key besides. Both suites run in a child of this process, one
after the other, in one thread.

Usage: ``python benchmarks/kms_suite.py [--tests N]``
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

_OURS = """
import pytest

from pytest_xks.kms.fake import FakeKms
from pytest_xks.handles import create_key_store
from pytest_xks.proxy.mock import MockXksProxy


@pytest.fixture
def key():
    with MockXksProxy() as proxy, FakeKms(clock=proxy.clock) as fake:
        proxy.add_key("usable")
        store = create_key_store(fake, proxy)
        yield store.kms, store.create_key("usable").arn
"""

_PLAIN = """
import boto3
import pytest
from moto import mock_aws


@pytest.fixture
def key():
    with mock_aws():
        kms = boto3.client("kms", "us-east-1")
        yield kms, kms.create_key()["KeyMetadata"]["Arn"]
"""

_TESTS = """

@pytest.mark.parametrize("number", range({tests}))
def test_encrypt_and_decrypt(key, number):
    kms, arn = key
    plaintext = b"%d" % number
    blob = kms.encrypt(KeyId=arn, Plaintext=plaintext)["CiphertextBlob"]
    assert plaintext == kms.decrypt(CiphertextBlob=blob)["Plaintext"]
"""

_TOTAL = re.compile(r"(\d+) passed.* in ([0-9.]+)s")


def _seconds_per_test(source: str, tests: int) -> float:
    with tempfile.TemporaryDirectory(prefix="pytest-xks-") as folder:
        file = Path(folder) / "test_suite.py"
        file.write_text(source + _TESTS.format(tests=tests), "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", str(file)]
        done = subprocess.run(  # noqa: S603 - our own interpreter and file
            command, cwd=folder, capture_output=True, text=True, check=True
        )
    match = _TOTAL.search(done.stdout)
    if match is None or int(match[1]) != tests:
        raise SystemExit(f"the suite did not pass:\n{done.stdout}")
    return float(match[2]) / tests


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tests", type=int, default=1000, help="1000 by default")
    tests = parser.parse_args().tests
    ours, plain = (_seconds_per_test(source, tests) for source in (_OURS, _PLAIN))
    Console().print(
        f"{tests} tests: {ours * 1000:.1f} ms each on an external key, "
        f"{plain * 1000:.1f} ms each on a standard key of moto; "
        f"{ours / plain:.2f} of that."
    )


if __name__ == "__main__":
    main()
