"""No variable of the environment has a say in how ``certify kms`` calls an endpoint."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NOWHERE = "http://127.0.0.1:1"
CHECKS = ("KMS-GEN-001", "KMS-GEN-017", "KMS-DESCRIBESTORE-001", "KMS-CREATESTORE-047")
"""Calls by boto3, a body as it is, and a call of the proxy."""


def certify(folder, variables):
    """Exit status and output of a small certification under these variables."""
    only = [argument for each in CHECKS for argument in ("--only", each)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest_xks", "certify", "kms", "--quiet", *only],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.returncode, run.stdout, run.stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The result under no such variable."""
    result = certify(tmp_path_factory.mktemp("undisturbed"), {})
    assert "MUST 2 passed, " in result[1]
    return result


@pytest.fixture
def configuration(tmp_path):
    """A configuration file that would lead elsewhere."""
    file = tmp_path / "config"
    file.write_text(
        f"[default]\nendpoint_url = {NOWHERE}\nretry_mode = no such mode\n"
        "use_fips_endpoint = true\nca_bundle = nosuch.pem\nmax_attempts = none\n"
    )
    return str(file)


def test_variables(tmp_path, undisturbed, configuration):
    """Values that lead elsewhere, or that nobody understands, change nothing."""
    leading = {
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE),
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE),
        "NO_PROXY": "",
        "AWS_CA_BUNDLE": configuration,
        "REQUESTS_CA_BUNDLE": configuration,
        "AWS_ENDPOINT_URL": NOWHERE,
        "AWS_ENDPOINT_URL_KMS": NOWHERE,
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_CONFIG_FILE": configuration,
        "AWS_SHARED_CREDENTIALS_FILE": configuration,
        "AWS_RETRY_MODE": "adaptive",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
    }
    senseless = dict.fromkeys(leading, "\N{SNOWMAN} no such thing") | {
        "AWS_PROFILE": "nobody",
        "AWS_DEFAULT_REGION": "nowhere",
    }
    empty = dict.fromkeys((*senseless, "AWS_DATA_PATH"), "")

    for variables in (leading, senseless, empty):
        assert certify(tmp_path, variables) == undisturbed


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", NOWHERE),
        ("AWS_CA_BUNDLE", ""),
        ("AWS_PROFILE", "nobody"),
        ("AWS_USE_FIPS_ENDPOINT", "perhaps"),
        ("AWS_RETRY_MODE", "never"),
        ("AWS_MAX_ATTEMPTS", "none"),
        ("AWS_DEFAULTS_MODE", "odd"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "odd"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "odd"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "odd"),
    ],
)
def test_variable_alone(tmp_path, undisturbed, variable, value):
    """Nor does one alone, of which another might take the edge."""
    assert certify(tmp_path, {variable: value}) == undisturbed
