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
    Body,
    ProxyOperation,
)
from ..client.expect import SERVED, Outcome, error
from ..client.scenarios import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient


def _served(operation: ProxyOperation) -> tuple[Outcome, ...]:
    """Served, or denied by a policy where there may be one."""
    if operation is ProxyOperation.GET_HEALTH_STATUS:
        return (SERVED,)
    return (SERVED, error("AccessDeniedException"))


def _probe(
    proxy: ProxyClient,
    operation: ProxyOperation,
    body: Body,
    text: str,
    accept: tuple[Outcome, ...] | None = None,
) -> Probe:
    return proxy.probe(
        operation,
        body,
        altered=f"{operation.title} with {text}",
        accept=accept or _served(operation),
    )


def _with_members(
    proxy: ProxyClient,
    operations: Sequence[ProxyOperation],
    variants: Iterable[tuple[str, Mapping[str, object]]],
    also: tuple[Outcome, ...] = (),
) -> list[Probe]:
    """A probe of every operation with each of these members of requestMetadata.

    Args:
        proxy: the proxy.
        operations: what to ask for.
        variants: members to replace or add, by what they are; None leaves one out.
        also: what is accepted beside a served request.
    """
    return [
        _probe(
            proxy,
            operation,
            proxy.good_body(operation, **members),
            text,
            (*_served(operation), *also),
        )
        for text, members in variants
        for operation in operations
    ]


def _arn(prefix: str, length: int = 2048) -> str:
    return prefix + "a" * (length - len(prefix))


@pytest.mark.requirement("XKS-META-001")
def test_arns_of_2048_characters(proxy: ProxyClient) -> None:
    """An awsPrincipalArn and a kmsKeyArn of 2048 characters are served."""
    principal: Body = {"awsPrincipalArn": _arn("arn:aws:iam::111122223333:role/")}
    key: Body = {"kmsKeyArn": _arn("arn:aws:kms:us-east-1:111122223333:key/")}
    text = "{} of 2048 characters"
    proxy.judge(
        [
            *_with_members(
                proxy, KEY_OPERATIONS, [(text.format("awsPrincipalArn"), principal)]
            ),
            *_with_members(
                proxy, CRYPTOGRAPHIC_OPERATIONS, [(text.format("kmsKeyArn"), key)]
            ),
        ]
    )


@pytest.mark.requirement("XKS-META-002")
def test_unknown_kms_operation(proxy: ProxyClient) -> None:
    """A kmsOperation that the specification does not list is no reason to refuse."""
    names = ("BulkTransmogrify", "DescribeKey", "Sign")
    variants = [(f"kmsOperation {name}", {"kmsOperation": name}) for name in names]
    proxy.judge(_with_members(proxy, ALL_OPERATIONS, variants))


_REQUEST_IDS = {
    "no UUID": "not-a-uuid",
    "no dashes": "4112F4D6DB544AF4AE30C55A22A8DFAE",
    "one character": "x",
    "512 characters": "r" * 512,
    "quotes and backslashes": '{"quoted": "\\n"}',
    "letters outside ASCII": "größer als 東京",
}


@pytest.mark.requirement("XKS-META-003")
def test_opaque_request_id(proxy: ProxyClient) -> None:
    """A kmsRequestId of any form is accepted."""
    proxy.judge(
        [
            _probe(
                proxy,
                operation,
                proxy.good_body(operation, kmsRequestId=request_id),
                f"a kmsRequestId of {text}",
                (SERVED,),
            )
            for text, request_id in _REQUEST_IDS.items()
            for operation in ALL_OPERATIONS
        ]
    )


@pytest.mark.requirement("XKS-META-004")
def test_optional_members(proxy: ProxyClient) -> None:
    """A request may have awsSourceVpc, awsSourceVpce and kmsViaService."""
    vpc: Body = {
        "awsSourceVpc": "vpc-1a2b3c4d5e6f",
        "awsSourceVpce": "vpce-1a2b3c4d5e6f",
    }
    service: Body = {"kmsViaService": "s3.us-east-1.amazonaws.com"}
    proxy.judge(
        [
            *_with_members(proxy, KEY_OPERATIONS, [("a VPC endpoint", vpc)]),
            *_with_members(
                proxy, CRYPTOGRAPHIC_OPERATIONS, [("kmsViaService", service)]
            ),
        ]
    )


