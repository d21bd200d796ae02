"""The public API as typed tests use it. This program must type-check; it never runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.http.certificates import (
    BadCertificate,
    CertificateAuthority,
    bad_certificate,
)
from pytest_xks.proxy.admission import RequestQuota
from pytest_xks.proxy.keys import KeyStatus, KeyUsage
from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.sigv4 import Credential

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    import responses

    from pytest_xks.plugin import MakeXksProxy
    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy.mock import MockXksProxy
    from pytest_xks.proxy_api.http import Response
    from pytest_xks.serve.xks_server import XksServer


def test_asking(xks_proxy: MockXksProxy) -> None:
    """What a proxy is asked, and what it says that it was asked."""
    response: Response = xks_proxy.call("GetKeyMetadata", "usable")
    status: int = response.status
    health: Response = xks_proxy.call(Operation.GET_HEALTH_STATUS, timeout_ms=100)
    entries: tuple[JournalEntry, ...] = xks_proxy.expect_requests(
        "GetKeyMetadata", count=1, external_key_id="usable", kmsOperation="CreateKey"
    )
    error_name: str | None = entries[0].error_name
    assert status == 200
    assert health.body
    assert error_name is None


def test_keys(xks_proxy: MockXksProxy) -> None:
    """Keys and credentials change while the proxy runs."""
    key = xks_proxy.add_key(
        "mine", key_usage=[KeyUsage.ENCRYPT], status=KeyStatus.DISABLED
    )
    key.enable()
    key.rotate()
    xks_proxy.add_key(initialization_vector_bytes=16, versioned=False)
    rotated: Credential = xks_proxy.store.rotate_credential()
    xks_proxy.store.remove_credential(rotated.access_key_id)
    xks_proxy.keys["usable"].disable()


@pytest.mark.xks(transport="https", allow_unused_faults=True)
def test_faults(xks_proxy: MockXksProxy) -> None:
    """A fault is armed by a call, for good or for a block."""
    xks_proxy.fault("ThrottlingException", operation="Encrypt", times=2)
    with xks_proxy.fault("delay", milliseconds=300) as armed:
        hits: int = armed.hits
    assert hits


def test_factory(make_xks_proxy: MakeXksProxy) -> None:
    """A factory takes what the class takes."""
    credential = Credential("A" * 20, "s" * 43)
    proxy = make_xks_proxy(
        uri_path="/mine/kms/xks/v1", credential=credential, region="eu-west-1"
    )
    other = proxy.add_store(
        "/other/kms/xks/v1",
        quota=RequestQuota(burst=2, requests_per_second=1, clock=proxy.clock),
    )
    other.add_key("usable")


def test_https(make_xks_proxy: MakeXksProxy) -> None:
    """Over real HTTPS there are a port and a CA."""
    with make_xks_proxy().start_https() as proxy:
        endpoint: str = proxy.endpoint
        bundle: Path = proxy.ca_bundle
        context: ssl.SSLContext = proxy.client_context()
    assert endpoint
    assert bundle.is_file()
    assert context.get_ca_certs()


def test_requests(
    xks_proxy: MockXksProxy, responses_mock: responses.RequestsMock
) -> None:
    """Users of responses reach the proxy in-process."""
    xks_proxy.mount(responses_mock)


def test_certificates() -> None:
    """A throw-away CA issues good and bad certificates."""
    ca = CertificateAuthority.create()
    good = ca.issue("localhost", "127.0.0.1", "*.xks.test")
    bad = bad_certificate(BadCertificate.EXPIRED, ca, "localhost")
    assert good.certificate_pem != bad.private_key_pem


def test_server(xks_server: XksServer) -> None:
    """Fake KMS and mock proxy in another process."""
    environment: dict[str, str] = xks_server.environment
    store = xks_server.create_key_store(connect=False)
    store.connect()
    arn: str = store.create_key(xks_server.spare_key()).arn
    bundle: Path = xks_server.proxy.ca_bundle
    xks_server.client("cloudwatch", "eu-west-1")
    assert environment[arn]
    assert bundle.is_file()
