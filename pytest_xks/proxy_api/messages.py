"""The messages of the four operations: parse and validate requests, render responses.

A request is read in two steps, because a proxy authorises between them:
``parse_metadata`` reads requestMetadata, ``parse_parameters`` the rest. A member of the
wire is named here and nowhere else.

Every failure is an ``XksError`` whose message names the member and never its value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_xks.proxy_api.encoding import (
    DecodingError,
    decode_base64,
    decode_json,
    encode_base64,
)
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.limits import (
    AUTHENTICATION_TAG_BYTES,
    CDIV_ALGORITHM,
    CIPHERTEXT_METADATA_MAX_BYTES,
    ENCRYPTION_ALGORITHM,
    INITIALIZATION_VECTOR_BYTES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "CONTENT_TYPE",
    "DecryptParameters",
    "EkmFleetDetail",
    "EncryptParameters",
    "EncryptResult",
    "HealthStatus",
    "KeyMetadata",
    "RequestMetadata",
    "check_lengths",
    "parse_document",
    "parse_metadata",
    "parse_parameters",
    "render",
    "render_decrypt",
    "render_encrypt",
    "render_error",
    "render_health_status",
    "render_key_metadata",
]

CONTENT_TYPE = "application/json"

Document = dict[str, object]

_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMetadata:
    """The requestMetadata of any operation; what it does not send is None."""

    aws_principal_arn: str | None
    aws_source_vpc: str | None
    aws_source_vpce: str | None
    kms_key_arn: str | None
    kms_operation: str | None
    kms_request_id: str | None
    kms_via_service: str | None

    def as_document(self) -> dict[str, str]:
        """The members that were sent, under their names on the wire."""
        return {
            member: value
            for member, attribute in _METADATA_MEMBERS.items()
            if (value := getattr(self, attribute)) is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptParameters:
    """What Encrypt is asked for, decoded."""

    plaintext: bytes = field(repr=False)
    additional_authenticated_data: bytes
    wants_cdiv: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptParameters:
    """What Decrypt is asked for, decoded."""

    ciphertext: bytes
    ciphertext_metadata: bytes
    additional_authenticated_data: bytes
    initialization_vector: bytes
    authentication_tag: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptResult:
    """What Encrypt answers; all values are bytes before Base64."""

    ciphertext: bytes
    ciphertext_metadata: bytes | None
    initialization_vector: bytes
    authentication_tag: bytes
    ciphertext_data_integrity_value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMetadata:
    """What GetKeyMetadata answers."""

    key_spec: str
    key_usage: Sequence[str]
    key_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EkmFleetDetail:
    """One external key manager in the answer of GetHealthStatus."""

    id: str
    model: str
    health_status: str
    """``ACTIVE``, ``DEGRADED`` or ``UNAVAILABLE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStatus:
    """What GetHealthStatus answers."""

    xks_proxy_fleet_size: int
    xks_proxy_vendor: str
    xks_proxy_model: str
    ekm_vendor: str
    ekm_fleet_details: Sequence[EkmFleetDetail]


# "GetKeyMetadata", "Encrypt", "Decrypt", "GetHealthStatus": Request Payload Parameters.
_METADATA_MEMBERS: Mapping[str, str] = {
    "awsPrincipalArn": "aws_principal_arn",
    "awsSourceVpc": "aws_source_vpc",
    "awsSourceVpce": "aws_source_vpce",
    "kmsKeyArn": "kms_key_arn",
    "kmsOperation": "kms_operation",
    "kmsRequestId": "kms_request_id",
    "kmsViaService": "kms_via_service",
}

_IN_EVERY_REQUEST = ("kmsOperation", "kmsRequestId")
_IN_CRYPTOGRAPHY = ("awsPrincipalArn", "kmsKeyArn", *_IN_EVERY_REQUEST)
_REQUIRED_METADATA: Mapping[Operation, Sequence[str]] = {
    Operation.GET_HEALTH_STATUS: _IN_EVERY_REQUEST,
    # Version 1.0.3 no longer lists kmsKeyArn here: CreateKey has no key yet.
    Operation.GET_KEY_METADATA: ("awsPrincipalArn", *_IN_EVERY_REQUEST),
    Operation.ENCRYPT: _IN_CRYPTOGRAPHY,
    Operation.DECRYPT: _IN_CRYPTOGRAPHY,
}


