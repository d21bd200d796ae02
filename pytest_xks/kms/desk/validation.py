"""What the KMS API accepts as input, after its service model (KMS-GEN-011).

botocore checks required members, types and minima; other clients check nothing.
So every modelled constraint of the members that concern external key stores is here, in
one table, and a value is refused before anything happens. The value of a sensitive
member never comes back (KMS-GEN-014).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "binary",
    "invalid",
    "missing",
    "require",
    "string_map",
    "validate",
]

_SHOWN_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What the service model says about one member."""

    kind: type = str
    minimum: int | None = None
    """Of the length of a text or list, or of the value of a number."""
    maximum: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    sensitive: bool = False


_STORE_NAME = Constraint(minimum=1, maximum=256)
_CONTEXT = Constraint(kind=dict)
_KEY_ID = Constraint(minimum=1, maximum=2048)
_ALGORITHM = Constraint(
    values=("SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE")
)
_KEY_SPEC = Constraint(minimum=1, maximum=64)

CONSTRAINTS: Mapping[str, Constraint] = {
    # Custom key stores: KMS-CREATESTORE-001 to 018.
    "AccessKeyId": Constraint(
        minimum=20, maximum=30, pattern=r"[A-Z2-7]+", sensitive=True
    ),
    "CloudHsmClusterId": Constraint(
        minimum=19, maximum=24, pattern=r"cluster-[2-7a-zA-Z]{11,16}"
    ),
    "CustomKeyStoreId": Constraint(minimum=1, maximum=64),
    "CustomKeyStoreName": _STORE_NAME,
    "CustomKeyStoreType": Constraint(values=("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")),
    "KeyStorePassword": Constraint(minimum=7, maximum=32, sensitive=True),
    "Limit": Constraint(kind=int, minimum=1, maximum=1000),
    "Marker": Constraint(minimum=1, maximum=1024, pattern=r"[\u0020-\u00FF]*"),
    "NewCustomKeyStoreName": _STORE_NAME,
    "RawSecretAccessKey": Constraint(
        minimum=43, maximum=64, pattern=r"[a-zA-Z0-9\/+=]+", sensitive=True
    ),
    "TrustAnchorCertificate": Constraint(minimum=1, maximum=5000),
    "XksProxyAuthenticationCredential": Constraint(kind=dict, sensitive=True),
    "XksProxyConnectivity": Constraint(
        values=("PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE")
    ),
    "XksProxyUriEndpoint": Constraint(
        minimum=10, maximum=128, pattern=r"https://[a-zA-Z0-9.-]+"
    ),
    "XksProxyUriPath": Constraint(
        minimum=10,
        maximum=128,
        pattern=r"(?:/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})|(?:/kms/xks/v\d{1,2})",
    ),
    "XksProxyVpcEndpointServiceName": Constraint(
        minimum=20,
        maximum=64,
        pattern=r"(?:com|eu)\.amazonaws\.vpce\.(?:[a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+",
    ),
    "XksProxyVpcEndpointServiceOwner": Constraint(pattern=r"[0-9]{12}"),
    # Keys: KMS-CREATEKEY-002 to 011.
    "BypassPolicyLockoutSafetyCheck": Constraint(kind=bool),
    "CustomerMasterKeySpec": _KEY_SPEC,
    "Description": Constraint(minimum=0, maximum=8192),
    "KeySpec": _KEY_SPEC,
    "KeyUsage": Constraint(
        values=(
            "SIGN_VERIFY",
            "ENCRYPT_DECRYPT",
            "GENERATE_VERIFY_MAC",
            "KEY_AGREEMENT",
        )
    ),
    "MultiRegion": Constraint(kind=bool),
    "Origin": Constraint(
        values=("AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")
    ),
    "PendingWindowInDays": Constraint(kind=int, minimum=1, maximum=365),
    "Policy": Constraint(minimum=1, maximum=131072),
    "Tags": Constraint(kind=list),
    "XksKeyId": Constraint(minimum=1, maximum=128, pattern=r"[a-zA-Z0-9-_.]+"),
    # Cryptography: KMS-CRYPTO-011, KMS-CRYPTO-018.
    "DestinationEncryptionAlgorithm": _ALGORITHM,
    "DestinationEncryptionContext": _CONTEXT,
    "DestinationKeyId": _KEY_ID,
    "DryRun": Constraint(kind=bool),
    "EncryptionAlgorithm": _ALGORITHM,
    "EncryptionContext": _CONTEXT,
    "KeyId": _KEY_ID,
    "NumberOfBytes": Constraint(kind=int, minimum=1, maximum=1024),
    "SourceEncryptionAlgorithm": _ALGORITHM,
    "SourceEncryptionContext": _CONTEXT,
    "SourceKeyId": _KEY_ID,
}

