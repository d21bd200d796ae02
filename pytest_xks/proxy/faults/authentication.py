"""Faults of authentication: what a verifier of SigV4 overlooks (Appendix A)."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy.faults.patterns import fails_internally, instead
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.errors import ErrorName, XksError
from pytest_xks.proxy_api.uri import parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]

_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_HEX = "[0-9a-fA-F]*"


def _with_header(request: Request, name: str, value: str) -> Request:
    headers = tuple(
        (key, value if key.lower() == name.lower() else old)
        for key, old in request.headers
    )
    return replace(request, headers=headers)


def _or_else(variants: Callable[[Request], Iterable[Request]]) -> Effect:
    """A verifier that is content if any variant of the request is authentic."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError as error:
            for variant in variants(request):
                try:
                    return proceed(variant, secrets, now)
                except XksError:
                    continue
            raise error from None

    return Replace("authenticate", authenticate)


def _edited_authorization(edit: Callable[[str, Request], str]) -> Effect:
    """A verifier that reads the Authorization header as if it said something else."""

    def variants(request: Request) -> Iterable[Request]:
        header = request.header("Authorization")
        if header is not None:
            yield _with_header(request, "Authorization", edit(header, request))

    return _or_else(variants)


def _verifying(verify: Callable[[Request, Secrets, datetime], str]) -> Effect:
    """A verifier of its own."""

    def authenticate(request: Request, secrets: Secrets, now: datetime) -> str:
        try:
            return verify(request, secrets, now)
        except sigv4.SignatureError as error:
            raise XksError(ErrorName.AUTHENTICATION_FAILED, str(error)) from None

    return instead("authenticate", authenticate)


def _header(request: Request, name: str) -> str:
    values = request.header_values(name)
    if len(values) != 1:
        raise sigv4.SignatureError(f"The request must have one {name} header.")
    return values[0]


def _secret(secrets: Secrets, access_key_id: str) -> str:
    if access_key_id not in secrets:
        raise sigv4.SignatureError("The access key id is unknown.")
    return secrets[access_key_id]


def _expected(
    request: Request, secrets: Secrets, authorization: sigv4.Authorization
) -> str:
    return sigv4.signature_of(
        request,
        secret_access_key=_secret(secrets, authorization.access_key_id),
        authorization=authorization,
        timestamp=_header(request, "X-Amz-Date"),
    )


def _checked(
    *,
    timestamp: Callable[[str, datetime], None] = lambda text, now: (
        sigv4.check_timestamp(text, now=now)
    ),
    scope: Callable[[sigv4.Authorization, str], None] = sigv4.check_scope,
    signed_headers: Callable[[sigv4.Authorization], None] = sigv4.check_signed_headers,
    equal: Callable[[str, str], bool] = hmac.compare_digest,
) -> Effect:
    """The verifier with some of its checks replaced."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        authorization = sigv4.parse_authorization(_header(request, "Authorization"))
        sent = _header(request, "X-Amz-Date")
        timestamp(sent, now)
        scope(authorization, sent)
        signed_headers(authorization)
        if not equal(
            _expected(request, secrets, authorization), authorization.signature
        ):
            raise sigv4.SignatureError("The signature does not match.")
        return authorization.access_key_id

    return _verifying(verify)


# -- what the signature covers --------------------------------------------------------


@fault(violates=("XKS-AUTH-003",))
def compares_half_of_signature() -> Effect:
    """Compares the first half of the signature."""
    return _checked(equal=lambda expected, sent: expected[:32] == sent[:32])


@fault(violates=("XKS-AUTH-004",))
def accepts_truncated_signature() -> Effect:
    """Compares as many digits of the signature as were sent."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        header = _header(request, "Authorization")
        sent = re.search(f"Signature=({_HEX})", header)
        if sent is None:
            raise sigv4.SignatureError("The Authorization header has no signature.")
        whole = header[: sent.start(1)] + sent[1][:64].ljust(64, "0")
        authorization = sigv4.parse_authorization(whole)
        timestamp = _header(request, "X-Amz-Date")
        sigv4.check_timestamp(timestamp, now=now)
        sigv4.check_scope(authorization, timestamp)
        sigv4.check_signed_headers(authorization)
        expected = _expected(request, secrets, authorization)
        if not (expected.startswith(sent[1]) or sent[1].startswith(expected)):
            raise sigv4.SignatureError("The signature does not match.")
        return authorization.access_key_id

    return _verifying(verify)


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

    return _or_else(variants)


@fault(violates=("XKS-AUTH-007",))
def ignores_host_in_signature(host: str = "other.example.com") -> Effect:
    """Takes a signature that was made for another host."""
    return _or_else(lambda request: [_with_header(request, "Host", host)])


@fault(violates=("XKS-AUTH-008",))
def ignores_timestamp_in_signature() -> Effect:
    """Takes a signature that was made for a timestamp some seconds off."""

    def variants(request: Request) -> Iterable[Request]:
        try:
            sent = datetime.strptime(
                request.header("X-Amz-Date") or "", _TIMESTAMP
            ).replace(tzinfo=UTC)
        except ValueError:
            return
        for seconds in range(-70, 71):
            near = (sent + timedelta(seconds=seconds)).strftime(_TIMESTAMP)
            yield _with_header(request, "X-Amz-Date", near)

    return _or_else(variants)


# -- the credential and its scope -----------------------------------------------------


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


@fault(violates=("XKS-AUTH-010",))
def accepts_any_service() -> Effect:
    """Takes the service of the credential scope without looking at it."""
    return _checked(scope=_scope_without("service"))


@fault(violates=("XKS-AUTH-011",))
def accepts_any_terminator() -> Effect:
    """Takes the ending of the credential scope without looking at it."""
    return _checked(scope=_scope_without("terminator"))