def _invalid(reason: str) -> XksError:
    return XksError(ErrorName.VALIDATION, reason)


def parse_document(body: bytes) -> Document:
    """Read a request body as a JSON object.

    Raises:
        XksError: ValidationException for anything else.
    """
    try:
        document = decode_json(body)
    except DecodingError as error:
        raise _invalid(f"The request body cannot be read: {error}.") from None
    if not isinstance(document, dict):
        raise _invalid("The request body is not a JSON object.")
    return document


def _text(document: Document, member: str) -> str | None:
    """A member of type string; None if it is absent.

    AMBIGUOUS: null for an optional member may mean absent, or be a wrong type. Ours:
    absent.
    """
    value = document.get(member)
    if value is None or isinstance(value, str):
        return value
    raise _invalid(f"{member} must be a string.")


def parse_metadata(document: Document, operation: Operation) -> RequestMetadata:
    """Read the requestMetadata of a request.

    AMBIGUOUS: members are REQUIRED, but "there is no expectation for the XKS Proxy to
    validate any information included in the requestMetadata". Ours: a REQUIRED member
    has to be a string that is there; what it says is never looked at. Unknown members
    pass, because KMS may add some (Appendix B).

    Raises:
        XksError: ValidationException.
    """
    metadata = document.get("requestMetadata")
    if not isinstance(metadata, dict):
        raise _invalid("requestMetadata is missing or not an object.")
    values = {
        attribute: _text(metadata, member)
        for member, attribute in _METADATA_MEMBERS.items()
    }
    for member in _REQUIRED_METADATA[operation]:
        if values[_METADATA_MEMBERS[member]] is None:
            raise _invalid(f"requestMetadata.{member} is missing.")
    return RequestMetadata(**values)


def _required_text(document: Document, member: str) -> str:
    value = _text(document, member)
    if value is None:
        raise _invalid(f"{member} is missing.")
    return value


def _decoded(text: str, member: str) -> bytes:
    try:
        return decode_base64(text)
    except DecodingError as error:
        raise _invalid(f"{member} is {error}.") from None


def _required_bytes(document: Document, member: str) -> bytes:
    return _decoded(_required_text(document, member), member)


def _optional_bytes(document: Document, member: str) -> bytes:
    text = _text(document, member)
    return b"" if text is None else _decoded(text, member)


def _check_encryption_algorithm(document: Document) -> None:
    # AMBIGUOUS: "this MUST be AES_GCM" (400), and 501 is for an operation that "is not
    # implemented". Ours: an algorithm of another name is one that is not implemented.
    if _required_text(document, "encryptionAlgorithm") != ENCRYPTION_ALGORITHM:
        raise XksError(
            ErrorName.UNSUPPORTED_OPERATION, "encryptionAlgorithm must be AES_GCM."
        )


def _wants_cdiv(document: Document) -> bool:
    algorithm = _text(document, "ciphertextDataIntegrityValueAlgorithm")
    if algorithm in {None, CDIV_ALGORITHM}:
        return algorithm is not None
    raise XksError(
        ErrorName.UNSUPPORTED_OPERATION,
        "ciphertextDataIntegrityValueAlgorithm must be SHA_256.",
    )


def _encrypt_parameters(document: Document) -> EncryptParameters:
    _check_encryption_algorithm(document)
    return EncryptParameters(
        plaintext=_required_bytes(document, "plaintext"),
        additional_authenticated_data=_optional_bytes(
            document, "additionalAuthenticatedData"
        ),
        wants_cdiv=_wants_cdiv(document),
    )