_BINARY: Mapping[str, tuple[int, int]] = {
    "CiphertextBlob": (1, 6144),
    "Plaintext": (1, 4096),
}
_DATA_KEY_SPEC = Constraint(values=("AES_256", "AES_128"))


def validate(parameters: Mapping[str, object], *, data_key: bool = False) -> None:
    """Check every member there is against its constraint.

    Args:
        parameters: the members of the request; a null is an absent one.
        data_key: whether KeySpec is that of a data key.

    Raises:
        KmsError: ValidationException, or SerializationException for a wrong type.
    """
    for member, value in parameters.items():
        constraint = CONSTRAINTS.get(member)
        if data_key and member == "KeySpec":
            constraint = _DATA_KEY_SPEC
        if constraint is None or value is None:
            continue
        _check(member, value, constraint)
        if member == "XksProxyAuthenticationCredential" and isinstance(value, dict):
            require(value, ("AccessKeyId", "RawSecretAccessKey"))
            validate(value)


def require(parameters: Mapping[str, object], members: Iterable[str]) -> None:
    """Check that members are there.

    Raises:
        KmsError: ValidationException.
    """
    for member in members:
        if parameters.get(member) is None:
            raise missing(member)


def missing(member: str) -> KmsError:
    """The error for a member that is required and absent."""
    return _violation(f"Value null at '{_wire(member)}'", "Member must not be null")


def invalid(message: str) -> KmsError:
    """A ValidationException with a message of its own."""
    return KmsError(ErrorCode.VALIDATION, message)


def binary(parameters: Mapping[str, object], member: str) -> bytes:
    """A required member of type blob, decoded.

    Raises:
        KmsError: it is missing, too long, or not Base64.
    """
    value = parameters.get(member)
    if value is None:
        raise missing(member)
    if not isinstance(value, str):
        raise _wrong_type(member)
    try:
        data = decode_base64(value)
    except DecodingError:
        raise _wrong_type(member) from None
    minimum, maximum = _BINARY[member]
    _check_range(f"Value at '{_wire(member)}'", "length", len(data), minimum, maximum)
    return data


def string_map(parameters: Mapping[str, object], member: str) -> dict[str, str]:
    """An encryption context; empty if it is absent.

    Raises:
        KmsError: a value in it is not a string.
    """
    value = parameters.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong_type(member)
    if not all(isinstance(each, str) for each in value.values()):
        raise _wrong_type(member)
    return value


def _check(member: str, value: object, constraint: Constraint) -> None:
    right = isinstance(value, constraint.kind)
    if not right or (isinstance(value, bool) and constraint.kind is not bool):
        raise _wrong_type(member)
    where = _where(member, value, constraint)
    if isinstance(value, str):
        _check_range(
            where, "length", len(value), constraint.minimum, constraint.maximum
        )
        _check_text(where, value, constraint)
    elif isinstance(value, int):
        _check_range(where, "value", value, constraint.minimum, constraint.maximum)


def _check_text(where: str, value: str, constraint: Constraint) -> None:
    if constraint.pattern and not re.fullmatch(constraint.pattern, value, re.ASCII):
        pattern = constraint.pattern
        raise _violation(
            where, f"Member must satisfy regular expression pattern: {pattern}"
        )
    if constraint.values and value not in constraint.values:
        values = ", ".join(constraint.values)
        raise _violation(where, f"Member must satisfy enum value set: [{values}]")


def _check_range(
    where: str, what: str, number: int, minimum: int | None, maximum: int | None
) -> None:
    if minimum is not None and number < minimum:
        reason = f"Member must have {what} greater than or equal to {minimum}"
        raise _violation(where, reason)
    if maximum is not None and number > maximum:
        reason = f"Member must have {what} less than or equal to {maximum}"
        raise _violation(where, reason)


def _where(member: str, value: object, constraint: Constraint) -> str:
    if constraint.sensitive or len(str(value)) > _SHOWN_LENGTH:
        return f"Value at '{_wire(member)}'"
    return f"Value '{value}' at '{_wire(member)}'"


def _wire(member: str) -> str:
    return member[0].lower() + member[1:]


def _violation(where: str, reason: str) -> KmsError:
    return invalid(
        f"1 validation error detected: {where} failed to satisfy constraint: {reason}"
    )


def _wrong_type(member: str) -> KmsError:
    return KmsError(
        ErrorCode.SERIALIZATION, f"The value of {member} is not of the right type."
    )
