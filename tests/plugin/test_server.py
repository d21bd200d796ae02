"""``xks_server``: fake KMS and mock proxy over real sockets, for other processes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time

import pytest
from moto import mock_aws

from pytest_xks.serve import xks_server as serving
from pytest_xks.serve.xks_server import ServerDidNotStartError, XksServer

CLIENT = """
import boto3, json, sys

kms = boto3.client("kms")
metadata = kms.create_key(
    Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=sys.argv[1], XksKeyId=sys.argv[2]
)["KeyMetadata"]
blob = kms.encrypt(KeyId=metadata["KeyId"], Plaintext=b"hello")["CiphertextBlob"]
print(json.dumps({
    "arn": metadata["Arn"],
    "plaintext": kms.decrypt(CiphertextBlob=blob)["Plaintext"].decode(),
    "account": boto3.client("sts").get_caller_identity()["Account"],
}))
"""


def create_key(server, key_id):
    """A KMS key in the server's store, as a client in this process makes it."""
    return server.client().create_key(
        Origin="EXTERNAL_KEY_STORE",
        CustomKeyStoreId=server.custom_key_store_id,
        XksKeyId=key_id,
    )["KeyMetadata"]["Arn"]


def test_a_client_in_another_process(xks_server, monkeypatch):
    """The environment leads a subprocess here, whatever AWS the user has."""
    for name, value in {
        "AWS_PROFILE": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)

    result = subprocess.run(
        [
            sys.executable,
            "-c",
            CLIENT,
            xks_server.custom_key_store_id,
            xks_server.spare_key(),
        ],
        env=xks_server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == result.stderr
    said = json.loads(result.stdout)
    assert ("hello", "123456789012") == (said["plaintext"], said["account"])
    keys = xks_server.client().list_keys(Limit=1000)["Keys"]
    assert said["arn"] in [key["KeyArn"] for key in keys]


def test_a_client_in_this_process(xks_server):
    """It reaches the server, also where AWS is mocked in this process."""
    with mock_aws():
        arn = create_key(xks_server, xks_server.spare_key())
    with mock_aws():
        blob = xks_server.client().encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]

    assert b"x" == xks_server.client().decrypt(CiphertextBlob=blob)["Plaintext"]
    assert [] == xks_server.client(region="eu-west-1").list_keys()["Keys"]
    assert xks_server.client("cloudwatch").list_metrics()["Metrics"]


def test_proxy(xks_server):
    """The proxy's particulars are at hand, and its secret in no repr."""
    proxy = xks_server.proxy
    assert {"usable", "second", "encrypt_only"} <= proxy.keys.keys()
    assert b"BEGIN CERTIFICATE" in proxy.ca_bundle.read_bytes()
    assert proxy.uri_path.endswith("/kms/xks/v1")
    assert proxy.credential.secret_access_key not in f"{proxy!r} {xks_server!r}"
    assert xks_server.region in xks_server.environment["AWS_REGION"]


def test_another_key_store(xks_server):
    """A store of the test's own can be disconnected without harm to others."""
    store = xks_server.create_key_store()
    key = store.create_key(xks_server.spare_key())
    store.disconnect()

    assert ("DISCONNECTED", "Unavailable") == (store.connection_state, key.state)
    assert store.id != xks_server.custom_key_store_id


def test_spare_keys_end():
    """Each is given out once, and who has had all of them hears so."""
    server = XksServer()
    server.proxy = serving.ServedProxy(
        endpoint="https://localhost",
        uri_path="/kms/xks/v1",
        credential=serving.Credential("A" * 20, "s" * 43),
        ca_bundle=None,
        keys={},
        spare_keys=["a", "b"],
    )
    server._spare_keys = iter(server.proxy.spare_keys)

    assert ["a", "b"] == [server.spare_key(), server.spare_key()]
    with pytest.raises(LookupError, match="all 2"):
        server.spare_key()


def test_what_did_not_start(monkeypatch):
    """Whoever cannot start says why, and leaves nothing behind."""
    monkeypatch.setattr(
        serving, "_command", lambda _: [sys.executable, "-c", "exit('no luck')"]
    )
    with pytest.raises(ServerDidNotStartError, match=r"status 1\. no luck"):
        XksServer().start()


def test_who_is_too_slow(monkeypatch):
    """Nobody is waited for longer than the deadline."""
    monkeypatch.setattr(serving, "_START_S", 0.1)
    monkeypatch.setattr(
        serving, "_command", lambda _: [sys.executable, "-c", "input()"]
    )
    with pytest.raises(ServerDidNotStartError, match=r"not ready after 0\.1 seconds"):
        XksServer().start()


def port_is_free(port):
    """Whether nobody listens there any more."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def ports_in(pytester):
    """The ports of the servers that an inner run wrote down."""
    return [int(file.read_text()) for file in pytester.path.glob("port-*")]


NOTE_PORT = """
import os, signal
from pathlib import Path

def test_it(xks_server):
    port = xks_server.kms_endpoint_url.rpartition(":")[2]
    Path(f"port-{os.getpid()}").write_text(port)
"""


@pytest.mark.parametrize(
    ("how", "ret"),
    [
        pytest.param("pass", pytest.ExitCode.OK, id="passes"),
        pytest.param("assert False", pytest.ExitCode.TESTS_FAILED, id="fails"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGINT)",
            pytest.ExitCode.INTERRUPTED,
            id="interrupted",
        ),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, id="killed"
        ),
    ],
)
def test_it_ends_with_the_session(pytester, how, ret):
    """However the session ends, the server ends with it."""
    pytester.makepyfile(f"{NOTE_PORT}    {how}\n")

    result = pytester.runpytest_subprocess("-p", "no:randomly", timeout=60)

    assert ret == result.ret
    (port,) = ports_in(pytester)
    # Whoever is killed does not wait for the server; so we do, within reason.
    deadline = time.monotonic() + 10
    while not port_is_free(port):
        assert time.monotonic() < deadline


def test_one_per_worker(pytester):
    """Workers of xdist do not share a server."""
    pytester.makepyfile(NOTE_PORT)

    result = pytester.runpytest_subprocess(
        "-p", "no:randomly", "--dist=each", "--tx=2*popen", timeout=60
    )

    result.assert_outcomes(passed=2)
    ports = ports_in(pytester)
    assert [True, True] == [port_is_free(port) for port in ports]
    assert 2 == len(set(ports))


def test_not_asked_for(pytester):
    """Without the fixture there is no server, and not even its module."""
    pytester.makepyfile(
        "import sys\ndef test_it():\n"
        "    assert 'pytest_xks.serve.xks_server' not in sys.modules"
    )

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)
