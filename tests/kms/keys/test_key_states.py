"""What operations answer in each state of a key in an external key store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_xks.kms.behaviour import PendingDeletion, UnavailableMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import AssertKmsError, System

WEEK = timedelta(days=7) / timedelta(milliseconds=1)
NOT_CONNECTED = (
    "This KMS key is in a custom key store that is not connected to its external key "
    "store proxy. Connect the external key store and try the request again."
)


def store_of(system: System, key: str) -> str:
    """The store of a key."""
    return system.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]


def disconnect(system: System, key: str) -> str:
    """Disconnect the store of a key, and return its id."""
    store_id = store_of(system, key)
    system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    return store_id


def management_calls(system: System, key: str) -> dict[str, Callable[[], object]]:
    """Calls that manage a key and do not mind that its store is disconnected."""
    kms = system.kms
    return {
        "DescribeKey": lambda: kms.describe_key(KeyId=key),
        "GetKeyPolicy": lambda: kms.get_key_policy(KeyId=key, PolicyName="default"),
        "PutKeyPolicy": lambda: kms.put_key_policy(
            KeyId=key, PolicyName="default", Policy='{"Statement": []}'
        ),
        "ListKeyPolicies": lambda: kms.list_key_policies(KeyId=key),
        "CreateAlias": lambda: kms.create_alias(AliasName="alias/a", TargetKeyId=key),
        "ListAliases": lambda: kms.list_aliases(KeyId=key),
        "UpdateAlias": lambda: kms.update_alias(AliasName="alias/a", TargetKeyId=key),
        "DeleteAlias": lambda: kms.delete_alias(AliasName="alias/a"),
        "CreateGrant": lambda: kms.create_grant(
            KeyId=key,
            GranteePrincipal="arn:aws:iam::123456789012:user/Alice",
            Operations=["Decrypt"],
        ),
        "ListGrants": lambda: kms.list_grants(KeyId=key),
        "TagResource": lambda: kms.tag_resource(
            KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]
        ),
        "ListResourceTags": lambda: kms.list_resource_tags(KeyId=key),
        "UntagResource": lambda: kms.untag_resource(KeyId=key, TagKeys=["a"]),
        "UpdateKeyDescription": lambda: kms.update_key_description(
            KeyId=key, Description="new"
        ),
        "ScheduleKeyDeletion": lambda: kms.schedule_key_deletion(KeyId=key),
        "CancelKeyDeletion": lambda: kms.cancel_key_deletion(KeyId=key),
        "EnableKey": lambda: kms.enable_key(KeyId=key),
    }


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "disconnected"])
def test_a_key_can_be_managed(local_system: System, connected: bool):  # noqa: FBT001 - a case
    """Also while its store is disconnected, and whatever names the key."""
    key = local_system.create_key()
    if not connected:
        disconnect(local_system, key)
    for name in (key, key.partition("/")[2]):
        for call in management_calls(local_system, name).values():
            call()


def test_tags_and_grants_are_moto_s(local_system: System):
    """A key in a store has them as any key has."""
    key = local_system.create_key()
    kms = local_system.kms
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert [{"TagKey": "a", "TagValue": "b"}] == kms.list_resource_tags(KeyId=key)[
        "Tags"
    ]
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal="arn:aws:iam::123456789012:user/Alice",
        Operations=["Decrypt"],
    )
    (listed,) = kms.list_grants(KeyId=key)["Grants"]
    assert grant["GrantId"] == listed["GrantId"]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert [] == kms.list_grants(KeyId=key)["Grants"]


def test_unavailable_while_disconnected(local_system: System):
    """And as before when the store is connected again; Enabled says the same."""
    key = local_system.create_key()
    metadata = local_system.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert ("Enabled", True) == (metadata["KeyState"], metadata["Enabled"])
    store_id = disconnect(local_system, key)
    metadata = local_system.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert ("Unavailable", False) == (metadata["KeyState"], metadata["Enabled"])
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "Enabled" == local_system.key_state(key)


def test_enabling_and_disabling_an_unavailable_key(local_system: System):
    """It stays Unavailable, and the state asked for shows after the connection."""
    key = local_system.create_key()
    store_id = disconnect(local_system, key)
    local_system.kms.disable_key(KeyId=key)
    assert "Unavailable" == local_system.key_state(key)
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "Disabled" == local_system.key_state(key)
    local_system.kms.enable_key(KeyId=key)
    assert "Enabled" == local_system.key_state(key)


def test_the_external_key_does_not_change_the_state(local_system: System):
    """Nor is it changed."""
    key = local_system.create_key()
    local_system.proxy.keys["usable"].disable()
    assert "Enabled" == local_system.key_state(key)


def test_deletion(local_system: System, assert_kms_error: AssertKmsError):
    """Pending until the waiting period ends, connected or not; then gone for good."""
    key = local_system.create_key()
    local_system.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    disconnect(local_system, key)
    answer = local_system.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (key, "PendingDeletion", 7) == (
        answer["KeyId"],
        answer["KeyState"],
        answer["PendingWindowInDays"],
    )
    metadata = local_system.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert "PendingDeletion" == metadata["KeyState"]
    assert answer["DeletionDate"] == metadata["DeletionDate"]
    local_system.proxy.clock.advance(milliseconds=WEEK)
    for call in (
        lambda: local_system.kms.describe_key(KeyId=key),
        lambda: local_system.kms.cancel_key_deletion(KeyId=key),
        lambda: local_system.kms.encrypt(KeyId="alias/mine", Plaintext=b"x"),
    ):
        assert_kms_error(call, "NotFoundException")
    assert [] == local_system.kms.list_keys()["Keys"]
    types = [
        each["eventType"]
        for each in local_system.fake.cloudtrail
        if each["eventName"] == "DeleteKey"
    ]
    assert ["AwsServiceEvent"] == types


def test_a_cancelled_deletion(local_system: System):
    """Leaves the key Disabled, and nothing happens when the time would be over."""
    key = local_system.create_key()
    local_system.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert key == local_system.kms.cancel_key_deletion(KeyId=key)["KeyId"]
    local_system.proxy.clock.advance(milliseconds=WEEK)
    metadata = local_system.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert "Disabled" == metadata["KeyState"]
    assert "DeletionDate" not in metadata


@pytest.mark.parametrize("days", [6, 31])
def test_waiting_periods(
    local_system: System, days: int, assert_kms_error: AssertKmsError
):
    """From 7 to 30 days."""
    key = local_system.create_key()
    assert_kms_error(
        lambda: local_system.kms.schedule_key_deletion(
            KeyId=key, PendingWindowInDays=days
        ),
        "ValidationException",
    )


def test_pending_outlives_a_disconnection(local_system: System):
    """A pending key never shows Unavailable."""
    key = local_system.create_key()
    local_system.kms.schedule_key_deletion(KeyId=key)
    store_id = disconnect(local_system, key)
    assert "PendingDeletion" == local_system.key_state(key)
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "PendingDeletion" == local_system.key_state(key)


def test_the_other_exception_for_a_pending_key(
    local_system: System, assert_kms_error: AssertKmsError
):
    """The key-state page has two, with one text."""
    local_system.fake.behaviour.pending_deletion = PendingDeletion.DISABLED
    key = local_system.create_key()
    local_system.kms.schedule_key_deletion(KeyId=key)
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "DisabledException",
        f"{key} is pending deletion (or pending replica deletion).",
    )


@pytest.mark.parametrize("failed", [True, False], ids=["failed", "disconnected"])
@pytest.mark.parametrize("switch", UnavailableMessage)
def test_the_message_of_an_unavailable_key(
    local_system: System,
    switch: UnavailableMessage,
    failed: bool,  # noqa: FBT001 - a case
    assert_kms_error: AssertKmsError,
):
    """Two documents have two; by default the state of the store decides."""
    local_system.fake.behaviour.unavailable_message = switch
    key = local_system.create_key()
    store_id = disconnect(local_system, key)
    if failed:
        with local_system.proxy.fault("InternalException"):
            local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    by_key = {
        UnavailableMessage.BY_STATE: not failed,
        UnavailableMessage.KEY_STATE: True,
        UnavailableMessage.SPECIFICATION: False,
    }
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
        f"{key} is unavailable." if by_key[switch] else NOT_CONNECTED,
    )


def test_a_grant_on_a_disabled_key(
    local_system: System, assert_kms_error: AssertKmsError
):
    """Is refused, unless the key is Unavailable."""
    key = local_system.create_key()
    local_system.kms.disable_key(KeyId=key)
    create_grant = management_calls(local_system, key)["CreateGrant"]
    assert_kms_error(create_grant, "DisabledException", f"{key} is disabled.")
    disconnect(local_system, key)
    create_grant()
