"""Managing KMS keys in an external key store."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.session import require

from ..client.cases import cases, make_new_key
from ..client.expect import (
    REFUSED,
    control,
    expect,
    expect_member,
    require_asked,
    success,
    violated,
)
from ..client.key_operations import OPERATIONS, policy_of
from .creator import key_ids
from .states import KeyState, expect_key_state, expect_state_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .creator import Creator
    from .parting import Parting
    from .states import States

HOUR = timedelta(hours=1)


def _metadata(reply: KmsReply) -> Mapping[str, object]:
    """The KeyMetadata of a call that is not the one in question."""
    return dict(control(reply).get("KeyMetadata") or {})


def _describe(kms: KmsClient, key_id: str) -> KmsReply:
    return kms.call("DescribeKey", KeyId=key_id)


def _expect_silence(reply: KmsReply, requests: Iterable[ProxyRequest]) -> None:
    """The proxy was asked nothing; a health check from time to time is KMS's own."""
    asked = [r.target for r in requests if r.operation != "health"]
    if asked:
        violated(reply, "no request to the proxy", ", ".join(asked))


# -- DescribeKey, ListKeys ------------------------------------------------------------


@pytest.mark.requirement("KMS-KEYMGMT-001")
@cases("member", ["KeyId", "Arn"])
def test_description_of_a_key(creator: Creator, kms: KmsClient, member: str) -> None:
    """DescribeKey returns what CreateKey returned, by key id and by ARN."""
    expected = _metadata(creator.call())
    # The state is another requirement's.
    expected = {n: v for n, v in expected.items() if n not in {"KeyState", "Enabled"}}
    reply = _describe(kms, str(expected[member]))
    found = success(reply).get("KeyMetadata") or {}
    wrong = {n: found.get(n) for n, value in expected.items() if found.get(n) != value}
    if wrong:
        violated(reply, str({name: expected[name] for name in wrong}), str(wrong))


@pytest.mark.requirement("KMS-KEYMGMT-001")
@cases("state", KeyState)
def test_description_in_a_state(
    kms: KmsClient, states: States, state: KeyState
) -> None:
    """DescribeKey names the store and the external key in every key state."""
    key = states.subject(state).key
    reply = _describe(kms, key.key_id)
    found = success(reply).get("KeyMetadata") or {}
    shown = found.get("CustomKeyStoreId"), found.get("XksKeyConfiguration")
    expected = key.store.id, {"Id": key.external_key.id}
    if shown != expected:
        violated(
            reply,
            "CustomKeyStoreId {!r}, XksKeyConfiguration {!r}".format(*expected),
            "CustomKeyStoreId {!r}, XksKeyConfiguration {!r}".format(*shown),
        )


@pytest.mark.requirement("KMS-KEYMGMT-002")
def test_description_asks_no_proxy(
    kms: KmsClient, key: Key, probe_proxy: ProbeProxy
) -> None:
    """DescribeKey asks the proxy nothing."""
    require_asked(key.store.proxy)
    with probe_proxy.watching() as asked:
        reply = _describe(kms, key.key_id)
        control(reply)
        _expect_silence(reply, asked())


@pytest.mark.requirement("KMS-KEYMGMT-003")
@cases("state", KeyState)
def test_enabled_member(kms: KmsClient, states: States, state: KeyState) -> None:
    """The member Enabled is true for a key that is Enabled, and for no other."""
    reply = _describe(kms, states.subject(state).key.key_id)
    found, expected = _metadata(reply).get("Enabled"), state is KeyState.ENABLED
    if found is not expected:
        violated(reply, f"Enabled: {expected}", f"Enabled: {found}")


@pytest.mark.requirement("KMS-KEYMGMT-004")
def test_list_of_keys(kms: KmsClient, new_key: Key) -> None:
    """ListKeys lists the keys in external key stores as well."""
    if new_key.key_id not in set(key_ids(kms)):
        reply = kms.call("ListKeys")
        violated(reply, f"the key {new_key.key_id} in the list", "a list without it")


# -- EnableKey, DisableKey ------------------------------------------------------------


@pytest.mark.requirement("KMS-KEYMGMT-005")
@pytest.mark.parametrize("operation", ["DisableKey", "EnableKey"])
def test_enabling_asks_no_proxy(
    kms: KmsClient, states: States, probe_proxy: ProbeProxy, operation: str
) -> None:
    """EnableKey and DisableKey ask the proxy nothing, and change no external key."""
    state = KeyState.ENABLED if operation == "DisableKey" else KeyState.DISABLED
    key = states.subject(state, OPERATIONS[operation]).key
    require_asked(key.store.proxy)
    with probe_proxy.watching() as asked:
        reply = kms.call(operation, KeyId=key.key_id)
        control(reply)
        _expect_silence(reply, asked())


