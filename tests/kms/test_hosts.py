"""A request that changes the server comes from this machine, and shows it."""

from __future__ import annotations

import pytest

from pytest_xks.kms.hosts import foreign_header
from pytest_xks.proxy_api.http import Request


def request(*headers):
    """A reset with these headers."""
    return Request(method="POST", target="/moto-api/reset", headers=headers)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9:1", "[::1]:5599", "localhost:80", "a.LOCALHOST", "kms:1"],
)
def test_ours(host):
    """Loopback by address and name, and what was allowed by name."""
    headers = [("Host", host), ("Origin", f"http://{host}")]

    assert foreign_header(request(*headers), allowed=["KMS"]) is None


@pytest.mark.parametrize(
    "host", ["", "kms", "10.0.0.1", "localhost.example", "[::1", "127.0.0.1@a", "[::2]"]
)
def test_foreign_host(host):
    """Everything else, and what is no host at all."""
    assert foreign_header(request(("Host", host))) == "Host"


def test_no_host_or_two():
    """A request says where it goes, and once."""
    assert foreign_header(request()) == "Host"
    assert foreign_header(request(*[("Host", "localhost")] * 2)) == "Host"


@pytest.mark.parametrize(
    "origin",
    ["null", "https://example.com", "http://127.0.0.1.example", "http://["],
)
def test_foreign_origin(origin):
    """A web page of somebody else's, at whatever Host it asks."""
    headers = [("Host", "localhost"), ("Origin", origin)]

    assert foreign_header(request(*headers)) == "Origin"
