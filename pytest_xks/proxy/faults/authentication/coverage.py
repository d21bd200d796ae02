"""Faults of authentication: what the signature covers (Appendix A)."""

from __future__ import annotations

import json
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
from pytest_xks.proxy_api.messages import CONTENT_TYPE
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
    seen: set[tuple[object, ...]] = set()

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        others = (h for h in request.headers if h[0].lower() != "content-length")
        mark = (request.method, request.target, *others)
        try:
            access_key_id = proceed(request, secrets, now)
        except XksError:
            if mark not in seen:
                raise
            return next(iter(secrets))
        seen.add(mark)
        return access_key_id

    return Replace("authenticate", authenticate)


def _with_body(change: Callable[[bytes], bytes]) -> Effect:
    def variants(request: Request) -> Iterable[Request]:
        try:
            yield replace(request, body=change(request.body))
        except ValueError:
            return

    return or_else(variants)


row(
    "trims-body-in-signature",
    "Hashes the body without the white space around it.",
    _with_body(bytes.strip),
    violates=("XKS-AUTH-005",),
)
row(
    "hashes-json-of-body",
    "Hashes the JSON of the body as it would write it, and not the body.",
    _with_body(
        lambda body: json.dumps(
            json.loads(body), separators=(",", ":"), ensure_ascii=False
        ).encode()
    ),
    violates=("XKS-AUTH-005",),
)


@fault(violates=("XKS-AUTH-006",))
def ignores_path_in_signature(key: str = "foo") -> Effect:
    """Takes a signature for one operation at the path of another."""

    def variants(request: Request) -> Iterable[Request]:
        route = parse_path(request.path)
        if route is not None:
            yield replace(request, target=f"{route.uri_path}/health")
            yield replace(request, target=f"{route.uri_path}/keys/{key}/metadata")

    return or_else(variants)


@fault(violates=("XKS-AUTH-006",))
def ignores_key_in_signature(key: str = "another-key") -> Effect:
    """Takes a signature for one external key at the path of another."""

    def variants(request: Request) -> Iterable[Request]:
        route = parse_path(request.path)
        if route is not None and route.external_key_id is not None:
            own, other = f"/keys/{route.external_key_id}/", f"/keys/{key}/"
            yield replace(request, target=request.target.replace(own, other))

    return or_else(variants)


row(
    "ignores-method-in-signature",
    "Takes a signature that was made for another method.",
    or_else(lambda request: [replace(request, method=m) for m in ("GET", "PUT")]),
    violates=("XKS-AUTH-031",),
)
row(
    "ignores-content-type-in-signature",
    "Takes a signed Content-Type for application/json, whatever its parameters.",
    or_else(lambda request: [with_header(request, "Content-Type", CONTENT_TYPE)]),
    violates=("XKS-AUTH-032",),
)


@fault(violates=("XKS-AUTH-032",))
def ignores_other_signed_headers(header: str = "X-Amz-Trace") -> Effect:
    """Takes a signed header for what it was, though it was changed or removed."""

    def variants(request: Request) -> Iterable[Request]:
        others = tuple(h for h in request.headers if h[0].lower() != header.lower())
        yield replace(request, headers=(*others, (header, "one")))

    return or_else(variants)


@fault(violates=("XKS-AUTH-007",))
def ignores_host_in_signature(host: str = "other.example.com") -> Effect:
    """Takes a signature that was made for another host."""
    return or_else(lambda request: [with_header(request, "Host", host)])


@fault(violates=("XKS-AUTH-007",))
def ignores_port_in_signature(port: int = 1) -> Effect:
    """Takes a signature that was made for another port of the same host."""

    def variants(request: Request) -> Iterable[Request]:
        name = (request.header("Host") or "").rpartition(":")[0]
        yield with_header(request, "Host", f"{name}:{port}")

    return or_else(variants)


@fault(violates=("XKS-AUTH-008",))
def ignores_timestamp_in_signature() -> Effect:
    """Takes a signature that was made for a timestamp a second off."""

    def variants(request: Request) -> Iterable[Request]:
        try:
            sent = datetime.strptime(
                request.header("X-Amz-Date") or "", TIMESTAMP
            ).replace(tzinfo=UTC)
        except ValueError:
            return
        for seconds in (-1, 1):
            near = (sent + timedelta(seconds=seconds)).strftime(TIMESTAMP)
            yield with_header(request, "X-Amz-Date", near)

    return or_else(variants)
