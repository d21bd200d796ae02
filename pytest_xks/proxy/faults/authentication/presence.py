"""Faults of authentication: what a request has to have (Appendix A)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.authentication.verifying import checked
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import fails_internally, instead
from pytest_xks.proxy_api import sigv4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]


@fault(violates=("XKS-AUTH-002",))
def rejects_additional_signed_headers() -> Effect:
    """Refuses a signature over more than host and x-amz-date."""

    def check(authorization: sigv4.Authorization) -> None:
        sigv4.check_signed_headers(authorization)
        if len(authorization.signed_headers) > 2:
            raise sigv4.SignatureError("SignedHeaders must be host;x-amz-date.")

    return checked(signed_headers=check)


def _needs(name: str) -> Callable[[sigv4.Authorization], None]:
    def check(authorization: sigv4.Authorization) -> None:
        if name not in authorization.signed_headers:
            raise sigv4.SignatureError(f"The header {name} must be signed.")

    return check


row(
    "accepts-unsigned-host",
    "Does not insist on a signature over the host.",
    checked(signed_headers=_needs("x-amz-date")),
    violates=("XKS-AUTH-017",),
)
row(
    "accepts-unsigned-timestamp",
    "Does not insist on a signature over X-Amz-Date.",
    checked(signed_headers=_needs("host")),
    violates=("XKS-AUTH-018",),
)


def _without_looking_if(absent: str, *, but: str = "") -> Effect:
    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        there = not but or request.header(but) is not None
        if there and request.header(absent) is None:
            return next(iter(secrets))
        return proceed(request, secrets, now)

    return Replace("authenticate", authenticate)


def _unless_readable() -> Effect:
    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        header = request.header("Authorization")
        if header is not None and not all(part in header for part in _PARTS):
            return next(iter(secrets))
        return proceed(request, secrets, now)

    return Replace("authenticate", authenticate)


_PARTS = ("Credential=", "SignedHeaders=", "Signature=")
_ALL_THAT_IS_REFUSED = (
    *(f"XKS-AUTH-{number:03}" for number in (*range(3, 24), 27, *range(30, 38))),
    "XKS-ERR-009",
    "XKS-URI-008",
    "XKS-URI-012",
)

row(
    "accepts-unsigned-requests",
    "Serves a request without an Authorization header.",
    _without_looking_if("Authorization"),
    violates=("XKS-AUTH-016",),
)
row(
    "looks-at-no-signature",
    "Serves every request, whatever its signature, or without one.",
    instead("authenticate", lambda _, secrets, __: next(iter(secrets))),
    violates=_ALL_THAT_IS_REFUSED,
)
row(
    "accepts-missing-timestamp",
    "Serves a request with any signature that has no X-Amz-Date.",
    _without_looking_if("X-Amz-Date", but="Authorization"),
    violates=("XKS-AUTH-018", "XKS-AUTH-019"),
)
row(
    "accepts-malformed-authorization",
    "Serves a request with an Authorization header that it cannot read.",
    _unless_readable,
    violates=("XKS-AUTH-020",),
)


@fault(violates=("XKS-AUTH-020",))
def malformed_authorization_as_500() -> Effect:
    """Fails internally on an Authorization header that it cannot read."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        header = request.header("Authorization") or ""
        if header and not all(part in header for part in _PARTS):
            fails_internally()
        return proceed(request, secrets, now)

    return Replace("authenticate", authenticate)
