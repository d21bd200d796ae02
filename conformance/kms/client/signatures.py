"""SigV4 by botocore, over a request as the proxy received it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from http.client import HTTPMessage
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.probe_proxy.request import ProxyRequest

__all__ = ["Authorization", "authorization_of", "signature_over"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<id>[^/,\s]+)/(?P<scope>[^,\s]+), *"
    r"SignedHeaders=(?P<headers>[^,\s]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An Authorization header, taken apart."""

    access_key_id: str
    scope: tuple[str, ...]
    """Date, Region, service, termination string."""
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)


def authorization_of(request: ProxyRequest) -> Authorization | None:
    """The only Authorization header; None if there is none that can be read."""
    values = [v for n, v in request.headers if n.lower() == "authorization"]
    match = _AUTHORIZATION.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        return None
    return Authorization(
        access_key_id=match["id"],
        scope=tuple(match["scope"].split("/")),
        signed_headers=tuple(match["headers"].split(";")),
        signature=match["signature"],
    )


class _Signer(SigV4Auth):
    """botocore's, which here signs the headers that the sender says it signed."""

    def __init__(
        self, credentials: Credentials, scope: tuple[str, ...], names: Iterable[str]
    ) -> None:
        _, region, service, _ = scope
        super().__init__(credentials, service, region)
        self._names = tuple(names)

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        """The headers of these names, as received."""
        chosen = HTTPMessage()
        for name, value in request.context["received"]:
            if name.lower() in self._names:
                chosen[name.lower()] = value
        return chosen


def signature_over(
    request: ProxyRequest, authorization: Authorization, secret_access_key: str
) -> str:
    """The signature that the request has to have.

    Args:
        request: as received.
        authorization: which headers are signed, and for which scope of four parts.
        secret_access_key: of the access key id.
    """
    material = AWSRequest(
        method=request.method,
        url=f"https://{request.header('host')}{request.target}",
        data=request.body,
    )
    # What is sent with the request is never taken for the hash of its body.
    material.headers["X-Amz-Content-SHA256"] = hashlib.sha256(request.body).hexdigest()
    material.context["timestamp"] = request.header("x-amz-date") or ""
    material.context["received"] = request.headers
    signer = _Signer(
        Credentials(authorization.access_key_id, secret_access_key),
        authorization.scope,
        authorization.signed_headers,
    )
    canonical = signer.canonical_request(material)
    text = signer.string_to_sign(material, canonical)
    signature: str = signer.signature(text, material)
    return signature
