"""The target file comes from outside: every mistake is one message, never a crash."""

from __future__ import annotations

import json
import os
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.proxy_file import load_proxy_target, parse_endpoint
from pytest_xks.certify.targets.proxy_target import CAPABILITIES, Endpoint
from pytest_xks.certify.templates.templates import template, write_proxy_template
from pytest_xks.certify.toml.writing import dump_toml
from pytest_xks.proxy_api.limits import is_access_key_id, is_secret_access_key

SECRET = "Canary0Secret/That+NobodyMayEverSee0123456789="
CREDENTIAL = {"access_key_id": "AKIATESTTESTTESTTEST", "secret_access_key": SECRET}
OTHER = {"access_key_id": "AKIAOTHEROTHEROTHERO", "secret_access_key": SECRET}


def minimal():
    """The smallest legal document."""
    return {
        "proxy": {
            "endpoint": "https://proxy.example:8443",
            "uri_path": "/a/kms/xks/v1",
            "credential": dict(CREDENTIAL),
            "keys": {"usable": "foo"},
        }
    }


def load(tmp_path, document):
    """Write a document, or text, and load it."""
    file = tmp_path / "target.toml"
    text = document if isinstance(document, str) else dump_toml(document)
    file.write_text(text, encoding="utf-8")
    return load_proxy_target(file)


