"""``serve`` tells others how to connect once it answers, and ends when told to."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.proxy_preflight import preflight_proxy
from pytest_xks.certify.targets.environment import proxy_target_from_environment
from pytest_xks.certify.targets.proxy_file import load_proxy_target
from pytest_xks.certify.targets.proxy_target import CAPABILITIES
from pytest_xks.proxy.mock import MockXksProxy
from pytest_xks.proxy_api.sigv4 import Credential
from pytest_xks.serve.command import ServeOptions, serve


@contextmanager
def serving(*arguments):
    """`pytest-xks serve` in a process of its own, and the lines that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_xks", "serve", *map(str, arguments)],
        stdin=subprocess.PIPE,
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
            if "to stop" in line:
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
        preflight_proxy(target)
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
        preflight_proxy(proxy_target_from_environment(environ))

    assert any("--from-env" in line for line in lines)


def post(ready, operation, document):
    """Ask the fake KMS what it grants."""
    status, answer = ask(ready, operation, document)
    assert 200 == status, answer
    return answer


def ask(ready, operation, document):
    """Ask the fake KMS as any SDK would; status and document."""
    address = ready["kms_endpoint_url"].removeprefix("http://")
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"TrentService.{operation}",
    }
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request("POST", "/", json.dumps(document), headers)
        response = connection.getresponse()
        return response.status, json.load(response)


def another_store(uri_path, credential, **parameters):
    """The parameters of CreateCustomKeyStore."""
    return {
        "CustomKeyStoreName": "another",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyUriPath": uri_path,
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": credential.access_key_id,
            "RawSecretAccessKey": credential.secret_access_key,
        },
        **parameters,
    }


def create_store(ready, uri_path, credential, **parameters):
    """Create a key store, and return its id."""
    store = another_store(uri_path, credential, **parameters)
    return post(ready, "CreateCustomKeyStore", store)["CustomKeyStoreId"]


def test_kms(tmp_path):
    """The ready file leads to a key store, connected, and to keys that it can use."""
    ready = tmp_path / "ready.json"
    with serving("--ready-file", ready):
        document = json.loads(ready.read_text())
        store_id = document["custom_key_store_id"]
        described = post(document, "DescribeCustomKeyStores", {})["CustomKeyStores"]
        keys = [
            post(
                document,
                "CreateKey",
                {
                    "Origin": "EXTERNAL_KEY_STORE",
                    "CustomKeyStoreId": store_id,
                    "XksKeyId": key_id,
                },
            )["KeyMetadata"]["KeyState"]
            for key_id in (
                document["proxy"]["keys"]["usable"],
                document["proxy"]["spare_keys"][-1],
            )
        ]

    assert [(store_id, "CONNECTED")] == [
        (each["CustomKeyStoreId"], each["ConnectionState"]) for each in described
    ]
    assert ["Enabled", "Enabled"] == keys


def test_vpc(tmp_path):
    """The VPC endpoint service of the ready file takes a key store."""
    ready = tmp_path / "ready.json"
    with serving("--ready-file", ready):
        document = json.loads(ready.read_text())
        service, proxy = document["vpc_endpoint_service"], document["proxy"]
        store_id = create_store(
            document,
            proxy["uri_path"],
            Credential(proxy["access_key_id"], proxy["secret_access_key"]),
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName=service["name"],
            XksProxyUriEndpoint=f"https://{service['private_dns_name']}",
        )

    assert store_id.startswith("cks-")


def test_led_elsewhere(tmp_path):
    """A proxy of the user's is reached by --connect-to and trusted by --trust-ca."""
    ready, ca = tmp_path / "ready.json", tmp_path / "ca.pem"
    with MockXksProxy() as mine:
        mine.start_https()
        port = mine.endpoint.rpartition(":")[2]
        ca.write_bytes(mine.ca_certificate)
        flags = ["--connect-to", f"*.xks.test:443:127.0.0.1:{port}", "--trust-ca", ca]
        with serving("--ready-file", ready, *flags) as (_, lines):
            document = json.loads(ready.read_text())
            store_id = create_store(
                document,
                mine.uri_path,
                mine.credential,
                XksProxyConnectivity="PUBLIC_ENDPOINT",
                XksProxyUriEndpoint="https://mine.xks.test",
            )

        assert store_id != document["custom_key_store_id"]
        assert 1 == len(mine.requests)
        assert not any("is this proxy" in line for line in lines)


