"""DeleteCustomKeyStore: which key stores can go, and what is left of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..client.cases import cases
from ..client.expect import (
    SUCCEEDS,
    control,
    expect,
    refused,
    require_asked,
    violated,
)
from ..client.key_stores import creation
from .store_states import NO_STORE, failed_store, pages

if TYPE_CHECKING:
    from ..client.expect import Outcome
    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

HAS_KEYS = refused("CustomKeyStoreHasCMKsException")
NOT_FOUND = refused("CustomKeyStoreNotFoundException")


def _delete(kms: KmsClient, store: KeyStore, label: str = "") -> KmsReply:
    return kms.call("DeleteCustomKeyStore", CustomKeyStoreId=store.id, label=label)


@pytest.mark.requirement("KMS-DELETESTORE-001")
@cases(("parameters", "outcome"), NO_STORE, stores=1)
def test_no_store(
    kms: KmsClient,
    provisioner: Provisioner,
    parameters: dict[str, str],
    outcome: Outcome,
) -> None:
    """A call without a CustomKeyStoreId is refused, and one of no store not found."""
    control(_delete(kms, provisioner.make_store(kms), "control: a key store"))
    expect(kms.call("DeleteCustomKeyStore", **parameters), outcome)


@pytest.mark.requirement("KMS-DELETESTORE-002")
def test_store_with_key(kms: KmsClient, provisioner: Provisioner) -> None:
    """A key store with a key is a CustomKeyStoreHasCMKsException.

    A key that is scheduled for deletion counts until it is deleted.
    """
    # A store of its own: it may be deleted by mistake. Another key would count as well.
    store = provisioner.keyed_store(kms, "to-delete")
    key = provisioner.make_key(kms, store, alone=True)
    schedule = partial(kms.call, "ScheduleKeyDeletion", KeyId=key.key_id)
    control(schedule(PendingWindowInDays=7))
    provisioner.disconnect(kms, store)
    empty = provisioner.make_store(kms)
    control(_delete(kms, empty, "control: a key store without keys"))
    expect(_delete(kms, store), HAS_KEYS, note="Its key is pending deletion.")
    for operation in ("CancelKeyDeletion", "EnableKey"):
        control(kms.call(operation, KeyId=key.key_id, label=f"control: {operation}"))
    expect(_delete(kms, store), HAS_KEYS, note="Its key is enabled.")


@pytest.mark.requirement("KMS-DELETESTORE-003")
@cases("state", ["connected", "failed"], stores=1)
def test_store_not_disconnected(
    kms: KmsClient, provisioner: Provisioner, state: str
) -> None:
    """A CONNECTED or FAILED key store is a CustomKeyStoreInvalidStateException."""
    store = (
        failed_store(kms, provisioner)
        if state == "failed"
        else provisioner.make_store(kms, connect=True)
    )
    expect(_delete(kms, store), refused("CustomKeyStoreInvalidStateException"))
    provisioner.disconnect(kms, store)
    control(_delete(kms, store, "control: once it is disconnected"))


@pytest.mark.requirement("KMS-DELETESTORE-004")
def test_proxy_is_left_alone(kms: KmsClient, provisioner: Provisioner) -> None:
    """A DISCONNECTED key store without keys is deleted; its proxy is not called."""
    store = provisioner.make_store(kms, connect=True)
    provisioner.disconnect(kms, store)
    require_asked(store.proxy)
    with store.proxy.watching() as asked:
        reply = _delete(kms, store)
        expect(reply, SUCCEEDS)
        heard = asked()
    if heard:
        operations = ", ".join(request.operation for request in heard)
        violated(reply, "no request to the proxy", f"requests: {operations}")


@pytest.mark.requirement("KMS-DELETESTORE-005")
@cases("member", ["CustomKeyStoreId", "CustomKeyStoreName"], stores=1)
def test_deleted_store_is_not_found(
    kms: KmsClient, provisioner: Provisioner, member: str
) -> None:
    """The id and the name of a deleted store are a CustomKeyStoreNotFoundException."""
    store = provisioner.make_store(kms)
    filters = {"CustomKeyStoreId": store.id, "CustomKeyStoreName": store.name}
    wanted = {member: filters[member]}
    control(kms.call("DescribeCustomKeyStores", label="control: before", **wanted))
    control(_delete(kms, store))
    expect(kms.call("DescribeCustomKeyStores", **wanted), NOT_FOUND)


@pytest.mark.requirement("KMS-DELETESTORE-005")
def test_deleted_store_is_not_listed(kms: KmsClient, provisioner: Provisioner) -> None:
    """A list of all key stores has a deleted one no longer."""
    store = provisioner.make_store(kms)
    control(_delete(kms, store))
    for reply in pages(kms):
        stores = reply.document.get("CustomKeyStores") or []
        if store.id in [each.get("CustomKeyStoreId") for each in stores]:
            violated(reply, f"a list without {store.id}", "a list with it")


@pytest.mark.requirement("KMS-DELETESTORE-006")
def test_proxy_can_be_attached_again(kms: KmsClient, provisioner: Provisioner) -> None:
    """Name, endpoint, path and credential of a deleted key store are free again."""
    store = provisioner.make_store(kms)
    control(_delete(kms, store))
    reply = kms.call("CreateCustomKeyStore", **creation(store.proxy, store.name))
    provisioner.adopt(reply, store.proxy, store.name)
    expect(reply, SUCCEEDS)
