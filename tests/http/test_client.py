"""The HTTPS transport, over real sockets, against good servers and bad ones."""

from __future__ import annotations

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from ssl import TLSVersion

import pytest

from pytest_xks.http.certificates import (
    BadCertificate,
    CertificateAuthority,
    bad_certificate,
)
from pytest_xks.http.client import (
    ConnectFailure,
    ConnectionLost,
    HttpsTransport,
    MalformedResponse,
    TlsFailure,
    TransportError,
    TransportTimeout,
)
from pytest_xks.http.contexts import client_context, server_context
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Request, Response

# Longer than anything here takes, in milliseconds and in seconds.
PATIENCE_MS = 20_000
PATIENCE_S = 20

REQUEST = Request(
    method="POST", target="/a?b", headers=(("Host", "h"), ("X", "y")), body=b"abc"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"


@pytest.fixture(scope="session")
def ca():
    """The authority that clients trust."""
    return CertificateAuthority.create()


@pytest.fixture
def clean_up():
    """What is entered here is left at the end of the test, in reverse order."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(clean_up, ca):
    """Start a server that gives one delivery to every request."""

    def start(delivery=None, **options) -> HttpsServer:
        usual = Delivery(response=Response(status=200, body=b"abc"))
        options.setdefault("context", server_context(ca.issue("localhost")))
        server = HttpsServer(lambda *_: delivery or usual, **options)
        return clean_up.enter_context(server)

    return start


@pytest.fixture
def transport_to(clean_up, ca):
    """A transport to a server, which has the name localhost."""

    def make(port: int, **options) -> HttpsTransport:
        options.setdefault("context", client_context(ca.certificate_pem))
        options.setdefault("host", "localhost")
        return clean_up.enter_context(HttpsTransport(port=port, **options))

    return make


@pytest.fixture
def say(clean_up, transport_to):
    """A transport to a server that answers with certain bytes, and then leaves."""

    def listen(*parts: bytes, stay: bool = False) -> HttpsTransport:
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(PATIENCE_S)

        def answer() -> None:
            with listener.accept()[0] as connection, suppress(ConnectionError):
                connection.settimeout(PATIENCE_S)
                connection.recv(65536)
                for part in parts:
                    connection.sendall(part)
                if stay:
                    connection.recv(1)

        thread = threading.Thread(target=answer)
        clean_up.callback(thread.join)
        thread.start()
        port = listener.getsockname()[1]
        return transport_to(port, host="127.0.0.1", context=None)

    return listen


class TestExchange:
    """Requests that are answered."""

    @pytest.mark.parametrize("tls", [True, False], ids=["HTTPS", "HTTP"])
    def test_request_and_response(self, clean_up, ca, transport_to, tls):
        """What is sent arrives, and what is answered comes back."""
        requests = []
        answer = Response(status=418, headers=(("X", "tea"),), body=b"short")

        def keep(request, _peer) -> Delivery:
            requests.append(request)
            return Delivery(response=answer)

        context = server_context(ca.issue("localhost")) if tls else None
        server = clean_up.enter_context(HttpsServer(keep, context=context))
        own = client_context(ca.certificate_pem) if tls else None
        transport = transport_to(server.port, context=own)
        response = transport.send(REQUEST, timeout_ms=PATIENCE_MS)

        (request,) = requests
        assert (request.method, request.target, request.body) == (
            "POST",
            "/a?b",
            b"abc",
        )
        assert request.headers == (*REQUEST.headers, ("Content-Length", "3"))
        assert (response.status, response.body) == (418, b"short")
        assert response.header("x") == "tea"

    def test_kept_connection(self, clean_up, ca, transport_to):
        """One connection serves one request after another."""
        connections = set()

        def keep(_request, _peer) -> Delivery:
            connections.add(threading.current_thread())
            return Delivery(response=Response(status=200))

        context = server_context(ca.issue("localhost"))
        server = clean_up.enter_context(HttpsServer(keep, context=context))
        transport = transport_to(server.port)
        for _ in range(10):
            transport.send(REQUEST, timeout_ms=PATIENCE_MS)

        assert len(connections) == 1

    @pytest.mark.parametrize("event", ["drop", "restart", "close"])
    def test_connection_that_ended_meanwhile(self, serve, transport_to, event):
        """A kept connection that has ended is replaced, whoever ended it."""
        server = serve()
        transport = transport_to(server.port)
        transport.send(REQUEST, timeout_ms=PATIENCE_MS)
        if event == "drop":
            server.drop_connections()
        elif event == "restart":
            server.stop()
            server.start()
        else:
            transport.close()

        assert transport.send(REQUEST, timeout_ms=PATIENCE_MS).status == 200

    def test_many_threads(self, serve, transport_to):
        """A transport may be used from many threads at once."""
        transport = transport_to(serve().port)

        def send(_: int) -> bytes:
            return transport.send(REQUEST, timeout_ms=PATIENCE_MS).body

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(send, range(100))) == [b"abc"] * 100

    def test_server_name(self, serve, transport_to, ca):
        """A host may be led elsewhere, and is still known by its name."""
        context = server_context(ca.issue("*.xks.test"))
        transport = transport_to(
            serve(context=context).port, host="127.0.0.1", server_name="a.xks.test"
        )

        assert transport.send(REQUEST, timeout_ms=PATIENCE_MS).status == 200

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param([OK + b"\r\nabc"], id="length"),
            pytest.param([OK, b"\r\na", b"bc"], id="in pieces"),
            pytest.param(
                [
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                    b"3\r\nabc\r\n0\r\nX: y\r\n\r\n",
                ],
                id="chunks",
            ),
            pytest.param([b"HTTP/1.1 200 OK\r\n\r\nabc"], id="until the end"),
            pytest.param([b"HTTP/1.0 200 OK\r\n\r\n", b"abc"], id="HTTP/1.0"),
            pytest.param(
                [b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + OK + b"\r\nabc"], id="interim"
            ),
            pytest.param([OK + b"\r\nabc" + OK + b"\r\nxyz"], id="more than asked"),
        ],
    )
    def test_framing(self, say, parts):
        """A response is whole, however it is framed and sent."""
        response = say(*parts).send(REQUEST, timeout_ms=PATIENCE_MS)

        assert (response.status, response.body) == (200, b"abc")

    def test_head(self, serve, transport_to):
        """The response to a HEAD has no body, whatever its length says."""
        transport = transport_to(serve().port)
        request = Request(method="HEAD", target="/", headers=(("Host", "h"),))

        for _ in range(2):
            response = transport.send(request, timeout_ms=PATIENCE_MS)
            assert (response.header("Content-Length"), response.body) == ("3", b"")


class TestFailure:
    """Requests that are not; every failure has its own error."""

    def test_refused_connection(self, serve, transport_to):
        """Where nobody listens there is no connection."""
        server = serve()
        server.refuse_connections()

        with pytest.raises(ConnectFailure, match=f"localhost:{server.port}"):
            transport_to(server.port).send(REQUEST, timeout_ms=PATIENCE_MS)

    @pytest.mark.parametrize("host", ["a" * 300, ".test"])
    def test_impossible_host(self, transport_to, host):
        """A name that can have no address leads nowhere."""
        transport = transport_to(443, host=host)

        with pytest.raises(ConnectFailure, match=re.escape(host)):
            transport.send(REQUEST, timeout_ms=PATIENCE_MS)

    @pytest.mark.parametrize(
        "kind", sorted(set(BadCertificate) - {BadCertificate.WRONG_CLIENT_SUBJECT})
    )
    def test_bad_certificate(self, serve, transport_to, ca, kind):
        """A certificate that is no good is an error of TLS."""
        server = serve(context=server_context(bad_certificate(kind, ca, "localhost")))

        with pytest.raises(TlsFailure, match="certificate"):
            transport_to(server.port).send(REQUEST, timeout_ms=PATIENCE_MS)

    @pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
    def test_missing_client_certificate(self, serve, transport_to, ca, version):
        """So is a certificate that was asked for, early or late."""
        server = serve(
            context=server_context(
                ca.issue("localhost"), client_ca=ca.certificate_pem, maximum=version
            )
        )

        with pytest.raises(TlsFailure, match=r"localhost|session"):
            transport_to(server.port).send(REQUEST, timeout_ms=PATIENCE_MS)

    def test_plain_server(self, serve, transport_to):
        """So is a server that does not speak TLS."""
        server = serve(context=None)

        with pytest.raises(TlsFailure):
            transport_to(server.port).send(REQUEST, timeout_ms=PATIENCE_MS)

    @pytest.mark.parametrize("name", [".xks.test", "a" * 300])
    def test_impossible_name(self, serve, transport_to, name):
        """So is a name that no certificate can bear."""
        transport = transport_to(serve().port, server_name=name)

        with pytest.raises(TlsFailure):
            transport.send(REQUEST, timeout_ms=PATIENCE_MS)

    @pytest.mark.parametrize("tls", [True, False], ids=["HTTPS", "HTTP"])
    @pytest.mark.parametrize(
        ("ending", "error"),
        [
            (Ending.CLOSE, ConnectionLost),
            (Ending.RESET, ConnectionLost),
            (Ending.TRUNCATE, ConnectionLost),
            (Ending.GARBAGE, MalformedResponse),
        ],
    )
    def test_ending(self, serve, transport_to, ending, error, tls):
        """What a proxy may do to its answer, on a fresh connection and a kept one."""
        delivery = Delivery(response=Response(status=200, body=b"abc"), ending=ending)
        options = {} if tls else {"context": None}
        server = serve(delivery, **options)
        transport = transport_to(server.port, **options)

        for _ in range(2):
            with pytest.raises(error):
                transport.send(REQUEST, timeout_ms=PATIENCE_MS)

    def test_a_request_is_sent_once(self, clean_up, ca, transport_to):
        """A request that was lost on a kept connection is not sent again."""
        requests = []

        def answer_once(request, _peer) -> Delivery:
            requests.append(request)
            first = len(requests) == 1
            ending = Ending.ANSWER if first else Ending.RESET
            return Delivery(response=Response(status=200), ending=ending)

        context = server_context(ca.issue("localhost"))
        server = clean_up.enter_context(HttpsServer(answer_once, context=context))
        transport = transport_to(server.port)
        transport.send(REQUEST, timeout_ms=PATIENCE_MS)

        with pytest.raises(ConnectionLost):
            transport.send(REQUEST, timeout_ms=PATIENCE_MS)
        assert len(requests) == 2

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            pytest.param(b"", ConnectionLost, id="nothing"),
            pytest.param(OK[:9], ConnectionLost, id="half a line"),
            pytest.param(OK, ConnectionLost, id="half a head"),
            pytest.param(OK + b"\r\nab", ConnectionLost, id="half a body"),
            pytest.param(b"220 smtp\r\n", MalformedResponse, id="another protocol"),
            pytest.param(b"\0" * 99, MalformedResponse, id="no protocol"),
            pytest.param(
                b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
                MalformedResponse,
                id="another protocol, announced",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\n",
                MalformedResponse,
                id="bad length",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                MalformedResponse,
                id="bad chunk",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000,
                MalformedResponse,
                id="endless head",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 2_000_000,
                MalformedResponse,
                id="endless body",
            ),
        ],
    )
    def test_bad_response(self, say, data, error):
        """What is not a whole response of HTTP is an error."""
        with pytest.raises(error):
            say(data).send(REQUEST, timeout_ms=PATIENCE_MS)

    def test_ragged_end(self, clean_up, ca, transport_to):
        """An end that TLS does not vouch for is not the end of a response."""
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))

        def answer() -> None:
            plain, _ = listener.accept()
            context = server_context(ca.issue("localhost"))
            with context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(65536)
                tls.sendall(b"HTTP/1.1 200 OK\r\n\r\nabc")

        thread = threading.Thread(target=answer)
        clean_up.callback(thread.join)
        thread.start()

        with pytest.raises(ConnectionLost):
            transport_to(listener.getsockname()[1]).send(
                REQUEST, timeout_ms=PATIENCE_MS
            )


class TestDeadline:
    """The deadline is for the whole exchange."""

    def assert_in_time(self, transport: HttpsTransport) -> None:
        """An exchange misses its deadline, and says so soon after."""
        began = time.monotonic()
        with pytest.raises(TransportTimeout, match="50 ms"):
            transport.send(REQUEST, timeout_ms=50)
        assert 0.05 <= time.monotonic() - began < PATIENCE_S / 2

    def test_delay(self, serve, transport_to):
        """A response that comes too late does not come."""
        delivery = Delivery(response=Response(status=200), delay_ms=PATIENCE_MS)

        self.assert_in_time(transport_to(serve(delivery).port))

    def test_silence(self, serve, transport_to):
        """Neither does one that never comes."""
        delivery = Delivery(response=Response(status=200), ending=Ending.SILENCE)

        self.assert_in_time(transport_to(serve(delivery).port))

    def test_silent_handshake(self, clean_up, transport_to):
        """A server that accepts and says nothing is given up."""
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))

        self.assert_in_time(transport_to(listener.getsockname()[1], host="127.0.0.1"))

    def test_half_a_response(self, say):
        """A response that does not get on is given up."""
        self.assert_in_time(say(OK, stay=True))

    def test_trickling_response(self, clean_up, transport_to):
        """A server that always sends a little more does not win time by it."""
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))
        over = threading.Event()

        def trickle() -> None:
            with listener.accept()[0] as connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.005):
                    connection.sendall(b"a")

        thread = threading.Thread(target=trickle)
        clean_up.callback(thread.join)
        clean_up.callback(over.set)
        thread.start()

        self.assert_in_time(
            transport_to(listener.getsockname()[1], host="127.0.0.1", context=None)
        )

    def test_large_request_that_nobody_reads(self, clean_up, transport_to):
        """A request that the server does not take is given up."""
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))
        transport = transport_to(
            listener.getsockname()[1], host="127.0.0.1", context=None
        )
        request = Request(method="POST", target="/", body=b"a" * (1 << 24))

        with pytest.raises(TransportTimeout):
            transport.send(request, timeout_ms=50)

    def test_large_request_that_is_taken_slowly(self, clean_up, ca, transport_to):
        """A server that always takes a little more does not win time, over TLS too."""
        listener = clean_up.enter_context(socket.create_server(("127.0.0.1", 0)))
        context = server_context(ca.issue("localhost"))
        over = threading.Event()

        def sip() -> None:
            plain = listener.accept()[0]
            with (
                plain,
                suppress(OSError),
                context.wrap_socket(plain, server_side=True) as tls,
            ):
                while not over.wait(0.02):
                    tls.recv(1 << 14)

        thread = threading.Thread(target=sip)
        clean_up.callback(thread.join)
        clean_up.callback(over.set)
        thread.start()
        transport = transport_to(listener.getsockname()[1])
        request = Request(method="POST", target="/", body=b"a" * (1 << 24))

        began = time.monotonic()
        with pytest.raises(TransportTimeout):
            transport.send(request, timeout_ms=300)
        assert time.monotonic() - began < PATIENCE_S / 2

    def test_no_time_at_all(self, serve, transport_to):
        """A deadline that has passed is missed before anything is sent."""
        with pytest.raises(TransportTimeout):
            transport_to(serve().port).send(REQUEST, timeout_ms=0)


def test_errors_are_of_one_family():
    """Whoever catches ``TransportError`` catches them all, and no ``OSError``."""
    kinds = {
        ConnectFailure,
        TlsFailure,
        TransportTimeout,
        ConnectionLost,
        MalformedResponse,
    }

    assert set(TransportError.__subclasses__()) == kinds
    assert not issubclass(TransportError, OSError)