# -- as for standard keys -------------------------------------------------------------


@pytest.mark.requirement("KMS-KEYMGMT-006")
def test_alias(kms: KmsClient, key: Key, new_key: Key, alias: str) -> None:
    """A key can have an alias, which is listed, and can be moved and removed."""
    success(kms.call("CreateAlias", AliasName=alias, TargetKeyId=new_key.key_id))
    _expect_alias(kms, alias, new_key)
    success(kms.call("UpdateAlias", AliasName=alias, TargetKeyId=key.key_id))
    _expect_alias(kms, alias, key)
    success(kms.call("DeleteAlias", AliasName=alias))
    expect(_describe(kms, alias), REFUSED)


def _expect_alias(kms: KmsClient, alias: str, key: Key) -> None:
    """An alias is listed with a key and means it."""
    reply = kms.call("ListAliases", KeyId=key.key_id)
    names = [entry.get("AliasName") for entry in success(reply).get("Aliases") or []]
    if alias not in names:
        violated(reply, f"the alias {alias}", f"the aliases {names}")
    reply = _describe(kms, alias)
    found = (success(reply).get("KeyMetadata") or {}).get("Arn")
    if found != key.arn:
        violated(reply, f"the key {key.arn}", f"the key {found}")


@pytest.mark.requirement("KMS-KEYMGMT-006")
def test_tags(kms: KmsClient, new_key: Key) -> None:
    """A key can be tagged and untagged."""
    key_id = new_key.key_id
    tag = {"TagKey": "Project", "TagValue": "Alpha"}
    success(kms.call("TagResource", KeyId=key_id, Tags=[tag]))
    _expect_tags(kms, key_id, {"Project": "Alpha"})
    success(kms.call("UntagResource", KeyId=key_id, TagKeys=["Project"]))
    _expect_tags(kms, key_id, {})


def _expect_tags(kms: KmsClient, key_id: str, expected: Mapping[str, str]) -> None:
    reply = kms.call("ListResourceTags", KeyId=key_id)
    tags = success(reply).get("Tags") or []
    found = {tag.get("TagKey"): tag.get("TagValue") for tag in tags}
    if found != expected:
        violated(reply, f"the tags {expected}", f"the tags {found}")


@pytest.mark.requirement("KMS-KEYMGMT-006")
def test_policy(kms: KmsClient, new_key: Key) -> None:
    """A key has one policy, default, which can be replaced."""
    policy = policy_of(new_key.arn, "replaced")
    default = {"KeyId": new_key.key_id, "PolicyName": "default"}
    success(kms.call("PutKeyPolicy", Policy=json.dumps(policy), **default))
    reply = kms.call("GetKeyPolicy", **default)
    found = str(success(reply).get("Policy"))
    if '"replaced"' not in found:
        violated(reply, f"the policy {policy}", f"the policy {found}")
    reply = kms.call("ListKeyPolicies", KeyId=new_key.key_id)
    expect_member(reply, "PolicyNames", ["default"])


@pytest.mark.requirement("KMS-KEYMGMT-006")
def test_grants(kms: KmsClient, new_key: Key) -> None:
    """A grant for a key can be made, is listed, and can be revoked."""
    _, partition, _, _, account, *_ = new_key.arn.split(":")
    reply = kms.call(
        "CreateGrant",
        KeyId=new_key.key_id,
        GranteePrincipal=f"arn:{partition}:iam::{account}:root",
        Operations=["Encrypt", "Decrypt"],
    )
    grant_id = success(reply).get("GrantId")
    if grant_id not in _grants(kms, new_key):
        violated(reply, f"ListGrants lists {grant_id}", "it does not")
    reply = kms.call("RevokeGrant", KeyId=new_key.key_id, GrantId=grant_id)
    success(reply)
    if grant_id in _grants(kms, new_key):
        violated(reply, f"ListGrants does not list {grant_id}", "it does")


def _grants(kms: KmsClient, key: Key) -> list[object]:
    grants = success(kms.call("ListGrants", KeyId=key.key_id)).get("Grants") or []
    return [grant.get("GrantId") for grant in grants]


@pytest.mark.requirement("KMS-KEYMGMT-006")
def test_new_description(kms: KmsClient, new_key: Key) -> None:
    """The description of a key can be changed."""
    text = "For the tokens of summer"
    reply = kms.call("UpdateKeyDescription", KeyId=new_key.key_id, Description=text)
    success(reply)
    shown = _metadata(_describe(kms, new_key.key_id)).get("Description")
    if shown != text:
        violated(reply, f"Description: {text!r}", f"Description: {shown!r}")


