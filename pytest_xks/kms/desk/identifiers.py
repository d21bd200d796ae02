"""Which KMS key an identifier means, and whether the caller may name it so.

A request names a key by key ID, key ARN, alias name or alias ARN. Each is resolved
here, once and before anything happens: what is not exactly the identifier of a key is
an error, and never a key that is only similar.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import invalid
from pytest_xks.kms.keys.key import NamedKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey

__all__ = ["find_key", "named_keys"]

_KEY_MEMBER = ("KeyId",)
_KEY_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "CreateAlias": ("TargetKeyId",),
    "ReEncrypt": ("SourceKeyId", "DestinationKeyId"),
    "UpdateAlias": ("TargetKeyId",),
}
# API Reference, KeyId of each operation: "To specify a KMS key, use its key ID, key
# ARN, alias name, or alias ARN". The others take the first two.
_TAKE_ALIASES = frozenset(
    {
        "Decapsulate",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encapsulate",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetPublicKey",
        "ReEncrypt",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
# API Reference, "Cross-account use: Yes".
_CROSS_ACCOUNT = _TAKE_ALIASES | {
    "CreateGrant",
    "GetKeyRotationStatus",
    "ListGrants",
    "RetireGrant",
    "RevokeGrant",
}
# AWS puts what is no key ID into quotes, where that was recorded (DescribeKey,
# GenerateMac). In these moto's own tests have it without.
_WITHOUT_QUOTES = frozenset({"ListResourceTags", "TagResource", "UntagResource"})
# moto takes an ARN of any account for one of the caller's; its own tests do so here. A
# standard key may be meant so, a key in an external key store never.
_OF_ANY_ACCOUNT = frozenset({"GenerateDataKey"})
_KEY_ID = re.compile(
    r"(mrk-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.IGNORECASE
)
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_ARN_PARTS = 6
_PARTITIONS = {
    "cn-": "aws-cn",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
}


def named_keys(context: Context, call: Call) -> dict[str, NamedKey]:
    """The KMS keys that a request names, by the member that names them.

    Raises:
        KmsError: NotFoundException, or AccessDeniedException for a key of another
            account where the operation takes none.
    """
    return {
        member: _named_key(context, call, name)
        for member in _KEY_MEMBERS.get(call.operation, _KEY_MEMBER)
        if (name := call.text(member)) is not None
    }


def find_key(context: Context, key_id: str) -> XksKey | None:
    """The key in an external key store that is meant, whoever owns it.

    Args:
        context: the caller's account and Region, and all others.
        key_id: a key id, key ARN, alias name or alias ARN. An ARN may name another
            account (KMS-AUTHZ-004), but no other Region.
    """
    if not key_id.startswith("arn:"):
        return context.region.keys.find(key_id)
    parts = key_id.split(":")
    if len(parts) != _ARN_PARTS or parts[3] != context.region.name:
        return None
    owner = _owner(context, parts[4])
    return owner.keys.find(key_id) if owner else None


def _named_key(context: Context, call: Call, name: str) -> NamedKey:
    here = context.region
    if not name.startswith("arn:"):
        alias = name.startswith("alias/")
        resource = name if alias else f"key/{name}"
        arn = (
            f"arn:{_partition(here.name)}:kms:{here.name}:{here.account_id}:{resource}"
        )
        return _key_there(here, call, name, arn)
    parts = name.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS:
        raise _not_found(f"Invalid arn {name}")
    _, _, service, region, account_id, resource = parts
    if service != "kms":
        raise _not_found(f"Invalid arn {service}")
    if region != here.name:
        # Recorded on AWS: the message names the Region of the ARN.
        raise _not_found(f"Invalid arn {region}")
    if not resource.startswith(("key/", "alias/")):
        raise _not_found(f"Invalid arn {name}")
    owner = _owner(context, account_id)
    if owner is None:
        return _standard_key_here(here, call, name)
    found = _key_there(owner, call, name, name)
    if owner is not here and call.operation not in _CROSS_ACCOUNT:
        raise KmsError(
            "AccessDeniedException",
            f"User: {call.principal_arn} is not authorized to perform: "
            f"kms:{call.operation} on resource: {found.arn}",
        )
    return found


def _standard_key_here(here: AccountRegion, call: Call, arn: str) -> NamedKey:
    account_id = arn.split(":")[4]
    if call.operation in _OF_ANY_ACCOUNT and _ACCOUNT_ID.fullmatch(account_id):
        own = arn.replace(account_id, here.account_id, 1)
        found = _key_there(here, call, own, own)
        if found.key is None:
            return found
    raise _no_such_key(arn)


def _key_there(owner: AccountRegion, call: Call, name: str, arn: str) -> NamedKey:
    """The key that an ARN means in the account that it names."""
    resource = arn.split(":", _ARN_PARTS - 1)[-1]
    if resource.startswith("alias/"):
        key_id = _target(owner, call, name, resource, arn)
    else:
        key_id = resource.removeprefix("key/")
    key_arn = owner.keys.arn_of(key_id)
    if key_arn is None:
        if not _KEY_ID.fullmatch(key_id):
            quoted = key_id if call.operation in _WITHOUT_QUOTES else f"'{key_id}'"
            raise _not_found(f"Invalid keyId {quoted}")
        raise _no_such_key(arn)
    partition = arn.split(":")[1]
    if name.startswith("arn:") and not key_arn.startswith(f"arn:{partition}:"):
        raise _not_found(f"Invalid arn {partition}")
    usage, spec = owner.keys.kind_of(key_id)
    return NamedKey(
        id=key_id,
        arn=key_arn,
        account_id=owner.account_id,
        usage=usage,
        spec=spec,
        key=owner.keys.find(key_id),
    )


def _target(
    owner: AccountRegion, call: Call, name: str, alias: str, alias_arn: str
) -> str:
    """The id of the key that an alias means, where the operation takes aliases."""
    if call.operation in _KEY_MEMBERS and call.operation not in _TAKE_ALIASES:
        raise invalid("Aliases must refer to keys. Not aliases")
    if call.operation not in _TAKE_ALIASES:
        raise _not_found(f"Invalid keyId {name}")
    target = owner.keys.target_of(alias)
    if target is None:
        raise _not_found(f"Alias {alias_arn} is not found.")
    return target


def _owner(context: Context, account_id: str) -> AccountRegion | None:
    here = context.region
    if account_id == here.account_id:
        return here
    for region in list(context.regions()):
        if (region.account_id, region.name) == (account_id, here.name):
            return region
    return None


def _partition(region: str) -> str:
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return "aws"


def _no_such_key(arn: str) -> KmsError:
    if ":alias/" in arn:
        return _not_found(f"Alias {arn} is not found.")
    return _not_found(f"Key '{arn}' does not exist")


def _not_found(message: str) -> KmsError:
    return KmsError(ErrorCode.NOT_FOUND, message)
