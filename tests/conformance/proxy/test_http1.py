"""The suite's HTTP client reads any legal framing, in time and within bounds."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from pytest_xks.conformance.proxy.client.connection import HttpConnection, connect
from pytest_xks.conformance.proxy.client.http1 import Deadline, Failure, NoResponseError

from pytest_xks.certify.evidence.exchange import ConnectionSettings
from pytest_xks.certify.trust import client_context
from pytest_xks.http.certificates import CertificateAuthority


def read(data, *, method="POST", end=True, seconds=5.0):
    """The response to a request, of a server that sends these bytes."""
    here, there = socket.socketpair()

    def serve():
        with suppress(ConnectionError):
            there.sendall(data)
        if end:
            there.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        with HttpConnection(here) as connection:
            return connection.receive(method, Deadline(seconds))
    finally:
        # What was not read does not hold the server up.
        here.close()
        server.join()
        there.close()


BODY = b'{"a": 1}'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        pytest.param(b"Content-Length: 8\r\n", BODY, id="length"),
        pytest.param(b"content-length: 8, 8\r\n", BODY, id="length-twice"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n",
            b'3;x=y\r\n{"a\r\n5\r\n": 1}\r\n0\r\nTrailer: 1\r\n\r\n',
            id="chunked",
        ),
        pytest.param(b"", BODY, id="until-the-end"),
        pytest.param(b"Transfer-Encoding: identity\r\n", BODY, id="another-coding"),
        pytest.param(b"X: " + b"a" * 200_000 + b"\r\n", BODY, id="200-kB-of-headers"),
        pytest.param(b"X-Many: 1\r\n" * 200, BODY, id="200-headers"),
        pytest.param(b"X: one\r\n two\r\nContent-Length: 8\r\n", BODY, id="folded"),
    ],
)
def test_legal_framing(head, body):
    """A body is read however its end is marked."""
    response = read(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)
    assert (response.received.status, response.received.body) == (200, BODY)
    assert response.leftover == b""


def test_interim_responses():
    """Any number of interim responses may come first."""
    interim = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    )
    response = read(interim + b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
    assert (response.received.status, response.received.reason) == (400, "No")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", b"200"), ("POST", b"204"), ("GET", b"304")]
)
def test_no_body(method, status):
    """Where there is no body, a length means nothing."""
    head = b"HTTP/1.1 " + status + b" x\r\nContent-Length: 8\r\n\r\n"
    assert read(head, method=method, end=False).received.body == b""


def test_what_comes_behind_the_answer():
    """What nobody asked for is known."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    assert read(answer + b"HTTP/1.1 200 OK\r\n").leftover == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_announced_end(head, closes):
    """An announced end of the connection is understood."""
    assert read(head + b"Content-Length: 0\r\n\r\n").closes is closes


@pytest.mark.parametrize(
    ("data", "failure", "text"),
    [
        pytest.param(b"", Failure.ENDED, "closed", id="nothing"),
        pytest.param(b"SSH-2.0\r\n\r\n", Failure.BROKEN, "not HTTP", id="not-http"),
        pytest.param(b"HTTP/1.1 2\r\n\r\n", Failure.BROKEN, "not HTTP", id="status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA", Failure.BROKEN, "head", id="half-a-head"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
            Failure.BROKEN,
            "not HTTP",
            id="no-header",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
            Failure.BROKEN,
            "body of the answer broke off",
            id="half-a-body",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}",
            Failure.BROKEN,
            "not HTTP",
            id="two-lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            Failure.BROKEN,
            "not HTTP",
            id="no-chunk",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000,
            Failure.BROKEN,
            "256 KiB",
            id="large-head",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            Failure.BROKEN,
            "4 MiB",
            id="large-length",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"100000\r\n" + b"a" * 0x100000 + b"\r\n") * 5,
            Failure.BROKEN,
            "4 MiB",
            id="endless-chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 5_000_000,
            Failure.BROKEN,
            "4 MiB",
            id="endless-body",
        ),
    ],
)
def test_no_answer(data, failure, text):
    """What is no answer, or too much of one, is told apart."""
    with pytest.raises(NoResponseError, match=text) as caught:
        read(data)
    assert caught.value.failure is failure


def test_deadline():
    """Half an answer is late, whenever the last byte came."""
    with pytest.raises(NoResponseError, match="no complete answer in 50 ms") as caught:
        read(b"HTTP/1.1 200 OK\r\n", end=False, seconds=0.05)
    assert caught.value.failure is Failure.LATE


def test_request_that_nobody_reads():
    """A request that is not read in time is late, too: one deadline for everything."""
    here, there = socket.socketpair()
    with (
        there,
        HttpConnection(here) as connection,
        pytest.raises(NoResponseError) as caught,
    ):
        connection.exchange(b"x" * 10_000_000, "POST", Deadline(0.05))
    assert caught.value.failure is Failure.LATE


def test_answer_before_the_request_was_read():
    """Who answers and closes before the request is complete has answered."""
    here, there = socket.socketpair()
    with HttpConnection(here) as connection:
        there.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        there.close()
        response = connection.exchange(b"x" * 10_000_000, "POST", Deadline(5))
    assert response.received.status == 413


def test_no_connection():
    """A port where nobody listens is no connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoResponseError, match="no TCP connection") as caught:
        connect("127.0.0.1", port, None, Deadline(5))
    assert caught.value.failure is Failure.NO_CONNECTION


def test_authorities_of_the_environment(monkeypatch, tmp_path):
    """SSL_CERT_FILE and SSL_CERT_DIR add no authority, and take none away."""
    expected = client_context(ConnectionSettings()).get_ca_certs()
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(CertificateAuthority.create().certificate_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = client_context(ConnectionSettings())
    assert context.get_ca_certs() == expected
    assert context.keylog_filename is None


def test_authorities_of_the_target_file(tmp_path):
    """With a CA bundle, only its authorities are trusted."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(CertificateAuthority.create().certificate_pem)
    assert len(client_context(ConnectionSettings(ca_bundle=bundle)).get_ca_certs()) == 1


def test_what_nobody_had_asked_for():
    """What comes between two exchanges belongs to none, and is shown by the second."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    here, there = socket.socketpair()
    with there, HttpConnection(here) as connection:
        there.sendall(answer)
        first = connection.exchange(b"x", "POST", Deadline(5))
        there.sendall(answer)
        late = threading.Timer(0.0, there.sendall, [answer.replace(b"200", b"404")])
        second = _exchange_then(connection, late)
        late.join()

    assert (first.leftover, second.leftover) == (b"", answer)
    assert second.received.status == 404


def _exchange_then(connection, late):
    """An exchange whose answer comes once its request has."""
    send = connection.send

    def sending(data, deadline):
        send(data, deadline)
        late.start()

    connection.send = sending
    return connection.exchange(b"x", "POST", Deadline(5))
