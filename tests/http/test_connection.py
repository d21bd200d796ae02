"""One connection to the server, from its handshake to its end, whoever the client."""

from __future__ import annotations

import json
import select
import ssl
import time
from contextlib import suppress

import pytest

from pytest_xks.http.certificates import BadCertificate, bad_certificate
from pytest_xks.http.contexts import server_context
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.proxy_api.http import Response

from .clients import GOOD, KMS, PATIENCE_S, Client, assert_refused, assert_serves


class TestHttp:
    """Requests and responses on the wire; ``test_http1`` has the finer points."""

    def test_request_and_peer(self, server, connect):
        """The handler gets what was sent, and from where."""
        client = connect(server)
        client.send(b"PUT /a?b=%20 HTTP/1.1\r\nHost: h\r\nX: \xff\r\n\r\n")

        assert json.loads(client.response()[2]) == {
            "method": "PUT",
            "target": "/a?b=%20",
            "headers": [["Host", "h"], ["X", "\xff"]],
            "body": "",
            "peer": ["127.0.0.1", None],
        }

    def test_kept_connection(self, server, connect):
        """One connection serves one request after another."""
        client = connect(server)

        for _ in range(20):
            assert_serves(client)

    def test_byte_by_byte(self, server, connect):
        """A request may come as slowly as TCP lets it."""
        client = connect(server)
        for byte in GOOD:
            client.send(bytes([byte]))

        assert client.response()[0] == 200

    def test_pipelining(self, server, connect):
        """Requests that come together are answered one by one, in their order."""
        client = connect(server)
        client.send(b"".join(GOOD.replace(b"abc", b"%03d" % i) for i in range(100)))

        bodies = [json.loads(client.response()[2])["body"] for _ in range(100)]
        assert bodies == [f"{i:03d}" for i in range(100)]

    def test_long_chunked_body(self, server, connect):
        """A body up to the limit arrives whole, over as many records as it takes."""
        client = connect(server)
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            client.send(b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000))
        client.send(b"0\r\n\r\n")

        assert len(json.loads(client.response()[2])["body"]) == 1_000_000

    def test_continue(self, server, connect):
        """A client that waits for leave to send its body gets it."""
        client = connect(server)
        head, _, body = GOOD.partition(b"\r\n\r\n")
        client.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert client.head() == b"HTTP/1.1 100 Continue"

        client.send(body)
        assert client.response()[0] == 200

    def test_no_continue(self, serve, connect):
        """A client whose body is too large does not get it."""
        client = connect(serve(max_body_bytes=2))
        head, _, _ = GOOD.partition(b"\r\n\r\n")
        client.send(head + b"\r\nExpect: 100-continue\r\n\r\n")

        assert_refused(client, 413)

    def test_head(self, server, connect):
        """A HEAD is answered without a body, and the connection goes on."""
        client = connect(server)
        client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")

        assert b"Content-Length: " in client.head()
        assert_serves(client)

    @pytest.mark.parametrize(
        "request_head",
        [
            pytest.param(b"GET / HTTP/1.0\r\n", id="HTTP/1.0"),
            pytest.param(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", id="close"
            ),
            pytest.param(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n", id="CONNECT"),
        ],
    )
    def test_last_request(self, server, connect, request_head):
        """The server ends a connection that is not to be kept."""
        client = connect(server)
        client.send(request_head + b"\r\n")
        status, headers, _ = client.response()

        assert (status, headers["connection"]) == (200, "close")
        assert client.rest() == b""

    @pytest.mark.parametrize(
        ("status", "data"),
        [
            pytest.param(400, b"\0\xff\0\xff\r\n\r\n", id="no HTTP"),
            pytest.param(
                400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 99, id="HTTP/2"
            ),
            pytest.param(400, GOOD.replace(b"Host: a\r\n", b""), id="no host"),
            pytest.param(
                431, b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20), id="endless head"
            ),
            pytest.param(
                413,
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n"
                + b"a" * (1 << 23),
                id="large body",
            ),
        ],
    )
    def test_refused_request(self, server, connect, status, data):
        """The answer arrives although the client is still sending."""
        client = connect(server)
        client.send(data)

        assert_refused(client, status)
        assert_serves(connect(server))

    def test_requests_before_a_refusal(self, server, connect):
        """What was asked before is answered before."""
        client = connect(server)
        client.send(GOOD + b"\0")

        assert client.response()[0] == 200
        assert_refused(client, 400)

    def test_failing_handler(self, serve, connect, caplog):
        """A failure becomes a 500 and a line in the log, without what it said."""

        def fail(_request, _peer) -> Delivery:
            raise LookupError("the secret")

        client = connect(serve(fail))
        for _ in range(2):
            client.send(GOOD)
            status, _, body = client.response()
            assert (status, json.loads(body)["errorName"]) == (500, "InternalException")

        assert "LookupError" in caplog.text
        assert "the secret" not in caplog.text

    def test_response_that_cannot_be_sent(self, serve, connect):
        """A header that would break the response becomes a 500."""
        bad = Response(status=200, headers=(("X", "a\r\nY: b"),))
        client = connect(serve(lambda *_: Delivery(response=bad)))
        client.send(GOOD)

        assert client.response()[0] == 500

    def test_large_response(self, serve, connect):
        """A response may be larger than any buffer on its way."""
        body = b"x" * (1 << 23)
        client = connect(
            serve(lambda *_: Delivery(response=Response(status=200, body=body)))
        )
        client.send(GOOD)

        assert client.response()[2] == body


