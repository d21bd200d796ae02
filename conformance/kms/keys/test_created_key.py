"""CreateKey and the external key: what KMS asks, demands of it, and answers."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases, make_new_key
from ..client.expect import (
    REFUSED,
    control,
    control_refused,
    expect_message,
    is_recent,
    refused,
    require_asked,
    success,
    violated,
)
from .creator import key_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.reply import KmsReply
    from .creator import Creator

UNFIT = refused("XksKeyInvalidConfigurationException")
IN_USE = refused("XksKeyAlreadyInUseException")
CALLS = r"(health|keys/[^/?]+/(metadata|encrypt|decrypt))"
OTHER_SPEC: dict[str, Any] = {"key_spec": "RSA_2048"}
NOT_ENABLED: dict[str, Any] = {"status": "DISABLED"}
PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
"""How the Regions of a partition begin; "aws" has all others."""
NO_DECRYPT: dict[str, Any] = {"key_usage": ("ENCRYPT",)}


# -- what KMS asks --------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-014")
def test_only_metadata_is_asked(creator: Creator, probe_proxy: ProbeProxy) -> None:
    """CreateKey asks the proxy for the external key's metadata, and nothing else."""
    external_key = creator.store.proxy.add_key()
    with probe_proxy.watching() as asked:
        reply = creator.call(XksKeyId=external_key.id)
        control(reply)
        # KMS may look after the proxy's health at any time.
        paths = {r.path for r in asked() if r.operation != "health"}
    path = creator.store.proxy.uri_path
    expected = {f"{path}/keys/{external_key.id}/metadata"}
    if paths != expected:
        violated(reply, f"requests for {expected}", f"requests for {paths}")


@pytest.mark.requirement("KMS-CREATEKEY-015")
def test_external_key_id_as_it_is(creator: Creator) -> None:
    """The external key id reaches the proxy unchanged."""
    external_key = creator.store.proxy.add_key(_unique("Key.With_All-Chars.09"))
    creator.control()
    with creator.store.proxy.watching() as asked:
        reply = creator.call(XksKeyId=external_key.id)
        named = {_key_of(r) for r in asked() if r.operation != "health"}
    if named != {external_key.id}:
        violated(reply, f"the key {external_key.id}", f"the keys {named or 'none'}")


@pytest.mark.requirement("KMS-CREATEKEY-015")
def test_nearly_the_external_key_id(creator: Creator) -> None:
    """An id in another case means another key: here none, so CreateKey fails."""
    external_key = creator.store.proxy.add_key(_unique("Key-"))
    creator.refuses(REFUSED, XksKeyId=external_key.id.upper())


def _key_of(request: ProxyRequest) -> str:
    """The external key id in the path of a request."""
    return request.path.partition("/keys/")[2].rpartition("/")[0]


def _unique(text: str) -> str:
    """An external key id that no earlier run has used."""
    return f"{text}{secrets.token_hex(6)}"


@pytest.mark.requirement("KMS-CREATEKEY-036")
def test_the_external_key_is_left_alone(kms: KmsClient, new_key: Key) -> None:
    """Whatever becomes of a KMS key, the proxy gets no call but its four operations."""
    key_id = new_key.key_id
    for operation, parameters in (
        ("Encrypt", {"Plaintext": b"Ten Tokens"}),
        ("DisableKey", {}),
        ("EnableKey", {}),
        ("ScheduleKeyDeletion", {"PendingWindowInDays": 7}),
        ("CancelKeyDeletion", {}),
    ):
        reply = kms.call(operation, KeyId=key_id, **parameters)
        control(reply)
    require_asked(new_key.store.proxy)
    good = rf"{new_key.store.proxy.uri_path}/{CALLS}"
    strange = [
        f"{request.method} {request.target}"
        for request in new_key.store.proxy.requests
        if request.method != "POST" or not re.fullmatch(good, request.target)
    ]
    if strange:
        violated(reply, "the four calls of the proxy API", ", ".join(strange))


# -- what the external key must be ----------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-016")
@cases("spec", ["AES_128", "RSA_2048", "ECC_NIST_P256"])
def test_key_spec_of_the_external_key(creator: Creator, spec: str) -> None:
    """An external key that is not AES_256 is refused."""
    _refuses_external_key(creator, {"key_spec": spec})


@pytest.mark.requirement("KMS-CREATEKEY-017")
def test_status_of_the_external_key(creator: Creator) -> None:
    """An external key that is not ENABLED is refused."""
    _refuses_external_key(creator, NOT_ENABLED)


@pytest.mark.requirement("KMS-CREATEKEY-018")
@cases("usage", [("ENCRYPT",), ("DECRYPT",), ("SIGN", "VERIFY")])
def test_usage_of_the_external_key(creator: Creator, usage: tuple[str, ...]) -> None:
    """An external key that lacks ENCRYPT or DECRYPT is refused."""
    _refuses_external_key(creator, {"key_usage": usage})


