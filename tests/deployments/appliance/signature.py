"""The signature of a request (Appendix A, tasks 1 to 4)."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from refusal import Refusal

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

RECENT = timedelta(minutes=5)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[A-Z2-7]{20,30})/"
    r"(?P<scope>(?P<date>[0-9]{8})/[a-z0-9-]+/kms-xks-proxy/aws4_request), *"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(
    request: BaseHTTPRequestHandler,
    body: bytes,
    credentials: dict[str, str],
    *,
    wrong: str = "",
) -> None:
    """Return if the request was signed by one of the credentials.

    Raises:
        Refusal: it was not.
    """
    failed = Refusal("AuthenticationFailedException", "The signature is invalid.")
    header = request.headers.get_all("Authorization", [""])
    parts = AUTHORIZATION.fullmatch(header[0]) if len(header) == 1 else None
    timestamp = request.headers.get("X-Amz-Date", "")
    if not parts or parts["id"] not in credentials:
        raise failed
    if not is_recent(timestamp) and wrong != "no-clock":
        raise failed
    names = parts["names"].split(";")
    if not {"host", "x-amz-date"} <= set(names) or parts["date"] != timestamp[:8]:
        raise failed
    path, _, query = request.path.partition("?")
    canonical = "\n".join(
        (
            request.command,
            path,
            query,
            *(f"{name}:{value_of(request, name)}" for name in names),
            "",
            parts["names"],
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials[parts['id']]}".encode()
    to_sign = f"AWS4-HMAC-SHA256\n{timestamp}\n{parts['scope']}\n{digest}"
    for text in (*parts["scope"].split("/"), to_sign):
        key = hmac.digest(key, text.encode(), "sha256")
    if not hmac.compare_digest(key.hex(), parts["signature"]):
        raise failed


def is_recent(timestamp: str) -> bool:
    """Whether a request of that moment may be served, by our clock."""
    if not re.fullmatch("[0-9]{8}T[0-9]{6}Z", timestamp):
        return False
    try:
        sent = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - sent) <= RECENT


def value_of(request: BaseHTTPRequestHandler, name: str) -> str:
    """The canonical value of a header."""
    values = request.headers.get_all(name, [])
    return " ".join(",".join(values).split())
