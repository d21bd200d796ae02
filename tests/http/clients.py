"""Helpers of the server's tests: a handler, and a client that obeys to the byte."""

from __future__ import annotations

import json
import socket
import ssl
import struct

from pytest_xks.http.delivery import Delivery
from pytest_xks.proxy_api.http import Response

# Longer than anything here takes; it turns a hang into a failure.
PATIENCE_S = 20

GOOD = b"POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
KMS = "cks.kms.us-east-1.amazonaws.com"


def echo(request, peer) -> Delivery:
    """Tell the client what it sent and who it is."""
    document = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "body": request.body.decode("latin-1"),
        "peer": [peer.address, peer.common_name],
    }
    headers = (("Content-Type", "application/json"),)
    body = json.dumps(document).encode()
    return Delivery(response=Response(status=200, headers=headers, body=body))


class Client:
    """A client that says exactly what it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)
        self._received = b""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """Some bytes; none once the server has ended the connection, however."""
        try:
            return self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        while data := self.receive():
            self._received += data
        rest, self._received = self._received, b""
        return rest

    def head(self) -> bytes:
        """Everything to the next empty line."""
        while b"\r\n\r\n" not in self._received:
            data = self.receive()
            assert data, f"the connection ended after {self._received!r}"
            self._received += data
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body."""
        status, *lines = self.head().decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in lines)
        }
        length = int(headers["content-length"])
        while len(self._received) < length:
            data = self.receive()
            assert data, f"the body ended after {self._received!r}"
            self._received += data
        body, self._received = self._received[:length], self._received[length:]
        return int(status.split()[1]), headers, body

    def reset(self) -> None:
        """Leave with a reset."""
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.socket.close()


def assert_serves(client: Client) -> None:
    """The server answers a good request, and keeps the connection."""
    client.send(GOOD)
    status, headers, body = client.response()
    assert (status, json.loads(body)["body"]) == (200, "abc")
    assert "connection" not in headers


def assert_refused(client: Client, status: int) -> None:
    """The server answers with an error of its own, and ends the connection."""
    actual, headers, body = client.response()
    assert (actual, headers["content-type"]) == (status, "application/json")
    assert headers["connection"] == "close"
    assert json.loads(body).keys() == {"errorName", "errorMessage"}
    assert client.rest() == b""
