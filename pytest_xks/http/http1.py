"""HTTP/1.1 as bytes: requests out of what came, and responses into what goes.

No I/O, and no clock but for the Date header. Everything that makes the server refuse a
request before its handler sees it lives in this file: ``httptools`` (llhttp, the parser
of Node.js) finds the messages, and the rules it leaves to its user stand here.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from pytest_xks.proxy_api.errors import ERRORS, ErrorName
from pytest_xks.proxy_api.http import Request, Response

__all__ = [
    "CONTINUE",
    "FAILED",
    "HEAD_MAX_BYTES",
    "NOT_IN_TIME",
    "PLAIN_HTTP",
    "Message",
    "Refusal",
    "RequestParser",
    "render",
]

HEAD_MAX_BYTES = 16 * 1024
"""How long the request line and the headers may be together."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# RFC 3986, section 3.2: the characters of a host and a port.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP layer's own answer; the connection ends with it."""

    status: HTTPStatus
    message: str
    name: ErrorName = ErrorName.VALIDATION

    @property
    def response(self) -> Response:
        """The answer, in the form of "Error codes"."""
        body = {"errorName": self.name, "errorMessage": self.message}
        return Response(
            status=self.status,
            headers=(("Content-Type", "application/json"),),
            body=json.dumps(body).encode("ascii"),
        )


