"""What requestMetadata may hold: long, unknown, opaque and absent members.

"There is no expectation for the XKS Proxy to validate any information included in the
requestMetadata" ("GetKeyMetadata"). A proxy with secondary authorization may deny what
it does not know, so a 403 is accepted for operations on a key; never for
GetHealthStatus, which is excluded from authorization.
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
from ..client.expect import REFUSED, SERVED, Outcome, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..client.bodies import Body
    from ..client.proxy_client import ProxyClient

    Change = Callable[[Body], Body]

_SERVED_OR_REFUSED = (SERVED, REFUSED)


def _served(operation: ProxyOperation) -> tuple[Outcome, ...]:
    """Served, or denied by a policy where there may be one."""
    if operation is ProxyOperation.GET_HEALTH_STATUS:
        return (SERVED,)
    return (SERVED, status(403))


def _judge(
    proxy: ProxyClient,
    operations: Iterable[ProxyOperation],
    changes: Mapping[str, Change],
    accept: tuple[Outcome, ...] = (),
) -> None:
    """Judge good requests of some operations, each with each of the changes.

    Args:
        proxy: the proxy.
        operations: the operations.
        changes: what to change in the body, each with a phrase that says so.
        accept: what may come; that the request is served, if it is empty.
    """
    proxy.judge(
        [
            proxy.probe(
                operation,
                change(proxy.good_body(operation)),
                altered=f"{operation.title}: {text}",
                accept=accept or _served(operation),
            )
            for operation in operations
            for text, change in changes.items()
        ]
    )


def _with(**members: object) -> Change:
    """Replaces or adds members of requestMetadata; None leaves one out."""

    def change(body: Body) -> Body:
        old = body["requestMetadata"]
        changed = (old if isinstance(old, dict) else {}) | members
        return body | {"requestMetadata": _present(changed)}

    return change


def _in_body(**members: object) -> Change:
    """Replaces or adds members of the body itself."""
    return lambda body: body | members


def _present(members: Body) -> Body:
    return {name: value for name, value in members.items() if value is not None}


def _arn(prefix: str, length: int = 2048) -> str:
    return prefix + "a" * (length - len(prefix))


@pytest.mark.requirement("XKS-META-001")
def test_principal_arn_of_2048_characters(proxy: ProxyClient) -> None:
    """An awsPrincipalArn of 2048 characters is served."""
    arn = _arn("arn:aws:iam::111122223333:role/")
    text = "awsPrincipalArn of 2048 characters"
    _judge(proxy, KEY_OPERATIONS, {text: _with(awsPrincipalArn=arn)})


@pytest.mark.requirement("XKS-META-001")
def test_key_arn_of_2048_characters(proxy: ProxyClient) -> None:
    """A kmsKeyArn of 2048 characters is served."""
    arn = _arn("arn:aws:kms:us-east-1:111122223333:key/")
    text = "kmsKeyArn of 2048 characters"
    _judge(proxy, CRYPTOGRAPHIC_OPERATIONS, {text: _with(kmsKeyArn=arn)})


@pytest.mark.requirement("XKS-META-002")
def test_unknown_kms_operation(proxy: ProxyClient) -> None:
    """A kmsOperation that the specification does not list is no reason to refuse."""
    names = ("BulkTransmogrify", "DescribeKey", "Sign")
    changes = {f"kmsOperation {name}": _with(kmsOperation=name) for name in names}
    _judge(proxy, ALL_OPERATIONS, changes)


_REQUEST_IDS = {
    "no UUID": "not-a-uuid",
    "without dashes": "4112F4D6DB544AF4AE30C55A22A8DFAE",
    "one character": "x",
    "512 characters": "r" * 512,
    "quotes and backslashes": '{"quoted": "\\n"}',
    "not ASCII": "größer als 東京",
}


@pytest.mark.requirement("XKS-META-003")
def test_opaque_request_id(proxy: ProxyClient) -> None:
    """A kmsRequestId of any form is accepted; no policy asks for it."""
    changes = {
        f"kmsRequestId: {text}": _with(kmsRequestId=id_)
        for text, id_ in _REQUEST_IDS.items()
    }
    _judge(proxy, ALL_OPERATIONS, changes, accept=(SERVED,))


@pytest.mark.requirement("XKS-META-004")
def test_source_of_the_request(proxy: ProxyClient) -> None:
    """A request through a VPC endpoint has awsSourceVpc and awsSourceVpce."""
    through = _with(awsSourceVpc="vpc-1a2b3c4d5e6f", awsSourceVpce="vpce-1a2b3c4d5e6f")
    _judge(proxy, KEY_OPERATIONS, {"awsSourceVpc and awsSourceVpce": through})


@pytest.mark.requirement("XKS-META-004")
def test_via_service(proxy: ProxyClient) -> None:
    """A request on behalf of a service has kmsViaService."""
    via = _with(kmsViaService="s3.us-east-1.amazonaws.com")
    _judge(proxy, CRYPTOGRAPHIC_OPERATIONS, {"kmsViaService": via})


@pytest.mark.requirement("XKS-META-005")
def test_without_via_service(proxy: ProxyClient) -> None:
    """A request that no service made has no kmsViaService."""
    changes = {"no kmsViaService": _with(kmsViaService=None)}
    _judge(proxy, CRYPTOGRAPHIC_OPERATIONS, changes)


# Appendix B names the first three, and tags.
_ADDED_SOME_DAY: Body = {
    "sourceIdentity": "alice@example.com",
    "kmsRecipientAttestationImageSha384": "0f" * 48,
    "kmsRecipientAttestationPCR0": "0f" * 48,
    "principalTags": {"Department": "Finance"},
    "kmsKeyTags": [{"TagKey": "Department", "TagValue": "Finance"}],
}


@pytest.mark.requirement("XKS-META-006")
def test_additional_metadata(proxy: ProxyClient) -> None:
    """A member that KMS may add some day is ignored."""
    changes = {
        f"another member of requestMetadata, {name}": _with(**{name: value})
        for name, value in _ADDED_SOME_DAY.items()
    }
    _judge(proxy, ALL_OPERATIONS, changes)


@pytest.mark.requirement("XKS-META-007")
def test_missing_member(proxy: ProxyClient) -> None:
    """A request without a REQUIRED member is refused, or the member is not missed."""
    changes = {
        f"no {member}": _with(**{member: None})
        for member in ("kmsOperation", "kmsRequestId")
    }
    _judge(proxy, ALL_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-007")
def test_missing_member_of_a_key_operation(proxy: ProxyClient) -> None:
    """A missing awsPrincipalArn or kmsKeyArn is a reason to refuse, or not missed.

    GetKeyMetadata has no kmsKeyArn to leave out, and is served without.
    """
    changes = {
        f"no {member}": _with(**{member: None})
        for member in ("awsPrincipalArn", "kmsKeyArn")
    }
    _judge(proxy, KEY_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-007")
def test_no_metadata(proxy: ProxyClient) -> None:
    """A request without any requestMetadata is refused, or they are not missed.

    This holds for GetHealthStatus too, although the table of error codes does not list
    the ValidationException for it.
    """
    changes: dict[str, Change] = {
        "no requestMetadata": lambda body: {
            name: value for name, value in body.items() if name != "requestMetadata"
        },
        "empty requestMetadata": _in_body(requestMetadata={}),
    }
    _judge(proxy, ALL_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-008")
def test_member_of_the_wrong_type(proxy: ProxyClient) -> None:
    """A member that is no string is refused, or is not looked at."""
    values = {"a number": 7, "an object": {"a": "b"}, "an array": ["a"]}
    changes = {
        f"{member}: {text}": _with(**{member: value})
        for member in ("kmsOperation", "kmsRequestId")
        for text, value in values.items()
    }
    _judge(proxy, ALL_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-008")
def test_member_of_a_key_operation_of_the_wrong_type(proxy: ProxyClient) -> None:
    """A member that is no string is refused, or is not looked at."""
    changes = {
        f"{member}: an object": _with(**{member: {"not": "a string"}})
        for member in ("awsPrincipalArn", "awsSourceVpc")
    }
    _judge(proxy, KEY_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-008")
def test_metadata_of_the_wrong_type(proxy: ProxyClient) -> None:
    """A requestMetadata that is no object is refused, or ignored."""
    values: Body = {"null": None, "a string": "text", "an array": [], "a number": 1}
    changes = {
        f"requestMetadata: {text}": _in_body(requestMetadata=value)
        for text, value in values.items()
    }
    _judge(proxy, ALL_OPERATIONS, changes, _SERVED_OR_REFUSED)


@pytest.mark.requirement("XKS-META-009")
def test_service_as_principal(proxy: ProxyClient) -> None:
    """The caller may be an AWS service, which has no ARN."""
    changes = {
        f"awsPrincipalArn {name!r}": _with(awsPrincipalArn=name)
        for name in ("ec2.amazonaws.com", "AWS Internal", "s3.us-east-1.amazonaws.com")
    }
    _judge(proxy, KEY_OPERATIONS, changes)


def _judge_partition(proxy: ProxyClient, partition: str) -> None:
    """Principals and keys of another partition of AWS are served like any other."""
    principal = f"arn:{partition}:iam::111122223333:role/Admin"
    key = f"arn:{partition}:kms:{_REGIONS[partition]}:111122223333:key/{_KEY}"
    text = f"awsPrincipalArn of {partition}"
    _judge(proxy, KEY_OPERATIONS, {text: _with(awsPrincipalArn=principal)})
    both = _with(awsPrincipalArn=principal, kmsKeyArn=key)
    text = f"awsPrincipalArn and kmsKeyArn of {partition}"
    _judge(proxy, CRYPTOGRAPHIC_OPERATIONS, {text: both})


_REGIONS = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.requirement("XKS-META-011")
def test_principal_of_govcloud(proxy: ProxyClient) -> None:
    """A principal of AWS GovCloud (US) is served."""
    _judge_partition(proxy, "aws-us-gov")


@pytest.mark.requirement("XKS-META-012")
def test_principal_of_china(proxy: ProxyClient) -> None:
    """A principal of the Regions in China is served."""
    _judge_partition(proxy, "aws-cn")


@pytest.mark.requirement("XKS-META-010")
def test_additional_member(proxy: ProxyClient) -> None:
    """A member of the request that is not in the specification is ignored."""
    added = _in_body(somethingNew={"of": ["another", "version"]})
    _judge(proxy, ALL_OPERATIONS, {"an additional member": added})
