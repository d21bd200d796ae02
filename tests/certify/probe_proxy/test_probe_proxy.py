"""The suite's own mock proxy, as the checks of KMS emulators use it."""

from __future__ import annotations

import json

import pytest

from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
from pytest_xks.certify.probe_proxy.vocabulary import ConnectionEnd, ListenerFault
from pytest_xks.certify.targets.kms_target import ProbeProxySettings
from pytest_xks.clock import SystemClock
from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.client import (
    ConnectFailure,
    ConnectionLost,
    HttpsTransport,
    TlsFailure,
    TransportTimeout,
)
from pytest_xks.http.contexts import client_context
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.sigv4 import Credential, sign

METADATA = {"kmsRequestId": "an-id", "kmsOperation": "CreateCustomKeyStore"}


@pytest.fixture
def probe_proxy():
    """A probe proxy on a free port, with a throw-away CA."""
    with ProbeProxy(ProbeProxySettings()) as probe_proxy:
        yield probe_proxy


@pytest.fixture
def store(probe_proxy):
    """A key store of it."""
    return probe_proxy.open_store()


def ask_for_health(probe_proxy, store, *, timeout_ms=5_000.0):
    """Ask for the health of a store, as an emulator does."""
    host = store.endpoint.removeprefix("https://")
    credential = store.credential
    request = sign(
        Request(
            method="POST",
            target=f"{store.uri_path}/health",
            headers=(("Host", host), ("Content-Type", "application/json")),
            body=json.dumps({"requestMetadata": METADATA}).encode(),
        ),
        Credential(credential["AccessKeyId"], credential["RawSecretAccessKey"]),
        region="us-east-1",
        now=SystemClock().now(),
    )
    with HttpsTransport(
        host="127.0.0.1",
        port=probe_proxy.port,
        context=client_context(probe_proxy.ca_certificate),
        server_name=host,
    ) as transport:
        return transport.send(request, timeout_ms=timeout_ms)


def test_requests_are_kept_as_received(probe_proxy, store):
    """A request is kept with its headers and body, and the status that it got."""
    with store.watching() as seen:
        assert ask_for_health(probe_proxy, store).status == 200

    (request,) = seen()
    assert request.operation == "health"
    assert request.request_metadata == METADATA
    assert request.header("authorization").startswith("AWS4-HMAC-SHA256 ")
    assert request.status == 200


def test_stores_do_not_meet(probe_proxy, store):
    """Each store has a path, an endpoint and a credential of its own."""
    other = probe_proxy.open_store()
    ask_for_health(probe_proxy, other)

    assert store.requests == ()
    assert store.uri_path != other.uri_path
    assert store.endpoint != other.endpoint
    assert store.credential != other.credential


def test_scripted_error(probe_proxy, store):
    """An answer can be replaced, for one store, within a block."""
    other = probe_proxy.open_store()
    with store.failing("ThrottlingException", 429, message="slow down"):
        response = ask_for_health(probe_proxy, store)
        assert ask_for_health(probe_proxy, other).status == 200

    assert response.status == 429
    assert json.loads(response.body) == {
        "errorName": "ThrottlingException",
        "errorMessage": "slow down",
    }
    assert ask_for_health(probe_proxy, store).status == 200


def test_altered_success(probe_proxy, store):
    """The document of a success can be edited."""
    with store.altering(lambda document: document.pop("ekmVendor")):
        document = json.loads(ask_for_health(probe_proxy, store).body)

    assert "ekmVendor" not in document


def test_rewritten_success(probe_proxy, store):
    """The document of a success can be edited with the request in view."""

    def echo(document, request):
        document["asked"] = request["requestMetadata"]["kmsOperation"]

    with store.rewriting(echo, operation="health"):
        document = json.loads(ask_for_health(probe_proxy, store).body)

    assert document["asked"] == "CreateCustomKeyStore"
    assert document["ekmVendor"]


def test_script_of_one_operation(probe_proxy, store):
    """A script may concern one operation only."""
    with store.answering(500, b"", operation="encrypt"):
        assert ask_for_health(probe_proxy, store).status == 200


def test_late_answer(probe_proxy, store):
    """An answer can come too late."""
    with store.delaying(60_000), pytest.raises(TransportTimeout):
        ask_for_health(probe_proxy, store, timeout_ms=50)


@pytest.mark.parametrize("end", ConnectionEnd)
def test_end_of_connection(probe_proxy, store, end):
    """A connection can end in place of an answer, in every way that there is."""
    with store.ending(end), pytest.raises(ConnectionLost):
        ask_for_health(probe_proxy, store)


@pytest.mark.parametrize("fault", ListenerFault)
def test_listener_fault(probe_proxy, store, fault):
    """The port can be closed, or show a bad certificate, and be good again."""
    refused = fault is ListenerFault.CONNECTION_REFUSED
    failure = ConnectFailure if refused else TlsFailure
    with store.listening(fault), pytest.raises(failure):
        ask_for_health(probe_proxy, store)

    assert ask_for_health(probe_proxy, store).status == 200


def test_own_authority_and_template(tmp_path):
    """The CA comes from files, and fits every name that the template makes."""
    ca = CertificateAuthority.create()
    (tmp_path / "ca.pem").write_bytes(ca.certificate_pem)
    (tmp_path / "ca.key").write_bytes(ca.private_key_pem)
    settings = ProbeProxySettings(
        endpoint_template="https://{label}.proxy.example",
        ca_certificate=tmp_path / "ca.pem",
        ca_private_key=tmp_path / "ca.key",
    )
    with ProbeProxy(settings) as probe_proxy:
        store = probe_proxy.open_store(label="mine", prefix="here")

        assert probe_proxy.ca_certificate == ca.certificate_pem
        assert store.endpoint == "https://mine.proxy.example"
        assert store.uri_path == "/here/kms/xks/v1"
        assert ask_for_health(probe_proxy, store).status == 200


def test_repr_holds_no_secret(store):
    """What is printed of a store is where it is."""
    assert repr(store) == f"ProxyStore({store.endpoint}{store.uri_path})"