@fault(violates=("XKS-AUTH-014",))
def accepts_scope_of_another_day() -> Effect:
    """Takes the date of the credential scope without looking at it."""
    return _checked(scope=_scope_without("date"))


@fault(violates=("XKS-AUTH-012",))
def ignores_region_in_scope(region: str = "us-east-1") -> Effect:
    """Verifies for its own Region in place of the one in the credential scope."""
    return _edited_authorization(
        lambda header, _: re.sub(
            r"(Credential=[^/]*/[^/]*)/[^/]*/", rf"\1/{region}/", header
        )
    )


@fault(violates=("XKS-AUTH-013",))
def ignores_date_in_scope() -> Effect:
    """Verifies for the date of X-Amz-Date in place of the credential scope's."""
    return _edited_authorization(
        lambda header, request: re.sub(
            r"(Credential=[^/]*)/[^/]*/",
            rf"\1/{(request.header('X-Amz-Date') or '')[:8]}/",
            header,
        )
    )


@fault(violates=("XKS-AUTH-015",))
def ignores_algorithm() -> Effect:
    """Takes whatever the Authorization header begins with for its algorithm."""

    def verify(request: Request, secrets: Secrets, now: datetime) -> str:
        sent, _, rest = _header(request, "Authorization").partition(" ")
        authorization = sigv4.parse_authorization(f"{sigv4.ALGORITHM} {rest}")
        timestamp = _header(request, "X-Amz-Date")
        sigv4.check_timestamp(timestamp, now=now)
        sigv4.check_scope(authorization, timestamp)
        sigv4.check_signed_headers(authorization)
        key = sigv4.signing_key(
            _secret(secrets, authorization.access_key_id), authorization.scope
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

    return _verifying(verify)


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


@fault(violates=("XKS-URI-008",))
def accepts_credential_of_another_store() -> Effect:
    """Takes the credential of any key store that has been used so far."""
    seen: dict[str, str] = {}

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        seen.update(secrets)
        return proceed(request, {**seen, **secrets}, now)

    return Replace("authenticate", authenticate)


# -- what has to be there -------------------------------------------------------------


@fault(violates=("XKS-AUTH-002",))
def rejects_additional_signed_headers() -> Effect:
    """Refuses a signature over more than host and x-amz-date."""

    def check(authorization: sigv4.Authorization) -> None:
        sigv4.check_signed_headers(authorization)
        if len(authorization.signed_headers) > 2:
            raise sigv4.SignatureError("SignedHeaders must be host;x-amz-date.")

    return _checked(signed_headers=check)


def _needs(name: str) -> Callable[[sigv4.Authorization], None]:
    def check(authorization: sigv4.Authorization) -> None:
        if name not in authorization.signed_headers:
            raise sigv4.SignatureError(f"The header {name} must be signed.")

    return check


@fault(violates=("XKS-AUTH-017",))
def accepts_unsigned_host() -> Effect:
    """Does not insist on a signature over the host."""
    return _checked(signed_headers=_needs("x-amz-date"))


@fault(violates=("XKS-AUTH-018",))
def accepts_unsigned_timestamp() -> Effect:
    """Does not insist on a signature over X-Amz-Date."""
    return _checked(signed_headers=_needs("host"))


def _without_looking_if(absent: str) -> Effect:
    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        if request.header(absent) is None:
            return next(iter(secrets))
        return proceed(request, secrets, now)

    return Replace("authenticate", authenticate)


@fault(violates=("XKS-AUTH-016",))
def accepts_unsigned_requests() -> Effect:
    """Serves a request without an Authorization header."""
    return _without_looking_if("Authorization")


@fault(violates=("XKS-AUTH-019",))
def accepts_missing_timestamp() -> Effect:
    """Serves a request without X-Amz-Date."""
    return _without_looking_if("X-Amz-Date")


@fault(violates=("XKS-AUTH-020",))
def malformed_authorization_as_500() -> Effect:
    """Fails internally on an Authorization header that it cannot read."""

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        header = request.header("Authorization") or ""
        parts = ("Credential=", "SignedHeaders=", "Signature=")
        if header and not all(part in header for part in parts):
            fails_internally()
        return proceed(request, secrets, now)

    return Replace("authenticate", authenticate)


# -- the clock ------------------------------------------------------------------------


def _window(*, past: float, future: float) -> Effect:
    """A verifier that takes requests from ``past`` to ``future`` seconds off."""

    def check(text: str, now: datetime) -> None:
        sigv4.check_timestamp(text, now=now, skew_seconds=float("inf"))
        sent = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC)
        if not -future <= (now - sent).total_seconds() <= past:
            raise sigv4.SignatureError("X-Amz-Date is not recent.")

    return _checked(timestamp=check)


_HOUR = 3600.0
_FIVE_MINUTES = 300.0


@fault(violates=("XKS-AUTH-021", "XKS-AUTH-022", "XKS-AUTH-023"))
def ignores_age() -> Effect:
    """Does not compare X-Amz-Date with its clock."""
    return _window(past=float("inf"), future=float("inf"))


@fault(violates=("XKS-AUTH-022",))
def accepts_an_hour_in_the_past() -> Effect:
    """Takes requests that are up to an hour old."""
    return _window(past=_HOUR, future=_FIVE_MINUTES)


@fault(violates=("XKS-AUTH-023",))
def accepts_an_hour_in_the_future() -> Effect:
    """Takes requests from up to an hour ahead."""
    return _window(past=_FIVE_MINUTES, future=_HOUR)


@fault(violates=("XKS-AUTH-024",))
def no_clock_tolerance() -> Effect:
    """Takes requests that are at most 10 seconds off."""
    return _window(past=10, future=10)
