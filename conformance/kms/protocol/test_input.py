"""What every operation on keys requires of its input: which members, of which type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases
from ..client.expect import REFUSED, control, expect
from ..client.key_operations import OPERATIONS
from ..keys.states import KeyState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..keys.states import States

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Encrypt": ("KeyId", "Plaintext"),
    "Decrypt": ("CiphertextBlob",),
    "ReEncrypt from the key": ("CiphertextBlob", "DestinationKeyId"),
    "GenerateDataKey": ("KeyId",),
    "GenerateDataKeyWithoutPlaintext": ("KeyId",),
    "DescribeKey": ("KeyId",),
    "GetKeyPolicy": ("KeyId",),
    "PutKeyPolicy": ("KeyId", "Policy"),
    "ListKeyPolicies": ("KeyId",),
    "ListGrants": ("KeyId",),
    "ListResourceTags": ("KeyId",),
    "CreateGrant": ("KeyId", "GranteePrincipal", "Operations"),
    "RevokeGrant": ("KeyId", "GrantId"),
    "TagResource": ("KeyId", "Tags"),
    "UntagResource": ("KeyId", "TagKeys"),
    "UpdateKeyDescription": ("KeyId", "Description"),
    "EnableKey": ("KeyId",),
    "DisableKey": ("KeyId",),
    "ScheduleKeyDeletion": ("KeyId",),
    "CreateAlias": ("AliasName", "TargetKeyId"),
    "UpdateAlias to the key": ("AliasName", "TargetKeyId"),
    "DeleteAlias": ("AliasName",),
}
"""API Reference, "Required: Yes"; CancelKeyDeletion is left to the key states."""


@pytest.mark.requirement("KMS-GEN-019")
@cases(
    ("label", "absent"),
    [
        pytest.param(label, member, id=f"{label} without {member}")
        for label, members in REQUIRED.items()
        for member in members
    ],
)
def test_required_member(
    kms: KmsClient, states: States, label: str, absent: str
) -> None:
    """A request without a member that the API Reference requires is refused."""
    operation = OPERATIONS[label]
    states.control(operation, KeyState.ENABLED)
    # Without its key, or what is to become of it, nothing happens to it.
    subject = states.subject(KeyState.ENABLED)
    given = {n: v for n, v in operation.parameters(subject).items() if n != absent}
    expect(kms.call(operation.name, **given), REFUSED)


KEY = "the key"
"""Stands for the ARN of the key."""
GOOD: Mapping[str, dict[str, Any]] = {
    "CreateGrant": {
        "KeyId": KEY,
        "GranteePrincipal": "arn:aws:iam::111122223333:root",
        "Operations": ["Decrypt"],
    },
    "DescribeKey": {"KeyId": KEY},
    "Encrypt": {"KeyId": KEY, "Plaintext": "VGVuIFRva2Vucw=="},
    "GenerateDataKey": {"KeyId": KEY, "NumberOfBytes": 32},
    "ListKeys": {"Limit": 10},
    "TagResource": {"KeyId": KEY, "Tags": [{"TagKey": "Type", "TagValue": "text"}]},
    "UpdateKeyDescription": {"KeyId": KEY, "Description": "a text"},
}
WRONG_TYPES: list[tuple[str, str, object]] = [
    ("CreateGrant", "Operations", {"Decrypt": True}),
    ("CreateGrant", "Constraints", ["EncryptionContextEquals"]),
    ("DescribeKey", "KeyId", ["the key"]),
    ("DescribeKey", "GrantTokens", {"a": "token"}),
    ("Encrypt", "Plaintext", ["VGVuIFRva2Vucw=="]),
    ("Encrypt", "EncryptionContext", ["Project", "Nile"]),
    ("Encrypt", "DryRun", {"yes": True}),
    ("GenerateDataKey", "NumberOfBytes", {"bytes": 32}),
    ("ListKeys", "Limit", [10]),
    ("TagResource", "Tags", {"TagKey": "Type", "TagValue": "text"}),
    ("UpdateKeyDescription", "Description", {"text": "a text"}),
]
"""A list or a map where another type is due, or the other; a number may be a text."""


@pytest.mark.requirement("KMS-GEN-020")
@cases(
    ("operation", "member", "value"),
    [
        pytest.param(operation, member, value, id=f"{member} of {operation}")
        for operation, member, value in WRONG_TYPES
    ],
)
def test_member_of_another_type(
    kms: KmsClient, key: Key, operation: str, member: str, value: object
) -> None:
    """A list or a map where a member has another type is the caller's error."""
    good = {n: key.arn if v == KEY else v for n, v in GOOD[operation].items()}
    body = json.dumps(good).encode()
    control(kms.post(operation, body, label="control: of its type"))
    wrong = json.dumps({**good, member: value}).encode()
    expect(kms.post(operation, wrong), REFUSED)