def _decrypt_parameters(document: Document) -> DecryptParameters:
    _check_encryption_algorithm(document)
    return DecryptParameters(
        ciphertext=_required_bytes(document, "ciphertext"),
        ciphertext_metadata=_optional_bytes(document, "ciphertextMetadata"),
        additional_authenticated_data=_optional_bytes(
            document, "additionalAuthenticatedData"
        ),
        initialization_vector=_required_bytes(document, "initializationVector"),
        authentication_tag=_required_bytes(document, "authenticationTag"),
    )


def check_lengths(parameters: EncryptParameters | DecryptParameters) -> None:
    """Check the lengths that the specification fixes, all of them Decrypt's.

    AMBIGUOUS: malformed parts of a ciphertext are a ValidationException or an
    InvalidCiphertextException, whose text says "missing". Ours: ValidationException.

    Raises:
        XksError: ValidationException.
    """
    if not isinstance(parameters, DecryptParameters):
        return
    if len(parameters.ciphertext_metadata) > CIPHERTEXT_METADATA_MAX_BYTES:
        raise _invalid("ciphertextMetadata is longer than 20 bytes.")
    if len(parameters.initialization_vector) not in INITIALIZATION_VECTOR_BYTES:
        raise _invalid("initializationVector must be 12 or 16 bytes.")
    if len(parameters.authentication_tag) != AUTHENTICATION_TAG_BYTES:
        raise _invalid("authenticationTag must be 16 bytes.")


_PARAMETERS: Mapping[
    Operation, Callable[[Document], EncryptParameters | DecryptParameters]
] = {
    Operation.ENCRYPT: _encrypt_parameters,
    Operation.DECRYPT: _decrypt_parameters,
}


def parse_parameters(
    document: Document, operation: Operation
) -> EncryptParameters | DecryptParameters | None:
    """Read what an operation takes besides requestMetadata; None if it takes nothing.

    Lengths are left to ``check_lengths``.

    Raises:
        XksError: ValidationException, or UnsupportedOperationException for an algorithm
            of another name.
    """
    read = _PARAMETERS.get(operation)
    return None if read is None else read(document)


def render(document: Mapping[str, object]) -> bytes:
    """Write a response body: compact JSON, in ASCII, on one line."""
    return _ENCODER.encode(document).encode("ascii")


def render_error(error: XksError) -> Document:
    """The body of an answer other than success ("Error codes")."""
    return {"errorName": error.name.value, "errorMessage": error.message}


def render_key_metadata(metadata: KeyMetadata) -> Document:
    """The body of a GetKeyMetadata response."""
    return {
        "keySpec": metadata.key_spec,
        "keyUsage": list(metadata.key_usage),
        "keyStatus": metadata.key_status,
    }


def render_encrypt(result: EncryptResult) -> Document:
    """The body of an Encrypt response; optional members only if they have a value."""
    document: Document = {
        "ciphertext": encode_base64(result.ciphertext),
        "initializationVector": encode_base64(result.initialization_vector),
        "authenticationTag": encode_base64(result.authentication_tag),
    }
    if result.ciphertext_metadata is not None:
        document["ciphertextMetadata"] = encode_base64(result.ciphertext_metadata)
    if result.ciphertext_data_integrity_value is not None:
        document["ciphertextDataIntegrityValue"] = encode_base64(
            result.ciphertext_data_integrity_value
        )
    return document


def render_decrypt(plaintext: bytes) -> Document:
    """The body of a Decrypt response."""
    return {"plaintext": encode_base64(plaintext)}


def render_health_status(health: HealthStatus) -> Document:
    """The body of a GetHealthStatus response."""
    return {
        "xksProxyFleetSize": health.xks_proxy_fleet_size,
        "xksProxyVendor": health.xks_proxy_vendor,
        "xksProxyModel": health.xks_proxy_model,
        "ekmVendor": health.ekm_vendor,
        "ekmFleetDetails": [
            {
                "id": detail.id,
                "model": detail.model,
                "healthStatus": detail.health_status,
            }
            for detail in health.ekm_fleet_details
        ],
    }
