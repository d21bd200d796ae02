"""Faults of authentication: what the signature covers (Appendix A)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.authentication.verifying import (
    HEX,
    TIMESTAMP,
    checked,
    expected_signature,
    header_of,
    or_else,
    verifying,
    with_header,
)
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.errors import XksError
from pytest_xks.proxy_api.uri import parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]

row(
    "compares-half-of-signature",
    "Compares the first half of the signature.",
    checked(equal=lambda expected, sent: expected[:32] == sent[:32]),
    violates=("XKS-AUTH-003",),
)


@fault(violates=("XKS-AUTH-004",))
def accepts_truncated_signature() -> Effect:
    """Compares as many digits of the signature as were sent."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        header = header_of(request, "Authorization")
        sent = re.search(f"Signature=({HEX})", header)
        if sent is None:
            raise sigv4.SignatureError("The Authorization header has no signature.")
        whole = header[: sent.start(1)] + sent[1][:64].ljust(64, "0")
        authorization = sigv4.parse_authorization(whole)
        timestamp = header_of(request, "X-Amz-Date")
        sigv4.check_timestamp(timestamp, now=now)
        sigv4.check_scope(authorization, timestamp)
        sigv4.check_signed_headers(authorization)
        expected = expected_signature(request, secrets, authorization)
        if not (expected.startswith(sent[1]) or sent[1].startswith(expected)):
            raise sigv4.SignatureError("The signature does not match.")
        return authorization.access_key_id

    return verifying(verify)


@fault(violates=("XKS-AUTH-005",))
def ignores_body_in_signature() -> Effect:
    """Takes a signature that it has seen for any other body of the same request."""
    seen: set[tuple[str, str | None]] = set()

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        mark = (request.target, request.header("Authorization"))
        try:
            access_key_id = proceed(request, secrets, now)
        except XksError:
            if mark not in seen:
                raise
            return next(iter(secrets))
        seen.add(mark)
        return access_key_id

    return Replace("authenticate", authenticate)


@fault(violates=("XKS-AUTH-006",))
def ignores_path_in_signature() -> Effect:
    """Takes a signature for the health check at any path."""

    def variants(request: Request) -> Iterable[Request]:
        route = parse_path(request.path)
        if route is not None:
            yield replace(request, target=f"{route.uri_path}/health")

    return or_else(variants)


@fault(violates=("XKS-AUTH-007",))
def ignores_host_in_signature(host: str = "other.example.com") -> Effect:
    """Takes a signature that was made for another host."""
    return or_else(lambda request: [with_header(request, "Host", host)])


@fault(violates=("XKS-AUTH-008",))
def ignores_timestamp_in_signature() -> Effect:
    """Takes a signature that was made for a timestamp some seconds off."""

    def variants(request: Request) -> Iterable[Request]:
        try:
            sent = datetime.strptime(
                request.header("X-Amz-Date") or "", TIMESTAMP
            ).replace(tzinfo=UTC)
        except ValueError:
            return
        for seconds in range(-70, 71):
            near = (sent + timedelta(seconds=seconds)).strftime(TIMESTAMP)
            yield with_header(request, "X-Amz-Date", near)

    return or_else(variants)
