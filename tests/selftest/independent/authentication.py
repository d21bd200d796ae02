"""SigV4, verified by recomputing the signature with botocore ("Appendix A").

Stricter than it has to be where the specification leaves room: the Region is pinned,
and a request may be two minutes old, not five.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

    from .call import Call

__all__ = ["authenticate"]

_RECENT = timedelta(minutes=2)

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<access_key_id>[A-Z2-7]+)/(?P<date>[0-9]{8})"
    r"/(?P<region>[a-z0-9-]+)/kms-xks-proxy/aws4_request,"
    r" *SignedHeaders=(?P<signed>[a-z0-9;-]+),"
    r" *Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def authenticate(call: Call, secrets: Mapping[str, str], region: str) -> str:
    """Verify the signature of a request.

    Args:
        call: the request.
        secrets: the secret access key of each access key id.
        region: the only one from which requests are served.

    Returns:
        The access key id.

    Raises:
        Refusal: the request is not signed, or not by whom it says.
    """
    claim = _AUTHORIZATION.fullmatch(_only(call.headers, "Authorization"))
    timestamp = _only(call.headers, "X-Amz-Date")
    if not claim or not _DATE.fullmatch(timestamp):
        raise _refused("malformed")
    if claim["region"] != region or claim["date"] != timestamp[:8]:
        raise _refused("scope")
    if not _is_recent(timestamp):
        raise _refused("not recent")
    signed = claim["signed"].split(";")
    if not {"host", "x-amz-date"} <= set(signed):
        raise _refused("host and x-amz-date are not signed")
    secret = secrets.get(claim["access_key_id"])
    if secret is None:
        raise _refused("unknown access key id")
    signer = _Signer(
        Credentials(claim["access_key_id"], secret), "kms-xks-proxy", region
    )
    expected = signer.signature_of(call, signed, timestamp)
    if not hmac.compare_digest(expected, claim["signature"]):
        raise _refused("signature")
    return claim["access_key_id"]


class _Signer(SigV4Auth):
    """botocore's signer, which here signs what the client says that it signed."""

    def signature_of(self, call: Call, signed: list[str], timestamp: str) -> str:
        request = AWSRequest(
            method=call.method, url=f"https://proxy{call.target}", data=call.body
        )
        # Not request.headers: botocore would believe an x-amz-content-sha256 in them.
        request.context["signed"] = _headers(call.headers, signed)
        request.context["timestamp"] = timestamp
        canonical = self.canonical_request(request)
        return self.signature(self.string_to_sign(request, canonical), request)

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.context["signed"]


def _headers(headers: Message, names: list[str]) -> HTTPHeaders:
    chosen = HTTPHeaders()
    for name in names:
        values = headers.get_all(name)
        if not values:
            raise _refused(f"{name} is signed and missing")
        for value in values:
            chosen[name] = value
    return chosen


def _only(headers: Message, name: str) -> str:
    values = headers.get_all(name, [])
    return values[0].strip() if len(values) == 1 else ""


def _is_recent(timestamp: str) -> bool:
    try:
        sent = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - sent) <= _RECENT


def _refused(reason: str) -> Refusal:
    return Refusal("AuthenticationFailedException", reason)
