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
    control,
    error,
    expect,
    status,
    success,
)
from ..client.http1 import Deadline, Failure, NoResponseError
from ..client.scenarios import invalid

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient

_HEALTH = ProxyOperation.GET_HEALTH_STATUS
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


def _send_raw(proxy: ProxyClient, request: HttpRequest, raw: bytes) -> ProxyAnswer:
    control(proxy.call(_HEALTH, label="control: a good request"))
    with proxy.connect() as connection:
        return proxy.send(request, connection=connection, raw=raw, seconds=_SECONDS)


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
    "huge-header": (b"Content-Type: ", b"X-Long: " + b"a" * 200_000 + b"\r\nX: "),
}


@pytest.mark.requirement("XKS-HTTP-011")
@pytest.mark.parametrize("name", list(_BROKEN))
def test_bytes_that_are_no_request(proxy: ProxyClient, name: str) -> None:
    """Bytes that are no HTTP request get an error or the end of the connection."""
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    expect(_send_raw(proxy, request, _BROKEN[name]), _ANSWERED)
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-HTTP-011")
@pytest.mark.parametrize("name", list(_DEFECTS))
def test_broken_head(proxy: ProxyClient, name: str) -> None:
    """A request with a broken head gets an error or the end of the connection."""
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    raw = request.encode().replace(*_DEFECTS[name], 1)
    expect(_send_raw(proxy, request, raw), _ANSWERED)
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-HTTP-012")
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9], ids=["nothing", "head", "body"])
def test_half_a_request(proxy: ProxyClient, part: float) -> None:
    """While one connection has sent part of its request, another one is served."""
    control(proxy.call(_HEALTH, label="control: alone"))
    request = proxy.request(ProxyOperation.ENCRYPT, encrypt_body(PLAINTEXT * 32))
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
    control(proxy.call(_HEALTH, label="control: alone"))
    with proxy.connect(tls=False):
        _next_is_served(proxy, "a neighbour")


@pytest.mark.requirement("XKS-HTTP-013")
def test_large_body(proxy: ProxyClient) -> None:
    """After a body of two megabytes the next request is served.

    What the large one is answered is left to the proxy, as long as it is answered.
    """
    control(proxy.call(ProxyOperation.ENCRYPT, label="control: a small body"))
    body = encrypt_body(b"\x00" * 1_500_000)
    request = proxy.request(ProxyOperation.ENCRYPT, body)
    with proxy.connect() as connection:
        answer = proxy.send(
            request, connection=connection, label="probe: two megabytes"
        )
    expect(answer, SERVED, _ANSWERED)
    _next_is_served(proxy, circumstances=Circumstances(after=answer.exchange))


@pytest.mark.requirement("XKS-HTTP-014")
@pytest.mark.parametrize("first", [0, -1], ids=["right-then-wrong", "wrong-then-right"])
def test_two_content_lengths(proxy: ProxyClient, first: int) -> None:
    """A request with two Content-Lengths that disagree is refused."""
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    length = len(request.body)
    lengths = (length + first, length - 1 - first)
    lines = "\r\n".join(f"Content-Length: {number}" for number in lengths)
    raw = request.encode().replace(
        f"Content-Length: {length}".encode(), lines.encode(), 1
    )
    expect(_send_raw(proxy, request, raw), NOT_SERVED)
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-HTTP-014")
def test_content_length_and_transfer_encoding(proxy: ProxyClient) -> None:
    """A request with Content-Length and Transfer-Encoding is refused.

    It may be served by its Transfer-Encoding if the connection ends after the response
    (RFC 9112, section 6.1).
    """
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(request.body), request.body)
    both = (*request.headers, ("Transfer-Encoding", "chunked"))
    raw = replace(request, headers=both, body=chunks).encode()
    served_and_closed = Outcome(
        "200 and Connection: close", lambda a: a.status == 200 and a.closes
    )
    expect(_send_raw(proxy, request, raw), NOT_SERVED, served_and_closed)
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-ERR-019")
@pytest.mark.parametrize("member", ["plaintext", "requestMetadata"])
def test_duplicate_member(proxy: ProxyClient, member: str) -> None:
    """A JSON object with two members of one name is served or invalid."""
    body = encrypt_body(PLAINTEXT, aad=AAD)
    control(proxy.call(ProxyOperation.ENCRYPT, body, label="control: no duplicate"))
    again = to_json({member: body[member]})[1:-1]
    data = to_json(body)[:-1] + b"," + again + b"}"
    answer = proxy.call(ProxyOperation.ENCRYPT, data, label=f"probe: {member} twice")
    expect(answer, SERVED, *invalid(proxy))


_DEPTH = 20_000


@pytest.mark.requirement("XKS-ERR-020")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * _DEPTH, id="open"),
        pytest.param(b"[" * _DEPTH + b"]" * _DEPTH, id="closed"),
        pytest.param(
            b'{"requestMetadata":' + b'{"a":' * _DEPTH + b"1" + b"}" * (_DEPTH + 1),
            id="objects",
        ),
    ],
)
def test_deep_nesting(proxy: ProxyClient, body: bytes) -> None:
    """A body nested twenty thousand levels deep does no harm.

    It is served, invalid, too large or more than the proxy supports; or the connection
    ends. The next request is served.
    """
    control(proxy.call(ProxyOperation.ENCRYPT, label="control: a good body"))
    request = proxy.request(ProxyOperation.ENCRYPT, body)
    with proxy.connect() as connection:
        answer = proxy.send(request, connection=connection, seconds=_SECONDS)
    ended = Outcome(
        "the end of the connection",
        lambda a: a.status is None and a.failure is not Failure.LATE,
    )
    unsupported = error("UnsupportedOperationException")
    expect(answer, SERVED, unsupported, status(413), ended, *invalid(proxy))
    _next_is_served(proxy)


@pytest.mark.requirement("XKS-ERR-020")
def test_deep_nesting_in_a_value(proxy: ProxyClient) -> None:
    """A plaintext that is nested in place of a string does no harm."""
    control(proxy.call(ProxyOperation.ENCRYPT, label="control: a good body"))
    data = to_json(encrypt_body(PLAINTEXT))
    nested = b"[" * _DEPTH + b"]" * _DEPTH
    data = data.replace(b'"' + b64(PLAINTEXT).encode() + b'"', nested, 1)
    answer = proxy.call(ProxyOperation.ENCRYPT, data, label="probe: nested")
    expect(answer, status(413), error("UnsupportedOperationException"), *invalid(proxy))
    _next_is_served(proxy)
