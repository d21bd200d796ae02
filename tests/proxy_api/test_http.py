"""Requests and responses as data: header look-up, path and query."""

from __future__ import annotations

import pytest

from pytest_xks.proxy_api.http import Request, Response

HEADERS = (("Host", "a"), ("X-Twice", "1"), ("x-twice", "2"))
MESSAGES = [
    pytest.param(Request(method="POST", target="/", headers=HEADERS), id="request"),
    pytest.param(Response(status=200, headers=HEADERS), id="response"),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_header_in_any_case(message):
    """Header names are compared without regard to case."""
    assert message.header("HOST") == "a"


@pytest.mark.parametrize("message", MESSAGES)
def test_absent_header(message):
    """A header that is not there is None, and has no values."""
    assert message.header("accept") is None
    assert message.header_values("accept") == []


@pytest.mark.parametrize("message", MESSAGES)
def test_header_sent_twice(message):
    """Duplicates are kept in the order sent; the first is the header's value."""
    assert message.header_values("X-Twice") == ["1", "2"]
    assert message.header("x-twice") == "1"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        pytest.param("/a", "", "/a", id="no query"),
        pytest.param("/a", "", "/a?", id="empty query"),
        pytest.param("/a", "b=c?d", "/a?b=c?d", id="second question mark"),
        pytest.param("/a%3Fb", "", "/a%3Fb", id="escaped question mark"),
    ],
)
def test_path_and_query(path, query, target):
    """A target is split at its first question mark, and nothing is decoded."""
    request = Request(method="GET", target=target)

    assert (path, query) == (request.path, request.query)


def test_body_is_not_shown():
    """A body may be plaintext, so no representation shows it."""
    assert "secret" not in repr(Request(method="POST", target="/", body=b"secret"))
    assert "secret" not in repr(Response(status=200, body=b"secret"))
