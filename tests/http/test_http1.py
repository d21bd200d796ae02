"""Requests out of bytes, and bytes out of responses."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest

from pytest_xks.http.http1 import FAILED, HEAD_MAX_BYTES, RequestParser, render
from pytest_xks.proxy_api.http import Response

MAX_BODY_BYTES = 1000

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(data: bytes) -> list[bytes]:
    """Everything in one piece."""
    return [data]


def bytewise(data: bytes) -> list[bytes]:
    """A byte at a time."""
    return [data[i : i + 1] for i in range(len(data))]


def halved(data: bytes) -> list[bytes]:
    """Two pieces of about the same size."""
    middle = len(data) // 2
    return [data[:middle], data[middle:]]


@pytest.fixture(params=[whole, bytewise, halved])
def parse(request):
    """Parse bytes, in each of the ways in which they may arrive."""

    def feed(data: bytes) -> RequestParser:
        parser = RequestParser(max_body_bytes=MAX_BODY_BYTES)
        for piece in request.param(data):
            parser.feed(piece)
        return parser

    return feed


def bodies(parser: RequestParser) -> list[bytes]:
    """The bodies of what is complete."""
    return [message.request.body for message in parser.complete]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(HEAD + b"\r\n", b"", id="no body"),
        pytest.param(HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc", id="length"),
        pytest.param(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc", id="one chunk"),
        pytest.param(
            CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc", id="two chunks"
        ),
        pytest.param(
            CHUNKED + b"3;a=b\r\nabc\r\n0\r\nHost: b\r\n\r\n",
            b"abc",
            id="chunk extension and trailer",
        ),
        pytest.param(b"\r\n\r\n" + HEAD + b"\r\n", b"", id="blank lines before"),
    ],
)
def test_body(parse, data, expected):
    """A body is whole, however it was framed and sent."""
    parser = parse(data)

    (message,) = parser.complete
    assert message.request.body == expected
    assert message.request.header_values("Host") == ["a"]
    assert message.keep_alive
    assert parser.refusal is None
    assert parser.idle


def test_headers_are_kept_as_sent(parse):
    """Order, case and duplicates stay; the white space around a value goes."""
    (message,) = parse(
        HEAD + b"X-b:  two words \t\r\nx-A: \xe9\xff\r\nX-B:\r\n\r\n"
    ).complete

    assert message.request.headers == (
        ("Host", "a"),
        ("X-b", "two words"),
        ("x-A", "\xe9\xff"),
        ("X-B", ""),
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_method_is_the_handlers_business(parse, method):
    """Every method of HTTP reaches the handler."""
    (message,) = parse(method.encode() + b" /x HTTP/1.1\r\nHost: a\r\n\r\n").complete

    assert message.request.method == method


def test_pipelined_requests(parse):
    """Requests may follow each other without a pause."""
    request = HEAD + b"Content-Length: 3\r\n\r\n%s"
    parser = parse(request % b"abc" + request % b"def" + HEAD)

    assert bodies(parser) == [b"abc", b"def"]
    assert not parser.idle


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(HEAD + b"\r\n", True, id="HTTP/1.1"),
        pytest.param(HEAD + b"Connection: close\r\n\r\n", False, id="close"),
        pytest.param(
            HEAD + b"Connection: foo, Close\r\n\r\n", False, id="close listed"
        ),
        pytest.param(b"GET /x HTTP/1.0\r\n\r\n", False, id="HTTP/1.0"),
        pytest.param(
            b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            False,
            id="HTTP/1.0 keep-alive",
        ),
        pytest.param(
            b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", False, id="CONNECT"
        ),
    ],
)
def test_keep_alive(parse, data, expected):
    """A connection outlives its response in HTTP/1.1, unless the client says no."""
    (message,) = parse(data).complete

    assert message.keep_alive is expected


def test_nothing_is_answered_after_close(parse):
    """A request after ``Connection: close`` is never taken for a request."""
    parser = parse(HEAD + b"Connection: close\r\n\r\n" + HEAD + b"\r\n")

    assert len(parser.complete) == 1
    assert parser.refusal is not None


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"Content-Length: 3\r\n\r\nabc", id="length"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", id="chunked"
        ),
    ],
)
def test_upgrade_is_ignored(parse, framing):
    """A request that offers HTTP/2 is served as the HTTP/1.1 that it is."""
    upgrade = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    parser = parse(upgrade + framing + HEAD + b"\r\n")

    assert bodies(parser) == [b"abc", b""]
    assert parser.refusal is None


@pytest.mark.parametrize(
    ("status", "data"),
    [
        pytest.param(status, data, id=name)
        for status, cases in {
            400: {
                "length and chunked": HEAD
                + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "chunked and length": HEAD
                + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
                "negative length": HEAD + b"Content-Length: -3\r\n\r\n",
                "signed length": HEAD + b"Content-Length: +3\r\n\r\n",
                "length of words": HEAD + b"Content-Length: three\r\n\r\n",
                "length of 99 digits": HEAD
                + b"Content-Length: %s\r\n\r\n" % (b"9" * 99),
                "chunk of words": CHUNKED + b"three\r\nabc\r\n0\r\n\r\n",
                "negative chunk": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
                "overflowing chunk": CHUNKED + b"f" * 32 + b"\r\nabc\r\n0\r\n\r\n",
                "chunk too short": CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
                "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "bare LF": b"POST /x HTTP/1.1\nHost: a\n\n",
                "bare LF after a header": b"POST /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
                "bare CR": b"POST /x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
                "NUL in a header": HEAD + b"X: a\0b\r\n\r\n",
                "NUL in the target": b"POST /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
                "8-bit target": b"POST /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
                "8-bit header name": HEAD + b"\xff: a\r\n\r\n",
                "folded header": HEAD + b"X: a\r\n b\r\n\r\n",
                "space before the colon": HEAD + b"X : a\r\n\r\n",
                "header without a name": HEAD + b": a\r\n\r\n",
                "no host": b"POST /x HTTP/1.1\r\n\r\n",
                "two hosts": HEAD + b"Host: a\r\n\r\n",
                "impossible host": b"POST /x HTTP/1.1\r\nHost: a/b\r\n\r\n",
                "8-bit host": b"POST /x HTTP/1.1\r\nHost: \xff\r\n\r\n",
                "space in the target": b"POST /x y HTTP/1.1\r\nHost: a\r\n\r\n",
                "unknown method": b"BREW /x HTTP/1.1\r\nHost: a\r\n\r\n",
                "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                "NULs": b"\0" * 64,
            },
            413: {
                "length over the limit": HEAD + b"Content-Length: 1001\r\n\r\n",
                "chunks over the limit": CHUNKED + b"1ff\r\n%s\r\n" % (b"a" * 511) * 2,
                "endless chunk extension": CHUNKED + b"1;" + b"a" * 40_000,
                "endless trailer": CHUNKED + b"0\r\nX: " + b"a" * 40_000,
            },
            417: {"unknown expectation": HEAD + b"Expect: tea\r\n\r\n"},
            431: {
                "endless header": HEAD + b"X: " + b"a" * (2 * HEAD_MAX_BYTES),
                "too many headers": HEAD
                + b"A: b\r\n" * (HEAD_MAX_BYTES // 4)
                + b"\r\n",
                "endless target": b"POST /" + b"a" * (2 * HEAD_MAX_BYTES),
                "endless blank lines": b"\r\n" * HEAD_MAX_BYTES,
            },
            501: {
                "unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
                "unknown coding, chunked": HEAD
                + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            },
            505: {
                "HTTP/0.9": b"GET /x\r\n\r\n",
                "HTTP/2.0": b"GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
            },
        }.items()
        for name, data in cases.items()
    ],
)
def test_refusal(parse, status, data):
    """What is not a request is refused, and says so in the form of "Error codes"."""
    parser = parse(data)

    assert parser.refusal is not None
    response = parser.refusal.response
    assert response.status == status
    assert response.header("Content-Type") == "application/json"
    assert re.fullmatch(
        rb'\{"errorName": "(Validation|UnsupportedOperation)Exception", '
        rb'"errorMessage": "[ -~]{1,511}"\}',
        response.body,
    )
    assert not parser.complete


def test_a_refusal_is_final(parse):
    """After a refusal nothing else is read, and the first reason stays."""
    parser = parse(HEAD + b"Content-Length: 1001\r\n\r\n")
    parser.feed(b"\0" * 100_000)

    assert parser.refusal.status == 413
    assert not parser.complete


def test_what_came_before_a_refusal_counts(parse):
    """A request that was complete is answered before the connection ends."""
    parser = parse(HEAD + b"Content-Length: 3\r\n\r\nabc" + b"\0")

    assert bodies(parser) == [b"abc"]
    assert parser.refusal.status == 400


def test_expectation_to_continue(parse):
    """A client that waits is noticed, until its body comes."""
    parser = parse(HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
    assert parser.awaits_continue

    parser.feed(b"abc")
    assert not parser.awaits_continue
    assert bodies(parser) == [b"abc"]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"Content-Length: 1001\r\n", id="body too large"),
        pytest.param(HEAD + b"Expect: 100-continue\r\n", id="twice"),
    ],
)
def test_nobody_continues_what_is_refused(parse, head):
    """A refused client is not told to go on."""
    parser = parse(head + b"Expect: 100-continue\r\n\r\n")

    assert parser.refusal is not None
    assert not parser.awaits_continue


# -- responses ------------------------------------------------------------------------


def lines_of(data: bytes) -> list[str]:
    """The lines of a response's head."""
    return data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def test_response():
    """A response has what RFC 9110 asks of an origin server with a clock."""
    response = Response(status=200, headers=(("X", "y"),), body=b"abc")
    data = render(response, keep_alive=True)
    status, x, length, date, server = lines_of(data)

    assert (status, x, length) == ("HTTP/1.1 200 OK", "X: y", "Content-Length: 3")
    assert parsedate_to_datetime(date.removeprefix("Date: ")).tzinfo is not None
    assert server == "Server: pytest-xks"
    assert data.endswith(b"\r\n\r\nabc")


