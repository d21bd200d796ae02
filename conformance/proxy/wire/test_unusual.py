"""Requests that KMS does not send and that are no attack: answered, and survived.

The specification says nothing of them. An error will do, or that they are served; what
never comes, or keeps the next request waiting, is what these checks are about.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.answer import Circumstances
from ..client.bodies import (
    ALL_OPERATIONS,
    PLAINTEXT,
    ProxyOperation,
    encrypt_body,
    to_json,
)
from ..client.expect import SERVED, Outcome, expect, success
from ..client.http1 import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient

_HEALTH, _ENCRYPT = ProxyOperation.GET_HEALTH_STATUS, ProxyOperation.ENCRYPT

# The end of the connection is an answer, too.
_ANSWERED = Outcome(
    "an error, the end of the connection, or a served request",
    lambda answer: answer.failure is not Failure.LATE,
)
_IDLE = 32


def _next_is_served(proxy: ProxyClient, circumstances: Circumstances) -> None:
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    success(
        proxy.send_anew(
            request, label="the next request", seconds=1.0, circumstances=circumstances
        )
    )


@pytest.mark.requirement("XKS-HTTP-019")
def test_put(proxy: ProxyClient) -> None:
    """A PUT with a good body is answered, at every path of the API."""
    proxy.require_served([proxy.control(_HEALTH)])
    answers = proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"PUT at the path of {operation.title}",
                accept=(_ANSWERED,),
                method="PUT",
                anew=True,
            )
            for operation in ALL_OPERATIONS
        ],
        controls=[],
    )
    _next_is_served(proxy, Circumstances(after=answers[-1].exchange))


def _expecting(request: HttpRequest) -> HttpRequest:
    return replace(request, headers=(*request.headers, ("Expect", "100-continue")))


@pytest.mark.requirement("XKS-HTTP-019")
def test_expect_100_continue(proxy: ProxyClient) -> None:
    """A request that expects 100 (Continue) and does not wait for it is answered.

    RFC 9110, section 10.1.1: a client need not wait, and a server may leave 100 out.
    """
    proxy.require_served([proxy.control(_ENCRYPT)])
    probe = proxy.probe(
        _ENCRYPT,
        altered="Expect: 100-continue",
        accept=(_ANSWERED,),
        edit=_expecting,
        anew=True,
    )
    (answer,) = proxy.judge([probe], controls=[])
    _next_is_served(proxy, Circumstances(after=answer.exchange))


@pytest.mark.requirement("XKS-HTTP-019")
def test_pipelining(proxy: ProxyClient) -> None:
    """Two requests in one packet are answered in their order, or the first alone.

    RFC 9112, section 9.3.2: a server may close the connection after any response; it
    sends the responses in the order of the requests.
    """
    proxy.require_served([proxy.control(_HEALTH)])
    first = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    second = proxy.request(_ENCRYPT, encrypt_body(PLAINTEXT))
    both = first.encode() + second.encode()
    with proxy.connect() as connection:
        answer = proxy.send(first, raw=both, connection=connection, label="two at once")
        expect(answer, _ANSWERED)
    if SERVED.accepts(answer):
        expect(answer, _HEALTH_STATUS)
    _next_is_served(proxy, Circumstances(after=answer.exchange))


_HEALTH_STATUS = Outcome(
    "the answer to the first of two requests",
    lambda answer: "ekmFleetDetails" in (answer.document or {}),
)


@pytest.mark.requirement("XKS-HTTP-020")
def test_idle_connections(proxy: ProxyClient) -> None:
    """While thirty-two connections are idle, a request on another one is served."""
    proxy.require_served([proxy.control(_HEALTH)])
    with ExitStack() as opened:
        with suppress(NotTestable):
            # A proxy may refuse what exceeds its limit.
            for _ in range(_IDLE):
                opened.enter_context(proxy.connect())
        _next_is_served(proxy, Circumstances())


@pytest.mark.requirement("XKS-HTTP-021")
def test_large_body_without_a_signature(proxy: ProxyClient) -> None:
    """A body of two megabytes from somebody who cannot sign is answered.

    Then the next request is served: nobody needs a secret to send it.
    """
    unsigned = proxy.probe(
        _ENCRYPT,
        encrypt_body(b"\x00" * 1_500_000),
        altered="two megabytes without a signature",
        accept=(_ANSWERED,),
        edit=lambda r: replace(r, headers=r.with_header("Authorization", None)),
        anew=True,
    )
    proxy.require_served([proxy.control(_ENCRYPT)])
    (answer,) = proxy.judge([unsigned], controls=[])
    _next_is_served(proxy, Circumstances(after=answer.exchange))


def _with(text: bytes) -> Callable[[bytes], bytes]:
    """A body with one more member, of this text."""
    return lambda body: body[:-1] + b',"more":' + text + b"}"


_VALUES: dict[str, Callable[[bytes], bytes]] = {
    "an integer of four thousand digits": _with(b"9" * 4000),
    "a fraction of four thousand digits": _with(b"0." + b"3" * 4000),
    "an exponent of nine digits": _with(b"1e999999999"),
    "a lone surrogate": _with(rb'"\ud800"'),
    "a lone surrogate in kmsRequestId": lambda body: body.replace(
        b'"kmsRequestId":"', rb'"kmsRequestId":"\udfff'
    ),
    "a NUL in kmsRequestId": lambda body: body.replace(
        b'"kmsRequestId":"', rb'"kmsRequestId":"\u0000'
    ),
}


@pytest.mark.requirement("XKS-HTTP-022")
def test_unusual_values(proxy: ProxyClient) -> None:
    """Legal JSON with values that few programs can hold is answered.

    Whether they are served, ignored or invalid is left to the proxy.
    """
    good = to_json(proxy.permitted(encrypt_body(PLAINTEXT)))
    proxy.require_served([proxy.control(_ENCRYPT)])
    answers = proxy.judge(
        [
            proxy.probe(
                _ENCRYPT, made(good), altered=text, accept=(_ANSWERED,), anew=True
            )
            for text, made in _VALUES.items()
        ],
        controls=[],
    )
    _next_is_served(proxy, Circumstances(after=answers[-1].exchange))