@pytest.mark.requirement("KMS-KEYMGMT-013")
def test_alias_to_and_from_a_standard_key(
    kms: KmsClient, provisioner: Provisioner, key: Key, alias: str
) -> None:
    """An alias can be moved from a standard key to one in the store, and back."""
    require(kms.target, "standard_keys")
    created = kms.call("CreateKey", label="control: a standard key")
    provisioner.adopt_key(created)
    standard = str(_metadata(created)["KeyId"])
    reply = kms.call("CreateAlias", AliasName=alias, TargetKeyId=standard)
    control(reply)
    for target in (key.key_id, standard):
        success(kms.call("UpdateAlias", AliasName=alias, TargetKeyId=target))
        reply = _describe(kms, alias)
        found = _metadata(reply).get("KeyId")
        if found != target:
            violated(reply, f"the key {target}", f"the key {found}")


# -- deletion -------------------------------------------------------------------------


def _expect_named(reply: KmsReply, key: Key) -> None:
    """The answer names the key, by its ARN or its ID."""
    found = success(reply).get("KeyId")
    if found not in {key.arn, key.key_id}:
        violated(reply, f"KeyId: {key.arn!r}", f"KeyId: {found!r}")


@pytest.mark.requirement("KMS-KEYMGMT-007")
@cases("days", [7, 30, pytest.param(None, id="30 by default")], new_key=make_new_key)
def test_waiting_period(kms: KmsClient, new_key: Key, days: int | None) -> None:
    """A key waits 7 to 30 days for its deletion, 30 by default."""
    created = _metadata(_describe(kms, new_key.key_id)).get("CreationDate")
    given: dict[str, Any] = {} if days is None else {"PendingWindowInDays": days}
    reply = kms.call("ScheduleKeyDeletion", KeyId=new_key.key_id, **given)
    _expect_named(reply, new_key)
    expect_member(reply, "KeyState", "PendingDeletion")
    expect_member(reply, "PendingWindowInDays", days or 30)
    expect_key_state(kms, new_key, "PendingDeletion")
    reply = _describe(kms, new_key.key_id)
    due = _metadata(reply).get("DeletionDate")
    if not isinstance(due, datetime) or not isinstance(created, datetime):
        violated(reply, "DeletionDate: a time", f"DeletionDate: {due!r}")
    wait = timedelta(days=days or 30)
    if not wait - HOUR <= due - created <= wait + 25 * HOUR:
        violated(reply, f"DeletionDate: {wait} from now", f"{due - created} from now")


@pytest.mark.requirement("KMS-KEYMGMT-007")
@cases("days", [0, 6, 31, 366])
def test_bad_waiting_period(kms: KmsClient, states: States, days: int) -> None:
    """Less than 7 or more than 30 days are refused."""
    schedule = OPERATIONS["ScheduleKeyDeletion"]
    first = states.subject(KeyState.ENABLED, schedule)
    control(states.call(schedule, first, "control: 7 days"))
    key = states.subject(KeyState.ENABLED, schedule).key
    reply = kms.call(schedule.name, KeyId=key.key_id, PendingWindowInDays=days)
    expect(reply, REFUSED)


@pytest.mark.requirement("KMS-KEYMGMT-007")
def test_deletion_asks_no_proxy(
    kms: KmsClient, new_key: Key, probe_proxy: ProbeProxy
) -> None:
    """ScheduleKeyDeletion asks the proxy nothing."""
    require_asked(new_key.store.proxy)
    with probe_proxy.watching() as asked:
        reply = kms.call(
            "ScheduleKeyDeletion", KeyId=new_key.key_id, PendingWindowInDays=7
        )
        control(reply)
        _expect_silence(reply, asked())


@pytest.mark.requirement("KMS-KEYMGMT-008")
def test_cancelled_deletion(kms: KmsClient, states: States) -> None:
    """CancelKeyDeletion leaves the key Disabled, and EnableKey makes it usable."""
    cancel = OPERATIONS["CancelKeyDeletion"]
    subject = states.subject(KeyState.PENDING_DELETION, cancel)
    reply = states.call(cancel, subject)
    _expect_named(reply, subject.key)
    expect_key_state(kms, subject.key, "Disabled")
    reply = _describe(kms, subject.key.key_id)
    due = _metadata(reply).get("DeletionDate")
    if due is not None:
        violated(reply, "no DeletionDate", f"DeletionDate: {due}")
    success(kms.call("EnableKey", KeyId=subject.key.key_id))
    success(kms.call("Encrypt", KeyId=subject.key.key_id, Plaintext=b"Ten Tokens"))


@pytest.mark.requirement("KMS-KEYMGMT-008")
def test_cancelled_while_disconnected(parting: Parting) -> None:
    """CancelKeyDeletion works while the store is disconnected."""
    key = parting.of(KeyState.PENDING_DELETION, "CancelKeyDeletion")
    if key.changed:
        success(key.changed)
    expect_state_in(key.again, "Disabled")
