"""What requestMetadata may hold: long, unknown, opaque and absent members.

"There is no expectation for the XKS Proxy to validate any information included in the
requestMetadata" ("GetKeyMetadata"). A proxy with secondary authorization may deny what
it does not know, so a 403 AccessDeniedException is accepted for operations on a key;
never for GetHealthStatus, which is excluded from authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..client.bodies import (
    ALL_OPERATIONS,
    CRYPTOGRAPHIC_OPERATIONS,
    KEY_OPERATIONS,
    ProxyOperation,
)
from ..client.expect import SERVED, Outcome, control, error, expect, success
from ..client.scenarios import invalid

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient

_OPERATIONS = pytest.mark.parametrize(
    "operation", ALL_OPERATIONS, ids=lambda operation: operation.value
)
_ON_A_KEY = pytest.mark.parametrize(
    "operation", KEY_OPERATIONS, ids=lambda operation: operation.value
)
_CRYPTOGRAPHIC = pytest.mark.parametrize(
    "operation", CRYPTOGRAPHIC_OPERATIONS, ids=lambda operation: operation.value
)


def _served(operation: ProxyOperation) -> tuple[Outcome, ...]:
    """Served, or denied by a policy where there may be one."""
    if operation is ProxyOperation.GET_HEALTH_STATUS:
        return (SERVED,)
    return (SERVED, error("AccessDeniedException"))


def _expect_served(
    proxy: ProxyClient, operation: ProxyOperation, **metadata: object
) -> None:
    """A request with these members of requestMetadata is served."""
    control(proxy.call(operation, label="control: ordinary requestMetadata"))
    body = proxy.good_body(operation, **metadata)
    answer = proxy.call(operation, body, label=f"probe: {', '.join(metadata)}")
    expect(answer, *_served(operation))


def _expect_served_or_invalid(
    proxy: ProxyClient, operation: ProxyOperation, **metadata: object
) -> None:
    """A request with these members is served, or a ValidationException."""
    control(proxy.call(operation, label="control: complete requestMetadata"))
    body = proxy.good_body(operation, **metadata)
    answer = proxy.call(operation, body, label=f"probe: {', '.join(metadata)}")
    expect(answer, *_served(operation), *invalid(proxy))


def _arn(prefix: str, length: int = 2048) -> str:
    return prefix + "a" * (length - len(prefix))


@pytest.mark.requirement("XKS-META-001")
@_ON_A_KEY
def test_principal_arn_of_2048_characters(
    proxy: ProxyClient, operation: ProxyOperation
) -> None:
    """An awsPrincipalArn of 2048 characters is served."""
    arn = _arn("arn:aws:iam::111122223333:role/")
    _expect_served(proxy, operation, awsPrincipalArn=arn)


@pytest.mark.requirement("XKS-META-001")
@_CRYPTOGRAPHIC
def test_key_arn_of_2048_characters(
    proxy: ProxyClient, operation: ProxyOperation
) -> None:
    """A kmsKeyArn of 2048 characters is served."""
    arn = _arn("arn:aws:kms:us-east-1:111122223333:key/")
    _expect_served(proxy, operation, kmsKeyArn=arn)


@pytest.mark.requirement("XKS-META-002")
@_OPERATIONS
@pytest.mark.parametrize("kms_operation", ["BulkTransmogrify", "DescribeKey", "Sign"])
def test_unknown_kms_operation(
    proxy: ProxyClient, operation: ProxyOperation, kms_operation: str
) -> None:
    """A kmsOperation that the specification does not list is no reason to refuse."""
    _expect_served(proxy, operation, kmsOperation=kms_operation)


@pytest.mark.requirement("XKS-META-003")
@_OPERATIONS
@pytest.mark.parametrize(
    "request_id",
    [
        pytest.param("not-a-uuid", id="no-uuid"),
        pytest.param("4112F4D6DB544AF4AE30C55A22A8DFAE", id="without-dashes"),
        pytest.param("x", id="one-character"),
        pytest.param("r" * 512, id="512-characters"),
        pytest.param('{"quoted": "\\n"}', id="quotes-and-backslashes"),
        pytest.param("größer als 東京", id="not-ascii"),
    ],
)
def test_opaque_request_id(
    proxy: ProxyClient, operation: ProxyOperation, request_id: str
) -> None:
    """A kmsRequestId of any form is accepted."""
    control(proxy.call(operation, label="control: a UUID"))
    body = proxy.good_body(operation, kmsRequestId=request_id)
    success(proxy.call(operation, body, label="probe: another kmsRequestId"))


@pytest.mark.requirement("XKS-META-004")
@_ON_A_KEY
def test_source_of_the_request(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A request through a VPC endpoint has awsSourceVpc and awsSourceVpce."""
    _expect_served(
        proxy,
        operation,
        awsSourceVpc="vpc-1a2b3c4d5e6f",
        awsSourceVpce="vpce-1a2b3c4d5e6f",
    )


