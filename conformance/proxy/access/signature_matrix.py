"""The matrix of signatures: its rows, in one table.

A row is one thing in which a request differs from what KMS signs (Appendix A). Every
row is tried in every column: each operation, by each credential of each key store that
the target names (``signature_columns``). Any refusal will do; that it is a 401
AuthenticationFailedException is for XKS-ERR-009.

Not in the table, because a proxy is free: the Region that a request was signed for, and
a query string, which may be signed or not looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_xks.certify.targets.credential import Credential

from ..client.bodies import KEY_OPERATIONS, ProxyOperation
from ..client.expect import REFUSED, SERVED, Outcome
from . import signature_edits as edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..client.http1 import HttpRequest
    from .signature_edits import Column, Make

__all__ = ["ROWS", "Row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing in which a request differs from what KMS signs."""

    requirement: str
    text: str
    """In what, in a phrase."""
    make: Make
    accept: Outcome = REFUSED
    operations: tuple[ProxyOperation, ...] = tuple(ProxyOperation)
    """Those that have what is altered."""


def _lower(request: HttpRequest) -> HttpRequest:
    names = tuple((name.lower(), value) for name, value in request.headers)
    return replace(request, headers=names)


def _upper(request: HttpRequest) -> HttpRequest:
    names = tuple((name.upper(), value) for name, value in request.headers)
    return replace(request, headers=names)


def _backwards(request: HttpRequest) -> HttpRequest:
    return replace(request, headers=request.headers[::-1])


def _served() -> Iterator[tuple[str, str, Make]]:
    """What has to be served all the same."""
    yield "XKS-AUTH-001", "header names in lower case", edits.request(_lower)
    yield "XKS-AUTH-001", "header names in capitals", edits.request(_upper)
    yield "XKS-AUTH-001", "headers in another order", edits.request(_backwards)
    names = ("content-type", "host", "x-amz-date")
    make = edits.signed(signed_headers=names)
    yield "XKS-AUTH-002", "Content-Type signed too", make
    make = edits.request(lambda request: request, added=_TRACE, names=_TRACE_SIGNED)
    yield "XKS-AUTH-002", "another header signed too", make
    for seconds in (-30, 30):
        make = edits.signed_at(seconds=seconds)
        yield "XKS-AUTH-024", f"signed for {seconds:+d} seconds", make


_TRACE = (("X-Amz-Trace", "one"),)
_TRACE_SIGNED = ("host", "x-amz-date", "x-amz-trace")
_TYPE_SIGNED = ("content-type", "host", "x-amz-date")


def _of_the_request() -> Iterator[tuple[str, str, Make]]:
    """Method, path, headers and body."""
    drafted, request, header = edits.drafted, edits.request, edits.header
    for method in ("GET", "PUT"):
        make = drafted(lambda r, _, m=method: replace(r, method=m))  # type: ignore[misc] # a default binds it
        yield "XKS-AUTH-031", f"signed for the method {method}", make
    yield "XKS-AUTH-006", "signed for another operation", drafted(_another_operation)
    make = edits.signed(host="other.example.com")
    yield "XKS-AUTH-007", "signed for other.example.com", make
    yield "XKS-AUTH-007", "signed for another port", _another_port
    make = request(edits.moved_by_a_second)
    yield "XKS-AUTH-008", "another timestamp than the one that was signed", make
    make = request(header("Content-Type", _OTHER_TYPE), names=_TYPE_SIGNED)
    yield "XKS-AUTH-032", "another Content-Type than the one that was signed", make
    for value, text in (("two", "changed"), (None, "removed")):
        make = request(header("X-Amz-Trace", value), added=_TRACE, names=_TRACE_SIGNED)
        yield "XKS-AUTH-032", f"another signed header {text} after signing", make
    for text, change in _BODIES.items():
        yield "XKS-AUTH-005", text, request(edits.body(change))


_OTHER_TYPE = "application/json;charset=utf-8"
_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "another body of the same length": edits.another_request,
    "a space behind the body": lambda data: data + b" ",
    "the same JSON, written in another way": lambda data: json.dumps(
        json.loads(data), indent=1
    ).encode(),
}


def _another_operation(request: HttpRequest, column: Column) -> HttpRequest:
    health, metadata = ProxyOperation.GET_HEALTH_STATUS, ProxyOperation.GET_KEY_METADATA
    other = metadata if column.operation is health else health
    return replace(request, path=column.store.path(other))


