"""Only the user's mistakes end a certification before the suite runs."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.proxy_preflight import Preflight, preflight_proxy
from pytest_xks.certify.targets.credential import Credential
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.certify.targets.proxy_target import Endpoint, MtlsTarget

SECRET = "Canary0Secret/That+NobodyMayEverSee0123456789="


@pytest.fixture
def proxy():
    """A running proxy and its target."""
    with served_mock_proxy() as pair:
        yield pair


def refusal(target):
    """The message with which the target is refused."""
    with pytest.raises(UsageProblem) as caught:
        preflight_proxy(target)
    message = str(caught.value)
    assert not any(secret in message for secret in target.secrets())
    return message


def test_good(proxy):
    """A good target passes as it is."""
    _, target = proxy

    assert Preflight(target=target) == preflight_proxy(target)


def test_throttled_store_is_left_alone(proxy):
    """The quota that the suite measures is not used up before."""
    reference, target = proxy
    preflight_proxy(target)

    paths = {entry.uri_path for entry in reference.proxy.requests}
    assert target.throttled_store.uri_path not in paths


def test_dead_endpoint(proxy):
    """A port on which nobody listens is out of reach."""
    _, target = proxy
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    endpoint = Endpoint(scheme="https", host="127.0.0.1", port=port)
    assert "cannot be reached" in refusal(replace(target, endpoint=endpoint))


def test_unknown_host(proxy):
    """So is a name that nobody knows."""
    _, target = proxy
    endpoint = Endpoint(scheme="https", host="nosuch.invalid", port=443)

    assert "nosuch.invalid" in refusal(replace(target, endpoint=endpoint))


def test_unknown_ca(proxy):
    """A certificate that this machine does not trust is named as such."""
    _, target = proxy

    assert "ca_bundle" in refusal(replace(target, ca_bundle=None))


def test_insecure(proxy):
    """Without verification, that certificate is no obstacle."""
    _, target = proxy

    preflight_proxy(replace(target, ca_bundle=None, verify=False))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="closes"),
        pytest.param(b"garbage\r\n\r\n", id="not-http"),
    ],
)
def test_something_else_listens(target, answer):
    """A server that never answers in HTTP is out of reach."""

    def serve():
        for _ in range(2):
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        endpoint = Endpoint(scheme="http", host="127.0.0.1", port=port)
        assert "cannot be reached" in refusal(replace(target, endpoint=endpoint))
        thread.join()


def test_wrong_secret(proxy):
    """A refused credential is the user's to correct."""
    _, target = proxy
    wrong = Credential(target.credential.access_key_id, SECRET)

    assert "refuses the credential" in refusal(replace(target, credential=wrong))


@pytest.mark.parametrize("name", ["proxy.keys", "proxy.second_store.keys"])
def test_unknown_key(proxy, name):
    """A key that the proxy does not have is named as the target file names it."""
    _, target = proxy
    if name == "proxy.keys":
        target = replace(target, keys={**target.keys, "second": "nosuch"})
    else:
        store = replace(target.second_store, keys={"usable": "no", "second": "nosuch"})
        target = replace(target, second_store=store)

    assert f"{name}.second = 'nosuch'" in refusal(target)


def test_assumed_keys(proxy):
    """A default of AWS's client that the proxy does not have is left out, and said."""
    _, target = proxy
    assumed = replace(
        target,
        keys={**target.keys, "no_usage": "nosuch"},
        assumed_roles=frozenset({"no_usage", "encrypt_only"}),
    )

    found = preflight_proxy(assumed)

    assert {"no_usage"} == assumed.keys.keys() - found.target.keys.keys()
    assert 1 == len(found.warnings)
    assert "nosuch" in found.warnings[0]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("health-as-201", id="health"),
        pytest.param("wrong-status", id="status"),
        pytest.param("broken-json", id="json"),
        pytest.param("empty-body", id="empty"),
    ],
)
def test_broken_proxies_go_on(proxy, fault):
    """A proxy that answers wrongly is for the suite to judge."""
    reference, target = proxy
    with reference.proxy.fault(fault):
        preflight_proxy(target)


def test_unusable_ca_bundle(proxy, tmp_path):
    """A CA bundle without a certificate is named."""
    _, target = proxy
    (tmp_path / "ca.pem").write_text("nothing")

    assert "ca_bundle" in refusal(replace(target, ca_bundle=tmp_path / "ca.pem"))


def test_unusable_client_certificate(proxy, tmp_path):
    """So is a client certificate that is none."""
    _, target = proxy
    (tmp_path / "x.pem").write_text("nothing")
    mtls = MtlsTarget(
        endpoint=None,
        certificate=tmp_path / "x.pem",
        private_key=tmp_path / "x.pem",
    )

    assert "mtls" in refusal(replace(target, mtls=mtls))


def test_client_certificate_is_presented(proxy):
    """A proxy whose only endpoint asks for a certificate gets it."""
    _, target = proxy
    mtls = replace(target.mtls, endpoint=None)

    preflight_proxy(replace(target, endpoint=target.mtls.endpoint, mtls=mtls))