@pytest.mark.requirement("KMS-CREATEKEY-018")
@cases(
    "usage",
    [("DECRYPT", "ENCRYPT"), ("SIGN", "DECRYPT", "WRAP", "ENCRYPT", "DERIVE")],
)
def test_more_usages(creator: Creator, usage: tuple[str, ...]) -> None:
    """An external key may have other usages too, in whatever order."""
    creator.control()
    external_key = creator.store.proxy.add_key(key_usage=usage)
    success(creator.call(XksKeyId=external_key.id))


@pytest.mark.requirement("KMS-CREATEKEY-019")
@cases(
    "properties",
    [
        pytest.param(OTHER_SPEC | NOT_ENABLED, id="spec and status"),
        pytest.param(OTHER_SPEC | NO_DECRYPT, id="spec and usage"),
        pytest.param(NOT_ENABLED | NO_DECRYPT, id="status and usage"),
        pytest.param(OTHER_SPEC | NOT_ENABLED | NO_DECRYPT, id="all three"),
    ],
)
def test_several_conditions_fail(
    creator: Creator, properties: Mapping[str, Any]
) -> None:
    """An external key that fails several conditions is refused as for one of them."""
    _refuses_external_key(creator, properties)


def _refuses_external_key(creator: Creator, properties: Mapping[str, Any]) -> None:
    """An external key with these properties is refused, and one without is not."""
    external_key = creator.store.proxy.add_key(**properties)
    creator.refuses(UNFIT, XksKeyId=external_key.id)


@pytest.mark.requirement("KMS-CREATEKEY-037")
@cases(
    ("properties", "message"),
    [
        pytest.param(
            OTHER_SPEC,
            "The key spec of the external key must be AES_256. The key spec of "
            "specified external key is <key-spec>.",
            id="spec",
        ),
        pytest.param(
            NOT_ENABLED,
            "The status of the external key must be ENABLED. The status of specified "
            "external key is <status>.",
            id="status",
        ),
        pytest.param(
            NO_DECRYPT,
            "The key usage of the external key must include ENCRYPT and DECRYPT. The "
            "key use of specified external key is <key-usage>.",
            id="usage",
        ),
    ],
)
def test_message_about_the_external_key(
    creator: Creator, properties: Mapping[str, Any], message: str
) -> None:
    """The message says what the external key must be, and what it is."""
    creator.control()
    external_key = creator.store.proxy.add_key(**properties)
    expect_message(control_refused(creator.call(XksKeyId=external_key.id)), message)


# -- one external key, one KMS key ----------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-020")
@cases(
    "enabled",
    [pytest.param(True, id="Enabled"), pytest.param(False, id="Disabled")],
    new_key=make_new_key,
)
def test_external_key_in_use(
    creator: Creator, kms: KmsClient, new_key: Key, *, enabled: bool
) -> None:
    """An external key that another KMS key of the store uses is refused."""
    if not enabled:
        control(kms.call("DisableKey", KeyId=new_key.key_id, label="control: disable"))
    creator.refuses(IN_USE, XksKeyId=new_key.external_key.id)


@pytest.mark.requirement("KMS-CREATEKEY-021")
def test_similar_external_key_id(creator: Creator) -> None:
    """Ids that differ in case, or that begin with another, are not in use."""
    external_key_id = _unique("Key-")
    for similar in (external_key_id, external_key_id.upper(), external_key_id[:-1]):
        creator.store.proxy.add_key(similar)
    creator.control(XksKeyId=external_key_id)
    for similar in (external_key_id.upper(), external_key_id[:-1]):
        success(creator.call(XksKeyId=similar))


@pytest.mark.requirement("KMS-CREATEKEY-022")
def test_external_key_of_another_store(
    creator: Creator, other_store: KeyStore, new_key: Key
) -> None:
    """An external key id that is in use in one store is free in another."""
    creator.control()
    external_key_id = new_key.external_key.id
    other_store.proxy.add_key(external_key_id)
    reply = creator.call(CustomKeyStoreId=other_store.id, XksKeyId=external_key_id)
    success(reply)


@pytest.mark.requirement("KMS-CREATEKEY-022")
def test_external_key_of_a_pending_key(
    creator: Creator, kms: KmsClient, new_key: Key
) -> None:
    """An external key stays in use while its KMS key is pending deletion."""
    control(
        kms.call(
            "ScheduleKeyDeletion",
            KeyId=new_key.key_id,
            PendingWindowInDays=7,
            label="control: schedule its deletion",
        )
    )
    creator.refuses(IN_USE, XksKeyId=new_key.external_key.id)


@pytest.mark.requirement("KMS-CREATEKEY-030")
def test_failure_reserves_nothing(creator: Creator) -> None:
    """An external key that was refused can be used once it is as it must be."""
    external_key = creator.store.proxy.add_key(**NOT_ENABLED)
    creator.control()
    control_refused(creator.call("a failure", XksKeyId=external_key.id))
    external_key.enable()
    success(creator.call(XksKeyId=external_key.id))


