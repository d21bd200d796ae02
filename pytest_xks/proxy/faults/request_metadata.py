"""Faults of reading requestMetadata: refusing what need not be looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import (
    before_metadata,
    fails_internally,
    invalid,
)

if TYPE_CHECKING:
    from pytest_xks.faults import Effect

Document = dict[str, object]


def _texts(metadata: Document) -> list[str]:
    return [value for value in metadata.values() if isinstance(value, str)]


@fault(violates=("XKS-META-001",))
def rejects_long_arns() -> Effect:
    """Refuses ARNs of more than 1024 characters."""

    def check(_: Document, metadata: Document) -> None:
        if any(len(text) > 1024 for text in _texts(metadata)):
            invalid("An ARN is too long.")

    return before_metadata(check)


_KMS_OPERATIONS = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "CreateKey",
        "DescribeKey",
        "CreateCustomKeyStore",
        "ConnectCustomKeyStore",
        "UpdateCustomKeyStore",
        "KmsHealthCheck",
    }
)


@fault(violates=("XKS-META-002",))
def rejects_unknown_kms_operation() -> Effect:
    """Refuses a kmsOperation that it does not know."""

    def check(_: Document, metadata: Document) -> None:
        name = metadata.get("kmsOperation")
        if isinstance(name, str) and name not in _KMS_OPERATIONS:
            invalid("The kmsOperation is unknown.")

    return before_metadata(check)


@fault(violates=("XKS-META-003",))
def requires_uuid_as_request_id() -> Effect:
    """Refuses a kmsRequestId that is no UUID."""
    uuid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

    def check(_: Document, metadata: Document) -> None:
        text = metadata.get("kmsRequestId")
        if isinstance(text, str) and not uuid.fullmatch(text):
            invalid("The kmsRequestId is no UUID.")

    return before_metadata(check)


@fault(violates=("XKS-META-004",))
def rejects_source_vpc() -> Effect:
    """Refuses awsSourceVpc and awsSourceVpce."""

    def check(_: Document, metadata: Document) -> None:
        if {"awsSourceVpc", "awsSourceVpce"} & metadata.keys():
            invalid("awsSourceVpc is not expected.")

    return before_metadata(check)


@fault(violates=("XKS-META-005",))
def requires_via_service() -> Effect:
    """Refuses Encrypt and Decrypt without kmsViaService."""

    def check(document: Document, metadata: Document) -> None:
        if "encryptionAlgorithm" in document and "kmsViaService" not in metadata:
            invalid("kmsViaService is missing.")

    return before_metadata(check)


_METADATA = frozenset(
    {
        "awsPrincipalArn",
        "awsSourceVpc",
        "awsSourceVpce",
        "kmsKeyArn",
        "kmsOperation",
        "kmsRequestId",
        "kmsViaService",
    }
)
_MEMBERS = frozenset(
    {
        "requestMetadata",
        "plaintext",
        "ciphertext",
        "ciphertextMetadata",
        "initializationVector",
        "authenticationTag",
        "additionalAuthenticatedData",
        "encryptionAlgorithm",
        "ciphertextDataIntegrityValueAlgorithm",
    }
)


@fault(violates=("XKS-META-006",))
def rejects_unknown_metadata() -> Effect:
    """Refuses a member of requestMetadata that it does not know."""

    def check(_: Document, metadata: Document) -> None:
        if metadata.keys() - _METADATA:
            invalid("requestMetadata has an unknown member.")

    return before_metadata(check)


@fault(violates=("XKS-META-010",))
def rejects_unknown_members() -> Effect:
    """Refuses a member of a request that it does not know."""

    def check(document: Document, _: Document) -> None:
        if document.keys() - _MEMBERS:
            invalid("The request has an unknown member.")

    return before_metadata(check)


@fault(violates=("XKS-META-009",))
def requires_arn_as_principal() -> Effect:
    """Refuses an awsPrincipalArn that is a service principal."""

    def check(_: Document, metadata: Document) -> None:
        if not str(metadata.get("awsPrincipalArn", "arn:")).startswith("arn:"):
            invalid("awsPrincipalArn is no ARN.")

    return before_metadata(check)


def _knows_no_partition(partition: str) -> Effect:
    def check(_: Document, metadata: Document) -> None:
        if any(text.startswith(f"arn:{partition}:") for text in _texts(metadata)):
            invalid("An ARN is of an unknown partition.")

    return before_metadata(check)


row(
    "rejects-arns-of-govcloud",
    "Refuses ARNs of AWS GovCloud (US).",
    _knows_no_partition("aws-us-gov"),
    violates=("XKS-META-011",),
)
row(
    "rejects-arns-of-china",
    "Refuses ARNs of the Regions in China.",
    _knows_no_partition("aws-cn"),
    violates=("XKS-META-012",),
)


@fault(violates=("XKS-META-007",))
def missing_metadata_as_500() -> Effect:
    """Fails internally when a REQUIRED member of requestMetadata is missing."""

    def check(document: Document, metadata: Document) -> None:
        is_object = isinstance(document.get("requestMetadata"), dict)
        if is_object and {"kmsOperation", "kmsRequestId"} - metadata.keys():
            fails_internally()

    return before_metadata(check)


@fault(violates=("XKS-META-008",))
def wrong_metadata_type_as_500() -> Effect:
    """Fails internally when a member of requestMetadata is no string."""

    def check(_: Document, metadata: Document) -> None:
        if len(_texts(metadata)) < len(metadata):
            fails_internally()

    return before_metadata(check)
