"""The fake KMS behind a socket: what it is given, and what it leaves behind."""

from __future__ import annotations

import http.client
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from pytest_xks.handles import create_key_store
from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.client import PeerCertificate
from pytest_xks.kms.behaviour import Timeouts
from pytest_xks.kms.served import ServedKms, address_to_reach
from pytest_xks.proxy.mock import core_of, proxy_with_keys
from pytest_xks.proxy.transports.in_process import InProcessTransport


def test_from_start_to_stop():
    """It listens between, twice over is harmless, and the environment comes back."""
    before = dict(os.environ)
    kms = ServedKms()
    with kms.start(), kms:
        port = int(kms.kms_endpoint_url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        assert [] == kms.fake.client().list_keys()["Keys"]

    kms.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert before == dict(os.environ)


def test_options(tmp_path):
    """Routes, authorities as bytes or files, and switches."""
    pem = CertificateAuthority.create().certificate_pem
    (tmp_path / "ca.pem").write_bytes(pem)

    kms = ServedKms(
        region="eu-west-1",
        connect_to=["*.xks.test:443:127.0.0.1:9443", "a.test:443:[::1]:9443"],
        trust_ca=[pem, tmp_path / "ca.pem"],
        behaviours={"timeouts": "fail"},
    )

    assert Timeouts.FAIL is kms.fake.behaviour.timeouts
    assert "eu-west-1" == kms.region == kms.vpc_endpoint_service.region


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"connect_to": ["a.test:443"]}, id="route"),
        pytest.param({"trust_ca": [b""]}, id="no-authority"),
        pytest.param({"trust_ca": [b"-----BEGIN CERTIFICATE-----"]}, id="half"),
        pytest.param({"behaviours": {"nosuch": "1"}}, id="switch"),
    ],
)
def test_what_cannot_be_read(options):
    """It is refused at once, before anything listens."""
    with pytest.raises(ValueError, match=r"expected|certificate|there is no"):
        ServedKms(**options)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound
        ("::", "::1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
    ],
)
def test_address_to_reach(host, address):
    """Who listens everywhere is reached at the loopback address."""
    assert address == address_to_reach(host)


def reset(kms, method="POST", **headers):
    """Reset a server as moto's test client does; status and document."""
    address = kms.kms_endpoint_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request(method, "/moto-api/reset", headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)


@pytest.fixture
def kept():
    """A server with a mock proxy, and a key store that it keeps."""
    with ServedKms() as kms:
        proxy = proxy_with_keys(kms.clock)
        store = create_key_store(kms.fake, proxy, name="first")
        kms.fake.keep_key_store(store.id)
        yield kms, store, proxy


def test_reset(kept):
    """All is gone but the first key store, which is as it was in the beginning."""
    kms, store, _ = kept
    store.create_key("usable")
    second = store.create_key("second")
    client = kms.fake.client()
    client.update_custom_key_store(CustomKeyStoreId=store.id, NewCustomKeyStoreName="x")
    store.disconnect()
    client.create_key()

    assert (200, {"status": "ok"}) == reset(kms)
    described = client.describe_custom_key_stores()["CustomKeyStores"]
    assert [(store.id, "first", "CONNECTED")] == [
        (each["CustomKeyStoreId"], each["CustomKeyStoreName"], each["ConnectionState"])
        for each in described
    ]
    assert [] == client.list_keys()["Keys"]
    assert ["DescribeCustomKeyStores", "ListKeys"] == [
        event["eventName"] for event in kms.fake.cloudtrail
    ]
    again = store.create_key(second.external_key_id)
    assert client.encrypt(KeyId=again.arn, Plaintext=b"x")["KeyId"] == again.arn


def test_reset_again(kept):
    """A second reset does the same, after the store was deleted too."""
    kms, store, _ = kept
    reset(kms)
    store.disconnect()
    kms.fake.client().delete_custom_key_store(CustomKeyStoreId=store.id)
    reset(kms)

    assert "CONNECTED" == store.connection_state


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.com"}, {"Host": "attacker.example"}]
)
def test_reset_by_a_web_page(kept, headers):
    """A page in a browser may not reset it, and is told why."""
    kms, store, _ = kept
    store.create_key("usable")
    status, document = reset(kms, **headers)

    assert 403 == status
    assert "--allow-host" in document["Error"]
    assert 1 == len(kms.fake.client().list_keys()["Keys"])


def test_reset_through_a_name():
    """A name that was allowed may stand in Host and Origin; GET resets nothing."""
    with ServedKms(allow_hosts=["kms.test"]) as kms:
        names = {"Host": "kms.test:1", "Origin": "http://kms.test:2"}

        assert 200 == reset(kms, **names)[0]
        assert 400 == reset(kms, method="GET")[0]


def called(kms, **headers):
    """ListKeys, as an SDK asks for it; status and document."""
    address = kms.kms_endpoint_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        target = {"X-Amz-Target": "TrentService.ListKeys"}
        connection.request("POST", "/", "{}", headers={**target, **headers})
        response = connection.getresponse()
        return response.status, json.load(response)


def test_a_call_through_a_name():
    """A name that nobody allowed, as a web page may have it lead here, is told of."""
    with ServedKms(allow_hosts=["kms.test"]) as kms:
        for host in ("127.0.0.9:1", "[::1]:1", "localhost", "a.localhost", "kms.test"):
            assert 200 == called(kms, Host=host)[0], host
        for host in ("attacker.example", "kms.test.example", "10.0.0.1", "", "[::1"):
            status, document = called(kms, Host=host)
            assert (403, "AccessDeniedException") == (status, document["__type"]), host
            assert "--allow-host NAME" in document["message"]


def test_its_own_name():
    """The host at which it was told to listen needs no permission."""
    with ServedKms(host="127.0.0.1", allow_hosts=()) as kms:
        kms._allow_hosts = ServedKms(host="192.0.2.1")._allow_hosts
        assert 200 == called(kms, Host="192.0.2.1:80")[0]


def test_metrics_of_certificates_in_this_process(kept):
    """A proxy in this process may show a certificate, as one behind TLS does."""
    kms, store, proxy = kept
    transport = InProcessTransport(core_of(proxy), kms.clock)
    transport.peer_certificate = PeerCertificate(
        common_name="a.test", not_after=kms.clock.now() + timedelta(days=9, hours=1)
    )
    uri = store.description["XksProxyConfiguration"]["UriEndpoint"]
    kms.fake.connect_to(uri, transport)
    days = [p for p in kms.fake.metrics if p.name == "XksProxyCertificateDaysToExpire"]

    assert [9] == [int(point.value) for point in days]


def test_a_proxy_s_own_time(kept):
    """What a proxy takes on the simulated clock is its caller's time alone."""
    kms, store, proxy = kept
    key = store.create_key("usable")
    before = kms.clock.now()
    proxy.fault("delay", milliseconds=200, operation="Encrypt")

    def call():
        kms.clock.begin_call()
        kms.fake.client().encrypt(KeyId=key.arn, Plaintext=b"x")
        return kms.clock.now() - before

    with ThreadPoolExecutor(1) as other:
        assert other.submit(call).result() > timedelta(milliseconds=200)
        assert other.submit(call).result() < timedelta(seconds=20)
    latencies = [p.value for p in kms.fake.metrics if p.name == "XksProxyLatency"]
    assert 200 <= max(latencies)
