"""The way to a KMS endpoint: one deadline, bounded answers, and no environment."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest

from pytest_xks.certify.targets.kms_call import KmsConnection
from pytest_xks.certify.targets.kms_target import KmsTarget
from pytest_xks.http.delivery import Delivery
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"


@contextmanager
def endpoint(*parts, pause_s=0.0):
    """An endpoint that sends these bytes, and the last of them for ever."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                try:
                    for part in parts:
                        connection.sendall(part)
                    while not done.wait(pause_s):
                        connection.sendall(parts[-1])
                except OSError:
                    pass  # The client had enough.

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield KmsTarget(
                endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}"
            )
        finally:
            done.set()
            thread.join()


def ask(target, timeout_ms=400):
    """What comes back for a request, and after how many seconds."""
    connection = KmsConnection(target)
    start = time.monotonic()
    came = connection.attempt("/", [("Host", "kms")], b"{}", timeout_ms=timeout_ms)
    connection.close()
    return came, time.monotonic() - start


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b"H"], id="in the status line"),
        pytest.param([HEAD, b"X"], id="in a header"),
        pytest.param(
            [HEAD + b"Content-Length: 900000\r\n\r\n", b"{"], id="in the body"
        ),
    ],
)
def test_byte_by_byte(parts):
    """An endpoint that always sends something, and never enough, is given up."""
    with endpoint(*parts, pause_s=0.01) as target:
        came, seconds = ask(target)

    assert isinstance(came, str)
    assert seconds < 5


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([HEAD, b"X-Header: more\r\n" * 1000], id="headers"),
        pytest.param([HEAD + b"\r\n", b"x" * 65536], id="body until the end"),
        pytest.param(
            [
                HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                b"fff\r\n" + b"x" * 4095 + b"\r\n",
            ],
            id="chunks",
        ),
    ],
)
def test_without_end(parts):
    """An answer that never ends is given up before it fills the memory."""
    with endpoint(*parts) as target:
        came, seconds = ask(target, timeout_ms=60_000)

    assert came == "the response is too large"
    assert seconds < 30


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_trust_is_not_the_environments(probe_proxy, tmp_path, monkeypatch, variable):
    """Whom to trust is for the target file to say, and for no variable of OpenSSL."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(probe_proxy.ca_certificate)
    monkeypatch.setenv(variable, str(bundle if "FILE" in variable else tmp_path))
    url = f"https://localhost:{probe_proxy.port}"

    came, _ = ask(KmsTarget(endpoint_url=url), timeout_ms=5000)
    trusted, _ = ask(KmsTarget(endpoint_url=url, ca_bundle=bundle), timeout_ms=5000)

    assert "CERTIFICATE_VERIFY_FAILED" in came
    assert trusted.status


def test_proxies_are_not_asked(monkeypatch):
    """A request goes to the endpoint, whatever proxy the environment names."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answer = Delivery(response=Response(status=200, body=b"{}"))
    with HttpsServer(lambda *_: answer, context=None) as server:
        came, _ = ask(KmsTarget(endpoint_url=server.origin), timeout_ms=5000)

    assert (came.status, came.body) == (200, b"{}")


def test_no_bundle(tmp_path):
    """A bundle that is not there, or holds no certificate, is the caller's mistake."""
    text = tmp_path / "ca.pem"
    text.write_text("no certificate")
    for bundle in (text, tmp_path / "nosuch.pem"):
        target = KmsTarget(endpoint_url="https://kms.example", ca_bundle=bundle)
        with pytest.raises((OSError, ssl.SSLError)):
            KmsConnection(target)
