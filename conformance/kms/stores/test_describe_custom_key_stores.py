"""DescribeCustomKeyStores: filters, pages, and what is said of a key store."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    control,
    expect,
    is_recent,
    refused,
    success,
    violated,
)
from .store_states import failed_store, pages

if TYPE_CHECKING:
    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .vpc_service import VpcService

NOT_FOUND = refused("CustomKeyStoreNotFoundException")
STATES = {"CONNECTED", "CONNECTING", "DISCONNECTED", "DISCONNECTING", "FAILED"}
MEMBERS = {
    "CustomKeyStoreId": str,
    "CustomKeyStoreName": str,
    "CustomKeyStoreType": str,
    "CreationDate": datetime,
    "ConnectionState": str,
    "XksProxyConfiguration": dict,
}
"""What every entry of an external key store has; ConnectionErrorCode is extra."""


def _describe(kms: KmsClient, label: str = "", **filters: object) -> KmsReply:
    parameters: dict[str, Any] = filters
    return kms.call("DescribeCustomKeyStores", label=label, **parameters)


def _entries(reply: KmsReply) -> list[dict[str, Any]]:
    return list(reply.document.get("CustomKeyStores") or [])


def _entry(kms: KmsClient, store: KeyStore) -> tuple[KmsReply, dict[str, Any]]:
    """What is said of one key store, as a control."""
    reply = _describe(kms, CustomKeyStoreId=store.id)
    control(reply)
    return reply, (_entries(reply) or [{}])[0]


def _ids(reply: KmsReply) -> list[str]:
    return [str(each.get("CustomKeyStoreId")) for each in _entries(reply)]


@pytest.mark.requirement("KMS-DESCRIBESTORE-001")
def test_no_parameters(kms: KmsClient) -> None:
    """A call without parameters succeeds with a list, whatever the account has."""
    reply = _describe(kms)
    success(reply)
    if not isinstance(reply.raw.get("CustomKeyStores"), list):
        violated(reply, "the member CustomKeyStores, a list")


@pytest.mark.requirement("KMS-DESCRIBESTORE-001")
def test_no_filter(kms: KmsClient, store: KeyStore, provisioner: Provisioner) -> None:
    """Without a filter every key store is listed, whatever its state."""
    other = provisioner.make_store(kms)
    replies = list(pages(kms))
    listed = {store_id for reply in replies for store_id in _ids(reply)}
    for wanted in (store, other):
        if wanted.id not in listed:
            violated(replies[-1], f"a list with {wanted.id}", "a list without it")


@pytest.mark.requirement("KMS-DESCRIBESTORE-001")
@cases("member", ["CustomKeyStoreId", "CustomKeyStoreName"], stores=1)
def test_filter(
    kms: KmsClient, store: KeyStore, provisioner: Provisioner, member: str
) -> None:
    """The id or the name of a key store narrows the list to it alone."""
    del store  # Another one that could be listed.
    wanted = provisioner.make_store(kms)
    filters = {"CustomKeyStoreId": wanted.id, "CustomKeyStoreName": wanted.name}
    reply = _describe(kms, **{member: filters[member]})
    success(reply)
    if _ids(reply) != [wanted.id]:
        violated(reply, f"the key store {wanted.id} alone", f"{_ids(reply)}")


@pytest.mark.requirement("KMS-DESCRIBESTORE-001")
def test_both_filters(kms: KmsClient, store: KeyStore) -> None:
    """The id and the name together are refused, though both are of one key store."""
    by_id = {"CustomKeyStoreId": store.id}
    by_name = {"CustomKeyStoreName": store.name}
    for each in (by_id, by_name):
        control(_describe(kms, label="control: one filter", **each))
    expect(_describe(kms, **by_id, **by_name), REFUSED)


@pytest.mark.requirement("KMS-DESCRIBESTORE-002")
@cases(
    "filters",
    [
        pytest.param({"CustomKeyStoreId": "cks-00000000000000000"}, id="id"),
        pytest.param({"CustomKeyStoreName": "no-key-store-has-this-name"}, id="name"),
    ],
)
def test_nothing_matches(kms: KmsClient, filters: dict[str, str]) -> None:
    """A filter that matches nothing is a CustomKeyStoreNotFoundException."""
    control(_describe(kms, label="control: no filter"))
    expect(_describe(kms, **filters), NOT_FOUND)


@pytest.mark.requirement("KMS-DESCRIBESTORE-003")
def test_pages(kms: KmsClient, store: KeyStore, provisioner: Provisioner) -> None:
    """With a Limit of 1, Truncated and NextMarker lead to every key store, once."""
    stores = {store.id, provisioner.make_store(kms).id}
    listed = {store_id for reply in pages(kms) for store_id in _ids(reply)}
    if not stores <= listed:
        raise NotTestable("A list without a Limit does not have all key stores.")
    seen: list[str] = []
    for reply in pages(kms, limit=1):
        document = reply.document
        if len(_ids(reply)) > 1:
            violated(reply, "at most one key store", f"{len(_ids(reply))}")
        if document.get("Truncated") and not document.get("NextMarker"):
            violated(reply, "a NextMarker, as Truncated is true", "none")
        if not document.get("Truncated") and document.get("NextMarker"):
            violated(reply, "no NextMarker, as Truncated is not true", "one")
        seen += _ids(reply)
    if missing := stores - set(seen):
        violated(reply, "pages with every key store", f"no {', '.join(missing)}")
    if len(seen) != len(set(seen)):
        violated(reply, "each key store once", f"{sorted(seen)}")


@pytest.mark.requirement("KMS-DESCRIBESTORE-003")
@cases("limit", [0, 1001])
def test_limit_out_of_range(kms: KmsClient, limit: int) -> None:
    """A Limit beyond 1 to 1000 is refused."""
    for good in (1, 1000):
        control(_describe(kms, label="control: a good Limit", Limit=good))
    expect(_describe(kms, Limit=limit), REFUSED)


@pytest.mark.requirement("KMS-DESCRIBESTORE-003")
def test_bad_marker(kms: KmsClient) -> None:
    """A Marker that no page gave is an InvalidMarkerException."""
    control(_describe(kms, label="control: no Marker", Limit=1))
    reply = _describe(kms, Limit=1, Marker="no page gave this marker")
    expect(reply, refused("InvalidMarkerException"))


@pytest.mark.requirement("KMS-DESCRIBESTORE-004")
@cases("member", MEMBERS)
def test_members(kms: KmsClient, store: KeyStore, member: str) -> None:
    """The entry of an external key store has its six members."""
    reply, entry = _entry(kms, store)
    value, kind = entry.get(member), MEMBERS[member]
    if not isinstance(value, kind):
        violated(reply, f"{member}, of type {kind.__name__}", f"{member}: {value!r}")


@pytest.mark.requirement("KMS-DESCRIBESTORE-004")
def test_values(kms: KmsClient, provisioner: Provisioner) -> None:
    """Id, name, type and state are those of the key store."""
    store = provisioner.make_store(kms)
    reply, entry = _entry(kms, store)
    expected = {
        "CustomKeyStoreId": store.id,
        "CustomKeyStoreName": store.name,
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
    }
    _expect_members(reply, entry, expected)
    created = entry.get("CreationDate")
    if not isinstance(created, datetime) or not is_recent(created):
        violated(reply, "CreationDate: a moment ago", f"CreationDate: {created}")


def _expect_members(
    reply: KmsReply, found: dict[str, Any], expected: dict[str, str]
) -> None:
    for name, value in expected.items():
        if found.get(name) != value:
            violated(reply, f"{name}: {value!r}", f"{name}: {found.get(name)!r}")


@pytest.mark.requirement("KMS-DESCRIBESTORE-005")
def test_proxy_configuration(kms: KmsClient, provisioner: Provisioner) -> None:
    """XksProxyConfiguration says how KMS reaches the proxy, and has no VPC members."""
    store = provisioner.make_store(kms)
    reply, entry = _entry(kms, store)
    configuration = entry.get("XksProxyConfiguration") or {}
    expected = {
        "Connectivity": "PUBLIC_ENDPOINT",
        "AccessKeyId": store.proxy.credential["AccessKeyId"],
        "UriEndpoint": store.proxy.endpoint,
        "UriPath": store.proxy.uri_path,
    }
    _expect_members(reply, configuration, expected)
    extra = sorted(m for m in configuration if m.startswith("Vpc"))
    if extra:
        violated(reply, "no VpcEndpointService members", ", ".join(extra))


@pytest.mark.requirement("KMS-DESCRIBESTORE-006")
def test_secret_is_not_returned(kms: KmsClient, store: KeyStore) -> None:
    """The secret access key is nowhere in the answer."""
    reply, _ = _entry(kms, store)
    received = reply.exchange.received
    secret = store.proxy.credential["RawSecretAccessKey"]
    if received and secret.encode() in received.body:
        violated(
            reply,
            "an answer without the secret access key",
            "an answer with it",
            note="Whoever may list key stores could then sign requests to the proxy.",
        )


@pytest.mark.requirement("KMS-DESCRIBESTORE-007")
def test_no_cloudhsm_members(kms: KmsClient, store: KeyStore) -> None:
    """CloudHsmClusterId and TrustAnchorCertificate are absent."""
    reply, entry = _entry(kms, store)
    extra = {"CloudHsmClusterId", "TrustAnchorCertificate"} & set(entry)
    if extra:
        violated(reply, "no member of an AWS CloudHSM key store", ", ".join(extra))


@pytest.mark.requirement("KMS-DESCRIBESTORE-008")
@cases("state", ["new", "connected", "failed"], stores=1)
def test_connection_state(kms: KmsClient, provisioner: Provisioner, state: str) -> None:
    """ConnectionState is one of the five documented values, in capitals."""
    store = (
        failed_store(kms, provisioner)
        if state == "failed"
        else provisioner.make_store(kms)
    )
    if state == "connected":
        control(kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id))
    reply, entry = _entry(kms, store)
    found = entry.get("ConnectionState")
    if found not in STATES:
        violated(reply, sorted(STATES), f"{found!r}")


def _vpc_configuration(
    kms: KmsClient, vpc_service: VpcService
) -> tuple[KmsReply, dict[str, Any]]:
    """What is said of a key store with VPC endpoint service connectivity."""
    reply = _describe(kms, CustomKeyStoreId=vpc_service.behind().id)
    control(reply)
    entry = (_entries(reply) or [{}])[0]
    return reply, entry.get("XksProxyConfiguration") or {}


@pytest.mark.requirement("KMS-DESCRIBESTORE-009")
def test_vpc_endpoint(kms: KmsClient, vpc_service: VpcService) -> None:
    """UriEndpoint is the private DNS name of the service, after https://."""
    reply, configuration = _vpc_configuration(kms, vpc_service)
    _expect_members(reply, configuration, {"UriEndpoint": vpc_service.endpoint})


@pytest.mark.requirement("KMS-DESCRIBESTORE-011")
def test_vpc_endpoint_service(kms: KmsClient, vpc_service: VpcService) -> None:
    """Connectivity, and the name and owner of the VPC endpoint service, are shown."""
    reply, configuration = _vpc_configuration(kms, vpc_service)
    expected = {
        "Connectivity": "VPC_ENDPOINT_SERVICE",
        "VpcEndpointServiceName": vpc_service.name,
    }
    _expect_members(reply, configuration, expected)
    owner = configuration.get("VpcEndpointServiceOwner")
    if not isinstance(owner, str) or len(owner) != 12 or not owner.isdigit():
        violated(
            reply, "VpcEndpointServiceOwner: an account of 12 digits", f"{owner!r}"
        )
