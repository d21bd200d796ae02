"""``pytest-xks init``: files to fill in, never over others."""

from __future__ import annotations

from pytest_xks.certify.targets.kms_file import load_kms_target
from pytest_xks.certify.targets.kms_target import KMS_CAPABILITIES
from pytest_xks.certify.targets.proxy_file import load_proxy_target
from pytest_xks.certify.targets.proxy_target import CAPABILITIES


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
    lacking = {name for name in KMS_CAPABILITIES if not target.provides(name)}
    assert {"vpc_endpoint_service"} == lacking
    assert 2 == run("init", "kms", file)[0]
