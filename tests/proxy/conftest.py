"""What the tests of the mock proxy share: a proxy, ways to ask it, and a server."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_xks.http.certificates import (
    CertificateAuthority,
    client_context,
    server_context,
)
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy.mock import MockXksProxy, add_keys_by_role
from pytest_xks.proxy_api.http import Request, Response
from pytest_xks.proxy_api.sigv4 import sign

from .wires import PATIENCE_S, Client, echo

if TYPE_CHECKING:
    from collections.abc import Iterator


class Post(Protocol):
    """Sends any bytes to any path, signed by the first store's credential."""

    def __call__(
        self, path: str, body: bytes, *, method: str = "POST", signed: bool = True
    ) -> Response:
        """The response."""
        ...


class AssertXksError(Protocol):
    """Asserts that a response is an error of the API, with the status it goes with."""

    def __call__(self, response: Response, status: int, name: str) -> None:
        """Raise AssertionError if it is not."""
        ...


@pytest.fixture
def proxy() -> Iterator[MockXksProxy]:
    """A mock proxy, in-process, with a key for each role."""
    with MockXksProxy() as proxy:
        add_keys_by_role(proxy.store)
        yield proxy


@pytest.fixture
def post(proxy: MockXksProxy) -> Post:
    """Send a request below the first store's URI path."""

    def send(
        path: str, body: bytes, *, method: str = "POST", signed: bool = True
    ) -> Response:
        request = Request(
            method=method,
            target=proxy.uri_path + path,
            headers=(("Host", proxy.host),),
            body=body,
        )
        if signed:
            request = sign(
                request, proxy.credential, region="us-east-1", now=proxy.clock.now()
            )
        return proxy.core.handle(request).response

    return send


@pytest.fixture
def assert_xks_error() -> AssertXksError:
    """The shape of every error, after "Error codes"."""

    def check(response: Response, status: int, name: str) -> None:
        document = json.loads(response.body)
        assert (response.status, document["errorName"]) == (status, name)
        assert response.header("Content-Type") == "application/json"
        assert len(document["errorMessage"]) < 512
        assert document["errorMessage"].isascii()
        assert document["errorMessage"].isprintable()

    return check


# -- the server, over real sockets and real TLS --------------------------------------


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