def changed(path, value):
    """The smallest document with one value changed, added or (None) removed."""
    document = minimal()
    *parents, last = path.split(".")
    table = document["proxy"]
    for parent in parents:
        table = table.setdefault(parent, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    return document


def test_minimal(tmp_path):
    """Endpoint, path, credential and one key are enough."""
    target = load(tmp_path, minimal())

    assert Endpoint(scheme="https", host="proxy.example", port=8443) == target.endpoint
    assert ("us-east-1", {"usable": "foo"}) == (target.region, target.keys)
    assert not any(target.provides(c) for c in CAPABILITIES)


def test_everything(tmp_path):
    """Every section of the file is read."""
    for name in ("ca.pem", "client.pem", "client.key"):
        (tmp_path / name).write_text("x")
    document = minimal()
    document["proxy"] |= {
        "region": "eu-central-1",
        "ca_bundle": "ca.pem",
        "rotated_credential": OTHER,
        "second_store": {
            "uri_path": "/b/kms/xks/v1",
            "credential": OTHER,
            "keys": {"usable": "foo"},
            "isolated": True,
        },
        "mtls": {
            "endpoint": "https://proxy.example:8444",
            "certificate": "client.pem",
            "private_key": "client.key",
            "refused": [
                {
                    "reason": "wrong subject",
                    "certificate": "client.pem",
                    "private_key": "client.key",
                }
            ],
        },
        "authorization": {
            "denied_principal_arn": "arn:aws:iam::111122223333:user/Mallory",
            "allowed_principal_arn": "arn:aws:iam::111122223333:user/Alice",
        },
        "throttled_store": {
            "uri_path": "/c/kms/xks/v1",
            "burst": 10,
            "requests_per_second": 2.5,
            "credential": OTHER,
            "keys": {"usable": "foo"},
        },
        "log": {"file": "proxy.log"},
    }
    document["proxy"]["keys"] |= {
        "second": "bar",
        "encrypt_only": "e",
        "decrypt_only": "d",
        "no_usage": "n",
        "disabled": "x",
        "not_aes_256": "y",
        "special_characters": "Key.With_All-Chars.09",
        "longest": "k" * 128,
    }

    target = load(tmp_path, document)

    assert {c for c in CAPABILITIES if target.provides(c)} == set(CAPABILITIES) - {
        "load"
    }
    assert tmp_path / "ca.pem" == target.ca_bundle
    assert tmp_path / "client.key" == target.mtls.refused[0].private_key
    assert 2.5 == target.throttled_store.requests_per_second
    assert {"isolated"} == target.claims
    assert target.client_certificate is None


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        pytest.param("endpoint", None, "proxy.endpoint", id="no-endpoint"),
        pytest.param("endpoint", 1, "proxy.endpoint", id="endpoint-number"),
        pytest.param("endpoint", "proxy.example", "proxy.endpoint", id="no-scheme"),
        pytest.param("endpoint", "ftp://x", "proxy.endpoint", id="other-scheme"),
        pytest.param("endpoint", "https://", "proxy.endpoint", id="no-host"),
        pytest.param("endpoint", "https://x:0", "proxy.endpoint", id="port-zero"),
        pytest.param("endpoint", "https://x:99999", "proxy.endpoint", id="port-high"),
        pytest.param("endpoint", "https://x/p", "proxy.endpoint", id="path"),
        pytest.param("endpoint", "https://u:p@x", "proxy.endpoint", id="user"),
        pytest.param("endpoint", "https://[x", "proxy.endpoint", id="bracket"),
        pytest.param("endpoint", "https://ü", "proxy.endpoint", id="not-ascii"),
        pytest.param("uri_path", "/a", "proxy.uri_path", id="path-suffix"),
        pytest.param("uri_path", None, "proxy.uri_path", id="no-path"),
        pytest.param("region", "US EAST", "proxy.region", id="region"),
        pytest.param("ca_bundle", "nosuch.pem", "proxy.ca_bundle", id="no-file"),
        pytest.param("ca_bundle", ".", "proxy.ca_bundle", id="folder"),
        pytest.param("ca_bundle", "a\0b", "proxy.ca_bundle", id="nul"),
        pytest.param("config_file", "nosuch", "proxy.config_file", id="no-config"),
        pytest.param("credential", None, "[proxy.credential]", id="no-credential"),
        pytest.param("credential", "x", "proxy.credential", id="credential-text"),
        pytest.param("keys", None, "[proxy.keys]", id="no-keys"),
        pytest.param("keys.usable", None, "proxy.keys.usable", id="no-usable"),
        pytest.param("keys.usable", "a/b", "proxy.keys.usable", id="key-slash"),
        pytest.param("keys.usable", "", "proxy.keys.usable", id="key-empty"),
        pytest.param("keys.second", "foo", "proxy.keys.second", id="same-key"),
        pytest.param("keys.longest", "short", "proxy.keys.longest", id="not-long"),
        pytest.param(
            "keys.special_characters", "plain", "special_characters", id="not-special"
        ),
        pytest.param("keys.usabel", "x", "proxy.keys.usabel", id="typo-in-role"),
        pytest.param("endpiont", "x", "Did you mean endpoint?", id="typo"),
        pytest.param("not_supported", "mtls", "not_supported", id="not-an-array"),
        pytest.param("not_supported", [1], "not_supported", id="not-texts"),
        pytest.param("not_supported", ["mtsl"], "Did you mean mtls?", id="capability"),
        pytest.param("credential.access_key_id", "abc", "access_key_id", id="key-id"),
        pytest.param(
            "credential.secret_access_key_env", "X", "secret_access_key_env", id="two"
        ),
        pytest.param("rotated_credential", CREDENTIAL, "rotated_credential", id="same"),
        pytest.param("mtls.certificate", "x", "proxy.mtls.certificate", id="mtls-file"),
        pytest.param("log.file", 1, "proxy.log.file", id="log"),
        pytest.param("second_store", {}, "second_store.uri_path", id="empty-store"),
        pytest.param(
            "authorization",
            {"denied_principal_arn": "a:b", "allowed_principal_arn": "arn:x"},
            "denied_principal_arn",
            id="arn",
        ),
        pytest.param(
            "authorization",
            {"denied_principal_arn": "arn:x", "allowed_principal_arn": "arn:x"},
            "denied_principal_arn",
            id="same-principal",
        ),
        pytest.param(
            "throttled_store",
            {
                "uri_path": "/b/kms/xks/v1",
                "credential": OTHER,
                "keys": {"usable": "foo"},
                "burst": True,
                "requests_per_second": 1,
            },
            "throttled_store.burst",
            id="burst-boolean",
        ),
        pytest.param(
            "second_store",
            {
                "uri_path": "/a/kms/xks/v1",
                "credential": OTHER,
                "keys": {"usable": "foo"},
            },
            "second_store.uri_path",
            id="same-path",
        ),
        pytest.param(
            "second_store",
            {
                "uri_path": "/b/kms/xks/v1",
                "credential": OTHER,
                "keys": {"usable": "foo"},
                "isolated": "yes",
            },
            "proxy.second_store.isolated must be true or false",
            id="claim",
        ),
    ],
)
def test_mistakes(tmp_path, path, value, named):
    """A mistake is named with file and key, and no secret."""
    with pytest.raises(UsageProblem) as caught:
        load(tmp_path, changed(path, value))

    assert named in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_illegal_secret_is_not_repeated(tmp_path):
    """A secret that is not legal is not quoted in the message about it."""
    document = changed("credential.secret_access_key", "short-secret")

    with pytest.raises(UsageProblem, match="secret_access_key") as caught:
        load(tmp_path, document)

    assert "short-secret" not in str(caught.value)


