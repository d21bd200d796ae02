"""The target file of a KMS emulator: every mistake is one message, never a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
from pytest_xks.certify.targets.kms_file import load_kms_target
from pytest_xks.certify.targets.kms_target import (
    KMS_CAPABILITIES,
    VpcEndpointServiceTarget,
)
from pytest_xks.certify.templates.templates import template, write_kms_template
from pytest_xks.certify.toml.writing import dump_toml

SECRET = "Canary0Secret/That+NobodyMayEverSee0123456789="
SERVICE = {
    "name": "com.amazonaws.vpce.us-east-1.vpce-svc-0e1f2a3b4c5d6e7f8",
    "private_dns_name": "vpc.xks.test",
}


def minimal():
    """The smallest legal document."""
    return {
        "kms": {
            "endpoint_url": "http://127.0.0.1:5599",
            "access_key_id": "testing",
            "secret_access_key": SECRET,
            "proxy": {
                "listen": "127.0.0.1:9443",
                "endpoint_template": "https://{label}.xks.test",
            },
        }
    }


def load(tmp_path, document):
    """Write a document, or text, and load it."""
    file = tmp_path / "target.toml"
    text = document if isinstance(document, str) else dump_toml(document)
    file.write_text(text, encoding="utf-8")
    return load_kms_target(file)


def changed(path, value):
    """The smallest document with one value changed, added or (None) removed."""
    document = minimal()
    *parents, last = path.split(".")
    table = document["kms"]
    for parent in parents:
        table = table.setdefault(parent, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    return document


def test_minimal(tmp_path):
    """Endpoint, credential and the place of the proxy are enough."""
    target = load(tmp_path, minimal())

    assert ("us-east-1", SECRET) == (target.region, target.secret_access_key)
    assert ("127.0.0.1", 9443) == (target.proxy.host, target.proxy.port)
    assert {"standard_keys"} == {c for c in KMS_CAPABILITIES if target.provides(c)}
    assert [] == target.warnings()


def test_everything(tmp_path):
    """Every section of the file is read."""
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).write_text("x")
    document = changed("vpc_endpoint_service", SERVICE)
    document["kms"] |= {"region": "eu-central-1", "not_supported": ["standard_keys"]}
    document["kms"]["proxy"] |= {
        "listen": "[::1]:0",
        "ca_certificate": "ca.pem",
        "ca_private_key": "ca.key",
    }

    target = load(tmp_path, document)

    assert "eu-central-1" == target.region
    assert ("::1", 0) == (target.proxy.host, target.proxy.port)
    assert tmp_path / "ca.key" == target.proxy.ca_private_key
    assert VpcEndpointServiceTarget(**SERVICE) == target.vpc_endpoint_service
    assert target.provides("vpc_endpoint_service")
    assert not target.provides("standard_keys")


def test_secret_from_the_environment(tmp_path, monkeypatch):
    """The secret may stand in a variable."""
    monkeypatch.setenv("THE_SECRET", SECRET)
    document = changed("secret_access_key", None)
    document["kms"]["secret_access_key_env"] = "THE_SECRET"

    assert SECRET == load(tmp_path, document).secret_access_key


def test_settling_seconds(tmp_path):
    """How long a key store may take to connect is the target's own; 30 s without."""
    assert load(tmp_path, changed("region", "us-east-1")).settling_seconds == 30
    assert load(tmp_path, changed("settling_seconds", 240)).settling_seconds == 240


def test_port_in_the_template(tmp_path):
    """It is legal here, and a warning: KMS would refuse it."""
    document = changed("proxy.endpoint_template", "https://{label}.localhost:{port}")

    (warning,) = load(tmp_path, document).warnings()

    assert "port" in warning