@pytest.mark.requirement("XKS-META-005")
def test_without_via_service(proxy: ProxyClient) -> None:
    """A request that no service made has no kmsViaService."""
    variants: list[tuple[str, Body]] = [("no kmsViaService", {"kmsViaService": None})]
    proxy.judge(_with_members(proxy, CRYPTOGRAPHIC_OPERATIONS, variants))


@pytest.mark.requirement("XKS-META-006")
def test_additional_metadata(proxy: ProxyClient) -> None:
    """A member that KMS may add some day is ignored."""
    values: dict[str, object] = {
        "a string": "alice@example.com",
        "an object": {"Department": "Finance"},
        "an array": ["a", "b"],
    }
    variants = [
        (f"sourceIdentity, {text}", {"sourceIdentity": value})
        for text, value in values.items()
    ]
    proxy.judge(_with_members(proxy, ALL_OPERATIONS, variants))


# What binds an operation, of the members of requestMetadata.
_REQUIRED = {
    "kmsOperation": ALL_OPERATIONS,
    "kmsRequestId": ALL_OPERATIONS,
    "awsPrincipalArn": KEY_OPERATIONS,
    "kmsKeyArn": CRYPTOGRAPHIC_OPERATIONS,
}


@pytest.mark.requirement("XKS-META-007")
def test_missing_members(proxy: ProxyClient) -> None:
    """A REQUIRED member that is missing is a ValidationException, or is not missed.

    This holds for all of requestMetadata, and for GetHealthStatus too, although the
    table of error codes does not list the ValidationException for it.
    """
    also = invalid(proxy)
    probes = [
        probe
        for name, operations in _REQUIRED.items()
        for probe in _with_members(
            proxy, operations, [(f"no {name}", {name: None})], also
        )
    ]
    for operation in ALL_OPERATIONS:
        body = proxy.good_body(operation)
        without = {n: v for n, v in body.items() if n != "requestMetadata"}
        accept = (*_served(operation), *also)
        probes += [
            _probe(proxy, operation, without, "no requestMetadata", accept),
            _probe(
                proxy,
                operation,
                body | {"requestMetadata": {}},
                "empty requestMetadata",
                accept,
            ),
        ]
    proxy.judge(probes)


_WRONG_TYPES: dict[str, object] = {"a number": 7, "an object": {"a": "b"}, "array": [1]}
_NO_OBJECTS: dict[str, object] = {"null": None, "text": "text", "array": [], "1": 1}


@pytest.mark.requirement("XKS-META-008")
def test_wrong_types(proxy: ProxyClient) -> None:
    """What is of the wrong type is a ValidationException, or is not looked at."""
    also = invalid(proxy)
    texts = [
        (f"{member}: {text}", {member: value})
        for member in ("kmsOperation", "kmsRequestId")
        for text, value in _WRONG_TYPES.items()
    ]
    of_keys: list[tuple[str, Body]] = [
        (f"{member}: an object", {member: {"not": "a string"}})
        for member in ("awsPrincipalArn", "awsSourceVpc")
    ]
    no_objects = [
        _probe(
            proxy,
            operation,
            proxy.good_body(operation) | {"requestMetadata": value},
            f"requestMetadata: {text}",
            (*_served(operation), *also),
        )
        for operation in ALL_OPERATIONS
        for text, value in _NO_OBJECTS.items()
    ]
    proxy.judge(
        [
            *_with_members(proxy, ALL_OPERATIONS, texts, also),
            *_with_members(proxy, KEY_OPERATIONS, of_keys, also),
            *no_objects,
        ]
    )


@pytest.mark.requirement("XKS-META-009")
def test_service_as_principal(proxy: ProxyClient) -> None:
    """The caller may be an AWS service, which has no ARN."""
    variants = [
        (f"the principal {name}", {"awsPrincipalArn": name})
        for name in ("ec2.amazonaws.com", "AWS Internal")
    ]
    proxy.judge(_with_members(proxy, KEY_OPERATIONS, variants))


@pytest.mark.requirement("XKS-META-010")
def test_additional_member(proxy: ProxyClient) -> None:
    """A member of the request that is not in the specification is ignored."""
    more = {"somethingNew": {"of": ["another", "version"]}}
    proxy.judge(
        [
            _probe(
                proxy,
                operation,
                proxy.good_body(operation) | more,
                "an additional member",
            )
            for operation in ALL_OPERATIONS
        ]
    )
