"""AWS Signature Version 4 for the XKS proxy API: sign and verify, as pure functions.

The steps are those of Appendix A, tasks 1 to 4, and of the SigV4 pages of AWS that it
links to. The clock is a parameter. A failure says which step failed and never repeats a
signature, a secret or a string to sign.

Rule of this file: the verifier trusts nothing that the signature does not cover.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from pytest_xks.proxy_api.limits import CLOCK_SKEW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_xks.proxy_api.http import Request

__all__ = [
    "ALGORITHM",
    "SERVICE",
    "Authorization",
    "Credential",
    "SignatureError",
    "canonical_request",
    "check_scope",
    "check_signed_headers",
    "check_timestamp",
    "parse_authorization",
    "sign",
    "signature_of",
    "signing_key",
    "string_to_sign",
    "verify",
]

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "kms-xks-proxy"
TERMINATOR = "aws4_request"
TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"

_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SPACES = re.compile(r" +")


class SignatureError(Exception):
    """Why a request is not authentic; fit for an errorMessage."""


# With dataclass's own equality, pytest shows both secrets where two are not equal.
@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """A SigV4 credential of an XKS proxy, unrelated to IAM's (Appendix A)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str]:
        return self.access_key_id, self.secret_access_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """The parts of an Authorization header, and the timestamp that goes with them."""

    access_key_id: str
    date: str
    """``yyyymmdd``, from the credential scope."""
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: str = field(default="", repr=False)

    @property
    def scope(self) -> str:
        """The credential scope: date, Region, service and terminator."""
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


def parse_authorization(value: str) -> Authorization:
    """Read an Authorization header.

    Raises:
        SignatureError: another algorithm, or a component missing, doubled or malformed.
    """
    algorithm, _, rest = value.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise SignatureError(f"The algorithm of the signature must be {ALGORITHM}.")
    components: dict[str, str] = {}
    for part in rest.split(","):
        name, _, content = part.strip().partition("=")
        if name in components:
            raise SignatureError("The Authorization header repeats a component.")
        components[name] = content
    if components.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise SignatureError(
            "The Authorization header must have Credential, SignedHeaders, Signature."
        )
    credential = components["Credential"].split("/")
    if len(credential) != 5:
        raise SignatureError("The credential must have five parts.")
    if not _SIGNATURE.fullmatch(components["Signature"]):
        raise SignatureError("The signature must be 64 lower-case hexadecimal digits.")
    access_key_id, date, region, service, terminator = credential
    return Authorization(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        terminator=terminator,
        signed_headers=tuple(components["SignedHeaders"].split(";")),
        signature=components["Signature"],
    )


@lru_cache(maxsize=256)
def _canonical_uri(path: str) -> str:
    # Every service but S3 encodes the path as sent once more. The characters that the
    # XKS proxy API allows in a path need no encoding, so both come to the same here.
    return quote(path or "/", safe="/-_.~")


