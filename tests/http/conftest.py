"""What the tests of the HTTP wing share: a server over real sockets, and clients."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.contexts import client_context, server_context
from pytest_xks.http.server import HttpsServer

from .clients import PATIENCE_S, Client, echo


@pytest.fixture(scope="session")
def ca():
    """The authority that clients and servers trust."""
    return CertificateAuthority.create()


@pytest.fixture(scope="session")
def context(ca):
    """TLS of a server."""
    return server_context(ca.issue("localhost", "127.0.0.1"))


@pytest.fixture
def clean_up():
    """What is entered here is left at the end of the test, in reverse order."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(clean_up, context):
    """Start a server; HTTPS and ``echo`` by default."""

    def start(handler=echo, **options) -> HttpsServer:
        server = HttpsServer(handler, **{"context": context, **options})
        return clean_up.enter_context(server)

    return start


@pytest.fixture
def connect(clean_up, ca):
    """Connect to a server, over TLS if it has any."""

    def open_connection(server, *, certificate=None, tls=True, **versions) -> Client:
        plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        clean_up.callback(plain.close)
        if not tls or server.context is None:
            return Client(plain)
        own = client_context(ca.certificate_pem, certificate=certificate, **versions)
        secure = own.wrap_socket(plain, server_hostname="localhost")
        clean_up.callback(secure.close)
        return Client(secure)

    return open_connection


@pytest.fixture(params=["HTTPS", "HTTP"])
def server(request, serve, context):
    """A server with ``echo``, over TLS and without."""
    return serve(context=context if request.param == "HTTPS" else None)