def test_contradiction(tmp_path):
    """What is declared as lacking cannot be given at the same time."""
    document = changed("not_supported", ["second_key"])
    document["proxy"]["keys"]["second"] = "bar"

    with pytest.raises(UsageProblem, match="second_key"):
        load(tmp_path, document)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not toml", id="no-toml"),
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b"\x00", id="nul"),
        pytest.param(b"a = " + b"[" * 100_000, id="deep"),
        pytest.param(b"a = 1" + b"0" * 100_000, id="long-number"),
        pytest.param(b"#" * (1 << 20) + b"#", id="too-large"),
        pytest.param(b"proxy = 1", id="proxy-number"),
        pytest.param(b"[proxy]\n[proxy]", id="doubled"),
        pytest.param(b"[proxy]\n[other]", id="other-table"),
        pytest.param(b'[proxy]\n"a\\u001b[31m" = 1\nendpoint = 1', id="escape"),
    ],
)
def test_hostile_content(tmp_path, content):
    """Whatever a file holds, it is refused with a message that a terminal can show."""
    file = tmp_path / "target.toml"
    file.write_bytes(content)

    with pytest.raises(UsageProblem) as caught:
        load_proxy_target(file)

    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_content(tmp_path, content):
    """No content whatever raises anything but a usage problem."""
    file = tmp_path / "target.toml"
    file.write_bytes(content)

    with pytest.raises(UsageProblem):
        load_proxy_target(file)


def test_no_file(tmp_path):
    """A file that is not there is a usage problem."""
    with pytest.raises(UsageProblem, match="No such file"):
        load_proxy_target(tmp_path / "nosuch.toml")


def test_folder(tmp_path):
    """So is a folder."""
    with pytest.raises(UsageProblem, match="target file"):
        load_proxy_target(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are of POSIX")
def test_pipe(tmp_path):
    """A pipe that nobody writes to does not block."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UsageProblem, match="not a regular file"):
        load_proxy_target(tmp_path / "pipe")


def test_secret_from_a_variable(tmp_path, monkeypatch):
    """The secret may come from a variable, which must be set and legal."""
    document = changed("credential.secret_access_key", None)
    document["proxy"]["credential"]["secret_access_key_env"] = "XKS_TEST_SECRET"

    monkeypatch.delenv("XKS_TEST_SECRET", raising=False)
    with pytest.raises(UsageProblem, match="not set"):
        load(tmp_path, document)
    monkeypatch.setenv("XKS_TEST_SECRET", "short")
    with pytest.raises(UsageProblem, match="not legal"):
        load(tmp_path, document)
    monkeypatch.setenv("XKS_TEST_SECRET", SECRET)
    assert SECRET == load(tmp_path, document).credential.secret_access_key


CONSOLE = {
    "XksProxyUriPath": "/console/kms/xks/v1",
    "XksProxyAuthenticationCredential": {
        "AccessKeyId": "AKIACONSOLECONSOLECO",
        "RawSecretAccessKey": SECRET,
    },
}


def test_console_file(tmp_path):
    """The JSON of the KMS console supplies path and credential."""
    (tmp_path / "console.json").write_text(json.dumps(CONSOLE))
    document = minimal()
    del document["proxy"]["uri_path"], document["proxy"]["credential"]
    document["proxy"]["config_file"] = "console.json"

    target = load(tmp_path, document)

    assert "/console/kms/xks/v1" == target.uri_path
    assert "AKIACONSOLECONSOLECO" == target.credential.access_key_id


def test_byte_order_mark(tmp_path):
    """Files that an editor begins with a byte order mark are read as any other."""
    document = minimal()
    del document["proxy"]["uri_path"], document["proxy"]["credential"]
    document["proxy"]["config_file"] = "console.json"
    (tmp_path / "console.json").write_text(json.dumps(CONSOLE), encoding="utf-8-sig")
    file = tmp_path / "target.toml"
    file.write_text(dump_toml(document), encoding="utf-8-sig")

    assert "/console/kms/xks/v1" == load_proxy_target(file).uri_path


def test_explicit_keys_win_over_the_console_file(tmp_path):
    """What the target file says itself outranks the console's file."""
    (tmp_path / "console.json").write_text(json.dumps(CONSOLE))

    target = load(tmp_path, changed("config_file", "console.json"))

    assert "/a/kms/xks/v1" == target.uri_path
    assert CREDENTIAL["access_key_id"] == target.credential.access_key_id


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="array"),
        pytest.param("{}", id="nothing"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_broken_console_file(tmp_path, text):
    """A console file with a mistake is a usage problem that names it."""
    (tmp_path / "console.json").write_text(text)
    document = changed("config_file", "console.json")
    del document["proxy"]["uri_path"]

    with pytest.raises(UsageProblem, match=r"console\.json"):
        load(tmp_path, document)


def test_no_secret_in_repr(tmp_path):
    """A target may be logged."""
    assert SECRET not in repr(load(tmp_path, minimal()))


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        pytest.param("https://h", "h", id="default-https"),
        pytest.param("http://h", "h", id="default-http"),
        pytest.param("https://h:443", "h", id="explicit-default"),
        pytest.param("https://h:8443/", "h:8443", id="port"),
        pytest.param("https://[::1]:8443", "[::1]:8443", id="ipv6"),
    ],
)
def test_authority(text, authority):
    """The Host header names the port unless it is the scheme's own."""
    assert authority == parse_endpoint(text).authority


