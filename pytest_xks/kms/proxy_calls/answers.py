"""What counts as an answer of a proxy; everything else is malformed (KMS-RESP).

A proxy's answer comes from outside: it is read strictly, and no value of it finds its
way into an exception unless it is short and printable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.proxy_calls.error_mapping import FailureScenario, ProxyFailure
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64, decode_json
from pytest_xks.proxy_api.integrity import ciphertext_data_integrity_value
from pytest_xks.proxy_api.limits import (
    AUTHENTICATION_TAG_BYTES,
    CIPHERTEXT_METADATA_MAX_BYTES,
    EKM_FLEET_DETAILS_MAX,
    INITIALIZATION_VECTOR_BYTES,
    KEY_USAGE_MAX,
)
from pytest_xks.proxy_api.messages import (
    EkmFleetDetail,
    EncryptResult,
    HealthStatus,
    KeyMetadata,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.proxy_api.http import Response

__all__ = [
    "HEALTH_STATUSES",
    "Sealed",
    "check_ciphertext_metadata",
    "check_integrity",
    "check_lengths",
    "read_decrypt",
    "read_document",
    "read_encrypt",
    "read_health_status",
    "read_key_metadata",
]

Document = dict[str, object]

HEALTH_STATUSES = ("ACTIVE", "DEGRADED", "UNAVAILABLE")
_KEY_STATUSES = ("ENABLED", "DISABLED")
_TEXT_MAX_LENGTH = 256

# KMS-RESP-007: an errorName that is not in the published list is malformed.
_BY_ERROR_NAME: Mapping[str, FailureScenario] = {
    str(scenario): scenario
    for scenario in FailureScenario
    if str(scenario).endswith("Exception")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What was sent to Encrypt, as far as the answer has to agree with it."""

    plaintext_bytes: int
    additional_authenticated_data: bytes


def _malformed() -> ProxyFailure:
    return ProxyFailure(FailureScenario.MALFORMED)


@step
def read_document(response: Response) -> Document:
    """The JSON object of a success.

    AMBIGUOUS: the errorName selects the exception, not the HTTP status (KMS-RESP-004);
    what an errorName under a status of 200 means is not said. Ours: an error.

    Raises:
        ProxyFailure: the proxy reports an error, or the answer is malformed.
    """
    try:
        document = decode_json(response.body)
    except DecodingError:
        raise _malformed() from None
    if not isinstance(document, dict):
        raise _malformed()
    name = document.get("errorName")
    if isinstance(name, str):
        message = document.get("errorMessage")
        raise ProxyFailure(
            _BY_ERROR_NAME.get(name, FailureScenario.MALFORMED),
            message if isinstance(message, str) else None,
        )
    if response.status != 200:
        raise _malformed()
    return document


def read_encrypt(document: Document, sent: Sealed) -> EncryptResult:
    """The answer to Encrypt, its CDIV verified (KMS-RESP-008, 009, 011).

    Raises:
        ProxyFailure: it is malformed.
    """
    result = EncryptResult(
        ciphertext=_bytes(document, "ciphertext"),
        ciphertext_metadata=_optional_bytes(document, "ciphertextMetadata"),
        initialization_vector=_bytes(document, "initializationVector"),
        authentication_tag=_bytes(document, "authenticationTag"),
        ciphertext_data_integrity_value=_optional_bytes(
            document, "ciphertextDataIntegrityValue"
        ),
    )
    check_ciphertext_metadata(result)
    check_lengths(result, sent)
    check_integrity(result, sent)
    return result


@step
def check_ciphertext_metadata(result: EncryptResult) -> None:
    """The metadata is not too long (KMS-RESP-008).

    Raises:
        ProxyFailure: it is.
    """
    if len(result.ciphertext_metadata or b"") > CIPHERTEXT_METADATA_MAX_BYTES:
        raise _malformed()


@step
def check_lengths(result: EncryptResult, sent: Sealed) -> None:
    """Ciphertext, IV and tag have the lengths that they must have (KMS-RESP-011).

    Raises:
        ProxyFailure: one has not.
    """
    if (
        len(result.ciphertext) != sent.plaintext_bytes
        or len(result.initialization_vector) not in INITIALIZATION_VECTOR_BYTES
        or len(result.authentication_tag) != AUTHENTICATION_TAG_BYTES
    ):
        raise _malformed()


@step
def check_integrity(result: EncryptResult, sent: Sealed) -> None:
    """The CDIV, which KMS always asks for, is that of the answer (KMS-RESP-009).

    Raises:
        ProxyFailure: it is another, or there is none.
    """
    expected = ciphertext_data_integrity_value(
        additional_authenticated_data=sent.additional_authenticated_data,
        ciphertext_metadata=result.ciphertext_metadata or b"",
        initialization_vector=result.initialization_vector,
        ciphertext=result.ciphertext,
        authentication_tag=result.authentication_tag,
    )
    if result.ciphertext_data_integrity_value != expected:
        raise _malformed()


@step
def read_decrypt(document: Document, *, ciphertext_bytes: int) -> bytes:
    """The answer to Decrypt: as many bytes as were sent (KMS-RESP-012).

    Raises:
        ProxyFailure: it is malformed.
    """
    plaintext = _bytes(document, "plaintext")
    if len(plaintext) != ciphertext_bytes:
        raise _malformed()
    return plaintext


@step
def read_key_metadata(document: Document) -> KeyMetadata:
    """The answer to GetKeyMetadata (KMS-RESP-013).

    Raises:
        ProxyFailure: it is malformed.
    """
    usage = document.get("keyUsage")
    status = _text(document, "keyStatus")
    if not isinstance(usage, list) or len(usage) > KEY_USAGE_MAX:
        raise _malformed()
    if status not in _KEY_STATUSES:
        raise _malformed()
    return KeyMetadata(
        key_spec=_text(document, "keySpec"),
        key_usage=[_checked_text(each) for each in usage],
        key_status=status,
    )


@step
def read_health_status(document: Document) -> HealthStatus:
    """The answer to GetHealthStatus (KMS-RESP-014).

    Raises:
        ProxyFailure: it is malformed, or no external key manager can serve.
    """
    size = document.get("xksProxyFleetSize")
    details = document.get("ekmFleetDetails")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise _malformed()
    if not isinstance(details, list) or not 1 <= len(details) <= EKM_FLEET_DETAILS_MAX:
        raise _malformed()
    return HealthStatus(
        xks_proxy_fleet_size=size,
        xks_proxy_vendor=_text(document, "xksProxyVendor"),
        xks_proxy_model=_text(document, "xksProxyModel"),
        ekm_vendor=_text(document, "ekmVendor"),
        ekm_fleet_details=[_fleet_detail(each) for each in details],
    )


def _fleet_detail(value: object) -> EkmFleetDetail:
    if not isinstance(value, dict):
        raise _malformed()
    detail = EkmFleetDetail(
        id=_text(value, "id"),
        model=_text(value, "model"),
        health_status=_text(value, "healthStatus"),
    )
    if detail.health_status not in HEALTH_STATUSES:
        raise _malformed()
    return detail


def _checked_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_MAX_LENGTH:
        raise _malformed()
    if not value.isprintable():
        raise _malformed()
    return value


def _text(document: Document, member: str) -> str:
    return _checked_text(document.get(member))


def _bytes(document: Document, member: str) -> bytes:
    value = document.get(member)
    if not isinstance(value, str):
        raise _malformed()
    try:
        return decode_base64(value)
    except DecodingError:
        raise _malformed() from None


def _optional_bytes(document: Document, member: str) -> bytes | None:
    return _bytes(document, member) if document.get(member) is not None else None
