"""Faults of authentication: the credential and its scope (Appendix A)."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.authentication.verifying import (
    checked,
    edited_authorization,
    header_of,
    secret_of,
    verifying,
)
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.errors import ErrorName, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]


@fault(violates=("XKS-AUTH-009",))
def accepts_unknown_access_key_id() -> Effect:
    """Verifies under its first secret whatever the access key id is, if unknown."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        sent = re.search("Credential=([^/]*)/", request.header("Authorization") or "")
        known = dict(secrets)
        if sent is not None:
            known.setdefault(sent[1], next(iter(secrets.values())))
        return proceed(request, known, now)

    return Replace("authenticate", authenticate)


def _scope_without(part: str) -> Callable[[sigv4.Authorization, str], None]:
    def check(authorization: sigv4.Authorization, timestamp: str) -> None:
        good = {
            "date": replace(authorization, date=timestamp[:8]),
            "service": replace(authorization, service=sigv4.SERVICE),
            "terminator": replace(authorization, terminator="aws4_request"),
        }
        sigv4.check_scope(good[part], timestamp)

    return check


def _capitals(credential: str) -> str:
    name, _, access_key_id = credential.partition("=")
    return f"{name}={access_key_id.upper()}"


row(
    "accepts-any-service",
    "Takes the service of the credential scope without looking at it.",
    checked(scope=_scope_without("service")),
    violates=("XKS-AUTH-010",),
)
row(
    "accepts-any-terminator",
    "Takes the ending of the credential scope without looking at it.",
    checked(scope=_scope_without("terminator")),
    violates=("XKS-AUTH-030",),
)
row(
    "accepts-scope-of-another-day",
    "Takes the date of the credential scope without looking at it.",
    checked(scope=_scope_without("date")),
    violates=("XKS-AUTH-014",),
)


@fault(violates=("XKS-AUTH-012",))
def ignores_region_in_scope(region: str = "us-east-1") -> Effect:
    """Verifies for its own Region in place of the one in the credential scope."""
    return edited_authorization(
        lambda header, _: re.sub(
            r"(Credential=[^/]*/[^/]*)/[^/]*/", rf"\1/{region}/", header
        )
    )


row(
    "ignores-date-in-scope",
    "Verifies for the date of X-Amz-Date in place of the credential scope's.",
    edited_authorization(
        lambda header, request: re.sub(
            r"(Credential=[^/]*)/[^/]*/",
            rf"\1/{(request.header('X-Amz-Date') or '')[:8]}/",
            header,
        )
    ),
    violates=("XKS-AUTH-013",),
)


row(
    "ignores-service-in-scope",
    "Verifies for its own service in place of the one in the credential scope.",
    edited_authorization(
        lambda header, _: re.sub(
            r"(Credential=[^/]*/[^/]*/[^/]*)/[^/]*/", rf"\1/{sigv4.SERVICE}/", header
        )
    ),
    violates=("XKS-AUTH-010",),
)
row(
    "ignores-terminator-in-scope",
    "Verifies for aws4_request in place of the ending of the credential scope.",
    edited_authorization(
        lambda header, _: re.sub(
            r"(Credential=[^/]*/[^/]*/[^/]*/[^/]*)/[^,]*", r"\1/aws4_request", header
        )
    ),
    violates=("XKS-AUTH-011", "XKS-AUTH-036"),
)
row(
    "ignores-case-of-access-key-id",
    "Finds the secret of an access key id in whatever case it is written.",
    edited_authorization(
        lambda header, _: re.sub(
            "Credential=[^/]*", lambda found: _capitals(found[0]), header
        )
    ),
    violates=("XKS-AUTH-009",),
)


@fault(violates=("XKS-AUTH-015",))
def ignores_algorithm() -> Effect:
    """Takes whatever the Authorization header begins with for its algorithm."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        sent, _, rest = header_of(request, "Authorization").partition(" ")
        authorization = sigv4.parse_authorization(f"{sigv4.ALGORITHM} {rest}")
        timestamp = header_of(request, "X-Amz-Date")
        sigv4.check_timestamp(timestamp, now=now)
        sigv4.check_scope(authorization, timestamp)
        sigv4.check_signed_headers(authorization)
        key = sigv4.signing_key(
            secret_of(secrets, authorization.access_key_id), authorization.scope
        )
        text = sigv4.string_to_sign(
            sigv4.canonical_request(request, authorization.signed_headers),
            timestamp,
            authorization.scope,
        )
        for algorithm in (sigv4.ALGORITHM, sent):
            to_sign = text.replace(sigv4.ALGORITHM, algorithm, 1).encode()
            if hmac.digest(key, to_sign, "sha256").hex() == authorization.signature:
                return authorization.access_key_id
        raise sigv4.SignatureError("The signature does not match.")

    return verifying(verify)


@fault(violates=("XKS-AUTH-025",))
def only_one_credential() -> Effect:
    """Knows the first credential of a key store and no other."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        first = dict(list(secrets.items())[:1])
        return proceed(request, first, now)

    return Replace("authenticate", authenticate)


@fault(violates=("XKS-AUTH-027",))
def tries_every_secret() -> Effect:
    """Tries every secret of the key store, whatever the access key id."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        failure: XksError | None = None
        for secret in secrets.values():
            try:
                same = dict.fromkeys(secrets, secret)
                return proceed(request, same, now)
            except XksError as error:
                failure = error
        raise failure or XksError(ErrorName.AUTHENTICATION_FAILED)

    return Replace("authenticate", authenticate)


@fault(violates=("XKS-URI-008", "XKS-URI-012"))
def accepts_credential_of_another_store() -> Effect:
    """Takes the credential of any key store that has been used so far."""
    seen: dict[str, str] = {}

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        seen.update(secrets)
        return proceed(request, {**seen, **secrets}, now)

    return Replace("authenticate", authenticate)
