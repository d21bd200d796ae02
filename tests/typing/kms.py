"""The fake KMS as typed tests use it. This program must type-check; it never runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.behaviour import Timeouts

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

    from pytest_xks.handles import KeyHandle, KeyStoreHandle
    from pytest_xks.kms.fake import FakeKms
    from pytest_xks.proxy.keys import ExternalKey


def test_behaviour(xks_fake_kms: FakeKms) -> None:
    """A switch takes text, and is a member of its enum or a number."""
    behaviour = xks_fake_kms.behaviour
    behaviour.timeouts = "fail"
    behaviour.timeouts = Timeouts.FAIL
    behaviour.connecting_seconds = 300
    behaviour.custom_key_stores = 20
    timeouts: Timeouts = behaviour.timeouts
    seconds: float = behaviour.connecting_seconds
    assert timeouts
    assert seconds
    behaviour.timeout = "fail"  # type: ignore[attr-defined] # no such switch


def test_clients(xks_fake_kms: FakeKms) -> None:
    """A client of KMS has the type that boto3-stubs give it."""
    kms: KMSClient = xks_fake_kms.client()
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    xks_fake_kms.client("eu-west-1").list_keys()
    xks_fake_kms.client("eu-west-1", "kms").no_such_method()  # type: ignore[attr-defined] # known to be KMS
    xks_fake_kms.client(service="cloudwatch").list_metrics()
    xks_fake_kms.client("eu-west-1", "logs").describe_log_groups()
    assert arn


def test_handles(xks_key_store: KeyStoreHandle, xks_key: KeyHandle) -> None:
    """Handles have real types, the external key too."""
    kms: KMSClient = xks_key_store.kms
    external_key: ExternalKey = xks_key.external_key
    external_key.disable()
    xks_key_store.external_keys["usable"].rotate()
    endpoint: str = xks_key_store.description["XksProxyConfiguration"]["UriEndpoint"]
    assert kms.meta.region_name
    assert endpoint
