"""HTTP/1.1 and TLS, by the standard library: a thread for each connection."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from .call import Answer, Call

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["Server"]

_DEADLINE_S = 20
_LINGER_S = 1
_MAX_BODY = 128 * 1024
# Of a body that is refused for its length, so much is read, for the answer to arrive.
_MAX_DISCARDED = 8 * 1024 * 1024
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class _BadRequestError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Independent"
    sys_version = ""
    timeout = _DEADLINE_S
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        # Here, in the connection's own thread, where a silent client stops nobody.
        self.request.settimeout(_DEADLINE_S)
        self.request.do_handshake()
        self.server.check_client(self.request)
        super().setup()

    def serve(self) -> None:
        try:
            call = self._read()
        except _BadRequestError as error:
            self.send_error(error.status, str(error))
            return
        self._send(self.server.answer(call))

    # Any method is authenticated first; what is not POST, is refused behind that.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve  # noqa: N815 - the names are http.server's

    def handle_expect_100(self) -> bool:
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Refuse what is no HTTP, in JSON, and close the connection."""
        del message, explain
        name = "UnsupportedOperationException" if code == 501 else "ValidationException"
        self.close_connection = True
        self._send(Answer(status=code, document={"errorName": name}))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is inherited
        pass

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.body:
            self.send_header("Content-Type", "application/json")
        if self.close_connection:
            self.send_header("Connection", "close")
        if self.server.chunked and answer.body and self.request_version == "HTTP/1.1":
            self.send_header("Transfer-Encoding", "chunked")
            body = _in_chunks(answer.body)
        else:
            self.send_header("Content-Length", str(len(answer.body)))
            body = answer.body
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _read(self) -> Call:
        if self.headers.defects or self.headers.get_payload():
            raise _BadRequestError(400, "header")
        if len(self.headers.get_all("Host", [])) != 1:
            raise _BadRequestError(400, "Host")
        headers = HTTPMessage()
        for name, value in self.headers.items():
            # RFC 9110, section 5.5, of a NUL: reject the message, or read a blank.
            headers[name] = value.replace("\0", " ").strip()
        return Call(
            method=self.command,
            target=self._target(),
            headers=headers,
            body=self._body(),
        )

    def _target(self) -> str:
        # self.path has lost a doubled slash at its beginning.
        target = self.requestline.split()[1]
        if target.startswith("/"):
            return target
        # The absolute form, which a server must accept (RFC 9112, section 3.2.2).
        with contextlib.suppress(ValueError):
            return urlsplit(target)._replace(scheme="", netloc="").geturl()
        raise _BadRequestError(400, "target")

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        codings = self.headers.get_all("Transfer-Encoding", [])
        if codings and lengths:
            raise _BadRequestError(400, "two lengths")
        if codings:
            if [coding.strip().lower() for coding in codings] != ["chunked"]:
                raise _BadRequestError(501, "Transfer-Encoding")
            return self._chunked()
        if not lengths:
            return b""
        if len(set(lengths)) != 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0]):
            raise _BadRequestError(400, "Content-Length")
        return self._exactly(int(lengths[0]))

    def _exactly(self, length: int) -> bytes:
        if length > _MAX_BODY:
            self._discard(min(length, _MAX_DISCARDED))
            raise _BadRequestError(501, "body is too long")
        data = self.rfile.read(length)
        if len(data) != length:
            raise _BadRequestError(400, "body is too short")
        return data

    def _discard(self, length: int) -> None:
        while length > 0:
            data = self.rfile.read1(min(length, 65536))
            if not data:
                return
            length -= len(data)

    def _chunked(self) -> bytes:
        chunks, room = [], _MAX_BODY
        while True:
            line = _CHUNK_SIZE.fullmatch(self.rfile.readline(1024))
            if not line:
                raise _BadRequestError(400, "chunk")
            size = int(line[1], 16)
            if size > room:
                raise _BadRequestError(501, "body is too long")
            if not size:
                break
            chunks.append(self._exactly(size))
            room -= size
            if self.rfile.readline(2) not in {b"\r\n", b"\n"}:
                raise _BadRequestError(400, "chunk")
        for _ in range(100):  # trailers
            if self.rfile.readline(1024) in {b"\r\n", b"\n"}:
                return b"".join(chunks)
        raise _BadRequestError(400, "trailers")


def _in_chunks(body: bytes) -> bytes:
    chunks = [body[begin : begin + 50] for begin in range(0, len(body), 50)]
    framed = [b"%x;extension\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"".join([*framed, b"0\r\nX-Trailer: 1\r\n\r\n"])


class Server(ThreadingTCPServer):
    """A listener on loopback; a context manager that serves while it is open.

    Args:
        answer: what answers a request.
        context: TLS; with ``CERT_REQUIRED``, it asks for client certificates.
        chunked: whether answers are sent in chunks.
        client_common_name: the only subject that a client certificate may have.
    """

    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self,
        answer: Callable[[Call], Answer],
        context: ssl.SSLContext,
        *,
        chunked: bool,
        client_common_name: str | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.chunked = chunked
        self._context = context
        self._client_common_name = client_common_name
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                # Not SSLSocket's own, which drops the session that its thread uses.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()  # waits for the threads of the connections

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """Accept a connection; its thread will shake hands."""
        connection, address = super().get_request()
        secured = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        with self._lock:
            self._connections.add(secured)
        return secured, address

    def check_client(self, connection: ssl.SSLSocket) -> None:
        """Close a connection whose client certificate names another subject.

        Raises:
            ConnectionAbortedError: it does.
        """
        if self._client_common_name is None:
            return
        subject = (connection.getpeercert() or {}).get("subject", ())
        if subject != ((("commonName", self._client_common_name),),):
            raise ConnectionAbortedError("another subject")

    def shutdown_request(self, request: ssl.SSLSocket) -> None:
        """Send close_notify, and let the client read it before the connection ends."""
        with contextlib.suppress(OSError, ValueError):
            request.settimeout(0)
            request.unwrap()
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(_LINGER_S)
            while request.recv(65536):
                pass
        with self._lock:
            self._connections.discard(request)
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Report a bug; a client that went away is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
