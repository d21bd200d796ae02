"""CreateKey in an external key store: its parameters, and the store's state."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.run.session import require

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    control,
    control_refused,
    expect,
    refused,
    success,
    violated,
)
from ..client.key_operations import policy_of
from ..client.key_stores import wait_while
from .creator import Creator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner

UNKNOWN_STORE = "cks-00000000000000000"
NOT_CONNECTED = refused("CustomKeyStoreInvalidStateException")
GOOD_METADATA = {
    "keySpec": "AES_256",
    "keyUsage": ["ENCRYPT", "DECRYPT"],
    "keyStatus": "ENABLED",
}
# A kind of KMS key that works, but not in a custom key store: its parameters.
KINDS: dict[str, dict[str, Any]] = {
    "RSA for encryption": {"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"},
    "RSA for signatures": {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
    "elliptic curve": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
    "key agreement": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    "HMAC": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "imported material": {"Origin": "EXTERNAL", "XksKeyId": None},
    "multi-Region": {"MultiRegion": True},
}


def _unique(text: str) -> str:
    """An external key id that no earlier run has used."""
    return f"{text}{secrets.token_hex(6)}"


# -- parameters -----------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-001")
@cases("member", ["Origin", "CustomKeyStoreId", "XksKeyId"])
def test_missing_parameter(creator: Creator, member: str) -> None:
    """Without one of the three parameters that it takes, no key is created."""
    creator.refuses(REFUSED, **{member: None})


@pytest.mark.requirement("KMS-CREATEKEY-002")
@cases(
    "make",
    [
        pytest.param(lambda: _unique("Key.With_All-Chars.09"), id="every character"),
        pytest.param(lambda: secrets.token_hex(64), id="128 characters"),
    ],
)
def test_good_external_key_id(creator: Creator, make: Callable[[], str]) -> None:
    """An XksKeyId has up to 128 letters, digits, hyphens, underscores and periods."""
    creator.control()
    with creator.store.proxy.answering(200, GOOD_METADATA, operation="metadata"):
        success(creator.call(XksKeyId=make()))


@pytest.mark.requirement("KMS-CREATEKEY-002")
@cases(
    "external_key_id",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 129, id="129 characters"),
        pytest.param("with space", id="space"),
        pytest.param("with/slash", id="slash"),
        pytest.param("with:colon", id="colon"),
        pytest.param("with+plus", id="plus"),
        pytest.param("with~tilde", id="tilde"),
        pytest.param("with-ümlaut", id="not ASCII"),
        pytest.param("with-line-feed\n", id="line feed at the end"),
    ],
)
def test_bad_external_key_id(creator: Creator, external_key_id: str) -> None:
    """An XksKeyId that breaks the pattern is refused, whatever the proxy would say."""
    proxy = creator.store.proxy
    with proxy.answering(200, GOOD_METADATA, operation="metadata"):
        creator.control()
        creator.refuses(REFUSED, XksKeyId=external_key_id)


@pytest.mark.requirement("KMS-CREATEKEY-002")
@cases("origin", ["AWS_KMS", "EXTERNAL"])
def test_external_key_id_with_another_origin(creator: Creator, origin: str) -> None:
    """An XksKeyId is refused with any origin but EXTERNAL_KEY_STORE."""
    creator.refuses(REFUSED, Origin=origin, CustomKeyStoreId=None)


@pytest.mark.requirement("KMS-CREATEKEY-003")
def test_unknown_store(creator: Creator) -> None:
    """The id of no store is a CustomKeyStoreNotFoundException."""
    creator.refuses(
        refused("CustomKeyStoreNotFoundException"), CustomKeyStoreId=UNKNOWN_STORE
    )


@pytest.mark.requirement("KMS-CREATEKEY-004")
def test_store_never_connected(
    kms: KmsClient, provisioner: Provisioner, creator: Creator
) -> None:
    """In a store that was never connected no key is created."""
    creator.control()
    other = Creator(kms, provisioner, provisioner.make_store(kms))
    expect(other.call(), NOT_CONNECTED)


@pytest.mark.requirement("KMS-CREATEKEY-004")
def test_store_disconnected(
    kms: KmsClient, provisioner: Provisioner, parted_key: Key
) -> None:
    """In a store that is disconnected no key is created."""
    expect(Creator(kms, provisioner, parted_key.store).call(), NOT_CONNECTED)


@pytest.mark.requirement("KMS-CREATEKEY-004")
def test_store_failed(
    kms: KmsClient, provisioner: Provisioner, creator: Creator
) -> None:
    """In a store whose connection failed no key is created."""
    creator.control()
    failed = provisioner.make_store(kms)
    with failed.proxy.failing("InternalException", 500):
        kms.call("ConnectCustomKeyStore", CustomKeyStoreId=failed.id, label="fails")
        state = wait_while(kms, failed.id, "CONNECTING")
    if state != "FAILED":
        raise NotTestable("A store whose proxy fails does not become FAILED.")
    expect(Creator(kms, provisioner, failed).call(), NOT_CONNECTED)


@pytest.mark.requirement("KMS-CREATEKEY-005")
@cases("member", ["KeySpec", "CustomerMasterKeySpec"])
def test_key_spec(creator: Creator, member: str) -> None:
    """KeySpec, or its old name, may be SYMMETRIC_DEFAULT, and is so without it."""
    _expect_member(creator, member, given="SYMMETRIC_DEFAULT")


@pytest.mark.requirement("KMS-CREATEKEY-005")
@cases("member", ["KeySpec", "CustomerMasterKeySpec"])
def test_another_key_spec(creator: Creator, member: str) -> None:
    """No other key spec is accepted, nor by its old name."""
    creator.refuses(REFUSED, KeyUsage="ENCRYPT_DECRYPT", **{member: "RSA_2048"})


@pytest.mark.requirement("KMS-CREATEKEY-006")
def test_key_usage(creator: Creator) -> None:
    """KeyUsage may be ENCRYPT_DECRYPT, and is so without it."""
    _expect_member(creator, "KeyUsage", given="ENCRYPT_DECRYPT")


@pytest.mark.requirement("KMS-CREATEKEY-006")
@cases("usage", ["SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"])
def test_another_key_usage(creator: Creator, usage: str) -> None:
    """No other key usage is accepted."""
    creator.refuses(REFUSED, KeyUsage=usage)


@pytest.mark.requirement("KMS-CREATEKEY-007")
def test_multi_region(creator: Creator) -> None:
    """MultiRegion may be false, and is so without it."""
    _expect_member(creator, "MultiRegion", given=False)


@pytest.mark.requirement("KMS-CREATEKEY-007")
def test_multi_region_key(creator: Creator) -> None:
    """MultiRegion may not be true."""
    creator.refuses(REFUSED, MultiRegion=True)


def _expect_member(creator: Creator, member: str, *, given: object) -> None:
    """A member may be given its only value, and has it in the answer either way."""
    creator.control()
    for changes in ({}, {member: given}):
        reply = creator.call(**changes)
        metadata = success(reply).get("KeyMetadata") or {}
        if metadata.get(member) != given:
            found = metadata.get(member)
            violated(reply, f"{member}: {given!r}", f"{member}: {found!r}")


@pytest.mark.requirement("KMS-CREATEKEY-009")
@cases("kind", KINDS)
def test_another_kind_of_key(creator: Creator, kind: str) -> None:
    """Asymmetric, HMAC, imported and multi-Region keys are not made in the store."""
    creator.refuses(REFUSED, **KINDS[kind])


@pytest.mark.requirement("KMS-CREATEKEY-010")
@cases(
    "defect",
    [
        pytest.param({"Origin": None}, id="no origin"),
        pytest.param({"CustomKeyStoreId": None}, id="no store"),
        pytest.param({"XksKeyId": None}, id="no external key"),
        pytest.param({"Origin": "AWS_KMS", "XksKeyId": None}, id="AWS_KMS in a store"),
        pytest.param(
            {"Origin": "AWS_KMS", "CustomKeyStoreId": None}, id="XksKeyId for AWS_KMS"
        ),
        pytest.param(
            {"Origin": "AWS_CLOUDHSM", "XksKeyId": None}, id="AWS_CLOUDHSM in a store"
        ),
        *(pytest.param(changes, id=kind) for kind, changes in KINDS.items()),
    ],
)
def test_exception_for_a_combination(
    creator: Creator, defect: Mapping[str, Any]
) -> None:
    """What does not go together is one of two exceptions; none is documented.

    ValidationException or UnsupportedOperationException.
    """
    reply = control_refused(creator.call(**defect))
    expect(reply, refused("ValidationException", "UnsupportedOperationException"))


# -- optional parameters --------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-011")
@cases(
    "description",
    [
        pytest.param("Sales & Marketing, 2026", id="short"),
        pytest.param("d" * 8192, id="8192 characters"),
    ],
)
def test_description(creator: Creator, kms: KmsClient, description: str) -> None:
    """The Description is the key's."""
    creator.control()
    metadata = success(creator.call(Description=description))["KeyMetadata"]
    reply = kms.call("DescribeKey", KeyId=metadata["KeyId"])
    shown = control(reply)["KeyMetadata"].get("Description")
    if shown != description:
        violated(reply, f"Description: {description[:40]!r}...", repr(shown)[:80])


