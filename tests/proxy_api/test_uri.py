"""Paths: the four forms, what is not a path of the API, and the way there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.uri import Route, parse_path, path_for

PREFIX = "/example/kms/xks/v1"


@pytest.mark.parametrize(
    ("operation", "key_id", "path"),
    [
        (Operation.GET_HEALTH_STATUS, None, f"{PREFIX}/health"),
        (Operation.GET_KEY_METADATA, "foo", f"{PREFIX}/keys/foo/metadata"),
        (Operation.ENCRYPT, "foo", f"{PREFIX}/keys/foo/encrypt"),
        (Operation.DECRYPT, "foo", f"{PREFIX}/keys/foo/decrypt"),
    ],
)
def test_the_four_forms(operation, key_id, path):
    """The specification's URI of an operation is read and written."""
    assert Route(PREFIX, operation, key_id) == parse_path(path)
    assert path == path_for(PREFIX, operation, key_id)


@pytest.mark.parametrize(
    "key_id", ["keys", "health", "metadata", "encrypt", "decrypt", "kms", "v1", "-._"]
)
def test_key_ids_that_look_like_parts_of_the_path(key_id):
    """An externalKeyId may be a word of the API."""
    path = f"{PREFIX}/keys/{key_id}/encrypt"

    assert Route(PREFIX, Operation.ENCRYPT, key_id) == parse_path(path)


@pytest.mark.parametrize(
    "uri_path", ["/kms/xks/v1", "/keys/kms/xks/v1", "/keys/a/encrypt/kms/xks/v1"]
)
def test_uri_paths_that_look_like_operations(uri_path):
    """A path prefix may hold words of the API."""
    path = f"{uri_path}/keys/foo/decrypt"

    assert Route(uri_path, Operation.DECRYPT, "foo") == parse_path(path)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("/", id="root"),
        pytest.param(PREFIX, id="only the URI path"),
        pytest.param(f"{PREFIX}/keys", id="keys alone"),
        pytest.param(f"{PREFIX}/keys/foo", id="no operation"),
        pytest.param(f"{PREFIX}/keys/encrypt", id="no key"),
        pytest.param(f"{PREFIX}/keys//encrypt", id="empty key"),
        pytest.param(f"{PREFIX}/keys/foo/sign", id="unknown operation"),
        pytest.param(f"{PREFIX}/keys/foo/Encrypt", id="another case"),
        pytest.param(f"{PREFIX}/keys/foo/encrypt/", id="slash at the end"),
        pytest.param(f"{PREFIX}/keys/foo//encrypt", id="doubled slash"),
        pytest.param(f"{PREFIX}/key/foo/encrypt", id="key instead of keys"),
        pytest.param(f"{PREFIX}/keys/f%6fo/encrypt", id="escape"),
        pytest.param(f"{PREFIX}/keys/{'k' * 129}/encrypt", id="key of 129 characters"),
        pytest.param(f"{PREFIX}/health/", id="health with a slash"),
        pytest.param("keys/foo/encrypt", id="nothing in front of keys"),
    ],
)
def test_not_a_path_of_the_api(path):
    """Every other path is no route, whatever it resembles."""
    assert parse_path(path) is None


PREFIXES = st.from_regex(r"(/[A-Za-z0-9/_-]{1,40})?/kms/xks/v1", fullmatch=True)
KEY_IDS = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True)
WITH_KEY = st.sampled_from(sorted(set(Operation) - {Operation.GET_HEALTH_STATUS}))


@given(uri_path=PREFIXES, operation=WITH_KEY, key_id=KEY_IDS)
def test_there_and_back(uri_path, operation, key_id):
    """Reading a path gives back what it was written from, for every legal key."""
    route = Route(uri_path, operation, key_id)

    assert route == parse_path(path_for(uri_path, operation, key_id))


@given(st.text())
def test_any_text_is_a_route_or_none(path):
    """No text makes the reader fail, and what it reads it can write."""
    route = parse_path(path)

    if route is not None:
        parts = (route.uri_path, route.operation, route.external_key_id)
        assert path == path_for(*parts)
