"""What the SigV4 tests share: a credential, a request, ways to alter it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.limits import is_error_message
from pytest_xks.proxy_api.sigv4 import Credential, SignatureError, sign, verify

# The example of "XKS proxy configuration in AWS KMS console".
CREDENTIAL = Credential(
    "AKIAI2SFODNN7EXAMPLE", "FYtE5EFA5FT0mCc3DrGUe2sti527BitkQ0Zr9MO9fvE"
)
SECRETS = {CREDENTIAL.access_key_id: CREDENTIAL.secret_access_key}
HOST = "xks.example.com"
TARGET = "/example/kms/xks/v1/keys/foo/encrypt"
BODY = b'{"requestMetadata": {}}'
NOW = datetime(2024, 5, 15, 12, 0, 0, tzinfo=UTC)
REGION = "us-east-1"


def make_request(*headers: tuple[str, str], **changes: object) -> Request:
    """An unsigned request as KMS sends it, with more headers or other parts."""
    parts = {"method": "POST", "target": TARGET, "body": BODY}
    return Request(**parts | changes, headers=(("Host", HOST), *headers))


def signed(*headers: tuple[str, str], **changes: object) -> Request:
    """A request that ``sign`` has signed at NOW."""
    return sign(make_request(*headers, **changes), CREDENTIAL, region=REGION, now=NOW)


def replaced(request: Request, **parts: object) -> Request:
    """A request with other parts and the signature that it had."""
    whole = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "body": request.body,
    }
    return Request(**whole | parts)


def with_header(request: Request, name: str, value: str) -> Request:
    """A request in which the header has another value."""
    return replaced(
        request,
        headers=tuple(
            (key, value if key.lower() == name else old) for key, old in request.headers
        ),
    )


def with_authorization(request: Request, old: str, new: str) -> Request:
    """A request in whose Authorization header one text stands for another."""
    value = request.header("authorization")
    assert old in value
    return with_header(request, "authorization", value.replace(old, new))


def assert_refused(request: Request, reason: str, **arguments: object) -> None:
    """The request is not authentic, and the reason is fit to go out."""
    with pytest.raises(SignatureError, match=reason) as caught:
        verify(request, SECRETS, **{"now": NOW} | arguments)

    message = str(caught.value)
    assert is_error_message(message)
    assert CREDENTIAL.secret_access_key not in message
