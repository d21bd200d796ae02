"""What the tests of the mock proxy share: a proxy, and ways to ask it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_xks.proxy.mock import MockXksProxy, add_keys_by_role
from pytest_xks.proxy_api.http import Request, Response
from pytest_xks.proxy_api.sigv4 import sign

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
        return proxy._core.handle(request).response

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
