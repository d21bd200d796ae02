"""Hostile and broken input: it gets an error, and the next request is served.

The specification says little of this, so that most of it is an inference.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.evidence.exchange import Exchange

from ..client.answer import Circumstances
from ..client.bodies import AAD, PLAINTEXT, ProxyOperation, b64, encrypt_body, to_json
from ..client.expect import (
    NOT_SERVED,
    SERVED,
    Outcome,
    error,
    status,
    success,
)
from ..client.http1 import Deadline, Failure, NoResponseError
from ..client.scenarios import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient

_HEALTH, _ENCRYPT = ProxyOperation.GET_HEALTH_STATUS, ProxyOperation.ENCRYPT
_SECONDS = 2.0

# An answer that never comes is worse than any error: it holds a connection and more.
_ANSWERED = Outcome(
    "an error, or the end of the connection",
    lambda answer: (answer.status or 599) >= 400 and answer.failure is not Failure.LATE,
)


def _next_is_served(
    proxy: ProxyClient,
    label: str = "the next request",
    circumstances: Circumstances | None = None,
) -> None:
    """Another request, on a new connection, is served; KMS would not wait as long."""
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    success(
        proxy.send_anew(
            request,
            label=label,
            seconds=1.0,
            circumstances=circumstances or Circumstances(),
        )
    )


_BROKEN = {
    "not-http": b"This is not HTTP.\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "no-version": b"POST /\r\n\r\n",
    "version-9": b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
}

# What is done to the head of a request that is otherwise good. A header line that is
# none is missing here: servers in wide use skip it. So is a NUL in a value: RFC 9110,
# section 5.5, lets a server read it as a blank.
_DEFECTS = {
    "length-no-number": (b"Content-Length: ", b"Content-Length: x"),
    "negative-length": (b"Content-Length: ", b"Content-Length: -"),
}
_HUGE_HEADER = b"X-Long: " + b"a" * 200_000 + b"\r\nContent-Type: "


def _judge_raw(
    proxy: ProxyClient,
    raw: Mapping[str, Callable[[HttpRequest], bytes]],
    *accept: Outcome,
) -> None:
    """Judge what is answered to bytes in the place of a request."""
    proxy.judge(
        [
            proxy.probe(_HEALTH, altered=text, accept=accept, raw=made)
            for text, made in raw.items()
        ]
    )
    _next_is_served(proxy)


def _constant(data: bytes) -> Callable[[HttpRequest], bytes]:
    return lambda _: data


def _replaced(old: bytes, new: bytes) -> Callable[[HttpRequest], bytes]:
    return lambda request: request.encode().replace(old, new, 1)


@pytest.mark.requirement("XKS-HTTP-011")
def test_bytes_that_are_no_request(proxy: ProxyClient) -> None:
    """Bytes that are no HTTP request get an error or the end of the connection."""
    raw = {name: _constant(data) for name, data in _BROKEN.items()}
    _judge_raw(proxy, raw, _ANSWERED)


@pytest.mark.requirement("XKS-HTTP-011")
def test_broken_head(proxy: ProxyClient) -> None:
    """A request with a broken head gets an error or the end of the connection."""
    raw = {name: _replaced(*defect) for name, defect in _DEFECTS.items()}
    _judge_raw(proxy, raw, _ANSWERED)


@pytest.mark.requirement("XKS-HTTP-011")
def test_huge_header(proxy: ProxyClient) -> None:
    """A header of 200 kB is answered; HTTP sets no limit, so it may be served."""
    raw = {"a header of 200 kB": _replaced(b"Content-Type: ", _HUGE_HEADER)}
    _judge_raw(proxy, raw, SERVED, _ANSWERED)


@pytest.mark.requirement("XKS-HTTP-012")
def test_half_a_request(proxy: ProxyClient) -> None:
    """While one connection has sent part of its request, another one is served.

    What is sent is nothing, part of the head, or all but the end of the body.
    """
    proxy.require_served([proxy.control(_HEALTH)])
    for part in (0.0, 0.3, 0.9):
        request = proxy.request(_ENCRYPT, encrypt_body(PLAINTEXT * 32))
        data = request.encode()
        data = data[: int(len(data) * part)]
        unfinished = Exchange(url=proxy.target.endpoint.url, raw=data)
        with proxy.connect() as slow:
            with suppress(NoResponseError):
                slow.send(data, Deadline(_SECONDS))
            _next_is_served(proxy, "a neighbour", Circumstances(background=unfinished))


@pytest.mark.requirement("XKS-HTTP-012")
def test_connection_without_tls(proxy: ProxyClient) -> None:
    """While one connection has not begun its TLS handshake, another one is served."""
    proxy.require_served([proxy.control(_HEALTH)])
    with proxy.connect(tls=False):
        _next_is_served(proxy, "a neighbour")


@pytest.mark.requirement("XKS-HTTP-013")
def test_large_body(proxy: ProxyClient) -> None:
    """After a body of two megabytes the next request is served.

    What the large one is answered is left to the proxy, as long as it is answered.
    """
    probe = proxy.probe(
        _ENCRYPT,
        encrypt_body(b"\x00" * 1_500_000),
        altered="two megabytes",
        accept=(SERVED, _ANSWERED),
        anew=True,
    )
    proxy.require_served([proxy.control(_ENCRYPT)])
    (answer,) = proxy.judge([probe], controls=[])
    _next_is_served(proxy, circumstances=Circumstances(after=answer.exchange))


def _two_lengths(first: int) -> Callable[[HttpRequest], bytes]:
    """The request with two Content-Lengths, of which one is right."""

    def made(request: HttpRequest) -> bytes:
        length = len(request.body)
        lengths = (length + first, length - 1 - first)
        lines = "\r\n".join(f"Content-Length: {number}" for number in lengths)
        old = f"Content-Length: {length}"
        return request.encode().replace(old.encode(), lines.encode(), 1)

    return made


@pytest.mark.requirement("XKS-HTTP-014")
def test_two_content_lengths(proxy: ProxyClient) -> None:
    """A request with two Content-Lengths that disagree is refused."""
    raw = {
        "a right length, then a wrong one": _two_lengths(0),
        "a wrong length, then a right one": _two_lengths(-1),
    }
    _judge_raw(proxy, raw, NOT_SERVED)


def _length_and_chunks(request: HttpRequest) -> bytes:
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(request.body), request.body)
    both = (*request.headers, ("Transfer-Encoding", "chunked"))
    return replace(request, headers=both, body=chunks).encode()


@pytest.mark.requirement("XKS-HTTP-014")
def test_content_length_and_transfer_encoding(proxy: ProxyClient) -> None:
    """A request with Content-Length and Transfer-Encoding is refused.

    It may be served by its Transfer-Encoding if the connection ends after the response
    (RFC 9112, section 6.1).
    """
    served_and_closed = Outcome(
        "200 and Connection: close", lambda a: a.status == 200 and a.closes
    )
    raw = {"Content-Length and Transfer-Encoding": _length_and_chunks}
    _judge_raw(proxy, raw, NOT_SERVED, served_and_closed)


@pytest.mark.requirement("XKS-ERR-019")
def test_duplicate_member(proxy: ProxyClient) -> None:
    """A JSON object with two members of one name is served or invalid."""
    body = proxy.permitted(encrypt_body(PLAINTEXT, aad=AAD))

    def doubled(member: str) -> bytes:
        again = to_json({member: body[member]})[1:-1]
        return to_json(body)[:-1] + b"," + again + b"}"

    accept = (SERVED, *invalid(proxy))
    proxy.judge(
        [
            proxy.probe(
                _ENCRYPT, doubled(member), altered=f"{member} twice", accept=accept
            )
            for member in ("plaintext", "requestMetadata")
        ]
    )


_DEPTH = 20_000
_NESTED = {
    "open arrays": b"[" * _DEPTH,
    "closed arrays": b"[" * _DEPTH + b"]" * _DEPTH,
    "objects": b'{"requestMetadata":' + b'{"a":' * _DEPTH + b"1" + b"}" * (_DEPTH + 1),
}


@pytest.mark.requirement("XKS-ERR-020")
def test_deep_nesting(proxy: ProxyClient) -> None:
    """A body nested twenty thousand levels deep does no harm.

    It is served, invalid, too large or more than the proxy supports; or the connection
    ends. The next request is served.
    """
    ended = Outcome(
        "the end of the connection",
        lambda a: a.status is None and a.failure is not Failure.LATE,
    )
    unsupported = error("UnsupportedOperationException")
    accept = (SERVED, unsupported, status(413), ended, *invalid(proxy))
    proxy.judge(
        [
            proxy.probe(_ENCRYPT, body, altered=text, accept=accept, anew=True)
            for text, body in _NESTED.items()
        ]
    )
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-ERR-020")
def test_deep_nesting_in_a_value(proxy: ProxyClient) -> None:
    """A plaintext that is nested in place of a string does no harm."""
    data = to_json(proxy.permitted(encrypt_body(PLAINTEXT)))
    nested = b"[" * _DEPTH + b"]" * _DEPTH
    data = data.replace(b'"' + b64(PLAINTEXT).encode() + b'"', nested, 1)
    unsupported = error("UnsupportedOperationException")
    accept = (status(413), unsupported, *invalid(proxy))
    proxy.judge([proxy.probe(_ENCRYPT, data, altered="nested", accept=accept)])
    _next_is_served(proxy)
