"""Which path means which operation, on which external key, in which key store.

"API operations": the URI path configured in KMS,
``[/<optional-path-prefix>]/kms/xks/v1``, is followed by ``/health`` or by
``/keys/<externalKeyId>/<operationIndicator>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.limits import is_external_key_id

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Route", "parse_path", "path_for"]

_HEALTH = "/health"
_KEYS = "keys"
_INDICATORS: Mapping[str, Operation] = {
    "metadata": Operation.GET_KEY_METADATA,
    "encrypt": Operation.ENCRYPT,
    "decrypt": Operation.DECRYPT,
}
_INDICATOR_OF = {operation: name for name, operation in _INDICATORS.items()}


@dataclass(frozen=True, slots=True)
class Route:
    """What a request path asks for."""

    uri_path: str
    """The XksProxyUriPath, which names the key store."""
    operation: Operation
    external_key_id: str | None
    """None for GetHealthStatus, which concerns no key."""


def parse_path(path: str) -> Route | None:
    """Read a request path; None if it is not a path of the XKS proxy API.

    Nothing is decoded or normalised: every legal character stands for itself, so an
    escape, a doubled slash or a trailing one makes another path.
    """
    if path.endswith(_HEALTH):
        return Route(path[: -len(_HEALTH)], Operation.GET_HEALTH_STATUS, None)
    # Split from the right, part by part: "keys" and "health" are legal externalKeyIds.
    uri_path, *rest = path.rsplit("/", 3)
    if len(rest) != 3 or rest[0] != _KEYS:
        return None
    _, external_key_id, indicator = rest
    operation = _INDICATORS.get(indicator)
    if operation is None or not is_external_key_id(external_key_id):
        return None
    return Route(uri_path, operation, external_key_id)


def path_for(
    uri_path: str, operation: Operation, external_key_id: str | None = None
) -> str:
    """The request path of an operation; the inverse of ``parse_path``."""
    if operation is Operation.GET_HEALTH_STATUS:
        return f"{uri_path}{_HEALTH}"
    return f"{uri_path}/{_KEYS}/{external_key_id}/{_INDICATOR_OF[operation]}"