@pytest.mark.requirement("KMS-CREATEKEY-011")
def test_description_too_long(creator: Creator) -> None:
    """A Description of more than 8192 characters is refused."""
    creator.refuses(REFUSED, Description="d" * 8193)


@pytest.mark.requirement("KMS-CREATEKEY-011")
def test_tags(creator: Creator, kms: KmsClient) -> None:
    """The Tags are the key's."""
    creator.control()
    tags = [
        {"TagKey": "Project", "TagValue": "Alpha"},
        {"TagKey": "Cost center", "TagValue": ""},
    ]
    metadata = success(creator.call(Tags=tags))["KeyMetadata"]
    reply = kms.call("ListResourceTags", KeyId=metadata["KeyId"])
    found = {tag["TagKey"]: tag.get("TagValue") for tag in control(reply)["Tags"]}
    if found != {"Project": "Alpha", "Cost center": ""}:
        violated(reply, "the two tags of CreateKey", repr(found))


@pytest.mark.requirement("KMS-CREATEKEY-011")
@cases("bypass", [pytest.param(None, id="checked"), pytest.param(True, id="bypassed")])
def test_policy(
    creator: Creator, kms: KmsClient, key: Key, *, bypass: bool | None
) -> None:
    """The Policy is the key's, with or without BypassPolicyLockoutSafetyCheck."""
    policy = policy_of(key.arn, "of-this-check")
    reply = creator.call(
        Policy=json.dumps(policy), BypassPolicyLockoutSafetyCheck=bypass
    )
    found = _read_policy(kms, success(reply)["KeyMetadata"])
    if found != policy:
        violated(reply, "the policy of CreateKey", f"the policy {found}")


