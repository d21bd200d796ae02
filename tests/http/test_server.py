"""The HTTPS server from start to stop, over real sockets and real TLS."""

from __future__ import annotations

import errno
import http.client
import json
import logging
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_xks.http.certificates import BadCertificate, bad_certificate
from pytest_xks.http.contexts import client_context, server_context
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Response

from .clients import GOOD, PATIENCE_S, assert_serves, echo


def threads_of(server: HttpsServer) -> list[threading.Thread]:
    """The threads that a server has at the moment."""
    return [server._listener._thread, *server._connections.values()]


class TestLifeCycle:
    """Start, stop, and what is between."""

    def test_free_port(self, serve):
        """Port 0 becomes a real one, and the origin says where the server is."""
        server = serve()

        assert server.port > 0
        assert server.origin == f"https://127.0.0.1:{server.port}"

    def test_origin_of_ipv6(self):
        """An IPv6 address stands in brackets."""
        server = HttpsServer(echo, context=None, host="::1", port=80)

        assert server.origin == "http://[::1]:80"

    def test_taken_port(self, serve):
        """A port that is in use is an error at once."""
        taken = serve().port

        with pytest.raises(OSError) as caught:  # noqa: PT011 - see its number
            serve(port=taken)
        assert caught.value.errno == errno.EADDRINUSE

    def test_start_and_stop_twice(self, serve, connect):
        """The second time there is nothing left to do."""
        server = serve()
        server.start()
        assert_serves(connect(server))
        threads = threads_of(server)

        server.stop()
        server.stop()
        assert not any(thread.is_alive() for thread in threads)

    def test_restart(self, serve, connect):
        """A server that starts again has the same port."""
        server = serve()
        port = server.port
        server.stop()
        server.start()

        assert server.port == port
        assert_serves(connect(server))

    def test_stop_ends_idle_connections(self, server, connect):
        """Clients that keep their connections do not hold up the end."""
        clients = [connect(server) for _ in range(8)]
        for client in clients:
            assert_serves(client)

        began = time.monotonic()
        server.stop()
        # Milliseconds, really; a busy machine gets the benefit of the doubt.
        assert time.monotonic() - began < 1
        assert [client.rest() for client in clients] == [b""] * 8

    def test_stop_ends_delays(self, serve, connect):
        """A response that is due tomorrow does not hold up the end."""
        asked = threading.Event()

        def tomorrow(request, peer) -> Delivery:
            asked.set()
            response = echo(request, peer).response
            return Delivery(response=response, delay_ms=86_400_000)

        server = serve(tomorrow)
        client = connect(server)
        client.send(GOOD)
        assert asked.wait(PATIENCE_S)

        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1
        assert client.rest() == b""

    def test_stop_ends_every_stage(self, serve, connect):
        """Handshakes, half requests and silences do not hold up the end either."""
        server = serve(
            lambda *_: Delivery(response=Response(status=200), ending=Ending.SILENCE)
        )
        connect(server, tls=False)
        connect(server).send(GOOD[:20])
        connect(server).send(GOOD)
        threads = threads_of(server)

        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1
        assert not any(thread.is_alive() for thread in threads)

    def test_refused_connections(self, server, connect):
        """Nobody gets in, those inside get out, and the port is not given away."""
        inside = connect(server)
        assert_serves(inside)
        server.refuse_connections()

        assert inside.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            connect(server)
        with socket.socket() as other, pytest.raises(OSError) as caught:  # noqa: PT011 - see its number
            other.bind(("127.0.0.1", server.port))
        assert caught.value.errno == errno.EADDRINUSE

    def test_accepted_connections(self, server, connect):
        """What was refused is accepted again, at the same port."""
        port = server.port
        for _ in range(3):
            server.refuse_connections()
            server.refuse_connections()
            server.accept_connections()
            server.accept_connections()

        assert server.port == port
        assert_serves(connect(server))

    def test_stop_while_refusing(self, serve):
        """A server that stops while it refuses gives its port back."""
        server = serve()
        server.refuse_connections()
        server.stop()
        server.accept_connections()

        with socket.socket() as other:
            other.bind(("127.0.0.1", server.port))

    def test_dropped_connections(self, server, connect):
        """Open connections end; new ones are welcome."""
        before = connect(server)
        assert_serves(before)
        server.drop_connections()

        assert before.rest() == b""
        assert_serves(connect(server))

    def test_another_certificate(self, serve, connect, ca):
        """Another context ends what was agreed on under the old one."""
        server = serve()
        before = connect(server)
        assert_serves(before)
        expired = bad_certificate(BadCertificate.EXPIRED, ca, "localhost")
        server.context = server_context(expired)

        assert before.rest() == b""
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            connect(server)

    def test_the_same_certificate(self, serve, connect):
        """The same context changes nothing."""
        server = serve()
        client = connect(server)
        assert_serves(client)
        server.context = server.context

        assert_serves(client)

    @pytest.fixture
    def complaint(self, clean_up):
        """Set as soon as the server complains in its log."""
        logger, complaint = logging.getLogger("pytest_xks.server"), threading.Event()
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda _record: complaint.set()
        logger.addHandler(handler)
        clean_up.callback(logger.removeHandler, handler)
        return complaint

    @pytest.mark.parametrize(
        ("owner", "method", "error"),
        [
            pytest.param(
                socket.socket, "accept", OSError(errno.EMFILE, "no more"), id="files"
            ),
            pytest.param(
                threading.Thread, "start", RuntimeError("no more"), id="threads"
            ),
        ],
    )
    def test_shortage(
        self, serve, connect, complaint, monkeypatch, owner, method, error
    ):
        """A server that the system lets down for a while goes on after it."""

        def fail(_self) -> None:
            raise error

        server = serve(context=None)
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, fail)
            connect(server)
            assert complaint.wait(PATIENCE_S)

        assert_serves(connect(server))

    def test_nobody_waits_for_a_neighbour(self, serve, connect):
        """Silent, slow and delayed clients cost the others nothing."""
        release = threading.Event()

        def slow(request, peer) -> Delivery:
            if request.target == "/slow":
                release.wait(PATIENCE_S)
            return echo(request, peer)

        server = serve(slow)
        connect(server, tls=False)
        connect(server).send(GOOD[:20])
        waiting = connect(server)
        waiting.send(GOOD.replace(b"/good", b"/slow"))

        assert_serves(connect(server))
        release.set()
        assert waiting.response()[0] == 200

    def test_many_clients_at_once(self, server, ca):
        """Every client gets the answers to its own requests, in their order."""

        def ask(number: int) -> list[str]:
            if server.context is None:
                client = http.client.HTTPConnection("127.0.0.1", server.port)
            else:
                context = client_context(ca.certificate_pem)
                client = http.client.HTTPSConnection(
                    "127.0.0.1", server.port, context=context
                )
            targets = []
            for turn in range(20):
                client.request("POST", f"/{number}/{turn}", body=b"x" * 5000)
                targets.append(json.load(client.getresponse())["target"])
            client.close()
            return targets

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(16)))

        assert answers == [
            [f"/{number}/{turn}" for turn in range(20)] for number in range(16)
        ]
