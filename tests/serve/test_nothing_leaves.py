"""Under whatever variables: the programs that we start connect to loopback alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace"),
]

STRACE = ["strace", "-f", "--seccomp-bpf", "-e", "trace=connect,sendto", "-o"]
FAR = "http://192.0.2.1:8"
VALID = {
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_ENDPOINT_URL": "https://kms.far.example",
    "AWS_ENDPOINT_URL_STS": "https://sts.far.example",
    "AWS_CA_BUNDLE": "no-such-file",
    "AWS_RETRY_MODE": "standard",
    "HTTP_PROXY": FAR,
    "HTTPS_PROXY": FAR,
    "http_proxy": FAR,
    "https_proxy": FAR,
}
# "auto" asks an instance's metadata for its Region when a client is made.
VALID_FOR_US = {**VALID, "AWS_DEFAULTS_MODE": "auto"}
INVALID = {
    "AWS_CA_BUNDLE": "",
    "AWS_CONFIG_FILE": __file__,
    "AWS_PROFILE": "no-such-profile",
    "AWS_DEFAULTS_MODE": "no-such-mode",
    "AWS_RETRY_MODE": "no-such-mode",
    "AWS_STS_REGIONAL_ENDPOINTS": "no-such-value",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "no-such-value",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "no-such-value",
}
TEST = """
def test_it(xks_kms, xks_key, xks_proxy):
    xks_kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"secret")
    xks_proxy.expect_requests("Encrypt", count=1)
"""
TEST_OF_AN_APPLICATION = """
import boto3

kms = boto3.client("kms", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

def test_it(xks_key, xks_proxy):
    kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"secret")
    boto3.client("kms").encrypt(KeyId=xks_key.key_id, Plaintext=b"secret")
    xks_proxy.expect_requests("Encrypt", count=2)
"""
FIXTURES = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
SERVE = ["-m", "pytest_xks", "serve", "--until-end-of-input"]


@pytest.mark.parametrize(
    ("arguments", "variables", "test"),
    [
        pytest.param(FIXTURES, VALID_FOR_US, TEST, id="fixtures-valid"),
        pytest.param(FIXTURES, INVALID, TEST, id="fixtures-invalid"),
        pytest.param(FIXTURES, VALID, TEST_OF_AN_APPLICATION, id="application"),
        pytest.param(SERVE, VALID_FOR_US, "", id="serve-valid"),
        pytest.param(SERVE, INVALID, "", id="serve-invalid"),
    ],
)
def test_connections(tmp_path, arguments, variables, test):
    """strace sees every connection of the process, name servers' included."""
    (tmp_path / "test_it.py").write_text(test)
    trace = tmp_path / "trace"
    done = subprocess.run(
        [*STRACE, trace, sys.executable, *arguments],
        cwd=tmp_path,
        env={**environment(), **variables, "AWS_DEFAULT_REGION": "us-east-1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    found = set(re.findall(r'inet6?_(?:addr|pton)\([^"]*"([^"]+)"', trace.read_text()))
    assert set() == {each for each in found if not ip_address(each).is_loopback}


def environment():
    """This process's, without what it says of AWS and of proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("AWS_") and "PROXY" not in name.upper()
    }
