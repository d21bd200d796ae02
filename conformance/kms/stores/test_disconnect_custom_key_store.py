"""DisconnectCustomKeyStore, and what it means for the keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases
from ..client.expect import SUCCEEDS, control, expect, refused, require_asked, violated
from ..client.judging import judge
from ..client.key_stores import connection_state_of
from ..keys.creator import Creator
from ..keys.states import KeyState, expect_state_in
from .store_states import (
    NO_STORE,
    expect_state_of_store,
    failed_store,
    settled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.expect import Outcome
    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from ..keys.parting import Parting


def _disconnect(kms: KmsClient, store: KeyStore, label: str = "") -> KmsReply:
    return kms.call("DisconnectCustomKeyStore", CustomKeyStoreId=store.id, label=label)


@pytest.fixture
def other_key(kms: KmsClient, provisioner: Provisioner, other_store: KeyStore) -> Key:
    """A key in a store that a check may disconnect; the store is connected."""
    del other_store
    return provisioner.shared_key(kms, "other")


@pytest.mark.requirement("KMS-DISCONNECT-001")
@cases(("parameters", "outcome"), NO_STORE, stores=1)
def test_no_store(
    kms: KmsClient,
    provisioner: Provisioner,
    parameters: dict[str, str],
    outcome: Outcome,
) -> None:
    """A call without a CustomKeyStoreId is refused, and one of no store not found."""
    store = provisioner.make_store(kms, connect=True)
    control(_disconnect(kms, store, "control: a key store"))
    expect(kms.call("DisconnectCustomKeyStore", **parameters), outcome)


@pytest.mark.requirement("KMS-DISCONNECT-002")
@cases("before", ["never-connected", "disconnected"], stores=1)
def test_disconnected_store(
    kms: KmsClient, provisioner: Provisioner, before: str
) -> None:
    """A DISCONNECTED key store is a CustomKeyStoreInvalidStateException."""
    store = provisioner.make_store(kms)
    if before == "disconnected":
        provisioner.connect(kms, store)
        provisioner.disconnect(kms, store)
    reply = _disconnect(kms, store)
    provisioner.connect(kms, store)
    control(_disconnect(kms, store, "control: once it is connected"))
    expect(reply, refused("CustomKeyStoreInvalidStateException"))


@pytest.mark.requirement("KMS-DISCONNECT-003")
@cases("state", ["connected", "connecting", "failed"], stores=1)
def test_store_that_can_be_disconnected(
    kms: KmsClient, provisioner: Provisioner, state: str
) -> None:
    """A key store can be disconnected that is CONNECTED, CONNECTING or FAILED.

    Where connecting takes no time, it is CONNECTED soon.
    """
    if state == "failed":
        store = failed_store(kms, provisioner)
    else:
        store = provisioner.make_store(kms, connect=state == "connected")
    if state == "connecting":
        control(kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id))
        if connection_state_of(kms, store.id) == "DISCONNECTED":
            raise NotTestable("ConnectCustomKeyStore left the key store DISCONNECTED.")
    expect(_disconnect(kms, store), SUCCEEDS)


@pytest.mark.requirement("KMS-DISCONNECT-004")
def test_final_state(kms: KmsClient, provisioner: Provisioner) -> None:
    """After DISCONNECTING a key store is DISCONNECTED."""
    store = provisioner.make_store(kms, connect=True)
    control(_disconnect(kms, store))
    expect_state_of_store(settled(kms, store), "DISCONNECTED")


@pytest.mark.requirement("KMS-DISCONNECT-005")
def test_proxy_is_left_alone(
    kms: KmsClient, provisioner: Provisioner, other_store: KeyStore, other_key: Key
) -> None:
    """The proxy of a DISCONNECTED key store is not called, whatever is asked of KMS.

    UpdateCustomKeyStore is not tried: another page says that it always asks the proxy.
    """
    encrypt: dict[str, Any] = {"KeyId": other_key.arn, "Plaintext": b"plaintext"}
    control(kms.call("Encrypt", label="control: while connected", **encrypt))
    require_asked(other_store.proxy)
    external_key = other_store.proxy.add_key()
    provisioner.disconnect(kms, other_store)
    create = Creator(kms, provisioner, other_store).call
    with other_store.proxy.watching() as asked:
        *_, reply = kms.side_by_side(
            [
                partial(
                    kms.call, "DescribeCustomKeyStores", CustomKeyStoreId=other_store.id
                ),
                partial(kms.call, "DescribeKey", KeyId=other_key.key_id),
                partial(create, XksKeyId=external_key.id),
                partial(kms.call, "Encrypt", **encrypt),
            ]
        )
        heard = asked()
    if heard:
        operations = ", ".join(request.operation for request in heard)
        violated(
            reply, "no request to the proxy", f"requests to the proxy: {operations}"
        )


@pytest.mark.requirement("KMS-DISCONNECT-006")
def test_key_becomes_unavailable(parting: Parting) -> None:
    """The keys of a disconnected key store are Unavailable."""
    expect_state_in(parting.of(KeyState.ENABLED).apart, "Unavailable")


@pytest.mark.requirement("KMS-DISCONNECT-006")
def test_pending_deletion_stays(parting: Parting) -> None:
    """A key that waits for its deletion is PendingDeletion in a disconnected store."""
    expect_state_in(parting.of(KeyState.PENDING_DELETION).apart, "PendingDeletion")


MANAGEMENT: Mapping[str, dict[str, Any]] = {
    "DescribeKey": {},
    "GetKeyPolicy": {"PolicyName": "default"},
    "UpdateKeyDescription": {"Description": "while disconnected"},
    "TagResource": {"Tags": [{"TagKey": "state", "TagValue": "disconnected"}]},
    "ScheduleKeyDeletion": {"PendingWindowInDays": 7},
}


@pytest.mark.requirement("KMS-DISCONNECT-007")
def test_key_can_be_managed(kms: KmsClient, provisioner: Provisioner) -> None:
    """A key in a disconnected key store can be viewed and managed."""
    keys = [provisioner.spare_key(kms, "other") for _ in MANAGEMENT]
    provisioner.part(kms)

    def manage(key: Key, operation: str) -> None:
        parameters = MANAGEMENT[operation]
        expect(kms.call(operation, KeyId=key.key_id, **parameters), SUCCEEDS)

    judge(
        kms,
        {
            operation: partial(manage, key, operation)
            for key, operation in zip(keys, MANAGEMENT, strict=True)
        },
    )


@pytest.mark.requirement("KMS-DISCONNECT-007")
def test_store_can_be_managed(kms: KmsClient, provisioner: Provisioner) -> None:
    """A disconnected key store can be viewed and renamed."""
    store = provisioner.make_store(kms, connect=True)
    provisioner.disconnect(kms, store)
    name = f"{store.name}-renamed"
    rename = kms.call(
        "UpdateCustomKeyStore", CustomKeyStoreId=store.id, NewCustomKeyStoreName=name
    )
    expect(rename, SUCCEEDS)
    expect(kms.call("DescribeCustomKeyStores", CustomKeyStoreName=name), SUCCEEDS)
