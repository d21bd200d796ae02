"""The service model of KMS, compiled: one check for each member of each operation.

botocore brings the model. SDKs check little of it, so here all of it is: what is
required, types, lengths, ranges, patterns and enumerations (KMS-GEN-011). A shape is
read once, when an operation is first called; a check is a closure over its constraints.
The value of a sensitive member never comes back (KMS-GEN-014).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    Check = Callable[[object, str, list[str]], bytes | None]

__all__ = ["Constraints", "constraints_of", "not_null", "wire_name", "wrong_type"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What the service model says of the input of one operation."""

    checks: Mapping[str, Check]
    """By member: adds to a list what a value violates; wants the member's path. What is
    of type blob comes back decoded."""
    required: tuple[str, ...]


@cache
def constraints_of(operation: str) -> Constraints | None:
    """The constraints of an operation; None if KMS has no such operation."""
    model = _model()
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    members = getattr(shape, "members", {})
    return Constraints(
        checks={name: _compiled(member) for name, member in members.items()},
        required=tuple(getattr(shape, "required_members", ())),
    )


@cache
def _model() -> ServiceModel:
    description = Loader().load_service_model("kms", "service-2")
    return ServiceModel(description, "kms")


def wire_name(member: str) -> str:
    """A member as messages of AWS name it."""
    return member[0].lower() + member[1:]


def wrong_type(path: str) -> KmsError:
    """The error for a value that is not of the type that the model has."""
    return KmsError(
        ErrorCode.SERIALIZATION, f"The value of {path} is not of the right type."
    )


def not_null(path: str) -> str:
    """What a member violates that is required and absent."""
    return _violation(f"Value null at '{path}'", "not be null")


def _violation(where: str, what: str) -> str:
    return f"{where} failed to satisfy constraint: Member must {what}"


def _compiled(shape: Shape) -> Check:
    kinds: Mapping[str, Callable[[Any], Check]] = {
        "blob": _blob,
        "boolean": lambda _: _kind(bool),
        "integer": _number,
        "list": _list,
        "map": _map,
        "string": _text,
        "structure": _structure,
        "timestamp": lambda _: _kind(int, float),
    }
    return kinds[shape.type_name](shape)


def _kind(*kinds: type) -> Check:
    def check(value: object, path: str, _: list[str]) -> None:
        boolean = isinstance(value, bool) and bool not in kinds
        if boolean or not isinstance(value, kinds):
            raise wrong_type(path)

    return check


def _text(shape: Any) -> Check:  # noqa: ANN401 - a shape of botocore, here and below
    minimum, maximum = _bounds(shape)
    pattern = shape.metadata.get("pattern")
    matches = re.compile(pattern, re.ASCII).fullmatch if pattern else None
    values = tuple(shape.enum)
    sensitive = _sensitive(shape)

    def check(value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, str):
            raise wrong_type(path)
        where = f"Value at '{path}'" if sensitive else f"Value '{value}' at '{path}'"
        if not minimum <= len(value) <= maximum:
            found.append(_out_of_bounds(where, "length", len(value), shape))
        if matches and not matches(value):
            what = f"satisfy regular expression pattern: {pattern}"
            found.append(_violation(where, what))
        if values and value not in values:
            what = f"satisfy enum value set: [{', '.join(values)}]"
            found.append(_violation(where, what))

    return check


def _blob(shape: Any) -> Check:  # noqa: ANN401
    minimum, maximum = _bounds(shape)

    def check(value: object, path: str, found: list[str]) -> bytes:
        if not isinstance(value, str):
            raise wrong_type(path)
        try:
            data = decode_base64(value)
        except DecodingError:
            raise wrong_type(path) from None
        if not minimum <= len(data) <= maximum:
            where = f"Value at '{path}'"
            found.append(_out_of_bounds(where, "length", len(data), shape))
        return data

    return check


def _number(shape: Any) -> Check:  # noqa: ANN401
    minimum, maximum = _bounds(shape)

    def check(value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(path)
        if not minimum <= value <= maximum:
            where = f"Value '{value}' at '{path}'"
            found.append(_out_of_bounds(where, "value", value, shape))

    return check


def _list(shape: Any) -> Check:  # noqa: ANN401
    minimum, maximum = _bounds(shape)
    check_member = _compiled(shape.member)

    def check(value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, list):
            raise wrong_type(path)
        if not minimum <= len(value) <= maximum:
            where = f"Value at '{path}'"
            found.append(_out_of_bounds(where, "length", len(value), shape))
        for number, member in enumerate(value, start=1):
            _check_inner(check_member, member, f"{path}.{number}.member", found)

    return check


def _map(shape: Any) -> Check:  # noqa: ANN401
    check_value = _compiled(shape.value)

    def check(value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path)
        for name, member in value.items():
            _check_inner(check_value, member, f"{path}.{name}.member", found)

    return check


def _structure(shape: Any) -> Check:  # noqa: ANN401
    required = frozenset(shape.required_members)
    checks = {name: _compiled(member) for name, member in shape.members.items()}

    def check(value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path)
        for name, check_member in checks.items():
            member = value.get(name)
            if member is not None:
                check_member(member, f"{path}.{wire_name(name)}", found)
            elif name in required:
                found.append(not_null(f"{path}.{wire_name(name)}"))

    return check


def _check_inner(check: Check, value: object, path: str, found: list[str]) -> None:
    if value is None:
        found.append(not_null(path))
    else:
        check(value, path, found)


def _bounds(shape: Any) -> tuple[float, float]:  # noqa: ANN401
    metadata = shape.metadata
    return metadata.get("min", -math.inf), metadata.get("max", math.inf)


def _sensitive(shape: Any) -> bool:  # noqa: ANN401
    return bool(shape.metadata.get("sensitive"))


def _out_of_bounds(where: str, what: str, number: int, shape: Any) -> str:  # noqa: ANN401
    minimum, maximum = _bounds(shape)
    bound = f"less than or equal to {maximum}"
    if number < minimum:
        bound = f"greater than or equal to {minimum}"
    return _violation(where, f"have {what} {bound}")
