"""Faults of authentication: how old a request may be (Appendix A)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.authentication.verifying import (
    TIMESTAMP,
    checked,
    expected_signature,
    header_of,
    verifying,
)
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy_api import sigv4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]


def _window(*, past: float, future: float) -> Effect:
    """A verifier that takes requests from ``past`` to ``future`` seconds off."""

    def check(text: str, now: datetime) -> None:
        sigv4.check_timestamp(text, now=now, skew_seconds=float("inf"))
        sent = datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC)
        if not -future <= (now - sent).total_seconds() <= past:
            raise sigv4.SignatureError("X-Amz-Date is not recent.")

    return checked(timestamp=check)


_HOUR = 3600.0
_DAY = 24 * _HOUR
_FIVE_MINUTES = 300.0


row(
    "ignores-age",
    "Does not compare X-Amz-Date with its clock.",
    _window(past=float("inf"), future=float("inf")),
    violates=("XKS-AUTH-021", "XKS-AUTH-022", "XKS-AUTH-023", "XKS-AUTH-035"),
)
row(
    "accepts-a-month-in-the-past",
    "Takes requests that are up to 31 days old.",
    _window(past=31 * _DAY, future=_FIVE_MINUTES),
    violates=("XKS-AUTH-021", "XKS-AUTH-022", "XKS-AUTH-035"),
)
row(
    "accepts-a-month-in-the-future",
    "Takes requests from up to 31 days ahead.",
    _window(past=_FIVE_MINUTES, future=31 * _DAY),
    violates=("XKS-AUTH-021", "XKS-AUTH-023"),
)
row(
    "accepts-an-hour-in-the-past",
    "Takes requests that are up to an hour old.",
    _window(past=_HOUR, future=_FIVE_MINUTES),
    violates=("XKS-AUTH-022",),
)
row(
    "accepts-an-hour-in-the-future",
    "Takes requests from up to an hour ahead.",
    _window(past=_FIVE_MINUTES, future=_HOUR),
    violates=("XKS-AUTH-023",),
)
row(
    "no-clock-tolerance",
    "Takes requests that are at most 10 seconds off.",
    _window(past=10, future=10),
    violates=("XKS-AUTH-024",),
)


@fault(violates=("XKS-AUTH-035",))
def takes_age_from_date_header() -> Effect:
    """Compares the Date header with its clock, if there is one, and not X-Amz-Date."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        if request.header("Date") is None:
            return proceed(request, secrets, now)
        sent = parsedate_to_datetime(request.header("Date") or "")
        sigv4.check_timestamp(sent.strftime(TIMESTAMP), now=now)
        text = request.header("X-Amz-Date") or ""
        then = datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC)
        return proceed(request, secrets, then)

    return Replace("authenticate", authenticate)


@fault(violates=("XKS-AUTH-018",))
def takes_date_for_x_amz_date() -> Effect:
    """Reads a Date header where X-Amz-Date is missing, as other services do."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        date = request.header("Date")
        if date is None or request.header("X-Amz-Date") is not None:
            return sigv4.verify(request, secrets, now=now)
        sent = parsedate_to_datetime(date).strftime(TIMESTAMP)
        sigv4.check_timestamp(sent, now=now)
        authorization = sigv4.parse_authorization(header_of(request, "Authorization"))
        sigv4.check_scope(authorization, sent)
        dated = replace(request, headers=(*request.headers, ("X-Amz-Date", sent)))
        if expected_signature(dated, secrets, authorization) != authorization.signature:
            raise sigv4.SignatureError("The signature does not match.")
        return authorization.access_key_id

    return verifying(verify)