def test_behaviour(tmp_path):
    """A switch of --behaviour is set from the start."""
    ready = tmp_path / "ready.json"
    with serving("--ready-file", ready, "--behaviour", "disconnecting-seconds=3600"):
        document = json.loads(ready.read_text())
        store = {"CustomKeyStoreId": document["custom_key_store_id"]}
        post(document, "DisconnectCustomKeyStore", store)
        described = post(document, "DescribeCustomKeyStores", store)["CustomKeyStores"]

    assert "DISCONNECTING" == described[0]["ConnectionState"]


def test_until_end_of_input(monkeypatch):
    """It ends with its parent, which closes standard input, be it by dying.

    A profile of AWS that there is not is no reason not to start.
    """
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with serving("--until-end-of-input") as (process, _):
        _, errors = process.communicate(timeout=20)

    assert (0, "") == (process.returncode, errors)


def test_a_proxy_that_is_late(tmp_path):
    """A proxy elsewhere has a real deadline, which may be set; the log says more."""
    ready, ca = tmp_path / "ready.json", tmp_path / "ca.pem"
    with MockXksProxy() as mine:
        mine.start_https()
        ca.write_bytes(mine.ca_certificate)
        port = mine.endpoint.rpartition(":")[2]
        flags = ["--connect-to", f"mine.xks.test:443:127.0.0.1:{port}"]
        flags += ["--trust-ca", ca, "--proxy-timeout-ms", "123"]
        mine.fault("silence")
        with serving("--ready-file", ready, *flags) as (process, _):
            status, answer = ask(
                json.loads(ready.read_text()),
                "CreateCustomKeyStore",
                another_store(
                    mine.uri_path,
                    mine.credential,
                    XksProxyConnectivity="PUBLIC_ENDPOINT",
                    XksProxyUriEndpoint="https://mine.xks.test",
                ),
            )
            process.terminate()
            _, errors = process.communicate(timeout=20)

    assert (400, "XksProxyUriUnreachableException") == (status, answer["__type"])
    assert re.search(
        r"mine\.xks\.test/.*: no complete response within 123 ms: the response was not "
        r"there after \d+ ms",
        errors,
    )


MISTAKES = {
    "route": ({"connect_to": ("a.test:443",)}, "--connect-to 'a.test:443'"),
    "port-of-kms": ({"connect_to": ("a.test:8443:b:1",)}, "443 and to no other"),
    "port": ({"connect_to": ("a.test:443:127.0.0.1:65536",)}, "expected HOST"),
    "wildcard": ({"connect_to": ("a.*.test:443:b:1",)}, "in front"),
    "no-file": ({"trust_ca": (Path("nosuch"),)}, "--trust-ca 'nosuch': No such file"),
    "no-ca": ({"trust_ca": (Path(__file__),)}, "no certificate"),
    "no-switch": ({"behaviour": ("timeout=fail",)}, "did you mean timeouts"),
    "no-value": ({"behaviour": ("timeouts",)}, "retry-once, fail"),
    "own-name": ({"connect_to": ("proxy.xks.test:443:127.0.0.1:1",)}, "proxy.xks.test"),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [pytest.param(*case, id=name) for name, case in MISTAKES.items()],
)
def test_mistakes(tmp_path, changes, message):
    """A flag that means nothing is a usage problem, and no file is written."""
    with pytest.raises(UsageProblem, match=re.escape(message)):
        serve(*options(ready_file=tmp_path / "ready.json", **changes))

    assert [] == list(tmp_path.iterdir())


def options(**changes):
    """Options, and a print that is not expected."""
    return ServeOptions(**changes), pytest.fail


@pytest.mark.parametrize("flag", ["kms_port", "proxy_port"])
def test_port_in_use(flag):
    """A port that somebody else has is a usage problem, which names the flag."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        expected = f"{port}: .*--{flag.replace('_', '-')}"
        with pytest.raises(UsageProblem) as caught:
            serve(*options(**{flag: port}))

    assert re.search(expected, str(caught.value), re.DOTALL)


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