@pytest.mark.requirement("KMS-CREATEKEY-030")
def test_failure_leaves_no_key(creator: Creator, kms: KmsClient) -> None:
    """After a CreateKey that failed there are the same keys as before."""
    external_key = creator.store.proxy.add_key(**NOT_ENABLED)
    before = set(key_ids(kms))
    reply = control_refused(creator.call("a failure", XksKeyId=external_key.id))
    for key_id in set(key_ids(kms)) - before:
        shown = control(kms.call("DescribeKey", KeyId=key_id))["KeyMetadata"]
        if (shown.get("XksKeyConfiguration") or {}).get("Id") == external_key.id:
            violated(reply, "no key", f"the key {key_id} of {external_key.id}")


# -- the answer -----------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-031")
def test_enabled_at_once(creator: Creator) -> None:
    """A new key is Enabled."""
    reply = creator.call()
    _expect_members(reply, {"KeyState": "Enabled", "Enabled": True})


@pytest.mark.requirement("KMS-CREATEKEY-032")
def test_metadata(creator: Creator, kms: KmsClient) -> None:
    """KeyMetadata has the members and values of the documented example."""
    reply = creator.call()
    found = _expect_members(
        reply,
        {
            "CustomKeyStoreId": creator.store.id,
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": "",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": False,
            "Origin": "EXTERNAL_KEY_STORE",
        },
    )
    created, account = found.get("CreationDate"), str(found.get("AWSAccountId"))
    if not isinstance(created, int | float):
        violated(reply, "CreationDate: a number", f"CreationDate: {created!r}")
    shown = (control(reply).get("KeyMetadata") or {}).get("CreationDate")
    if not isinstance(shown, datetime) or not is_recent(shown):
        violated(reply, "CreationDate: a moment ago", f"CreationDate: {shown}")
    if not re.fullmatch(r"\d{12}", account):
        violated(reply, "AWSAccountId: 12 digits", f"AWSAccountId: {account!r}")
    region = kms.target.region
    partition = next((p for s, p in PARTITIONS if region.startswith(s)), "aws")
    arn = f"arn:{partition}:kms:{region}:{account}:key/{found.get('KeyId')}"
    if found.get("Arn") != arn:
        violated(reply, f"Arn: {arn!r}", f"Arn: {found.get('Arn')!r}")


NOT_TOLD = "status and no usage"


@pytest.mark.requirement("KMS-CREATEKEY-033")
@cases("operation", ["CreateKey", "DescribeKey"])
def test_xks_key_configuration(
    creator: Creator, kms: KmsClient, operation: str
) -> None:
    """XksKeyConfiguration has the external key's id, and no status and usage."""
    external_key = creator.store.proxy.add_key()
    reply = _answer(kms, creator.call(XksKeyId=external_key.id), operation)
    found = _expect_members(reply, {}).get("XksKeyConfiguration")
    members = found if isinstance(found, dict) else {}
    tells = [n for n in members if re.search("status|usage", n, re.IGNORECASE)]
    if members.get("Id") != external_key.id or tells:
        expected = f"XksKeyConfiguration with the Id {external_key.id!r}, no {NOT_TOLD}"
        violated(reply, expected, f"XksKeyConfiguration: {found!r}")


@pytest.mark.requirement("KMS-CREATEKEY-034")
@cases("operation", ["CreateKey", "DescribeKey"])
def test_members_of_other_keys(
    creator: Creator, kms: KmsClient, operation: str
) -> None:
    """What only other kinds of keys have is not there."""
    reply = _answer(kms, creator.call(), operation)
    absent = (
        "CloudHsmClusterId",
        "CurrentKeyMaterialId",
        "DeletionDate",
        "ExpirationModel",
        "KeyAgreementAlgorithms",
        "MacAlgorithms",
        "MultiRegionConfiguration",
        "PendingDeletionWindowInDays",
        "SigningAlgorithms",
        "ValidTo",
    )
    _expect_members(reply, dict.fromkeys(absent))


def _answer(kms: KmsClient, reply: KmsReply, operation: str) -> KmsReply:
    """The reply to CreateKey, or to DescribeKey of the new key."""
    metadata = control(reply)["KeyMetadata"]
    if operation == "CreateKey":
        return reply
    return kms.call("DescribeKey", KeyId=metadata["KeyId"])


def _expect_members(
    reply: KmsReply, expected: Mapping[str, object]
) -> dict[str, object]:
    """The KeyMetadata, whose members have these values; None for one that is absent."""
    control(reply)
    found: dict[str, object] = reply.raw.get("KeyMetadata") or {}
    wrong = {n: found.get(n) for n, value in expected.items() if found.get(n) != value}
    if wrong:
        violated(reply, str({name: expected[name] for name in wrong}), str(wrong))
    return found
