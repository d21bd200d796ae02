"""Faults of authentication: how old a request may be (Appendix A)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.authentication.verifying import TIMESTAMP, checked
from pytest_xks.proxy.faults.catalogue import row
from pytest_xks.proxy_api import sigv4

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.faults import Effect

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
_FIVE_MINUTES = 300.0


row(
    "ignores-age",
    "Does not compare X-Amz-Date with its clock.",
    _window(past=float("inf"), future=float("inf")),
    violates=("XKS-AUTH-021", "XKS-AUTH-022", "XKS-AUTH-023"),
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
