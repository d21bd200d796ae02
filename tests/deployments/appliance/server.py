"""An appliance: one key, one path, one credential and a request quota, in Python.

README.md beside this folder says what the environment holds. What an operator does to
the appliance is a file beside its certificate, see ``target.toml``.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from operations import Appliance
from refusal import Refusal
from signature import verify

WRONG = os.environ.get("XKS_WRONG", "")
LARGEST_BODY = 1 << 20


class Quota:
    """A bucket of tokens, one for each request ("API operations")."""

    def __init__(self, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self.tokens, self.at = float(burst), time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> None:
        """Take a token, if there is one."""
        with self.lock:
            now = time.monotonic()
            grown = self.tokens + (now - self.at) * self.per_second
            self.tokens, self.at = min(self.burst, grown), now
            if self.tokens < 1:
                raise Refusal("ThrottlingException", "There are too many requests.")
            self.tokens -= 1


class Handler(BaseHTTPRequestHandler):
    """Reads a request, and answers in JSON whatever happens."""

    protocol_version = "HTTP/1.1"
    # Head and body of an answer leave together, and at once.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    appliance: Appliance
    quota: Quota

    def do_POST(self) -> None:
        """Authenticate, count, operate, answer and log."""
        begin, document, outcome = time.monotonic(), {}, "success"
        try:
            body = self._body()
            self.appliance.load_credentials()
            verify(self, body, self.appliance.credentials, wrong=WRONG)
            self.quota.take()
            document, answer = self.appliance.answer(self.path, body)
            self._write(200, answer)
        except Refusal as refusal:
            outcome = refusal.name
            status = refusal.status
            if WRONG == "busy" and status == 429:
                status = 503
            self._write(status, refusal.document)
        metadata = document.get("requestMetadata", {})
        line = {"path": self.path, "outcome": outcome, "requestMetadata": metadata}
        if WRONG == "log-body":
            line["request"] = document
        line["seconds"] = time.monotonic() - begin
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()

    def _refuse_method(self) -> None:
        self.close_connection = True
        self._write(405, {"errorName": "ValidationException"})

    do_GET = do_PUT = do_DELETE = do_HEAD = _refuse_method  # noqa: N815 - the library's

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if len(self.headers.get_all("Content-Length", [])) != 1 or not length.isdigit():
            self.close_connection = True
            raise Refusal("ValidationException", "Content-Length is missing.")
        if "Transfer-Encoding" in self.headers or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Refusal("UnsupportedOperationException", "The body is too large.")
        return self.rfile.read(int(length))

    def _write(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, *_: object) -> None:
        """What the library answers by itself, in JSON, too."""
        self.close_connection = True
        self._write(code, {"errorName": "ValidationException"})

    def log_message(self, *_: object) -> None:
        """The log has one line a request; this would be another."""


class Server(ThreadingHTTPServer):
    """Shakes hands in the thread of the connection, so that nobody waits for it."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, Handler)
        self.context = context

    def get_request(self) -> tuple[ssl.SSLSocket, object]:
        """A connection whose handshake comes with its first byte."""
        plain, address = self.socket.accept()
        plain.settimeout(30)
        tls = self.context.wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        return tls, address

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no event."""


def main() -> None:
    """Serve until somebody ends it."""
    certificate = Path(os.environ["XKS_CERTIFICATE"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, os.environ["XKS_PRIVATE_KEY"])
    first = os.environ["XKS_CREDENTIALS"].partition(",")[0]
    Handler.appliance = Appliance(
        os.environ["XKS_URI_PATH"], first, operated_in=certificate.parent, wrong=WRONG
    )
    Handler.quota = Quota(burst=30, per_second=300)
    Server(("127.0.0.1", int(os.environ["XKS_PORT"])), context).serve_forever()


if __name__ == "__main__":
    sys.exit(main())