@pytest.mark.requirement("XKS-META-004")
@_CRYPTOGRAPHIC
def test_via_service(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A request on behalf of a service has kmsViaService."""
    _expect_served(proxy, operation, kmsViaService="s3.us-east-1.amazonaws.com")


@pytest.mark.requirement("XKS-META-005")
@_CRYPTOGRAPHIC
def test_without_via_service(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A request that no service made has no kmsViaService."""
    _expect_served(proxy, operation, kmsViaService=None)


@pytest.mark.requirement("XKS-META-006")
@_OPERATIONS
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("alice@example.com", id="string"),
        pytest.param({"Department": "Finance"}, id="object"),
        pytest.param(["a", "b"], id="array"),
    ],
)
def test_additional_metadata(
    proxy: ProxyClient, operation: ProxyOperation, value: object
) -> None:
    """A member that KMS may add some day is ignored."""
    _expect_served(proxy, operation, sourceIdentity=value)


@pytest.mark.requirement("XKS-META-007")
@_OPERATIONS
@pytest.mark.parametrize("member", ["kmsOperation", "kmsRequestId"])
def test_missing_member(
    proxy: ProxyClient, operation: ProxyOperation, member: str
) -> None:
    """A REQUIRED member that is missing is a ValidationException, or is not missed."""
    _expect_served_or_invalid(proxy, operation, **{member: None})


@pytest.mark.requirement("XKS-META-007")
@_ON_A_KEY
def test_missing_principal(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A missing awsPrincipalArn is a ValidationException, or is not missed."""
    _expect_served_or_invalid(proxy, operation, awsPrincipalArn=None)


@pytest.mark.requirement("XKS-META-007")
@_CRYPTOGRAPHIC
def test_missing_key_arn(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A missing kmsKeyArn is a ValidationException, or is not missed."""
    _expect_served_or_invalid(proxy, operation, kmsKeyArn=None)


@pytest.mark.requirement("XKS-META-007")
@_OPERATIONS
@pytest.mark.parametrize("empty", [False, True], ids=["missing", "empty"])
def test_no_metadata(
    proxy: ProxyClient, operation: ProxyOperation, *, empty: bool
) -> None:
    """Without any requestMetadata: a ValidationException, or not missed.

    This holds for GetHealthStatus too, although the table of error codes does not list
    the ValidationException for it.
    """
    control(proxy.call(operation, label="control: complete requestMetadata"))
    body = proxy.good_body(operation)
    if empty:
        body["requestMetadata"] = {}
    else:
        del body["requestMetadata"]
    answer = proxy.call(operation, body, label="probe: no requestMetadata")
    expect(answer, *_served(operation), *invalid(proxy))


@pytest.mark.requirement("XKS-META-008")
@_OPERATIONS
@pytest.mark.parametrize("member", ["kmsOperation", "kmsRequestId"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(7, id="number"),
        pytest.param({"a": "b"}, id="object"),
        pytest.param(["a"], id="array"),
    ],
)
def test_member_of_the_wrong_type(
    proxy: ProxyClient, operation: ProxyOperation, member: str, value: object
) -> None:
    """A member that is no string is a ValidationException, or is not looked at."""
    _expect_served_or_invalid(proxy, operation, **{member: value})


@pytest.mark.requirement("XKS-META-008")
@_ON_A_KEY
@pytest.mark.parametrize("member", ["awsPrincipalArn", "awsSourceVpc"])
def test_member_of_a_key_operation_of_the_wrong_type(
    proxy: ProxyClient, operation: ProxyOperation, member: str
) -> None:
    """A member that is no string is a ValidationException, or is not looked at."""
    _expect_served_or_invalid(proxy, operation, **{member: {"not": "a string"}})


@pytest.mark.requirement("XKS-META-008")
@_OPERATIONS
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param("text", id="string"),
        pytest.param([], id="array"),
        pytest.param(1, id="number"),
    ],
)
def test_metadata_of_the_wrong_type(
    proxy: ProxyClient, operation: ProxyOperation, value: object
) -> None:
    """A requestMetadata that is no object is a ValidationException, or ignored."""
    control(proxy.call(operation, label="control: an object"))
    body = proxy.good_body(operation)
    body["requestMetadata"] = value
    answer = proxy.call(operation, body, label="probe: requestMetadata altered")
    expect(answer, *_served(operation), *invalid(proxy))


@pytest.mark.requirement("XKS-META-009")
@_ON_A_KEY
@pytest.mark.parametrize("principal", ["ec2.amazonaws.com", "AWS Internal"])
def test_service_as_principal(
    proxy: ProxyClient, operation: ProxyOperation, principal: str
) -> None:
    """The caller may be an AWS service, which has no ARN."""
    _expect_served(proxy, operation, awsPrincipalArn=principal)


@pytest.mark.requirement("XKS-META-010")
@_OPERATIONS
def test_additional_member(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A member of the request that is not in the specification is ignored."""
    control(proxy.call(operation, label="control: the members of the specification"))
    body = proxy.good_body(operation)
    body["somethingNew"] = {"of": ["another", "version"]}
    answer = proxy.call(operation, body, label="probe: an additional member")
    expect(answer, *_served(operation))