def _encoded(text: str) -> str:
    # Decoded to bytes, not to text: two escapes that are not UTF-8 must stay different.
    return quote(unquote_to_bytes(text), safe="-_.~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = sorted(
        (_encoded(name), _encoded(value))
        for name, _, value in (part.partition("=") for part in query.split("&") if part)
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical_headers(request: Request, names: Sequence[str]) -> str:
    given: dict[str, list[str]] = {}
    for name, value in request.headers:
        given.setdefault(name.lower(), []).append(value)
    # Task 1: "the Host header for HTTP/1.1 (or Authority Header for HTTP/2.0)".
    if ":authority" in given:
        given.setdefault("host", given[":authority"])
    try:
        return "".join(f"{name}:{_joined(given[name])}\n" for name in names)
    except KeyError:
        raise SignatureError("A signed header is not in the request.") from None


def _joined(values: Sequence[str]) -> str:
    text = ",".join(value.strip(" \t") for value in values)
    return _SPACES.sub(" ", text) if "  " in text else text


def canonical_request(request: Request, signed_headers: Sequence[str]) -> str:
    """Task 1: the canonical form of a request over a set of lower-case header names.

    Raises:
        SignatureError: a signed header is not in the request.
    """
    return "\n".join(
        (
            request.method,
            _canonical_uri(request.path),
            _canonical_query(request.query),
            _canonical_headers(request, signed_headers),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def string_to_sign(canonical: str, timestamp: str, scope: str) -> str:
    """Task 2: what the signature is computed over."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=256)
def signing_key(secret_access_key: str, scope: str) -> bytes:
    """Task 3: the key derived from a secret for a credential scope, 32 bytes."""
    # A key lives for a day, a Region and a service: the four HMACs are worth keeping.
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def signature_of(
    request: Request,
    *,
    secret_access_key: str,
    authorization: Authorization,
    timestamp: str,
) -> str:
    """Task 3: the signature, 64 lower-case hexadecimal digits.

    Raises:
        SignatureError: a signed header is not in the request.
    """
    canonical = canonical_request(request, authorization.signed_headers)
    text = string_to_sign(canonical, timestamp, authorization.scope)
    key = signing_key(secret_access_key, authorization.scope)
    return _hmac(key, text).hex()


def sign(
    request: Request,
    credential: Credential,
    *,
    region: str,
    now: datetime,
    signed_headers: Sequence[str] = ("host", "x-amz-date"),
) -> Request:
    """A copy of ``request`` with X-Amz-Date and Authorization, as KMS sends it.

    Args:
        request: must have a Host header if ``host`` is to be signed.
        credential: the access key id and the secret.
        region: the Region from which KMS calls the proxy.
        now: an aware datetime.
        signed_headers: lower-case names, sorted.

    Raises:
        SignatureError: a header to sign is not in the request.
    """
    timestamp = now.astimezone(UTC).strftime(TIMESTAMP_FORMAT)
    dated = _with_headers(request, ("X-Amz-Date", timestamp))
    authorization = Authorization(
        access_key_id=credential.access_key_id,
        date=timestamp[:8],
        region=region,
        service=SERVICE,
        terminator=TERMINATOR,
        signed_headers=tuple(signed_headers),
    )
    signature = signature_of(
        dated,
        secret_access_key=credential.secret_access_key,
        authorization=authorization,
        timestamp=timestamp,
    )
    value = (
        f"{ALGORITHM} Credential={credential.access_key_id}/{authorization.scope}, "
        f"SignedHeaders={';'.join(signed_headers)}, Signature={signature}"
    )
    return _with_headers(dated, ("Authorization", value))


def _with_headers(request: Request, *headers: tuple[str, str]) -> Request:
    # Not dataclasses.replace: this is on the path of every request.
    return type(request)(
        method=request.method,
        target=request.target,
        headers=(*request.headers, *headers),
        body=request.body,
    )


def _only_header(request: Request, name: str) -> str:
    values = request.header_values(name)
    if len(values) != 1:
        raise SignatureError(f"The request must have one {name} header.")
    return values[0]


def check_timestamp(
    timestamp: str, *, now: datetime, skew_seconds: float = CLOCK_SKEW_SECONDS
) -> None:
    """Task 4: the request must be recent.

    Raises:
        SignatureError: not ``yyyymmddThhmmssZ``, or further than ``skew_seconds`` from
            now.
    """
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("X-Amz-Date must look like yyyymmddThhmmssZ.")
    try:
        # It is ISO 8601's basic format, and this is ten times as fast as strptime.
        sent = datetime.fromisoformat(timestamp)
    except ValueError:
        raise SignatureError("X-Amz-Date is not a date.") from None
    if abs((now - sent).total_seconds()) > skew_seconds:
        raise SignatureError("X-Amz-Date is not recent.")


def check_scope(authorization: Authorization, timestamp: str) -> None:
    """The credential scope: the date of the request, our service, SigV4's terminator.

    AMBIGUOUS: a proxy may pin the Region or take it from the scope. Ours: any Region;
    it is bound by the signing key (task 3).

    Raises:
        SignatureError: a part has another value.
    """
    if authorization.date != timestamp[:8]:
        raise SignatureError("The credential scope has another date than X-Amz-Date.")
    if authorization.service != SERVICE:
        raise SignatureError(f"The credential scope must name the service {SERVICE}.")
    if authorization.terminator != TERMINATOR:
        raise SignatureError(f"The credential scope must end in {TERMINATOR}.")


def check_signed_headers(authorization: Authorization) -> None:
    """Task 1: "At the very least, this will include the Host header" and X-Amz-Date.

    Raises:
        SignatureError: one of them is not signed.
    """
    names = authorization.signed_headers
    if "x-amz-date" not in names or not {"host", ":authority"} & set(names):
        raise SignatureError("The headers host and x-amz-date must be signed.")


def _signed_forms(request: Request) -> Iterator[Request]:
    """The request as it may have been signed.

    AMBIGUOUS: SigV4 removes "redundant and relative path components" before it signs,
    as botocore does and curl does not, and the specification allows ``//`` in a URI
    path and ``..`` as an external key id. Ours: either form, for what is served is the
    path sent.
    """
    yield request
    plain = _without_redundancy(request.path)
    if plain != request.path:
        yield type(request)(
            method=request.method,
            target=plain + request.target[len(request.path) :],
            headers=request.headers,
            body=request.body,
        )


def _without_redundancy(path: str) -> str:
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/" + "/".join(kept)


def verify(
    request: Request,
    secrets: Mapping[str, str],
    *,
    now: datetime,
    skew_seconds: float = CLOCK_SKEW_SECONDS,
) -> str:
    """Tasks 1 to 4: authenticate a request.

    Args:
        request: with its body complete.
        secrets: secret access key by access key id.
        now: an aware datetime.
        skew_seconds: how far the request's clock may be from ours, either way.

    Returns:
        The access key id that signed.

    Raises:
        SignatureError: the request is not authentic; the message says why.
    """
    authorization = parse_authorization(_only_header(request, "Authorization"))
    timestamp = _only_header(request, "X-Amz-Date")
    check_timestamp(timestamp, now=now, skew_seconds=skew_seconds)
    check_scope(authorization, timestamp)
    check_signed_headers(authorization)
    secret = secrets.get(authorization.access_key_id)
    if secret is None:
        raise SignatureError("The access key id is unknown.")
    for form in _signed_forms(request):
        expected = signature_of(
            form,
            secret_access_key=secret,
            authorization=authorization,
            timestamp=timestamp,
        )
        if hmac.compare_digest(expected, authorization.signature):
            return authorization.access_key_id
    raise SignatureError("The signature does not match.")
