"""Faults of the wire: delays, lost connections, bad certificates."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from pytest_xks.faults import Delay, Effect, End, Latency, Listen, Replace
from pytest_xks.http.delivery import Ending
from pytest_xks.http.tricks import Trick
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import (
    Document,
    before_metadata,
    delivered,
    fails_internally,
    invalid,
)
from pytest_xks.proxy_api.errors import ErrorName, XksError
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.messages import render, render_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import EncryptResult


@fault(keywords=("latency",))
def delay(milliseconds: Latency = 1000) -> Effect:
    """Answers late; KMS waits 250 ms."""
    return Delay(milliseconds)


for _name, _ending, _summary in (
    (
        "connection-closed",
        Ending.CLOSE,
        "Closes the connection without a byte of an answer.",
    ),
    (
        "connection-reset",
        Ending.RESET,
        "Resets the connection without a byte of an answer.",
    ),
    (
        "response-truncated",
        Ending.TRUNCATE,
        "Sends half of the body under its full Content-Length, then closes.",
    ),
    ("response-garbage", Ending.GARBAGE, "Sends bytes that are not HTTP."),
    ("silence", Ending.SILENCE, "Takes the request and never answers."),
):
    row(_name, _summary, End(_ending))


# -- the listener ---------------------------------------------------------------------

_TIMING = ("XKS-PERF",)
_MTLS = ("XKS-MTLS",)

for _trick, _summary, _violates, _scope in (
    (Trick.CONNECTION_REFUSED, "Refuses TCP connections.", (), ()),
    (
        Trick.CERTIFICATE_EXPIRED,
        "Presents a certificate that has expired.",
        ("XKS-TLS-004",),
        (),
    ),
    (
        Trick.CERTIFICATE_NOT_YET_VALID,
        "Presents a certificate that is not valid yet.",
        ("XKS-TLS-004",),
        (),
    ),
    (
        Trick.CERTIFICATE_WRONG_HOST,
        "Presents a certificate for another host name.",
        ("XKS-TLS-003",),
        (),
    ),
    (
        Trick.CERTIFICATE_UNKNOWN_CA,
        "Presents a certificate of a CA that nobody trusts.",
        ("XKS-TLS-004",),
        (),
    ),
    (
        Trick.CERTIFICATE_SELF_SIGNED,
        "Presents a self-signed certificate.",
        ("XKS-TLS-004",),
        (),
    ),
    (
        Trick.OFFERS_UNLISTED_SUITES_ONLY,
        "Offers TLS 1.2 with none of the cipher suites of the specification.",
        ("XKS-TLS-002",),
        (),
    ),
    (
        Trick.OFFERS_TLS_1_1,
        "Offers TLS 1.0 and 1.1 as well.",
        ("XKS-TLS-006",),
        (),
    ),
    (
        Trick.OFFERS_WEAK_SUITES,
        "Offers anonymous cipher suites and suites without encryption as well.",
        ("XKS-TLS-007",),
        (),
    ),
    (
        Trick.SERVES_PLAIN_HTTP,
        "Speaks plain HTTP on the same port as well.",
        ("XKS-TLS-001",),
        (),
    ),
    (
        Trick.REFUSES_CLIENTS_WITHOUT_ALPN,
        "Closes the connection of a client that offers no protocol (ALPN).",
        ("XKS-HTTP-004",),
        (),
    ),
    (
        Trick.REQUIRES_CLIENT_CERTIFICATE,
        "Requires a client certificate at its main endpoint.",
        ("XKS-MTLS-005",),
        _MTLS,
    ),
    (
        Trick.MTLS_REFUSES_EVERYONE,
        "Refuses every client certificate.",
        ("XKS-MTLS-001",),
        _MTLS,
    ),
    (
        Trick.ACCEPTS_ANY_CLIENT_SUBJECT,
        "Takes a client certificate of any subject.",
        ("XKS-MTLS-003",),
        _MTLS,
    ),
    (
        Trick.ACCEPTS_ANY_CLIENT_AUTHORITY,
        "Takes any client certificate, and none.",
        ("XKS-MTLS-003", "XKS-MTLS-004"),
        _MTLS,
    ),
    (
        Trick.ANSWERS_HTTP_1_0,
        "Answers with the status line of HTTP/1.0.",
        ("XKS-HTTP-003",),
        (),
    ),
    (
        Trick.CLOSES_EVERY_CONNECTION,
        "Closes the connection after every answer, and says so.",
        ("XKS-HTTP-007",),
        (),
    ),
    (
        Trick.ANSWERS_TWICE,
        "Puts a second answer behind every answer.",
        ("XKS-HTTP-015",),
        (),
    ),
    (
        Trick.DROPS_CONNECTION_AFTER_ERROR,
        "Closes the connection after an error without saying so.",
        ("XKS-HTTP-009",),
        (),
    ),
    (
        Trick.SLOW_FIRST_REQUEST,
        "Is slow to answer the first request of a connection.",
        ("XKS-PERF-002",),
        _TIMING,
    ),
    (
        Trick.SERVES_BROKEN_HTTP,
        "Answers 200 to what is no HTTP request.",
        ("XKS-HTTP-011",),
        (),
    ),
    (
        Trick.ACCEPTS_CONFLICTING_LENGTHS,
        "Answers 200 to a request with two lengths.",
        ("XKS-HTTP-014",),
        (),
    ),
    (
        Trick.SLOW_SENDER_BLOCKS_OTHERS,
        "Reads one request at a time, however slowly it comes.",
        ("XKS-HTTP-012",),
        (),
    ),
    (
        Trick.LARGE_BODY_STALLS_SERVICE,
        "Stops answering for a while after a body that is too large.",
        ("XKS-HTTP-013", "XKS-HTTP-021"),
        (),
    ),
    (
        Trick.ENDS_AT_LONG_NUMBERS,
        "Takes no connection for a moment after a number of a thousand digits.",
        ("XKS-RUN-010",),
        (),
    ),
    (
        Trick.FEW_CONNECTIONS,
        "Serves no more than thirty connections at a time, idle ones included.",
        ("XKS-HTTP-020",),
        (),
    ),
):
    row(
        _trick.value,
        _summary,
        Listen(_trick),
        violates=_violates,
        scope=_scope,
    )


# -- what few clients send ------------------------------------------------------------


def _silent_at(concerned: Callable[[Request], bool]) -> Effect:
    def change(delivery: Delivery, request: Request) -> Delivery:
        if not concerned(request):
            return delivery
        return replace(delivery, ending=Ending.SILENCE)

    return delivered(change)


row(
    "put-in-silence",
    "Takes a PUT and never answers.",
    _silent_at(lambda request: request.method == "PUT"),
    violates=("XKS-HTTP-019",),
)
row(
    "silent-at-long-numbers",
    "Takes a number of a thousand digits and never answers.",
    _silent_at(lambda request: b"9" * 1000 in request.body),
    violates=("XKS-HTTP-022",),
)

# -- memory ---------------------------------------------------------------------------


@fault(violates=("XKS-RUN-008",))
def refuses_request_ids_of_earlier_requests() -> Effect:
    """Refuses a kmsRequestId that it has seen in another request."""
    bodies: dict[str, Document] = {}

    def check(document: Document, metadata: Document) -> None:
        id_ = metadata.get("kmsRequestId")
        if not isinstance(id_, str) or id_.count("-") != 4:
            return
        if bodies.setdefault(id_, document) != document:
            invalid("The kmsRequestId was used before.")

    return before_metadata(check)


# The suite sends hundreds of Encrypts: with all its checks, it would strike anywhere.
@fault(scope=("XKS-RUN-",), violates=("XKS-RUN-009",))
def serves_150_encrypts() -> Effect:
    """Fails internally from the hundred and fiftieth Encrypt on."""
    numbers = count(1)

    def seal(
        proceed: Callable[..., EncryptResult], *arguments: object
    ) -> EncryptResult:
        if next(numbers) > 150:
            fails_internally()
        return proceed(*arguments)

    return Replace("seal", seal)


# -- time -----------------------------------------------------------------------------


row(
    "slow-now-and-then",
    "Takes 300 ms for every tenth request.",
    Delay([*[0.0] * 9, 300.0]),
    violates=("XKS-PERF-001",),
    scope=_TIMING,
)


def _one_at_a_time(seconds: float) -> Effect:
    busy = threading.Lock()

    def change(delivery: Delivery, _: Request) -> Delivery:
        with busy:
            threading.Event().wait(seconds)
        return delivery

    return delivered(change)


row(
    "serializes-requests",
    "Serves one request at a time and takes 50 ms for it.",
    partial(_one_at_a_time, 0.05),
    violates=("XKS-PERF-003",),
    scope=_TIMING,
)
row(
    "serves-200-requests-a-second",
    "Serves one request at a time and takes 5 ms for it.",
    partial(_one_at_a_time, 0.005),
    violates=("XKS-PERF-004",),
    scope=_TIMING,
)


# Probes go out side by side everywhere: each of them would get another's answer.
@fault(violates=("XKS-HTTP-010",), scope=("XKS-HTTP-010",))
def mixes_concurrent_answers() -> Effects:
    """Gives one of two requests that are under way the answer of the other."""
    under_way: set[int] = set()
    last: list[Delivery] = []

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        under_way.add(threading.get_ident())
        threading.Event().wait(0.002)
        return proceed(request, secrets, now)

    def mix(delivery: Delivery, _: Request) -> Delivery:
        others = under_way - {threading.get_ident()}
        under_way.discard(threading.get_ident())
        answer = last[-1] if others and last else delivery
        last[:] = [delivery]
        return answer

    return (Replace("authenticate", authenticate), delivered(mix))


@fault(violates=("XKS-HTTP-008",))
def chunked_body_as_400() -> Effect:
    """Refuses a request body in chunks."""
    error = XksError(ErrorName.VALIDATION, "Chunks are not read.")

    def change(delivery: Delivery, request: Request) -> Delivery:
        if request.header("Transfer-Encoding") is None:
            return delivery
        response = Response(
            status=400,
            headers=(("Content-Type", "application/json"),),
            body=render(render_error(error)),
        )
        return replace(delivery, response=response)

    return delivered(change)
