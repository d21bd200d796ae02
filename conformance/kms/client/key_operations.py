"""The operations of the KMS API that name a key, with good parameters for each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .expect import control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .key_stores import Key
    from .reply import KmsReply

__all__ = ["OPERATIONS", "KeyOperation", "Subject", "policy_of"]

Parameters = dict[str, Any]

_NO_GRANT = "0" * 64


@dataclass(slots=True, kw_only=True)
class Subject:
    """A KMS key that operations are tried on, and what they need besides."""

    key: Key
    helper: Key
    """Another key, which is Enabled."""
    alias: str
    """The name of no alias, until a preparation makes it."""
    encrypted_by_helper: KmsReply
    encrypted: KmsReply | None = None
    """Encrypt, from when the key was Enabled; a key that checks share has it."""
    prepared: dict[str, Any] = field(default_factory=dict)
    """What the preparation of the operation returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOperation:
    """An operation and its parameters."""

    label: str
    """Its name, and the part that the key has in it where there are two."""
    parameters: Callable[[Subject], Parameters]
    prepare: tuple[str, Callable[[Subject], Parameters]] | None = None
    """An operation that must come before, while the key is Enabled."""
    alone: bool = False
    """Whether it changes what another check would find."""
    supported: bool = True
    """Whether keys in external key stores have it at all."""

    @property
    def name(self) -> str:
        """Its name in the API."""
        return self.label.partition(" ")[0]

    @property
    def own_key(self) -> bool:
        """Whether it needs a key that nothing else uses."""
        return self.alone or self.prepare is not None

    def preparation(self, subject: Subject) -> Iterable[tuple[str, Parameters]]:
        """The calls that must come before."""
        if self.prepare:
            name, parameters = self.prepare
            yield name, parameters(subject)


