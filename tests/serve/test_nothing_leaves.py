"""Under whatever variables: the programs that we start connect to loopback alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

STRACE = ["strace", "-f", "--seccomp-bpf", "-e", "trace=connect,sendto", "-o"]
FAR = "http://192.0.2.1:8"
NOWHERE = "no-such-value"
VALID = {
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_ENDPOINT_URL": "https://kms.far.example",
    "AWS_ENDPOINT_URL_KMS": "https://kms.far.example",
    "AWS_ENDPOINT_URL_STS": "https://sts.far.example",
    "AWS_CA_BUNDLE": "no-such-file",
    "AWS_RETRY_MODE": "standard",
    "AWS_MAX_ATTEMPTS": "3",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    "HTTP_PROXY": FAR,
    "HTTPS_PROXY": FAR,
    "ALL_PROXY": FAR,
    "http_proxy": FAR,
    "https_proxy": FAR,
    "all_proxy": FAR,
}
# "auto" asks an instance's metadata for its Region when a client is made.
VALID_FOR_US = {**VALID, "AWS_DEFAULTS_MODE": "auto"}
INVALID = {
    "AWS_USE_FIPS_ENDPOINT": NOWHERE,
    "AWS_USE_DUALSTACK_ENDPOINT": NOWHERE,
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_CA_BUNDLE": "",
    "AWS_CONFIG_FILE": __file__,
    "AWS_SHARED_CREDENTIALS_FILE": __file__,
    "AWS_PROFILE": NOWHERE,
    "AWS_DEFAULTS_MODE": NOWHERE,
    "AWS_RETRY_MODE": NOWHERE,
    "AWS_MAX_ATTEMPTS": NOWHERE,
    "AWS_STS_REGIONAL_ENDPOINTS": NOWHERE,
    "AWS_REQUEST_CHECKSUM_CALCULATION": NOWHERE,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
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
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
CERTIFY = ["-m", "pytest_xks", "certify"]
PROGRAMS = {
    "fixtures": PYTEST,
    "application": PYTEST,
    "serve": ["-m", "pytest_xks", "serve", "--until-end-of-input"],
    "certify-kms": [*CERTIFY, "kms", "--quiet", "--only", "KMS-CREATEKEY-001"],
    "certify-proxy": [*CERTIFY, "proxy", "--quiet", "--only", "XKS-HEALTH-001"],
}
# A module that Python runs before every program, and that hears of every connection.
GUARD = """
import os, sys

def hear(event, args):
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        where = args[-1][0] if isinstance(args[-1], tuple) else ""
    elif event == "socket.getaddrinfo":
        where = args[0] if args[0] != "localhost" else ""
    else:
        return
    if where:
        with open(os.environ["HEARD"], "a") as file:
            file.write(str(where) + "\\n")

sys.addaudithook(hear)
"""


def connections(folder: Path, arguments: list[str], variables: dict[str, str]) -> set:
    """Where a program connects to: as strace sees it, or a guard within."""
    heard = folder / "heard"
    heard.touch()
    command = [sys.executable, *arguments]
    guard = {}
    if shutil.which("strace"):
        command = [*STRACE, str(heard), *command]
    else:
        (folder / "guard").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(GUARD)
        guard = {"PYTHONPATH": str(folder / "guard"), "HEARD": str(heard)}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(), **guard, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    found = heard.read_text()
    if guard:
        return set(found.split())
    return set(re.findall(r'inet6?_(?:addr|pton)\([^"]*"([^"]+)"', found))


def environment() -> dict[str, str]:
    """This process's, without what it says of AWS and of proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("AWS_") and "PROXY" not in name.upper()
    } | {"AWS_DEFAULT_REGION": "us-east-1"}


def is_far(host: str) -> bool:
    """Whether it is not this machine; a name is looked up elsewhere."""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def assert_stays_here(folder: Path, program: str, variables: dict[str, str]) -> None:
    """A program connects to nothing but loopback, and ends well."""
    test = TEST_OF_AN_APPLICATION if program == "application" else TEST
    (folder / "test_it.py").write_text(test)
    found = connections(folder, PROGRAMS[program], variables)
    assert set() == {each for each in found if is_far(each)}


@pytest.mark.parametrize("has_strace", [True, False])
def test_a_connection_is_seen(tmp_path, monkeypatch, has_strace):
    """With strace and without. To connect a datagram's socket sends nothing."""
    if has_strace and not shutil.which("strace"):
        pytest.skip("there is no strace")
    if not has_strace:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    program = "import socket; socket.socket(2, 2).connect(('192.0.2.1', 9))"
    assert {"192.0.2.1"} == connections(tmp_path, ["-c", program], {})


@pytest.mark.parametrize(
    ("program", "variables"),
    [
        pytest.param("application", VALID, id="application-valid"),
        *(
            pytest.param(program, variables, id=f"{program}-{kind}")
            for program in PROGRAMS
            if program != "application"
            for kind, variables in (("valid", VALID_FOR_US), ("invalid", INVALID))
        ),
    ],
)
def test_all_variables(tmp_path, program, variables):
    """At once, with values that lead elsewhere and with values that mean nothing."""
    assert_stays_here(tmp_path, program, variables)


@pytest.mark.parametrize("variable", [name for name in VALID if name.isupper()])
def test_a_variable_that_leads_elsewhere(tmp_path, variable):
    """One alone, of which another might take the edge."""
    assert_stays_here(tmp_path, "application", {variable: VALID[variable]})


@pytest.mark.parametrize("variable", INVALID)
def test_a_variable_that_means_nothing(tmp_path, variable):
    """Likewise; the client is a fixture's, as botocore makes a user none."""
    assert_stays_here(tmp_path, "fixtures", {variable: INVALID[variable]})
