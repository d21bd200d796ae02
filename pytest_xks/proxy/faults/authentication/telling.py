"""Faults of authentication: refusals that tell too much."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.authentication.verifying import (
    expected_signature,
    header_of,
    secret_of,
)
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.errors import ErrorName, XksError
from pytest_xks.proxy_api.uri import parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]

Encoding = Literal[
    "hex", "capitals", "base64", "base64url", "json", "percent", "numbers", "signed"
]

_ENCODINGS: Mapping[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "capitals": lambda data: data.hex().upper(),
    "base64": lambda data: base64.b64encode(data).decode(),
    "base64url": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "json": lambda data: "".join(f"\\u{ord(c):04x}" for c in data.hex()),
    "percent": lambda data: "".join(f"%{ord(c):02x}" for c in data.hex()),
    "numbers": lambda data: f"[{' '.join(map(str, data))}]",
    "signed": lambda data: f"[{', '.join(str(b - (b > 127) * 256) for b in data)}]",
}


def _telling(what: Callable[[Request, Secrets], bytes], encoding: str) -> Effect:
    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError as error:
            try:
                told = _ENCODINGS[encoding](what(request, secrets))
            except sigv4.SignatureError:
                raise error from None
            message = f"The signature does not match; expected {told}."
            raise XksError(ErrorName.AUTHENTICATION_FAILED, message) from None

    return Replace("authenticate", authenticate)


def _signature(request: Request, secrets: Secrets) -> bytes:
    authorization = sigv4.parse_authorization(header_of(request, "Authorization"))
    return bytes.fromhex(expected_signature(request, secrets, authorization))


def _key(request: Request, secrets: Secrets) -> bytes:
    authorization = sigv4.parse_authorization(header_of(request, "Authorization"))
    secret = secret_of(secrets, authorization.access_key_id)
    return sigv4.signing_key(secret, authorization.scope)


@fault(violates=("XKS-AUTH-037", "XKS-AUTH-038"))
def tells_signature(encoding: Encoding = "hex") -> Effect:
    """Tells whoever sends a wrong signature which one it had expected."""
    return _telling(_signature, encoding)


@fault(violates=("XKS-AUTH-037", "XKS-AUTH-038"))
def tells_signing_key(encoding: Encoding = "base64") -> Effect:
    """Tells whoever sends a wrong signature the key that it is verified with."""
    return _telling(_key, encoding)


@fault(violates=("XKS-AUTH-039",))
def looks_for_key_before_signature() -> tuple[Effect, ...]:
    """Says that there is no such key before it looks at the signature."""
    known: set[str] = set()

    def find_key(
        proceed: Callable[..., ExternalKey], store: ProxyKeyStore, external_key_id: str
    ) -> ExternalKey:
        known.update(store.keys)
        return proceed(store, external_key_id)

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError:
            route = parse_path(request.path)
            key = route.external_key_id if route else None
            if known and key is not None and key not in known:
                raise XksError(ErrorName.KEY_NOT_FOUND) from None
            raise

    return Replace("find_key", find_key), Replace("authenticate", authenticate)
