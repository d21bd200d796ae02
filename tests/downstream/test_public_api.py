"""The public face as typed tests of somebody else use it.

Type checkers read it strictly, and see no Any (``test_types.py``); and it runs. It
imports what users may import, and nothing else.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import requests
import responses

from pytest_xks import (
    BadCertificate,
    CertificateAuthority,
    Credential,
    FakeKmsWithProxy,
    KeyStatus,
    KeyUsage,
    MockXksProxy,
    Operation,
    RequestQuota,
    Timeouts,
    TransportTimeout,
    VpcProblem,
    bad_certificate,
    mock_xks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_kms import KMSClient

    from pytest_xks import (
        ArmedFault,
        ExternalKey,
        FakeKms,
        HealthStatus,
        HttpResponse,
        JournalEntry,
        KeyHandle,
        KeyStoreHandle,
        MakeXksKey,
        MakeXksKeyStore,
        MakeXksProxy,
        MetricPoint,
        ProxyKeyStore,
        ProxyLogEntry,
        XksServer,
    )


# -- the mock proxy ---------------------------------------------------------------


def test_asking(xks_proxy: MockXksProxy) -> None:
    """What a proxy is asked, and what it says that it was asked."""
    response: HttpResponse = xks_proxy.call("GetKeyMetadata", "usable")
    status: int = response.status
    health: HttpResponse = xks_proxy.call(Operation.GET_HEALTH_STATUS, timeout_ms=100)
    entries: tuple[JournalEntry, ...] = xks_proxy.expect_requests(
        "GetKeyMetadata", count=1, external_key_id="usable", kmsOperation="CreateKey"
    )
    error_name: str | None = entries[0].error_name

    assert status == 200
    assert health.body
    assert error_name is None


def test_keys(xks_proxy: MockXksProxy) -> None:
    """Keys and credentials change while the proxy runs."""
    key: ExternalKey = xks_proxy.add_key(
        "mine", key_usage=[KeyUsage.ENCRYPT], status=KeyStatus.DISABLED
    )
    key.enable()
    key.rotate()
    xks_proxy.add_key(initialization_vector_bytes=16, versioned=False)
    rotated: Credential = xks_proxy.store.rotate_credential()
    xks_proxy.store.remove_credential(rotated.access_key_id)
    xks_proxy.keys["usable"].disable()

    assert key.version == 2


def test_faults(xks_proxy: MockXksProxy) -> None:
    """A fault is armed by a call, for good or for a block."""
    xks_proxy.fault("ThrottlingException", operation="GetHealthStatus", times=1)
    with xks_proxy.fault("delay", milliseconds=300) as armed:
        with pytest.raises(TransportTimeout):
            xks_proxy.call("Encrypt", "usable", timeout_ms=250)
        hits: int = armed.hits
    unused: tuple[ArmedFault, ...] = xks_proxy.unused_faults
    xks_proxy.call("GetHealthStatus")

    assert hits == 1
    assert len(unused) == 1


def test_factory_of_proxies(make_xks_proxy: MakeXksProxy) -> None:
    """A factory takes what the class takes."""
    credential = Credential("A" * 20, "s" * 43)
    proxy = make_xks_proxy(
        uri_path="/mine/kms/xks/v1", credential=credential, region="eu-west-1"
    )
    other: ProxyKeyStore = proxy.add_store(
        "/other/kms/xks/v1",
        quota=RequestQuota(burst=2, requests_per_second=1, clock=proxy.clock),
    )
    other.add_key("usable")

    assert proxy.fleet.managers[0].status == "ACTIVE"


@pytest.mark.xks(transport="https")
def test_https(make_xks_proxy: MakeXksProxy) -> None:
    """Over real HTTPS there are a port and a CA."""
    with make_xks_proxy() as proxy:
        endpoint: str = proxy.endpoint
        bundle: Path = proxy.ca_bundle
        context: ssl.SSLContext = proxy.client_context()

        assert endpoint.startswith("https://localhost:")
        assert bundle.is_file()
        assert context.verify_mode is ssl.CERT_REQUIRED


def test_requests(xks_proxy: MockXksProxy) -> None:
    """Users of responses reach the proxy in-process."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        xks_proxy.mount(mock)

        assert requests.get(f"{xks_proxy.endpoint}/ping", timeout=1).ok


def test_certificates() -> None:
    """A throw-away CA issues good and bad certificates."""
    ca = CertificateAuthority.create()
    good = ca.issue("localhost", "127.0.0.1", "*.xks.test")
    bad = bad_certificate(BadCertificate.EXPIRED, ca, "localhost")

    assert good.certificate_pem != bad.certificate_pem


# -- the fake KMS -----------------------------------------------------------------


