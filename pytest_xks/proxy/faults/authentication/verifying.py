"""A verifier of SigV4 as faults change it: look away, try again, replace a check."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.patterns import instead
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.errors import ErrorName, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

    Secrets = Mapping[str, str]


TIMESTAMP = "%Y%m%dT%H%M%SZ"
HEX = "[0-9a-fA-F]*"


def with_header(request: Request, name: str, value: str) -> Request:
    """The request with another value of a header that it has."""
    headers = tuple(
        (key, value if key.lower() == name.lower() else old)
        for key, old in request.headers
    )
    return replace(request, headers=headers)


def or_else(variants: Callable[[Request], Iterable[Request]]) -> Effect:
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


def or_over(
    payloads: Callable[[Request, sigv4.Authorization], Iterable[str]],
) -> Effect:
    """A verifier that is content with another end of the canonical request.

    Args:
        payloads: what may stand there in place of the hash of the body.
    """

    def authentic(request: Request, secrets: Secrets, now: datetime) -> str | None:
        authorization = sigv4.parse_authorization(header_of(request, "Authorization"))
        timestamp = header_of(request, "X-Amz-Date")
        sigv4.check_timestamp(timestamp, now=now)
        sigv4.check_scope(authorization, timestamp)
        sigv4.check_signed_headers(authorization)
        secret = secret_of(secrets, authorization.access_key_id)
        key = sigv4.signing_key(secret, authorization.scope)
        canonical = sigv4.canonical_request(request, authorization.signed_headers)
        head = canonical.rpartition("\n")[0]
        for payload in payloads(request, authorization):
            text = sigv4.string_to_sign(
                f"{head}\n{payload}", timestamp, authorization.scope
            )
            if hmac.digest(key, text.encode(), "sha256").hex() == (
                authorization.signature
            ):
                return authorization.access_key_id
        return None

    def authenticate(
        proceed: Callable[..., str], request: Request, secrets: Secrets, now: datetime
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError as error:
            try:
                found = authentic(request, secrets, now)
            except sigv4.SignatureError:
                found = None
            if found is None:
                raise error from None
            return found

    return Replace("authenticate", authenticate)


def edited_authorization(edit: Callable[[str, Request], str]) -> Effect:
    """A verifier that reads the Authorization header as if it said something else."""

    def variants(request: Request) -> Iterable[Request]:
        header = request.header("Authorization")
        if header is not None:
            yield with_header(request, "Authorization", edit(header, request))

    return or_else(variants)


def verifying(verify: Callable[[Request, Secrets, datetime], str]) -> Effect:
    """A verifier of its own."""

    def authenticate(request: Request, secrets: Secrets, now: datetime) -> str:
        try:
            return verify(request, secrets, now)
        except sigv4.SignatureError as error:
            raise XksError(ErrorName.AUTHENTICATION_FAILED, str(error)) from None

    return instead("authenticate", authenticate)


def header_of(request: Request, name: str) -> str:
    """The only value of a header.

    Raises:
        SignatureError: there is none, or more than one.
    """
    values = request.header_values(name)
    if len(values) != 1:
        raise sigv4.SignatureError(f"The request must have one {name} header.")
    return values[0]


def secret_of(secrets: Secrets, access_key_id: str) -> str:
    """The secret access key of an access key id.

    Raises:
        SignatureError: nobody has that id.
    """
    if access_key_id not in secrets:
        raise sigv4.SignatureError("The access key id is unknown.")
    return secrets[access_key_id]


def expected_signature(
    request: Request, secrets: Secrets, authorization: sigv4.Authorization
) -> str:
    """The signature that the request should have.

    Raises:
        SignatureError: the credential or the date is missing.
    """
    return sigv4.signature_of(
        request,
        secret_access_key=secret_of(secrets, authorization.access_key_id),
        authorization=authorization,
        timestamp=header_of(request, "X-Amz-Date"),
    )


def checked(
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
        authorization = sigv4.parse_authorization(header_of(request, "Authorization"))
        sent = header_of(request, "X-Amz-Date")
        timestamp(sent, now)
        scope(authorization, sent)
        signed_headers(authorization)
        if not equal(
            expected_signature(request, secrets, authorization), authorization.signature
        ):
            raise sigv4.SignatureError("The signature does not match.")
        return authorization.access_key_id

    return verifying(verify)
