"""What operations make of names that mean no key of the caller.

The control is the same operation on a key of the caller, once in a run.
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases
from ..client.expect import REFUSED, control_refused, expect, refused
from ..client.key_operations import OPERATIONS
from .states import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.key_operations import KeyOperation, Subject
    from ..client.kms_client import KmsClient
    from ..client.reply import KmsReply
    from .states import States

    Change = Callable[[str], str]

MEMBERS: Mapping[str, str] = {
    "ReEncrypt from the key": "SourceKeyId",
    "ReEncrypt to the key": "DestinationKeyId",
    "CreateAlias": "TargetKeyId",
    "UpdateAlias to the key": "TargetKeyId",
    **dict.fromkeys(
        (
            "Encrypt",
            "Decrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "DescribeKey",
            "GetKeyPolicy",
            "PutKeyPolicy",
            "ListKeyPolicies",
            "ListGrants",
            "ListResourceTags",
            "CreateGrant",
            "RetireGrant",
            "RevokeGrant",
            "TagResource",
            "UntagResource",
            "UpdateKeyDescription",
            "EnableKey",
            "DisableKey",
            "ScheduleKeyDeletion",
            "CancelKeyDeletion",
        ),
        "KeyId",
    ),
}
"""The operations that name a key, and the member that does.

Without ListAliases, which may have a list of none to give.
"""
BESIDE_A_CIPHERTEXT = {"Decrypt", "ReEncrypt from the key"}
TAKE_ALIASES = [
    "Encrypt",
    "Decrypt",
    "ReEncrypt from the key",
    "ReEncrypt to the key",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "DescribeKey",
]


def _with(position: int, *others: str) -> Change:
    """Puts another value into a part of an ARN."""

    def change(arn: str) -> str:
        parts = arn.split(":")
        parts[position] = next(each for each in others if each != parts[position])
        return ":".join(parts)

    return change


ELSEWHERE: Mapping[str, Change] = {
    "partition": _with(1, "aws-cn", "aws"),
    "Region": _with(3, "eu-west-1", "us-east-1"),
    "account": _with(4, "210987654321", "123456789012"),
}
"""What an ARN of a key names besides the key, and another one of it."""
NOT_FOUND = refused("NotFoundException")
NOT_THERE = refused("NotFoundException", "AccessDeniedException")


def _state(operation: KeyOperation) -> KeyState:
    """Where the operation succeeds."""
    is_cancelling = operation.name == "CancelKeyDeletion"
    return KeyState.PENDING_DELETION if is_cancelling else KeyState.ENABLED


def _subject(states: States, operation: KeyOperation) -> Subject:
    """A key that the operation would succeed with, as it does for one key in a run."""
    state = _state(operation)
    states.control(operation, state)
    return states.subject(state, operation)


def _bystander(states: States, operation: KeyOperation) -> Subject:
    """A key that is not named, so that nothing can happen to it."""
    states.control(operation, _state(operation))
    return states.subject(KeyState.ENABLED)


def _named(
    kms: KmsClient, operation: KeyOperation, subject: Subject, name: str, label: str
) -> KmsReply:
    """Call an operation with another name in place of the key's."""
    parameters: dict[str, Any] = operation.parameters(subject)
    parameters[MEMBERS[operation.label]] = name
    return kms.call(operation.name, label=f"probe: {label}", **parameters)


@pytest.mark.requirement("KMS-KEYMGMT-014")
@cases("label", list(MEMBERS))
def test_key_of_elsewhere(kms: KmsClient, states: States, label: str) -> None:
    """An ARN of another partition, Region or account is not the caller's key's."""
    operation = OPERATIONS[label]
    subject = _subject(states, operation)
    for part, change in ELSEWHERE.items():
        name = change(subject.key.arn)
        reply = _named(kms, operation, subject, name, f"another {part}")
        expect(reply, REFUSED, note=f"The ARN names another {part}: {name}.")


@pytest.mark.requirement("KMS-KEYMGMT-015")
@cases("label", ["DescribeKey", "Encrypt", "GetKeyPolicy", "ListGrants"])
def test_exception_for_a_key_of_elsewhere(
    kms: KmsClient, states: States, label: str
) -> None:
    """It is not found; of one of another account the caller may hear that, or not."""
    operation = OPERATIONS[label]
    subject = states.subject(KeyState.ENABLED, operation)
    for part, change in ELSEWHERE.items():
        name = change(subject.key.arn)
        reply = _named(kms, operation, subject, name, f"another {part}")
        accepted = NOT_THERE if part == "account" else NOT_FOUND
        expect(control_refused(reply), accepted, note=f"The ARN is {name}.")


@pytest.mark.requirement("KMS-KEYMGMT-016")
@cases("label", list(MEMBERS))
def test_no_key(kms: KmsClient, states: States, label: str) -> None:
    """The ID and the ARN of no key are a NotFoundException."""
    operation = OPERATIONS[label]
    subject = _bystander(states, operation)
    key_id = str(uuid.uuid4())
    start = subject.key.arn.rpartition("/")[0]
    for kind, name in (("ID", key_id), ("ARN", f"{start}/{key_id}")):
        reply = _named(kms, operation, subject, name, f"the {kind} of no key")
        _expect_not_found(reply, label)


@pytest.mark.requirement("KMS-KEYMGMT-016")
@cases("label", TAKE_ALIASES)
def test_no_alias(kms: KmsClient, states: States, label: str) -> None:
    """The name of no alias is a NotFoundException."""
    operation = OPERATIONS[label]
    subject = _bystander(states, operation)
    name = f"alias/none-{secrets.token_hex(6)}"
    _expect_not_found(_named(kms, operation, subject, name, "no alias"), label)


def _expect_not_found(reply: KmsReply, label: str) -> None:
    also = ("IncorrectKeyException",) if label in BESIDE_A_CIPHERTEXT else ()
    expect(reply, refused("NotFoundException", *also))
