"""The pages of the list operations: Limit, Marker, Truncated, NextMarker."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Call

__all__ = ["check_limit", "is_list", "page_of", "without_page"]

# API Reference, Limit of each operation: the list, what tells its entries apart (the
# entries themselves, or their order), the default, and the most that may be asked for.
_ITSELF, _ORDER = "", "#"
_LISTS: Mapping[str, tuple[str, str, int, int]] = {
    "ListAliases": ("Aliases", "AliasName", 50, 100),
    "ListGrants": ("Grants", "GrantId", 50, 100),
    "ListKeyPolicies": ("PolicyNames", _ITSELF, 100, 1000),
    "ListKeyRotations": ("Rotations", _ORDER, 100, 1000),
    "ListKeys": ("Keys", "KeyId", 100, 1000),
    "ListResourceTags": ("Tags", "TagKey", 50, 50),
    "ListRetirableGrants": ("Grants", "GrantId", 50, 100),
}


def is_list(operation: str) -> bool:
    """Whether an operation answers in pages that are made here."""
    return operation in _LISTS


def check_limit(call: Call) -> None:
    """Check the Limit, which the service model bounds for all operations alike.

    Raises:
        KmsError: ValidationException.
    """
    most = _LISTS[call.operation][-1]
    limit = call.parameters.get("Limit")
    if isinstance(limit, int) and limit > most:
        raise KmsError(
            ErrorCode.VALIDATION,
            f"1 validation error detected: Value '{limit}' at 'limit' failed to "
            f"satisfy constraint: Member must have value less than or equal to {most}",
        )


def without_page(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """The parameters that ask for a whole list."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in {"Limit", "Marker"}
    }


def page_of(call: Call, document: Mapping[str, Any]) -> dict[str, Any]:
    """The page of a whole list that a call asks for.

    Raises:
        KmsError: InvalidMarkerException.
    """
    member, identity, limit, _ = _LISTS[call.operation]
    entries = document[member]
    markers = [
        _marker(_identity_of(entry, identity, number))
        for number, entry in enumerate(entries)
    ]
    start = 0
    if (marker := call.text("Marker")) is not None:
        if marker not in markers:
            raise KmsError(ErrorCode.INVALID_MARKER, "The marker is not valid.")
        start = markers.index(marker) + 1
    wanted = call.parameters.get("Limit")
    end = start + (limit if wanted is None else int(str(wanted)))
    page = {**document, member: entries[start:end], "Truncated": end < len(entries)}
    if page["Truncated"]:
        page["NextMarker"] = markers[end - 1]
    return page


def _identity_of(entry: Any, identity: str, number: int) -> str:  # noqa: ANN401 - of JSON
    if identity == _ORDER:
        return str(number)
    return str(entry if identity == _ITSELF else entry[identity])


def _marker(identity: str) -> str:
    return urlsafe_b64encode(identity.encode()).decode()