def _another_key(request: HttpRequest, column: Column) -> HttpRequest:
    return replace(request, path=column.store.path(column.operation, "another-key"))


def _another_port(request: HttpRequest, column: Column) -> HttpRequest:
    host = request.header("Host")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return replace(column.signer, host=f"{name}:1").sign(request)


_UNKNOWN_ID = "UNKNOWNACCESSKEYID2345"


def _unknown(request: HttpRequest, column: Column) -> HttpRequest:
    known = column.signer.credential
    unknown = Credential(_UNKNOWN_ID, known.secret_access_key)
    return replace(column.signer, credential=unknown).sign(request)


def _of_the_credential() -> Iterator[tuple[str, str, Make]]:
    """Access key id, and the parts of the scope."""
    yield "XKS-AUTH-009", "an unknown access key id, signed so", _unknown
    make = edits.credential(0, lambda _: _UNKNOWN_ID)
    yield "XKS-AUTH-009", "an unknown access key id, changed after signing", make
    make = edits.credential(0, str.lower)
    yield "XKS-AUTH-009", "the access key id in lower case", make
    yield "XKS-AUTH-010", "signed for the service kms", edits.signed(service="kms")
    make = edits.scope(3, "kms")
    yield "XKS-AUTH-010", "the service changed after signing", make
    make = edits.scope(4, "aws5_request")
    yield "XKS-AUTH-011", "the termination string changed after signing", make
    make = edits.signed(terminator="aws5_request")
    yield "XKS-AUTH-030", "signed for aws5_request", make
    make = edits.scope(2, "eu-west-1", "us-east-1")
    yield "XKS-AUTH-012", "another Region than the one that was signed", make
    make = edits.scope(1, "20240229")
    yield "XKS-AUTH-013", "another date in the scope than the one that was signed", make
    yield "XKS-AUTH-014", "signed for a scope of yesterday", _yesterday
    for algorithm in ("AWS4-HMAC-SHA1", "AWS4-HMAC-SHA512"):
        make = edits.component(f"{algorithm} {_GOOD}")
        yield "XKS-AUTH-015", f"{algorithm} named", make
    make = edits.signed(algorithm="AWS4-HMAC-SHA1")
    yield "XKS-AUTH-015", "AWS4-HMAC-SHA1 in the string to sign", make


def _yesterday(request: HttpRequest, column: Column) -> HttpRequest:
    date = f"{edits.hour_of(column.now):%Y%m%d}"
    return replace(column.signer, scope_date=date).sign(request)


def _of_the_signature() -> Iterator[tuple[str, str, Make]]:
    """Its digits, its length, and what it covers."""
    for position in (0, 31, 32, 63):
        make = edits.signature(lambda s, at=position: _other_digit(s, at))  # type: ignore[misc] # a default binds it
        yield "XKS-AUTH-003", f"another digit {position} of the signature", make
    for length in (0, 32, 63, 65):
        make = edits.signature(lambda s, n=length: f"{s}0"[:n])  # type: ignore[misc] # likewise
        yield "XKS-AUTH-004", f"a signature of {length} digits", make
    make = edits.signed(signed_headers=("x-amz-date",))
    yield "XKS-AUTH-017", "host is not signed", make
    make = edits.signed(signed_headers=("host",))
    yield "XKS-AUTH-018", "x-amz-date is not signed", make


def _other_digit(signature: str, position: int) -> str:
    wrong = "0" if signature[position] != "0" else "1"
    return f"{signature[:position]}{wrong}{signature[position + 1 :]}"


def _of_what_is_there() -> Iterator[tuple[str, str, Make]]:
    """No signature, and none that can be read."""
    without = edits.header("Authorization", None)
    yield "XKS-AUTH-016", "no signature", edits.request(without)
    yield "XKS-AUTH-016", "neither signature nor X-Amz-Date", lambda request, _: request
    for text, template in _MALFORMED.items():
        make = edits.component(template)
        yield "XKS-AUTH-020", f"a malformed Authorization header: {text}", make
    for text, template in _UNUSUAL.items():
        make = edits.component(template)
        yield "XKS-AUTH-036", f"an unusual Authorization header: {text}", make
    for behind, text in ((True, "behind"), (False, "before")):
        make = edits.second_authorization(behind=behind)
        yield "XKS-AUTH-036", f"a wrong Authorization header {text} the right one", make