def test_a_key(xks_key: KeyHandle, xks_kms: KMSClient) -> None:
    """A KMS key, the client, and the external key behind it."""
    blob: bytes = xks_kms.encrypt(KeyId=xks_key.arn, Plaintext=b"x")["CiphertextBlob"]
    assert xks_kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"

    external_key: ExternalKey = xks_key.external_key
    external_key.disable()
    with pytest.raises(xks_kms.exceptions.KMSInvalidStateException):
        xks_kms.decrypt(CiphertextBlob=blob)


def test_a_key_store(
    xks_key_store: KeyStoreHandle,
    make_xks_key_store: MakeXksKeyStore,
    make_xks_key: MakeXksKey,
) -> None:
    """Key stores, and keys in them, with what AWS takes for them."""
    other: KeyStoreHandle = make_xks_key_store(name="other", connect=False)
    key: KeyHandle = make_xks_key(Description="mine")
    kms: KMSClient = xks_key_store.kms
    assert kms.describe_key(KeyId=key.arn)["KeyMetadata"]["Description"] == "mine"
    path: str = xks_key_store.description["XksProxyConfiguration"]["UriPath"]
    assert path.endswith("/kms/xks/v1")
    xks_key_store.external_keys["usable"].rotate()
    xks_key_store.disconnect()

    state: str = key.state
    assert (state, other.connection_state) == ("Unavailable", "DISCONNECTED")


def test_what_operators_see(xks_fake_kms: FakeKms, xks_key: KeyHandle) -> None:
    """Events, metrics and logs have types too."""
    events: list[dict[str, object]] = xks_fake_kms.cloudtrail
    metrics: list[MetricPoint] = xks_fake_kms.metrics
    logs: tuple[ProxyLogEntry, ...] = xks_fake_kms.logs
    health: HealthStatus = xks_fake_kms.check_health(xks_key.key_store.id)

    assert events
    assert metrics[0].unit
    assert logs == ()
    assert health.xks_proxy_fleet_size == 1


@pytest.mark.xks(allow_unused_faults=True)
def test_a_fault_of_kms(xks_fake_kms: FakeKms) -> None:
    """The fake KMS misbehaves by name too."""
    with xks_fake_kms.fault(
        "key-store-names-not-unique", operation="CreateCustomKeyStore", times=1
    ) as armed:
        unused: tuple[ArmedFault, ...] = xks_fake_kms.unused_faults

    assert unused == (armed,)


def test_switches(xks_fake_kms: FakeKms) -> None:
    """A switch takes text, and is a member of its enum or a number."""
    behaviour = xks_fake_kms.behaviour
    behaviour.timeouts = "fail"
    behaviour.connecting_seconds = 300
    timeouts: Timeouts = behaviour.timeouts
    seconds: float = behaviour.connecting_seconds

    assert timeouts is Timeouts.FAIL
    assert seconds == 300


def test_vpc_endpoint_services(xks_fake_kms: FakeKms) -> None:
    """What is wrong with a VPC endpoint service is said by name."""
    service = xks_fake_kms.add_vpc_endpoint_service(
        "vpc.xks.test", problems=[VpcProblem.PORT_BLOCKED]
    )

    assert service.problems == {VpcProblem.PORT_BLOCKED}


# -- wider scopes -----------------------------------------------------------------


@pytest.fixture(scope="module")
def xks() -> Iterator[FakeKmsWithProxy]:
    """Three lines for any scope."""
    with mock_xks() as xks:
        yield xks


def test_a_wider_scope(xks: FakeKmsWithProxy) -> None:
    """It carries what the fixtures give."""
    proxy: MockXksProxy = xks.proxy
    store: KeyStoreHandle = xks.key_store
    key: KeyHandle = xks.key
    kms: KMSClient = xks.client("us-east-1")
    kms.encrypt(KeyId=key.arn, Plaintext=b"x")
    xks.clock.advance(milliseconds=1000)

    assert proxy.expect_requests("Encrypt", count=1)
    assert store.connection_state == "CONNECTED"


@mock_xks
def test_a_decorated_test() -> None:
    """A decorator keeps the type of the function."""


def _configure(xks: FakeKmsWithProxy) -> None:
    assert xks.key.state == "Enabled"


@mock_xks(configure=_configure)
def test_a_configured_test(tmp_path: Path) -> None:
    """Likewise, where it has arguments of its own."""
    assert tmp_path.is_dir()


# -- programs in other processes --------------------------------------------------


def test_server(xks_server: XksServer) -> None:
    """Fake KMS and mock proxy in another process."""
    environment: dict[str, str] = xks_server.environment
    store: KeyStoreHandle = xks_server.create_key_store(connect=False)
    store.connect()
    arn: str = store.create_key(xks_server.spare_key()).arn
    bundle: Path = xks_server.proxy.ca_bundle
    kms: KMSClient = xks_server.client()

    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn
    assert environment["AWS_REGION"] == xks_server.region
    assert bundle.is_file()
