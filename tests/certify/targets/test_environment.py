"""The variables of AWS's curl client describe a target as they do for that client."""

from __future__ import annotations

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.environment import (
    VARIABLES,
    proxy_target_from_environment,
)


def test_defaults():
    """An empty environment is that client's default target."""
    target = proxy_target_from_environment({})

    assert "https://localhost" == target.endpoint.url
    assert "/example/uri/path/prefix/kms/xks/v1" == target.uri_path
    assert "BETWEEN2TENAND3TENCHARACTERS" == target.credential.access_key_id
    assert "PleaseReplaceThisWithSomeSecretOfLength43To64" == (
        target.credential.secret_access_key
    )
    assert {
        "usable": "foo",
        "encrypt_only": "encrypt_only_key",
        "decrypt_only": "decrypt_only_key",
        "no_usage": "impotent_key",
    } == target.keys
    assert {"encrypt_only", "decrypt_only", "no_usage"} == target.assumed_roles
    assert target.verify
    assert target.mtls is None


def test_every_variable(tmp_path, monkeypatch):
    """Every variable is understood."""
    monkeypatch.chdir(tmp_path)
    for name in ("ca.pem", "k.pem", "c.pem"):
        (tmp_path / name).write_text("x")

    target = proxy_target_from_environment(
        {
            "SCHEME": "https://",
            "XKS_PROXY_HOST": "xks.example:8443",
            "URI_PREFIX": "p",
            "SIGV4_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
            "SIGV4_SECRET_ACCESS_KEY": "s" * 43,
            "REGION": "eu-west-1",
            "KEY_ID": "a",
            "ENCRYPT_ONLY_KEY_ID": "b",
            "DECRYPT_ONLY_KEY_ID": "c",
            "IMPOTENT_KEY_ID": "d",
            "SECURE": "--cacert ca.pem",
            "MTLS": "--key k.pem --cert c.pem",
        }
    )

    assert "https://xks.example:8443" == target.endpoint.url
    assert "/p/kms/xks/v1" == target.uri_path
    assert "eu-west-1" == target.region
    assert ["a", "b", "c", "d"] == list(target.keys.values())
    assert not target.assumed_roles
    assert tmp_path / "ca.pem" == target.ca_bundle
    assert tmp_path / "k.pem" == target.client_certificate.private_key


@pytest.mark.parametrize(
    ("environ", "url", "path", "verify"),
    [
        pytest.param({"SCHEME": ""}, "http://localhost", None, True, id="blank-scheme"),
        pytest.param({"SCHEME": "http://"}, "http://localhost", None, True, id="http"),
        pytest.param({"URI_PREFIX": ""}, None, "/kms/xks/v1", True, id="no-prefix"),
        pytest.param({"SECURE": "--insecure"}, None, None, False, id="insecure"),
        pytest.param({"SECURE": "-k"}, None, None, False, id="k"),
    ],
)
def test_special_values(environ, url, path, verify):
    """Blank and short forms mean what they mean to that client."""
    target = proxy_target_from_environment(environ)

    assert (url or "https://localhost") == target.endpoint.url
    assert (path or "/example/uri/path/prefix/kms/xks/v1") == target.uri_path
    assert verify == target.verify


def test_blank_role():
    """A role that is set to nothing is a key that the proxy does not have."""
    target = proxy_target_from_environment({"IMPOTENT_KEY_ID": ""})

    assert "no_usage" not in target.keys


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("XKS_PROXY_HOST", "", id="no-host"),
        pytest.param("XKS_PROXY_HOST", "a/b", id="path"),
        pytest.param("SCHEME", "gopher://", id="scheme"),
        pytest.param("URI_PREFIX", "a b", id="prefix"),
        pytest.param("SIGV4_ACCESS_KEY_ID", "x", id="access-key-id"),
        pytest.param("SIGV4_SECRET_ACCESS_KEY", "not-legal-secret", id="secret"),
        pytest.param("KEY_ID", "", id="no-key"),
        pytest.param("KEY_ID", "a/b", id="key"),
        pytest.param("SECURE", "--cacert", id="no-value"),
        pytest.param("SECURE", "--cacert nosuch.pem", id="no-file"),
        pytest.param("SECURE", "--proxy x", id="unknown-option"),
        pytest.param("SECURE", "'", id="quote"),
        pytest.param("CURL_CA_BUNDLE", "nosuch.pem", id="bundle"),
        pytest.param("MTLS", "--key nosuch", id="no-certificate"),
    ],
)
def test_mistakes(variable, value):
    """A mistake is named with the variable, and the secret is not repeated."""
    with pytest.raises(UsageProblem, match=variable) as caught:
        proxy_target_from_environment({variable: value})

    assert "not-legal-secret" not in str(caught.value)


def test_variables_are_listed():
    """The table for the documentation has the twelve variables."""
    assert 12 == len(VARIABLES)