def policy_of(key_arn: str, name: str = "key-of-a-check") -> dict[str, object]:
    """A key policy that lets the key's account do everything."""
    _, partition, _, _, account, *_ = key_arn.split(":")
    return {
        "Version": "2012-10-17",
        "Id": name,
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


def _key_id(subject: Subject) -> Parameters:
    return {"KeyId": subject.key.key_id}


def _and(**parameters: object) -> Callable[[Subject], Parameters]:
    """The key's id, and parameters that are the same for every key."""
    return lambda subject: {"KeyId": subject.key.key_id, **parameters}


def _blob(reply: KmsReply | None) -> object:
    # A key of its own never meets Decrypt; see KeyOperation.own_key.
    return control(reply)["CiphertextBlob"] if reply else b""


def _grant(subject: Subject) -> Parameters:
    _, partition, _, _, account, *_ = subject.key.arn.split(":")
    return {
        "KeyId": subject.key.key_id,
        "GranteePrincipal": f"arn:{partition}:iam::{account}:root",
        "Operations": ["Decrypt"],
    }


def _granted(subject: Subject) -> Parameters:
    return {
        "KeyId": subject.key.arn,
        "GrantId": subject.prepared.get("GrantId", _NO_GRANT),
    }


def _alias(subject: Subject) -> Parameters:
    return {"AliasName": subject.alias, "TargetKeyId": subject.key.key_id}


def _alias_of_helper(subject: Subject) -> Parameters:
    return {"AliasName": subject.alias, "TargetKeyId": subject.helper.key_id}


_SUPPORTED = (
    KeyOperation(label="Encrypt", parameters=_and(Plaintext=b"Ten Tokens")),
    KeyOperation(
        label="Decrypt",
        parameters=lambda subject: {"CiphertextBlob": _blob(subject.encrypted)},
    ),
    KeyOperation(
        label="ReEncrypt from the key",
        parameters=lambda subject: {
            "CiphertextBlob": _blob(subject.encrypted),
            "DestinationKeyId": subject.helper.key_id,
        },
    ),
    KeyOperation(
        label="ReEncrypt to the key",
        parameters=lambda subject: {
            "CiphertextBlob": _blob(subject.encrypted_by_helper),
            "DestinationKeyId": subject.key.key_id,
        },
    ),
    KeyOperation(label="GenerateDataKey", parameters=_and(KeySpec="AES_256")),
    KeyOperation(
        label="GenerateDataKeyWithoutPlaintext", parameters=_and(KeySpec="AES_256")
    ),
    KeyOperation(label="DescribeKey", parameters=_key_id),
    KeyOperation(label="GetKeyPolicy", parameters=_and(PolicyName="default")),
    KeyOperation(
        label="PutKeyPolicy",
        parameters=lambda subject: {
            "KeyId": subject.key.key_id,
            "PolicyName": "default",
            "Policy": json.dumps(policy_of(subject.key.arn)),
        },
    ),
    KeyOperation(label="ListKeyPolicies", parameters=_key_id),
    KeyOperation(label="ListAliases", parameters=_key_id),
    KeyOperation(label="ListGrants", parameters=_key_id),
    KeyOperation(label="ListResourceTags", parameters=_key_id),
    KeyOperation(label="CreateGrant", parameters=_grant),
    KeyOperation(
        label="RetireGrant", parameters=_granted, prepare=("CreateGrant", _grant)
    ),
    KeyOperation(
        label="RevokeGrant", parameters=_granted, prepare=("CreateGrant", _grant)
    ),
    KeyOperation(label="CreateAlias", parameters=_alias, alone=True),
    KeyOperation(
        label="DeleteAlias",
        parameters=lambda subject: {"AliasName": subject.alias},
        prepare=("CreateAlias", _alias),
    ),
    KeyOperation(
        label="UpdateAlias from the key",
        parameters=_alias_of_helper,
        prepare=("CreateAlias", _alias),
    ),
    KeyOperation(
        label="UpdateAlias to the key",
        parameters=_alias,
        prepare=("CreateAlias", _alias_of_helper),
    ),
    KeyOperation(
        label="TagResource",
        parameters=_and(Tags=[{"TagKey": "Project", "TagValue": "Alpha"}]),
    ),
    KeyOperation(label="UntagResource", parameters=_and(TagKeys=["Project"])),
    KeyOperation(
        label="UpdateKeyDescription", parameters=_and(Description="of this check")
    ),
    KeyOperation(label="EnableKey", parameters=_key_id, alone=True),
    KeyOperation(label="DisableKey", parameters=_key_id, alone=True),
    KeyOperation(
        label="ScheduleKeyDeletion",
        parameters=_and(PendingWindowInDays=7),
        alone=True,
    ),
    KeyOperation(label="CancelKeyDeletion", parameters=_key_id, alone=True),
)

# What keys in external key stores do not have.
_UNSUPPORTED: dict[str, Parameters] = {
    "EnableKeyRotation": {},
    "DisableKeyRotation": {},
    "GetKeyRotationStatus": {},
    "RotateKeyOnDemand": {},
    "ListKeyRotations": {},
    "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
    "GetParametersForImport": {
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    },
    "ImportKeyMaterial": {
        "ImportToken": b"an import token",
        "EncryptedKeyMaterial": b"encrypted key material",
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    },
    "DeleteImportedKeyMaterial": {},
    "ReplicateKey": {"ReplicaRegion": "eu-west-1"},
    "UpdatePrimaryRegion": {"PrimaryRegion": "eu-west-1"},
    "Sign": {"Message": b"message", "SigningAlgorithm": "ECDSA_SHA_256"},
    "Verify": {
        "Message": b"message",
        "Signature": b"signature",
        "SigningAlgorithm": "ECDSA_SHA_256",
    },
    "GenerateMac": {"Message": b"message", "MacAlgorithm": "HMAC_SHA_256"},
    "VerifyMac": {"Message": b"m", "Mac": b"mac", "MacAlgorithm": "HMAC_SHA_256"},
    "DeriveSharedSecret": {
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": b"a public key",
    },
    "GetPublicKey": {},
}

OPERATIONS = {
    operation.label: operation
    for operation in (
        *_SUPPORTED,
        *(
            KeyOperation(label=name, parameters=_and(**parameters), supported=False)
            for name, parameters in _UNSUPPORTED.items()
        ),
    )
}
"""Every operation by its label."""