@pytest.mark.parametrize(
    ("secret", "hidden"),
    [
        pytest.param(SECRET, (SECRET,), id="secret"),
        pytest.param("testing", (), id="the-access-key-id-again"),
        pytest.param("test", (), id="placeholder"),
    ],
)
def test_placeholders_are_no_secrets(tmp_path, secret, hidden):
    """A word that emulators take from anybody is not cut out of every sentence."""
    assert hidden == load(tmp_path, changed("secret_access_key", secret)).secrets()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        pytest.param("endpoint_url", None, "endpoint_url is missing", id="no-url"),
        pytest.param("endpoint_url", "localhost:5599", "https://", id="no-scheme"),
        pytest.param("endpoint_url", "http://", "a host", id="no-host"),
        pytest.param("endpoint_url", "http://h:0", "port", id="port-0"),
        pytest.param("endpoint_url", "http://h:99999", "no URL", id="port"),
        pytest.param("endpoint_url", "http://h/?a", "only", id="query"),
        pytest.param("endpoint_url", "http://u:p@h", "only", id="user"),
        pytest.param("endpoint_url", "http://h\n", "characters", id="line"),
        pytest.param("region", "US EAST", "region", id="region"),
        pytest.param("settling_seconds", 0, "settling_seconds", id="settling"),
        pytest.param("access_key_id", "a b", "access_key_id", id="access-key-id"),
        pytest.param("secret_access_key", None, "is missing", id="no-secret"),
        pytest.param("secret_access_key", "a b", "not legal", id="secret"),
        pytest.param("secret_access_key_env", "X", "one only", id="two-secrets"),
        pytest.param("not_supported", ["magic"], "unknown capability", id="magic"),
        pytest.param("proxy", None, "[kms.proxy] is missing", id="no-proxy"),
        pytest.param("proxy.listen", "9443", "address and port", id="no-address"),
        pytest.param("proxy.listen", "h:99999", "address and port", id="listen-port"),
        pytest.param("proxy.listen", "a b:1", "address and port", id="listen-host"),
        pytest.param(
            "proxy.endpoint_template", "https://x.test", "{label}", id="no-label"
        ),
        pytest.param(
            "proxy.endpoint_template", "https://{label}.{x}.test", "braces", id="braces"
        ),
        pytest.param(
            "proxy.endpoint_template", "https://{label}.{", "braces", id="one-brace"
        ),
        pytest.param(
            "proxy.endpoint_template",
            "https://{label.__class__}.{label}",
            "braces",
            id="attribute",
        ),
        pytest.param(
            "proxy.endpoint_template", "http://{label}.test", "https://", id="http"
        ),
        pytest.param(
            "proxy.endpoint_template", "https://{label}.test/a", "host", id="path"
        ),
        pytest.param("proxy.ca_certificate", "no.pem", "names no file", id="no-file"),
        pytest.param("proxy.extra", 1, "unknown", id="unknown-key"),
        pytest.param("vpc_endpoint_service", {}, "name is missing", id="no-name"),
        pytest.param(
            "vpc_endpoint_service",
            SERVICE | {"name": "x"},
            "name is not legal",
            id="service-name",
        ),
        pytest.param(
            "vpc_endpoint_service",
            SERVICE | {"private_dns_name": "https://x"},
            "private_dns_name is not legal",
            id="dns-name",
        ),
    ],
)
def test_mistakes(tmp_path, path, value, named):
    """Each mistake is named with its key, and no secret with it."""
    with pytest.raises(UsageProblem) as caught:
        load(tmp_path, changed(path, value))

    message = str(caught.value)
    assert named in message
    assert "target.toml" in message
    assert SECRET not in message


def test_half_a_ca(tmp_path):
    """A certificate without its private key signs nothing."""
    (tmp_path / "ca.pem").write_text("x")

    with pytest.raises(UsageProblem, match="ca_private_key is missing"):
        load(tmp_path, changed("proxy.ca_certificate", "ca.pem"))


def test_contradiction(tmp_path):
    """What the file provides it cannot declare as not supported."""
    document = changed("vpc_endpoint_service", SERVICE)
    document["kms"]["not_supported"] = ["vpc_endpoint_service"]

    with pytest.raises(UsageProblem, match="but the file provides it"):
        load(tmp_path, document)


@pytest.mark.parametrize(
    "text", ["", "[proxy]", "[kms]", "kms = 1", "[", "\x00", "[kms.proxy]"]
)
def test_other_files(tmp_path, text):
    """What is no target file of a KMS is refused by name."""
    with pytest.raises(UsageProblem, match=r"target\.toml"):
        load(tmp_path, text)


@given(
    path=st.sampled_from(
        ["endpoint_url", "access_key_id", "proxy.listen", "proxy.endpoint_template"]
    ),
    value=st.one_of(st.text(), st.integers(), st.lists(st.text()), st.booleans()),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_anything(tmp_path, path, value):
    """Whatever stands there, the answer is a target or one problem."""
    try:
        target = load(tmp_path, changed(path, value))
    except UsageProblem:
        return
    target.warnings()


def test_template_is_legal(tmp_path):
    """The file that `init kms` writes loads, and its CA is one."""
    certificate, private_key = write_kms_template(tmp_path / "t.toml")

    target = load_kms_target(tmp_path / "t.toml")

    assert (certificate, private_key) == (
        target.proxy.ca_certificate,
        target.proxy.ca_private_key,
    )
    with ProbeProxy(replace(target.proxy, port=0)) as probe_proxy:
        assert certificate.read_bytes() == probe_proxy.ca_certificate
    assert 0o600 == private_key.stat().st_mode & 0o777
    # Few emulators have a VPC endpoint service; it is there to be filled in.
    lacking = {name for name in KMS_CAPABILITIES if not target.provides(name)}
    assert {"vpc_endpoint_service"} == lacking


def test_template_names_every_capability():
    """The list in the file is complete."""
    assert all(capability in template("kms") for capability in KMS_CAPABILITIES)


@pytest.mark.parametrize("name", ["t.toml", "ca.pem", "ca.key"])
def test_nothing_is_overwritten(tmp_path, name):
    """An existing file stays as it is, and no other is written then."""
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageProblem, match="exists"):
        write_kms_template(tmp_path / "t.toml")

    assert [name] == [path.name for path in tmp_path.iterdir()]
    assert "mine" == (tmp_path / name).read_text()