class TestDelivery:
    """Answers that go wrong on purpose."""

    @pytest.fixture
    def deliver(self, serve, connect, context):
        """Ask a server that ends every answer in one way."""

        def ask(ending: Ending, *, tls: bool, body: bytes = b"abcdef") -> Client:
            delivery = Delivery(response=Response(status=200, body=body), ending=ending)
            client = connect(
                serve(lambda *_: delivery, context=context if tls else None)
            )
            client.send(GOOD)
            return client

        return ask

    @pytest.mark.parametrize("tls", [True, False], ids=["HTTPS", "HTTP"])
    @pytest.mark.parametrize(
        ("ending", "tail"),
        [
            (Ending.CLOSE, b""),
            (Ending.TRUNCATE, b"\r\n\r\nabc"),
            (Ending.GARBAGE, b"This is not HTTP.\r\n\r\n"),
        ],
    )
    def test_orderly_ending(self, deliver, ending, tail, tls):
        """The connection ends in an orderly way, after what the ending lets through."""
        client = deliver(ending, tls=tls)
        received = b""
        # Not rest(), which forgives a connection that ends in disorder.
        while data := client.socket.recv(65536):
            received += data

        assert received.endswith(tail)
        assert (b"Content-Length: 6" in received) == (ending is Ending.TRUNCATE)

    @pytest.mark.parametrize("tls", [True, False], ids=["HTTPS", "HTTP"])
    def test_truncated_without_a_body(self, deliver, tls):
        """Without a body, it is the head that is not whole."""
        received = deliver(Ending.TRUNCATE, tls=tls, body=b"").rest()

        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\n\r\n" not in received

    def test_reset(self, deliver):
        """The connection is reset, as the kernel of the client can tell."""
        client = deliver(Ending.RESET, tls=False)

        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)

    def test_reset_of_tls(self, deliver):
        """No close_notify comes before a reset."""
        client = deliver(Ending.RESET, tls=True)
        client.socket.suppress_ragged_eofs = False

        with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
            client.socket.recv(1)

    @pytest.mark.parametrize("tls", [True, False], ids=["HTTPS", "HTTP"])
    def test_silence(self, deliver, tls):
        """Nothing comes, whatever the client says, and the connection stays."""
        client = deliver(Ending.SILENCE, tls=tls)
        client.send(GOOD)
        client.socket.settimeout(0.05)

        with pytest.raises(TimeoutError):
            client.socket.recv(1)

    def test_delay(self, serve, connect):
        """The response comes, but not before its time."""
        delivery = Delivery(response=Response(status=200), delay_ms=50)
        client = connect(serve(lambda *_: delivery))
        began = time.monotonic()
        client.send(GOOD)

        assert client.response()[0] == 200
        assert time.monotonic() - began >= 0.05


class TestPatience:
    """How long the server waits, and for what."""

    def test_idle_connection(self, serve, connect):
        """A connection that nobody uses ends in an orderly way, without a word."""
        client = connect(serve(idle_timeout_s=0.05))

        assert client.socket.recv(1) == b""

    @pytest.mark.parametrize(
        "beginning",
        [
            pytest.param(GOOD[:1], id="one byte"),
            pytest.param(GOOD[:30], id="half a head"),
            pytest.param(GOOD[:-1], id="all but a byte"),
            pytest.param(GOOD + GOOD[:30], id="half of a second request"),
        ],
    )
    def test_half_a_request(self, serve, connect, beginning):
        """A request that does not come in time is refused."""
        client = connect(serve(context=None, request_timeout_s=0.05))
        client.send(beginning)
        if beginning.startswith(GOOD):
            assert client.response()[0] == 200

        assert_refused(client, 408)

    def test_trickling_request(self, serve, connect):
        """A client that always sends a little more does not win time by it."""
        client = connect(serve(context=None, request_timeout_s=0.05))
        client.send(b"GET / HTTP/1.1\r\nX: ")
        while not select.select([client.socket], [], [], 0.005)[0]:
            client.send(b"a")

        assert_refused(client, 408)

    def test_slow_requests_each_have_their_time(self, serve, connect):
        """The time of a request begins with its first byte, not with the connection."""
        client = connect(serve(request_timeout_s=PATIENCE_S))
        for _ in range(3):
            client.send(GOOD[:20])
            client.send(GOOD[20:])
            assert client.response()[0] == 200

    @pytest.mark.parametrize("hello", [b"", b"\x16\x03\x01\x02\x00\x01"])
    def test_silent_handshake(self, serve, connect, hello):
        """A client that does not get on with its handshake is left."""
        client = connect(serve(request_timeout_s=0.05), tls=False)
        client.send(hello)

        assert client.rest() == b""

    def test_client_that_does_not_read(self, serve, connect):
        """A response that nobody reads is given up."""
        body = b"x" * (1 << 24)
        server = serve(
            lambda *_: Delivery(response=Response(status=200, body=body)),
            idle_timeout_s=0.05,
        )
        client = connect(server)
        client.send(GOOD)
        for thread in list(server._connections.values()):
            thread.join(PATIENCE_S)

        assert len(client.rest()) < len(body)


