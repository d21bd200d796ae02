"""What the KMS API accepts as input, before anything else happens (KMS-GEN-011)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from pytest_xks.kms.desk.constraints import (
    constraints_of,
    not_null,
    wire_name,
)
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.kms.desk.call import Call

__all__ = [
    "binary",
    "examined",
    "invalid",
    "missing",
    "present",
    "read_parameters",
    "refusal",
    "require",
    "string_map",
]

_OPERATION = "UpdateCustomKeyStore"
_CLEARED_BY_EMPTY_TEXT = "XksProxyVpcEndpointServiceName"
Violations = dict[str, list[str]]


class Examined(NamedTuple):
    """What the service model makes of the input of an operation."""

    violations: Violations
    """What the members that are there, or should be, violate, by member."""
    blobs: dict[str, bytes]
    """The members of type blob, decoded."""


def read_parameters(body: bytes | str) -> dict[str, object]:
    """The members of a request in AWS JSON 1.1; no body is an empty one.

    Raises:
        KmsError: SerializationException; it is not a JSON object.
    """
    try:
        parameters = json.loads(body, parse_constant=_no_constant) if body else {}
    except (ValueError, RecursionError):
        parameters = None
    if not isinstance(parameters, dict):
        raise KmsError(ErrorCode.SERIALIZATION, "The request is not a JSON object.")
    return parameters


def _no_constant(name: str) -> NoReturn:
    # Python's JSON has NaN and Infinity; RFC 8259 has not.
    raise ValueError(name)


def present(operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
    """The members that are there; a null is an absent one."""
    kept = parameters
    if None in kept.values():
        kept = {name: value for name, value in kept.items() if value is not None}
    if operation == _OPERATION and kept.get(_CLEARED_BY_EMPTY_TEXT) == "":
        # KMS-AMB-028: "null or an empty string" clears it, and so does its absence.
        kept = {n: value for n, value in kept.items() if n != _CLEARED_BY_EMPTY_TEXT}
    return kept


def examined(operation: str, parameters: Mapping[str, object]) -> Examined:
    """Compare the input of an operation with the service model.

    Args:
        operation: one of KMS's.
        parameters: without nulls. Members that the model does not have are ignored.

    Raises:
        KmsError: UnknownOperationException; or SerializationException for a value of
            another type.
    """
    constraints = constraints_of(operation)
    if constraints is None:
        # KMS-GEN-018.
        raise KmsError("UnknownOperationException", f"KMS has no {operation[:128]!r}.")
    violations: Violations = {}
    blobs: dict[str, bytes] = {}
    for member, value in parameters.items():
        check = constraints.checks.get(member)
        if check is None:
            continue
        found: list[str] = []
        data = check(value, wire_name(member), found)
        if data is not None:
            blobs[member] = data
        if found:
            violations[member] = found
    for member in constraints.required:
        if member not in parameters:
            violations[member] = [not_null(wire_name(member))]
    return Examined(violations, blobs)


def refusal(violations: Mapping[str, Iterable[str]]) -> KmsError:
    """The ValidationException that names all violations, as AWS counts them."""
    texts = [text for found in violations.values() for text in found]
    errors = "error" if len(texts) == 1 else "errors"
    return invalid(f"{len(texts)} validation {errors} detected: {'; '.join(texts)}")


def require(parameters: Mapping[str, object], members: Iterable[str]) -> None:
    """Check that members are there that the model does not demand always.

    Raises:
        KmsError: ValidationException.
    """
    for member in members:
        if parameters.get(member) is None:
            raise missing(member)


def missing(member: str) -> KmsError:
    """The error for a member that is required and absent."""
    return refusal({member: [not_null(wire_name(member))]})


def invalid(message: str) -> KmsError:
    """A ValidationException with a message of its own."""
    return KmsError(ErrorCode.VALIDATION, message)


def binary(call: Call, member: str) -> bytes:
    """A member of type blob, decoded.

    Raises:
        KmsError: it is missing.
    """
    data = call.blobs.get(member)
    if data is None:
        raise missing(member)
    return data


def string_map(parameters: Mapping[str, object], member: str) -> dict[str, str]:
    """An encryption context; empty if it is absent."""
    value = parameters.get(member)
    return value if isinstance(value, dict) else {}