def test_last_response():
    """The last response of a connection says that it is."""
    data = render(Response(status=200), keep_alive=False)

    assert "Connection: close" in lines_of(data)


def test_response_to_head():
    """The response to a HEAD has the length of a body, and no body."""
    data = render(Response(status=200, body=b"abc"), keep_alive=True, with_body=False)

    assert "Content-Length: 3" in lines_of(data)
    assert data.endswith(b"\r\n\r\n")


def test_headers_of_the_response_prevail():
    """What the response says itself, a lie included, is not said again."""
    headers = (
        ("content-length", "99"),
        ("DATE", "today"),
        ("Server", "else"),
        ("Connection", "maybe"),
    )
    data = render(Response(status=299, headers=headers), keep_alive=False)

    assert lines_of(data) == [
        "HTTP/1.1 299 ",
        "content-length: 99",
        "DATE: today",
        "Server: else",
        "Connection: maybe",
    ]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("X", "a\r\nY: b"), id="value with CRLF"),
        pytest.param(("X\r\nY", "b"), id="name with CRLF"),
        pytest.param(("X", "a\nb"), id="bare LF"),
        pytest.param(("X", "a\rb"), id="bare CR"),
        pytest.param(("X", "a\0b"), id="NUL"),
        pytest.param(("X", "\N{SNOWMAN}"), id="not Latin-1"),
    ],
)
def test_header_that_cannot_be_sent(header):
    """A header that would become something else on the wire is an error."""
    with pytest.raises(ValueError, match=r"breaks out|encode"):
        render(Response(status=200, headers=(header,)), keep_alive=True)


def test_failure_of_the_server():
    """The answer to a failure of our own is the one of "Error codes"."""
    assert FAILED.response.status == 500
    assert b'"errorName": "InternalException"' in FAILED.response.body
