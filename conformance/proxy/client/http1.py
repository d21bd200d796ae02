"""HTTP/1.1 as this part of the suite reads and writes it: one request, one response.

Requests are written byte by byte, so that what is recorded is what was sent. Responses
are read in any legal framing (RFC 9112), until a deadline and within bounds.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum, auto
from time import monotonic
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Headers, Received, Signing

if TYPE_CHECKING:
    import socket

__all__ = [
    "Deadline",
    "Failure",
    "HttpRequest",
    "HttpResponse",
    "NoResponseError",
    "read_response",
    "reason_of",
]

_MAX_HEAD_BYTES = 256 * 1024
_MAX_BODY_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 65_536
_CLOSED = "the connection was closed"
_NO_BODY = {204, 304}


class Failure(Enum):
    """Why there is no response."""

    NO_CONNECTION = auto()
    LATE = auto()
    ENDED = auto()
    """The connection ended without a byte of an answer."""
    BROKEN = auto()
    """What came is no answer, or not all of one."""


class NoResponseError(Exception):
    """Why there is no response, in words fit for a report."""

    def __init__(self, reason: str, failure: Failure) -> None:
        super().__init__(reason)
        self.failure = failure


class Deadline:
    """The moment by which an exchange has to be over.

    Args:
        seconds: how long it may take from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """The seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        remaining = self._end - monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request, as it will be written."""

    method: str
    path: str
    headers: Headers
    body: bytes = field(default=b"", repr=False)
    signing: Signing | None = None
    """How it was signed, as long as nothing was changed afterwards."""

    def header(self, name: str) -> str:
        """The value of a header that the request has."""
        return next(v for n, v in self.headers if n.lower() == name.lower())

    def with_header(self, name: str, value: str | None) -> Headers:
        """The headers with one replaced, in its place, or left out."""
        return tuple(
            (n, v if n.lower() != name.lower() else str(value))
            for n, v in self.headers
            if n.lower() != name.lower() or value is not None
        )

    def encode(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        head = "\r\n".join([*lines, "", ""])
        return head.encode("utf-8") + self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An HTTP response, and what it means for the connection."""

    received: Received
    version: int
    """10 or 11."""
    closes: bool
    """Whether the proxy announced that the connection ends."""
    leftover: bytes = b""
    """What came and nobody had asked for: behind the answer, or before its request."""


def reason_of(error: Exception) -> str:
    """What went wrong with a connection, in a phrase."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    text = error.strerror if isinstance(error, OSError) else ""
    return (text or str(error) or type(error).__name__).lower()


class _Reader:
    """Takes lines and bytes from a socket until the deadline, and no more than asked.

    Raises, everywhere:
        NoResponseError: the connection ended, or a bound is exceeded.
        TimeoutError: the deadline is over.
        OSError: the connection was lost.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline
        self._buffer = bytearray()
        self._head_bytes = 0
        self.has_read = False

    def _more(self) -> bool:
        self._socket.settimeout(self._deadline.remaining())
        data = self._socket.recv(_CHUNK_BYTES)
        self._buffer += data
        self.has_read |= bool(data)
        return bool(data)

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def line(self) -> bytes:
        """A line of a head or of the chunked coding, without its end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._bound(self._head_bytes + searched, _MAX_HEAD_BYTES, "256 KiB of head")
            if not self._more():
                raise self._broken_off("head")
        self._head_bytes += end + 1
        self._bound(self._head_bytes, _MAX_HEAD_BYTES, "256 KiB of head")
        return self._take(end + 1).rstrip(b"\r\n")

    def exactly(self, size: int) -> bytes:
        """So many bytes."""
        self._bound(size, _MAX_BODY_BYTES, "4 MiB")
        while len(self._buffer) < size:
            if not self._more():
                raise self._broken_off("body")
        return self._take(size)

    def until_end(self) -> bytes:
        """Everything until the connection ends."""
        while self._more():
            self._bound(len(self._buffer), _MAX_BODY_BYTES, "4 MiB")
        return self._take(len(self._buffer))

    def leftover(self) -> bytes:
        """What has come and was not asked for."""
        return bytes(self._buffer)

    @staticmethod
    def _bound(size: int, most: int, text: str) -> None:
        if size > most:
            raise NoResponseError(f"an answer of more than {text}", Failure.BROKEN)

    def _broken_off(self, part: str) -> NoResponseError:
        if not self.has_read:
            return NoResponseError(_CLOSED, Failure.ENDED)
        reason = f"the {part} of the answer broke off"
        return NoResponseError(reason, Failure.BROKEN)


def _not_http() -> NoResponseError:
    return NoResponseError("an answer that is not HTTP", Failure.BROKEN)


def read_response(sock: socket.socket, method: str, deadline: Deadline) -> HttpResponse:
    """Read the response to a request from a connection.

    Raises:
        NoResponseError: there was none, or something else, or not in time.
    """
    reader = _Reader(sock, deadline)
    try:
        return _read_response(reader, method)
    except TimeoutError:
        late = f"no complete answer in {deadline.seconds * 1000:.0f} ms"
        raise NoResponseError(late, Failure.LATE) from None
    except OSError as error:
        lost = f"the connection was lost ({reason_of(error)})"
        failure = Failure.BROKEN if reader.has_read else Failure.ENDED
        raise NoResponseError(lost, failure) from None


def _read_response(reader: _Reader, method: str) -> HttpResponse:
    version, status, reason, headers = _read_head(reader)
    while 100 <= status < 200 and status != 101:
        # RFC 9110, section 15.2: any number of interim responses may come first.
        version, status, reason, headers = _read_head(reader)
    values: dict[str, list[str]] = {}
    for name, value in headers:
        items = (item.strip().lower() for item in value.split(","))
        values.setdefault(name.lower(), []).extend(items)
    body, ends = b"", False
    if method != "HEAD" and status not in _NO_BODY:
        body, ends = _read_body(reader, values)
    options = values.get("connection", [])
    return HttpResponse(
        received=Received(status=status, reason=reason, headers=headers, body=body),
        version=version,
        closes=ends
        or "close" in options
        or (version < 11 and "keep-alive" not in options),
        leftover=reader.leftover(),
    )


def _read_head(reader: _Reader) -> tuple[int, int, str, Headers]:
    protocol, _, rest = reader.line().decode("latin-1").partition(" ")
    code, _, reason = rest.strip().partition(" ")
    if protocol not in {"HTTP/1.0", "HTTP/1.1"} or len(code) != 3 or not code.isdigit():
        raise _not_http()
    headers: list[tuple[str, str]] = []
    while line := reader.line().decode("latin-1"):
        name, colon, value = line.partition(":")
        if line[0] in " \t" and headers:
            # RFC 9112, section 5.2: a folded line continues the one before.
            last, text = headers.pop()
            headers.append((last, f"{text} {line.strip()}"))
        elif colon and name.strip():
            headers.append((name.rstrip(), value.strip(" \t")))
        else:
            raise _not_http()
    return (
        (11 if protocol == "HTTP/1.1" else 10),
        int(code),
        reason.strip(),
        tuple(headers),
    )


def _read_body(reader: _Reader, values: dict[str, list[str]]) -> tuple[bytes, bool]:
    """The body, and whether the end of the connection ended it (RFC 9112, 6.3)."""
    if codings := values.get("transfer-encoding"):
        chunked = codings[-1] == "chunked"
        return (_read_chunks(reader), False) if chunked else (reader.until_end(), True)
    if lengths := set(values.get("content-length", ())):
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()):
            raise _not_http()
        return reader.exactly(int(length)), False
    return reader.until_end(), True


def _read_chunks(reader: _Reader) -> bytes:
    body = bytearray()
    while size := _chunk_size(reader.line()):
        if len(body) + size > _MAX_BODY_BYTES:
            raise NoResponseError("an answer of more than 4 MiB", Failure.BROKEN)
        body += reader.exactly(size)
        if reader.line():
            raise _not_http()
    while reader.line():
        pass  # Trailers say nothing of interest.
    return bytes(body)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise _not_http()
    return int(digits, 16)
