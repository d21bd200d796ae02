"""The servers under test: the mock proxy, and its core behind the standard library.

As a process of its own it prints a line of JSON (port, CA bundle, ready requests), and
then for each line on stdin the seconds of CPU that it has used; it ends with its stdin.

Usage: ``python servers.py xks|stdlib``
"""
# ruff: noqa: INP001, T201 - a folder of scripts, not a package; they print

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.contexts import server_context
from pytest_xks.proxy.mock import MockXksProxy, core_of
from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.messages import render
from pytest_xks.proxy_api.sigv4 import sign
from pytest_xks.proxy_api.uri import path_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pytest_xks.proxy.core import ProxyCore

__all__ = ["SERVERS", "new_proxy", "ready_request"]

_KEY = "usable"
_REQUESTS = 200
_REGION = "us-east-1"


def new_proxy() -> MockXksProxy:
    """A mock proxy with the key that the requests are for."""
    proxy = MockXksProxy()
    proxy.add_key(_KEY)
    return proxy


def ready_request(proxy: MockXksProxy, number: int = 0) -> bytes:
    """A signed Encrypt request as bytes, as KMS asks for a data key."""
    document = {
        "requestMetadata": {
            "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
            "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/"
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "kmsOperation": "GenerateDataKey",
            "kmsRequestId": f"4112f4d6-db54-4af4-ae30-{number:012d}",
        },
        "plaintext": base64.b64encode(number.to_bytes(32)).decode(),
        "encryptionAlgorithm": "AES_GCM",
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    }
    unsigned = Request(
        method="POST",
        target=path_for(proxy.uri_path, Operation.ENCRYPT, _KEY),
        headers=(("Host", "localhost"), ("Content-Type", "application/json")),
        body=render(document),
    )
    request = sign(unsigned, proxy.credential, region=_REGION, now=proxy.clock.now())
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines += [f"Content-Length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode() + request.body


@contextmanager
def _serve_with_xks(proxy: MockXksProxy, ca: CertificateAuthority) -> Iterator[int]:
    """Our own server; gives the port."""
    proxy.start_https(ca=ca)
    try:
        yield int(proxy.host.rpartition(":")[2])
    finally:
        proxy.stop()


@contextmanager
def _serve_with_stdlib(proxy: MockXksProxy, ca: CertificateAuthority) -> Iterator[int]:
    """``http.server`` at its best: keep-alive, TCP_NODELAY, one write per response."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(core_of(proxy)))
    server.socket = server_context(ca.issue("localhost")).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler_for(core: ProxyCore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            response = core.handle(
                Request(
                    method=self.command,
                    target=self.path,
                    headers=tuple(self.headers.items()),
                    body=body,
                )
            ).response
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


SERVERS: dict[
    str, Callable[[MockXksProxy, CertificateAuthority], AbstractContextManager[int]]
] = {"xks": _serve_with_xks, "stdlib": _serve_with_stdlib}


def main() -> None:
    """Serve until stdin ends."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    proxy, ca = new_proxy(), CertificateAuthority.create()
    with (
        tempfile.TemporaryDirectory() as directory,
        SERVERS[sys.argv[1]](proxy, ca) as port,
    ):
        ca_bundle = Path(directory) / "ca.pem"
        ca_bundle.write_bytes(ca.certificate_pem)
        requests = [
            base64.b64encode(ready_request(proxy, number)).decode()
            for number in range(_REQUESTS)
        ]
        ready = {"port": port, "ca_bundle": str(ca_bundle), "requests": requests}
        print(json.dumps(ready), flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)


if __name__ == "__main__":
    main()