_GOOD = "Credential={credential}, SignedHeaders={headers}, Signature={signature}"
_MALFORMED = {
    "empty": "",
    "the algorithm only": "{algorithm}",
    "another scheme": "Basic Zm9vOmJhcg==",
    "no credential": "{algorithm} SignedHeaders={headers}, Signature={signature}",
    "no signed headers": "{algorithm} Credential={credential}, Signature={signature}",
    "no signature": "{algorithm} Credential={credential}, SignedHeaders={headers}",
    "an empty credential": "{algorithm} Credential=, SignedHeaders={headers}, "
    "Signature={signature}",
    "a credential without scope": "{algorithm} Credential={id}, "
    "SignedHeaders={headers}, Signature={signature}",
    "no header signed": "{algorithm} Credential={credential}, SignedHeaders=, "
    "Signature={signature}",
}
_UNUSUAL = {
    "the algorithm in lower case": f"aws4-hmac-sha256 {_GOOD}",
    "components in lower case": "{algorithm} credential={credential}, "
    "signedheaders={headers}, signature={signature}",
    "a wrong signature before the right one": "{algorithm} Credential={credential}, "
    "SignedHeaders={headers}, Signature={wrong}, Signature={signature}",
    "a wrong signature behind the right one": f"{{algorithm}} {_GOOD}, "
    "Signature={wrong}",
    "a scope of one part more": "{algorithm} Credential={credential}/more, "
    "SignedHeaders={headers}, Signature={signature}",
}


def _of_the_time() -> Iterator[tuple[str, str, Make]]:
    """How old a request is, and by which header."""
    for days in (-30, -1, 1, 30):
        make = edits.signed_at(days=days)
        yield "XKS-AUTH-021", f"signed for {days:+d} days", make
    make = edits.signed_at(minutes=-6)
    yield "XKS-AUTH-022", "six minutes old", make
    make = edits.signed_at(minutes=6)
    yield "XKS-AUTH-023", "six minutes early", make
    make = edits.undated(names=("host", "x-amz-date"))
    yield "XKS-AUTH-019", "no X-Amz-Date, though signed", make
    make = edits.undated(names=("host",))
    yield "XKS-AUTH-019", "no X-Amz-Date, and not signed", make
    make = edits.old_but_dated(days=-30)
    yield "XKS-AUTH-035", "30 days old, with a Date header of now", make
    # AMBIGUOUS: "the RequestDateTime is taken from the X-Amz-Date header" (Appendix A,
    # Task 2), but SigV4 reads a signed Date where that is missing. Only who has the
    # secret can sign it, so we warn.
    make = edits.undated(names=("date", "host"), dated=True)
    yield "XKS-AUTH-018", "a signed Date header in place of X-Amz-Date", make


_WORDS = (
    "UNSIGNED-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
)


def _of_the_payload() -> Iterator[tuple[str, str, Make]]:
    """Every way around the hash of the payload."""
    vouched = "another body, the old one's hash in X-Amz-Content-Sha256"
    yield "XKS-AUTH-033", vouched, edits.vouched_for(in_signature=False)
    make = edits.vouched_for(in_signature=True)
    yield "XKS-AUTH-033", f"{vouched}, which is signed", make
    for word in _WORDS:
        text = f"{word} in place of the payload's hash"
        yield "XKS-AUTH-034", text, edits.payload(word, named=False)
        named = f"{text}, and in X-Amz-Content-Sha256"
        yield "XKS-AUTH-034", named, edits.payload(word, named=True)
        make = edits.payload(word, named=True, in_signature=True)
        yield "XKS-AUTH-034", f"{named}, which is signed", make


def _rows() -> Iterator[Row]:
    for requirement, text, make in _served():
        yield Row(requirement=requirement, text=text, make=make, accept=SERVED)
    for part in (
        _of_what_is_there,
        _of_the_signature,
        _of_the_request,
        _of_the_credential,
        _of_the_payload,
        _of_the_time,
    ):
        for requirement, text, make in part():
            yield Row(requirement=requirement, text=text, make=make)
    yield Row(
        requirement="XKS-AUTH-006",
        text="signed for another key",
        make=edits.drafted(_another_key),
        operations=KEY_OPERATIONS,
    )


ROWS = tuple(_rows())
"""Every row."""