class TestTls:
    """What TLS adds, and what goes wrong with it."""

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_versions(self, serve, connect, version):
        """Both versions of the specification are spoken, and name HTTP/1.1."""
        wanted = ssl.TLSVersion[version]
        client = connect(serve(), minimum=wanted, maximum=wanted)

        assert client.socket.version() == version.replace("_", ".")
        assert_serves(client)

    def test_plain_http(self, serve, connect):
        """A client that forgot the s in https is told."""
        client = connect(serve(), tls=False)
        client.send(GOOD)

        assert_refused(client, 400)

    def test_garbage(self, serve, connect):
        """What is neither TLS nor HTTP ends the connection, and only that."""
        server = serve()
        client = connect(server, tls=False)
        client.send(b"\0" * 100_000)

        assert b"HTTP" not in client.rest()
        assert_serves(connect(server))

    @pytest.fixture
    def mutual(self, serve, ca):
        """A server that serves KMS alone."""
        certificate = ca.issue("localhost")
        return serve(
            context=server_context(certificate, client_ca=ca.certificate_pem),
            allowed_client_common_name=KMS,
        )

    def test_client_certificate(self, mutual, connect, ca):
        """The subject that is allowed is let in, and the handler knows its name."""
        client = connect(mutual, certificate=ca.issue_client(KMS))
        client.send(GOOD)

        assert json.loads(client.response()[2])["peer"] == ["127.0.0.1", KMS]

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    @pytest.mark.parametrize(
        "kind", [*(set(BadCertificate) - {BadCertificate.WRONG_HOST}), None]
    )
    def test_refused_client_certificate(self, mutual, connect, ca, version, kind):
        """Every other client is cut off, without a byte of HTTP."""
        bad = kind and bad_certificate(kind, ca, KMS, client=True)
        wanted = ssl.TLSVersion[version]
        received = b""
        with suppress(ssl.SSLError, ConnectionError):
            client = connect(mutual, certificate=bad, minimum=wanted, maximum=wanted)
            client.send(GOOD)
            received = client.rest()

        assert received == b""

    def test_alert_for_a_missing_certificate(self, mutual, connect):
        """The alert arrives, although the client has sent its request meanwhile."""
        client = connect(mutual)
        client.send(GOOD)

        with pytest.raises(ssl.SSLError, match="certificate required"):
            client.socket.recv(1)

    def test_close_is_answered(self, serve, connect):
        """A client that closes TLS the proper way gets a proper answer."""
        client = connect(serve())
        assert_serves(client)

        client.socket.unwrap()

    @pytest.mark.parametrize(
        "leave", [Client.reset, lambda client: client.socket.close()]
    )
    @pytest.mark.parametrize(
        ("tls", "said"),
        [
            pytest.param(False, b"", id="before the handshake"),
            pytest.param(False, b"\x16\x03\x01", id="in the handshake"),
            pytest.param(True, b"", id="after the handshake"),
            pytest.param(True, GOOD[:20], id="in the head"),
            pytest.param(True, GOOD[:-1], id="in the body"),
            pytest.param(True, GOOD, id="before the response"),
            pytest.param(True, GOOD * 500, id="before the responses"),
        ],
    )
    def test_client_that_leaves(self, serve, connect, capfd, caplog, leave, tls, said):
        """Whenever and however a client leaves, nobody is told and nobody suffers."""
        server = serve()
        client = connect(server, tls=tls)
        client.send(said)
        leave(client)

        assert_serves(connect(server))
        server.stop()
        assert capfd.readouterr() == ("", "")
        assert caplog.records == []