@pytest.mark.requirement("KMS-CREATEKEY-012")
def test_default_policy(
    creator: Creator, kms: KmsClient, provisioner: Provisioner
) -> None:
    """Without a Policy a key has the one that a standard key has, but for its ARN."""
    require(kms.target, "standard_keys")
    standard = kms.call("CreateKey", label="control: a standard key")
    provisioner.adopt_key(standard)
    expected = _read_policy(kms, control(standard)["KeyMetadata"])
    reply = creator.call()
    found = _read_policy(kms, control(reply)["KeyMetadata"])
    if found != expected:
        violated(reply, f"the policy {expected}", f"the policy {found}")


def _read_policy(kms: KmsClient, metadata: Mapping[str, object]) -> object:
    reply = kms.call(
        "GetKeyPolicy",
        KeyId=metadata["KeyId"],
        PolicyName="default",
        label="control: its policy",
    )
    arn, text = str(metadata.get("Arn")), str(control(reply).get("Policy"))
    try:
        # A policy may name the key that it is of.
        return json.loads(text.replace(arn, "the key"))
    except ValueError:
        raise NotTestable("GetKeyPolicy returned no JSON.") from None


# -- other errors ---------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATEKEY-029")
@cases(
    "policy",
    [
        pytest.param("not a policy", id="no JSON"),
        pytest.param('{"Version": "2012-10-17"', id="cut short"),
    ],
)
def test_malformed_policy(creator: Creator, policy: str) -> None:
    """A Policy that is no policy is a MalformedPolicyDocumentException."""
    creator.refuses(refused("MalformedPolicyDocumentException"), Policy=policy)


@pytest.mark.requirement("KMS-CREATEKEY-029")
def test_policy_too_long(creator: Creator, key: Key) -> None:
    """A Policy over the quota of 32 KB is a LimitExceededException.

    Or one of the exceptions of a policy that is not valid: the quota is documented, and
    its exception only for quotas in general.
    """
    policy = json.dumps(policy_of(key.arn, "x" * 33_000))
    creator.refuses(
        refused(
            "LimitExceededException",
            "MalformedPolicyDocumentException",
            "ValidationException",
        ),
        Policy=policy,
    )


@pytest.mark.requirement("KMS-CREATEKEY-029")
@cases(
    "tags",
    [
        pytest.param(["a"] * 2, id="a key twice"),
        pytest.param(["aws:mine"], id="the prefix aws:"),
        pytest.param([f"key-{number}" for number in range(51)], id="51 tags"),
    ],
)
def test_bad_tags(creator: Creator, tags: list[str]) -> None:
    """Tags that are not valid are a TagException.

    For too many of them also a LimitExceededException, and a ValidationException for a
    key that breaks the service's rules of input.
    """
    given = [{"TagKey": tag, "TagValue": "x"} for tag in tags]
    creator.refuses(
        refused("TagException", "LimitExceededException", "ValidationException"),
        Tags=given,
    )