FAILED = Refusal(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    ERRORS[ErrorName.INTERNAL].scenario,
    ErrorName.INTERNAL,
)
NOT_IN_TIME = Refusal(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")
PLAIN_HTTP = Refusal(
    HTTPStatus.BAD_REQUEST, "The request is plain HTTP, and this port speaks HTTPS."
)
_MALFORMED = Refusal(
    HTTPStatus.BAD_REQUEST,
    "The request is not well-formed HTTP/1.1, or its method is unknown.",
)
_BAD_HOST = Refusal(
    HTTPStatus.BAD_REQUEST, "The request must have one Host header, and a valid one."
)
_BODY_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request body is too large."
)
_HEAD_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"The request line and headers exceed {HEAD_MAX_BYTES} bytes.",
)
_EXPECTATION = Refusal(
    HTTPStatus.EXPECTATION_FAILED, "The only expectation understood is 100-continue."
)
_TRANSFER_CODING = Refusal(
    HTTPStatus.NOT_IMPLEMENTED,
    "The only transfer coding understood is chunked.",
    ErrorName.UNSUPPORTED_OPERATION,
)
_VERSION = Refusal(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    "The versions understood are HTTP/1.1 and HTTP/1.0.",
    ErrorName.UNSUPPORTED_OPERATION,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A complete request, and whether the connection may outlive its response."""

    request: Request
    keep_alive: bool


class RequestParser:
    """Makes requests of the bytes of one connection.

    Args:
        max_body_bytes: a longer body is refused.

    Attributes:
        complete: requests that are whole, in the order sent; take them from the left.
        refusal: set when something came that ends the connection, once everything that
            is complete has been answered.
        idle: whether nothing of a next request has come.
        awaits_continue: whether the client holds a body back until it is told to go on;
            to be unset by who tells it.
    """

    def __init__(self, *, max_body_bytes: int) -> None:
        self.complete: deque[Message] = deque()
        self.refusal: Refusal | None = None
        self.idle = True
        self.awaits_continue = False
        self._max_body_bytes = max_body_bytes
        # On the wire: the framing of chunks doubles a body at worst, unless a client
        # sends it a few bytes at a time; those who do are patient, and short of bytes.
        self._max_message_bytes = 2 * (HEAD_MAX_BYTES + max_body_bytes)
        self._received = 0
        self._parser = HttpRequestParser(self)
        self.on_message_begin()
        self.idle = True

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Never raises: see ``refusal``."""
        if self.refusal is not None:
            return
        self._received += len(data)
        try:
            self._feed(data)
        except HttpParserError:
            self._refuse(_MALFORMED)
        if self._in_head and self._received > HEAD_MAX_BYTES:
            self._refuse(_HEAD_TOO_LARGE)
        elif self._received > self._max_message_bytes:
            self._refuse(_BODY_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                if self._method == b"CONNECT":
                    return  # The handler refuses it, and the connection ends.
                # RFC 9110, section 7.8: "A server MAY ignore a received Upgrade header
                # field". llhttp never does, so it gets to see the request without it.
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._parser = HttpRequestParser(self)
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        version = self._parser.get_http_version().encode("ascii")
        lines = [b"%s %s HTTP/%s" % (self._method, self._target, version)]
        lines += [
            f"{name}: {value}".encode("latin-1")
            for name, value in self._headers
            if name.lower() != "upgrade"
        ]
        return b"\r\n".join((*lines, b"", b""))

    def _refuse(self, refusal: Refusal) -> None:
        # What is wrong first is what the client has to mend first.
        self.refusal = self.refusal or refusal

    # -- called by httptools ------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.idle = False
        self._in_head = True
        self._head_bytes = 0
        self._keep_alive = False
        self._method = self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, part: bytes) -> None:
        """Take the request target, or a part of it."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line; one after the body is a trailer, and of no use here."""
        if not self._in_head:
            return
        self._head_bytes += len(name) + len(value) + 4
        # RFC 9110, section 5.5: what is not ASCII is opaque; Latin-1 keeps every byte.
        text = value.decode("latin-1").strip(" \t")
        self._headers.append((name.decode("latin-1"), text))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        self._in_head = False
        self._method = self._parser.get_method()
        version = self._parser.get_http_version()
        self._keep_alive = self._parser.should_keep_alive() and version == "1.1"
        refusal = self._judge_head(version)
        if refusal is not None:
            self._refuse(refusal)

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self.awaits_continue = False
        self._body_bytes += len(part)
        if self._body_bytes > self._max_body_bytes:
            self._refuse(_BODY_TOO_LARGE)
        else:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """Close a request."""
        is_connect = self._method == b"CONNECT"
        if self._parser.should_upgrade() and not is_connect:
            return
        self._received = 0
        self.idle = True
        self.awaits_continue = False
        if self.refusal is not None:
            return
        request = Request(
            method=self._method.decode("ascii"),
            target=self._target.decode("latin-1"),
            headers=tuple(self._headers),
            body=b"".join(self._body),
        )
        self.complete.append(Message(request, self._keep_alive and not is_connect))

    # -- the rules ----------------------------------------------------------------

    def _judge_head(self, version: str) -> Refusal | None:
        if version not in {"1.1", "1.0"}:
            return _VERSION
        if self._head_bytes + len(self._target) > HEAD_MAX_BYTES:
            return _HEAD_TOO_LARGE
        values: dict[str, list[str]] = {name: [] for name in _JUDGED}
        for name, value in self._headers:
            if (known := values.get(name.lower())) is not None:
                known.append(value)
        return (
            self._judge_host(version, values["host"])
            or self._judge_framing(version, values)
            or self._judge_expectation(version, values["expect"])
        )

    def _judge_host(self, version: str, hosts: list[str]) -> Refusal | None:
        # RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status
        # code to any HTTP/1.1 request message that lacks a Host header field and to any
        # request message that contains more than one Host header field line".
        if len(hosts) == 1 and _HOST.fullmatch(hosts[0]):
            return None
        return None if version == "1.0" and not hosts else _BAD_HOST

    def _judge_framing(
        self, version: str, values: dict[str, list[str]]
    ) -> Refusal | None:
        # llhttp refuses a Content-Length beside a Transfer-Encoding, a second one, and
        # one that is not a number.
        codings = [value.lower() for value in values["transfer-encoding"]]
        if codings and version == "1.0":
            # RFC 9112, section 6.1: "MUST treat the message as if the framing is
            # faulty".
            return _MALFORMED
        if codings and codings != ["chunked"]:
            return _TRANSFER_CODING
        length = max(map(int, values["content-length"]), default=0)
        return _BODY_TOO_LARGE if length > self._max_body_bytes else None

    def _judge_expectation(self, version: str, values: list[str]) -> Refusal | None:
        # RFC 9110, section 10.1.1: HTTP/1.0 has no expectations.
        if not values or version == "1.0":
            return None
        self.awaits_continue = [value.lower() for value in values] == ["100-continue"]
        return None if self.awaits_continue else _EXPECTATION


_JUDGED = ("host", "content-length", "transfer-encoding", "expect")

_REASONS = {int(status): status.phrase for status in HTTPStatus}


@lru_cache(maxsize=1)
def _date_header(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}"


def render(response: Response, *, keep_alive: bool, with_body: bool = True) -> bytes:
    """Make the bytes of a response.

    A header that the response already has, in whatever case, is not added.

    Args:
        response: what the handler decided.
        keep_alive: False adds ``Connection: close``.
        with_body: False for the response to a HEAD.

    Raises:
        ValueError: a header that would break out of its line, or that is not Latin-1.
    """
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    given = {name.lower() for name, _ in response.headers}
    if "content-length" not in given:
        lines.append(f"Content-Length: {len(response.body)}")
    if "date" not in given:
        lines.append(_date_header(int(time.time())))
    if "server" not in given:
        lines.append("Server: pytest-xks")
    if not keep_alive and "connection" not in given:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    if head.count("\r") + head.count("\n") != 2 * len(lines) - 2 or "\0" in head:
        raise ValueError("A header of the response breaks out of its line.")
    return f"{head}\r\n\r\n".encode("latin-1") + (response.body if with_body else b"")
