"""What operations answer in each state of a key in an external key store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_xks.kms.behaviour import PendingDeletion, UnavailableMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import AssertKmsError, Lab

WEEK = timedelta(days=7) / timedelta(milliseconds=1)
NOT_CONNECTED = (
    "This KMS key is in a custom key store that is not connected to its external key "
    "store proxy. Connect the external key store and try the request again."
)


def store_of(lab: Lab, key: str) -> str:
    """The store of a key."""
    return lab.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]


def disconnect(lab: Lab, key: str) -> str:
    """Disconnect the store of a key, and return its id."""
    store_id = store_of(lab, key)
    lab.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    return store_id


def management_calls(lab: Lab, key: str) -> dict[str, Callable[[], object]]:
    """Calls that manage a key and do not mind that its store is disconnected."""
    kms = lab.kms
    return {
        "DescribeKey": lambda: kms.describe_key(KeyId=key),
        "GetKeyPolicy": lambda: kms.get_key_policy(KeyId=key, PolicyName="default"),
        "PutKeyPolicy": lambda: kms.put_key_policy(
            KeyId=key, PolicyName="default", Policy="{}"
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
def test_a_key_can_be_managed(inner_lab: Lab, connected: bool):  # noqa: FBT001 - a case
    """Also while its store is disconnected, and whatever names the key."""
    key = inner_lab.create_key()
    if not connected:
        disconnect(inner_lab, key)
    for name in (key, key.partition("/")[2]):
        for call in management_calls(inner_lab, name).values():
            call()


def test_tags_and_grants_are_moto_s(inner_lab: Lab):
    """A key in a store has them as any key has."""
    key = inner_lab.create_key()
    kms = inner_lab.kms
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


def test_unavailable_while_disconnected(inner_lab: Lab):
    """And as before when the store is connected again; Enabled says the same."""
    key = inner_lab.create_key()
    metadata = inner_lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert ("Enabled", True) == (metadata["KeyState"], metadata["Enabled"])
    store_id = disconnect(inner_lab, key)
    metadata = inner_lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert ("Unavailable", False) == (metadata["KeyState"], metadata["Enabled"])
    inner_lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "Enabled" == inner_lab.key_state(key)


def test_enabling_and_disabling_an_unavailable_key(inner_lab: Lab):
    """It stays Unavailable, and the state asked for shows after the connection."""
    key = inner_lab.create_key()
    store_id = disconnect(inner_lab, key)
    inner_lab.kms.disable_key(KeyId=key)
    assert "Unavailable" == inner_lab.key_state(key)
    inner_lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "Disabled" == inner_lab.key_state(key)
    inner_lab.kms.enable_key(KeyId=key)
    assert "Enabled" == inner_lab.key_state(key)


def test_the_external_key_does_not_change_the_state(inner_lab: Lab):
    """Nor is it changed."""
    key = inner_lab.create_key()
    inner_lab.proxy.keys["usable"].disable()
    assert "Enabled" == inner_lab.key_state(key)


def test_deletion(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """Pending until the waiting period ends, connected or not; then gone for good."""
    key = inner_lab.create_key()
    inner_lab.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    disconnect(inner_lab, key)
    answer = inner_lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (key, "PendingDeletion", 7) == (
        answer["KeyId"],
        answer["KeyState"],
        answer["PendingWindowInDays"],
    )
    metadata = inner_lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert "PendingDeletion" == metadata["KeyState"]
    assert answer["DeletionDate"] == metadata["DeletionDate"]
    inner_lab.proxy.clock.advance(milliseconds=WEEK)
    for call in (
        lambda: inner_lab.kms.describe_key(KeyId=key),
        lambda: inner_lab.kms.cancel_key_deletion(KeyId=key),
        lambda: inner_lab.kms.encrypt(KeyId="alias/mine", Plaintext=b"x"),
    ):
        assert_kms_error(call, "NotFoundException")
    assert [] == inner_lab.kms.list_keys()["Keys"]
    types = [
        each["eventType"]
        for each in inner_lab.fake.cloudtrail
        if each["eventName"] == "DeleteKey"
    ]
    assert ["AwsServiceEvent"] == types


def test_a_cancelled_deletion(inner_lab: Lab):
    """Leaves the key Disabled, and nothing happens when the time would be over."""
    key = inner_lab.create_key()
    inner_lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert key == inner_lab.kms.cancel_key_deletion(KeyId=key)["KeyId"]
    inner_lab.proxy.clock.advance(milliseconds=WEEK)
    metadata = inner_lab.kms.describe_key(KeyId=key)["KeyMetadata"]
    assert "Disabled" == metadata["KeyState"]
    assert "DeletionDate" not in metadata


@pytest.mark.parametrize("days", [6, 31])
def test_waiting_periods(inner_lab: Lab, days: int, assert_kms_error: AssertKmsError):
    """From 7 to 30 days."""
    key = inner_lab.create_key()
    assert_kms_error(
        lambda: inner_lab.kms.schedule_key_deletion(
            KeyId=key, PendingWindowInDays=days
        ),
        "ValidationException",
    )


def test_pending_outlives_a_disconnection(inner_lab: Lab):
    """A pending key never shows Unavailable."""
    key = inner_lab.create_key()
    inner_lab.kms.schedule_key_deletion(KeyId=key)
    store_id = disconnect(inner_lab, key)
    assert "PendingDeletion" == inner_lab.key_state(key)
    inner_lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "PendingDeletion" == inner_lab.key_state(key)


def test_the_other_exception_for_a_pending_key(
    inner_lab: Lab, assert_kms_error: AssertKmsError
):
    """The key-state page has two, with one text."""
    inner_lab.fake.behaviour.pending_deletion = PendingDeletion.DISABLED
    key = inner_lab.create_key()
    inner_lab.kms.schedule_key_deletion(KeyId=key)
    assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "DisabledException",
        f"{key} is pending deletion (or pending replica deletion).",
    )


@pytest.mark.parametrize("failed", [True, False], ids=["failed", "disconnected"])
@pytest.mark.parametrize("switch", UnavailableMessage)
def test_the_message_of_an_unavailable_key(
    inner_lab: Lab,
    switch: UnavailableMessage,
    failed: bool,  # noqa: FBT001 - a case
    assert_kms_error: AssertKmsError,
):
    """Two documents have two; by default the state of the store decides."""
    inner_lab.fake.behaviour.unavailable_message = switch
    key = inner_lab.create_key()
    store_id = disconnect(inner_lab, key)
    if failed:
        with inner_lab.proxy.fault("InternalException"):
            inner_lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    by_key = {
        UnavailableMessage.BY_STATE: not failed,
        UnavailableMessage.KEY_STATE: True,
        UnavailableMessage.SPECIFICATION: False,
    }
    assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
        f"{key} is unavailable." if by_key[switch] else NOT_CONNECTED,
    )


def test_a_grant_on_a_disabled_key(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """Is refused, unless the key is Unavailable."""
    key = inner_lab.create_key()
    inner_lab.kms.disable_key(KeyId=key)
    create_grant = management_calls(inner_lab, key)["CreateGrant"]
    assert_kms_error(create_grant, "DisabledException", f"{key} is disabled.")
    disconnect(inner_lab, key)
    create_grant()
