"""How a request is signed, or changed once it is signed: what the matrix is made of.

Each function returns a ``Make``, which takes an unsigned request to the one that goes
out. What is changed after signing is changed by whoever has seen a request of KMS and
has no secret; what is signed in another way comes from somebody who has one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, TypeAlias

from ..client.http1 import HttpRequest
from ..client.signing import timestamp

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.exchange import Headers

    from ..client.bodies import Body, ProxyOperation
    from ..client.proxy_session import StoreAccess
    from ..client.signing import Signer

__all__ = [
    "Column",
    "Edit",
    "Make",
    "another_request",
    "authorization",
    "body",
    "component",
    "credential",
    "drafted",
    "header",
    "hour_of",
    "old_but_dated",
    "payload",
    "request",
    "scope",
    "second_authorization",
    "signature",
    "signed",
    "signed_at",
    "undated",
    "vouched_for",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where every row of the matrix is tried: an operation, by a credential."""

    operation: ProxyOperation
    store: StoreAccess
    name: str
    """The operation, and whose credential and path it is if not the main ones."""
    body: Body = field(repr=False)
    signer: Signer = field(repr=False)
    """Signs as KMS does."""
    now: datetime
    """By the proxy's clock."""


Make: TypeAlias = Callable[[HttpRequest, Column], HttpRequest]
"""The request that goes out, made of one without a signature."""

Edit: TypeAlias = Callable[[HttpRequest], HttpRequest]
"""Changes a request that is signed."""


# Signed in another way.


def signed(**parts: object) -> Make:
    """Signed by a signer with other parts; see ``Signer``."""
    return lambda request, column: replace(column.signer, **parts).sign(request)  # type: ignore[arg-type] # the names decide


def signed_at(**away: float) -> Make:
    """Signed for a moment away from now; see ``timedelta``."""
    return lambda request, column: replace(
        column.signer, at=column.now + timedelta(**away)
    ).sign(request)


def drafted(draft: Callable[[HttpRequest, Column], HttpRequest]) -> Make:
    """Signed for another method and path, then sent to the right ones."""

    def make(request: HttpRequest, column: Column) -> HttpRequest:
        other = column.signer.sign(draft(request, column))
        return replace(other, method=request.method, path=request.path)

    return make


def hour_of(moment: datetime) -> datetime:
    """The same time of the day before."""
    return moment - timedelta(days=1)


# Changed after signing.


def request(edit: Edit, *, added: Headers = (), names: tuple[str, ...] = ()) -> Make:
    """Changed once it is signed.

    Args:
        edit: changes it.
        added: headers that it had when it was signed.
        names: those that were signed; host and x-amz-date, if empty.
    """

    def make(request: HttpRequest, column: Column) -> HttpRequest:
        signer = (
            replace(column.signer, signed_headers=names) if names else column.signer
        )
        return edit(signer.sign(replace(request, headers=(*request.headers, *added))))

    return make


def header(name: str, value: str | None) -> Edit:
    """Another value of a header, or none."""
    return lambda request: replace(request, headers=request.with_header(name, value))


def another_request(data: bytes) -> bytes:
    """A body as long as the old one and just as good, with another kmsRequestId."""
    head, name, rest = data.partition(b'"kmsRequestId":"')
    digit = b"0" if rest[:1] != b"0" else b"1"
    return head + name + digit + rest[1:]


def body(change: Callable[[bytes], bytes]) -> Edit:
    """Another body, with the length that it has."""

    def edit(request: HttpRequest) -> HttpRequest:
        data = change(request.body)
        headers = request.with_header("Content-Length", str(len(data)))
        return replace(request, headers=headers, body=data)

    return edit


def authorization(edit: Callable[[str], str]) -> Make:
    """Another Authorization header."""

    def edited(request: HttpRequest) -> HttpRequest:
        value = request.header("Authorization")
        headers = request.with_header("Authorization", edit(value))
        assert headers != request.headers, "the edit must change something"
        return replace(request, headers=headers)

    return request(edited)


def credential(position: int, value: Callable[[str], str]) -> Make:
    """Another part of Credential: id, date, Region, service or terminator."""

    def edit(given: str) -> str:
        head, _, rest = given.partition("Credential=")
        whole, comma, others = rest.partition(",")
        parts = whole.split("/")
        parts[position] = value(parts[position])
        return f"{head}Credential={'/'.join(parts)}{comma}{others}"

    return authorization(edit)