def test_template_is_legal(tmp_path):
    """The file that `init proxy` writes loads as it is."""
    write_proxy_template(tmp_path / "t.toml")

    target = load_proxy_target(tmp_path / "t.toml")

    assert "foo" == target.keys["usable"]


def test_template_with_everything_is_toml():
    """Every example in the file is TOML once its comment sign is gone."""
    lines = []
    for line in template("proxy").splitlines():
        bare = line.removeprefix("# ")
        is_example = bare != line and ("=" in bare or bare.startswith("["))
        lines.append(bare if is_example and not bare[0].isupper() else line)
    text = "\n".join(lines)

    document = tomllib.loads(text)

    expected = {"rotated_credential", "second_store", "mtls", "authorization"}
    expected |= {"throttled_store", "log", "keys", "commands"}
    assert expected <= document["proxy"].keys()


def test_template_names_every_capability():
    """The list in the file is complete."""
    for capability in set(CAPABILITIES) - {"load"}:
        assert capability in template("proxy")


def test_template_is_never_written_over_a_file(tmp_path):
    """An existing file stays as it is."""
    (tmp_path / "t.toml").write_text("mine")

    with pytest.raises(UsageProblem, match="exists"):
        write_proxy_template(tmp_path / "t.toml")

    assert "mine" == (tmp_path / "t.toml").read_text()


def test_commands(tmp_path):
    """Commands are arrays of texts; the credential to add is one that KMS accepts."""
    commands = {
        "disable_key": ["./operate", "disable-key"],
        "enable_key": ["./operate", "enable-key"],
        "health_cached_seconds": 5,
    }
    target = load(tmp_path, changed("commands", commands))

    assert {"disable_key", "enable_key"} == target.commands
    assert ("./operate", "disable-key") == target.operator.commands["disable_key"]
    assert (tmp_path, 5) == (
        target.operator.folder,
        target.operator.health_cached_seconds,
    )
    added = target.operator.new_credential
    assert is_access_key_id(added.access_key_id)
    assert is_secret_access_key(added.secret_access_key)
    assert added.secret_access_key in target.secrets()
    assert added.secret_access_key not in repr(target)


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        pytest.param({"disable_key": ["x"]}, "enable_key is missing", id="no-undo"),
        pytest.param({"break_it": ["x"]}, "break_it", id="unknown"),
        pytest.param({"enable_key": "rm -r /"}, "must be an array", id="text"),
        pytest.param({"enable_key": [1]}, "must hold texts", id="numbers"),
    ],
)
def test_illegal_commands(tmp_path, commands, message):
    """What cannot be undone, or is no command, is refused."""
    with pytest.raises(UsageProblem, match=message):
        load(tmp_path, changed("commands", commands))


def test_quota_of_the_only_store(tmp_path):
    """A proxy with one path may have its quota there."""
    target = load(
        tmp_path, changed("throttled_store", {"burst": 5, "requests_per_second": 2})
    )

    throttled = target.throttled_store
    assert (target.uri_path, 5) == (throttled.uri_path, throttled.burst)
    assert target.credential == throttled.credential


def test_behind(tmp_path):
    """What stands in front of the proxy is a word of a list."""
    target = load(tmp_path, changed("behind", "load-balancer"))

    assert "load-balancer" == target.behind
    assert "" == load(tmp_path, minimal()).behind
    with pytest.raises(UsageProblem, match="behind is not legal"):
        load(tmp_path, changed("behind", "a-bush"))


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::111122223333:role/Admin",
        "ec2.amazonaws.com",
        "ec2.cn-north-1.amazonaws.com.cn",
        "AWS Internal",
    ],
)
def test_principals(tmp_path, principal):
    """Whatever KMS may say in awsPrincipalArn can be denied."""
    principals = {
        "denied_principal_arn": principal,
        "allowed_principal_arn": "arn:aws:iam::111122223333:user/Alice",
    }
    target = load(tmp_path, changed("authorization", principals))

    assert principal == target.authorization.denied_principal_arn