def scope(position: int, *values: str) -> Make:
    """Another date, Region, service or terminator: the first that is another."""
    return credential(
        position, lambda old: next(value for value in values if value != old)
    )


def signature(edit: Callable[[str], str]) -> Make:
    """Another signature."""

    def edited(given: str) -> str:
        head, _, old = given.rpartition("=")
        return f"{head}={edit(old)}"

    return authorization(edited)


def component(template: str) -> Make:
    """An Authorization header made like this, of the parts of a good one."""

    def edit(given: str) -> str:
        algorithm, _, rest = given.partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        return template.format(
            algorithm=algorithm,
            id=parts["Credential"].partition("/")[0],
            credential=parts["Credential"],
            headers=parts["SignedHeaders"],
            signature=parts["Signature"],
            wrong="0" * 64,
        )

    return authorization(edit)


def second_authorization(*, behind: bool) -> Make:
    """A second Authorization header, with a wrong signature."""

    def edit(request: HttpRequest) -> HttpRequest:
        right = request.header("Authorization")
        wrong = f"{right.rpartition('=')[0]}={'0' * 64}"
        others = request.with_header("Authorization", None)
        values = (right, wrong) if behind else (wrong, right)
        two = tuple(("Authorization", value) for value in values)
        return replace(request, headers=(*others, *two))

    return request(edit)


# The payload's hash, by X-Amz-Content-Sha256.


def vouched_for(*, in_signature: bool) -> Make:
    """Another body, beside the hash of the one that was signed."""

    def make(unsigned: HttpRequest, column: Column) -> HttpRequest:
        digest = hashlib.sha256(unsigned.body).hexdigest()
        vouching = ("X-Amz-Content-Sha256", digest)
        change = body(another_request)
        if in_signature:
            return request(change, added=(vouching,), names=_HASH_SIGNED)(
                unsigned, column
            )
        sent = request(change)(unsigned, column)
        return replace(sent, headers=(*sent.headers, vouching))

    return make


_HASH_SIGNED = ("host", "x-amz-content-sha256", "x-amz-date")


def payload(word: str, *, named: bool, in_signature: bool = False) -> Make:
    """A word in the place of the payload's hash.

    Args:
        word: the last line of the canonical request.
        named: whether X-Amz-Content-Sha256 says so.
        in_signature: whether that header is signed.
    """

    def make(request: HttpRequest, column: Column) -> HttpRequest:
        signer = replace(column.signer, payload=word)
        if in_signature:
            signer = replace(signer, signed_headers=_HASH_SIGNED)
        if named:
            naming = ("X-Amz-Content-Sha256", word)
            request = replace(request, headers=(*request.headers, naming))
        return signer.sign(request)

    return make


# The time, by other headers than X-Amz-Date.


def _date(column: Column) -> tuple[str, str]:
    return ("Date", format_datetime(column.now.astimezone(UTC), usegmt=True))


def old_but_dated(**away: float) -> Make:
    """Signed long ago, beside a Date header of now that is not signed."""

    def make(request: HttpRequest, column: Column) -> HttpRequest:
        old = signed_at(**away)(request, column)
        return replace(old, headers=(*old.headers, _date(column)))

    return make


def undated(*, names: tuple[str, ...], dated: bool = False) -> Make:
    """Without X-Amz-Date, once it is signed.

    Args:
        names: the signed headers.
        dated: whether a Date header, or what is signed as one, takes its place.
    """

    def make(request: HttpRequest, column: Column) -> HttpRequest:
        if dated:
            request = replace(request, headers=(*request.headers, _date(column)))
        # For the moment that a Date header names, or it would prove nothing.
        signer = replace(column.signer, signed_headers=names, at=column.now)
        sent = signer.sign(request)
        return replace(sent, headers=sent.with_header("X-Amz-Date", None))

    return make


def moved_by_a_second(request: HttpRequest) -> HttpRequest:
    """Another X-Amz-Date, of the same day, which the scope names as well."""
    sent = datetime.fromisoformat(request.header("X-Amz-Date"))
    last = (sent.hour, sent.minute, sent.second) == (23, 59, 59)
    other = timestamp(sent + timedelta(seconds=-1 if last else 1))
    return replace(request, headers=request.with_header("X-Amz-Date", other))
