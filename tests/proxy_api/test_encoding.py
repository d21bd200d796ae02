"""Strict JSON and strict Base64: what is read, what is refused, what a refusal says."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.proxy_api.encoding import (
    DecodingError,
    decode_base64,
    decode_json,
    encode_base64,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({}, b"{}", id="empty object"),
        pytest.param({"a": [1, None, "b"]}, b' {"a" : [1,null,"b"]}\r\n', id="space"),
        pytest.param("é", '"é"'.encode(), id="UTF-8"),
        pytest.param("é", rb'"\u00e9"', id="escape"),
        pytest.param("\U0001f511", rb'"\ud83d\udd11"', id="escaped pair"),
        pytest.param(1.5, b"1.5", id="number"),
        pytest.param({"a": {"a": 1}}, b'{"a": {"a": 1}}', id="same name, other object"),
    ],
)
def test_json(value, text):
    """Legal JSON is read, in whatever form it is written."""
    assert value == decode_json(text)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param("broken JSON at character 0", b"", id="empty"),
        pytest.param("broken JSON", b"{", id="cut off"),
        pytest.param("broken JSON", b"{'a': 1}", id="single quotes"),
        pytest.param("broken JSON", b'{"a": 1,}', id="trailing comma"),
        pytest.param("broken JSON", b'{"a": 01}', id="leading zero"),
        pytest.param("broken JSON", b'{"a": "\t"}', id="raw control character"),
        pytest.param("broken JSON", b'{"a": 1} // why', id="comment"),
        pytest.param("broken JSON", b"{}{}", id="second value"),
        pytest.param("broken JSON", b"{}\x00", id="trailing NUL"),
        pytest.param("broken JSON", b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param("not UTF-8", b'{"a": "\xff"}', id="invalid UTF-8"),
        pytest.param("not UTF-8", b'"\xed\xa0\x80"', id="encoded surrogate"),
        pytest.param("not UTF-8", '{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param("NaN is not JSON", b'{"a": NaN}', id="NaN"),
        pytest.param("Infinity is not JSON", b"[Infinity]", id="Infinity"),
        pytest.param("-Infinity is not JSON", b"-Infinity", id="-Infinity"),
        pytest.param("same name", b'{"a": 1, "a": 1}', id="duplicate"),
        pytest.param("same name", b'[{"b": {"a": 1, "a": 2}}]', id="inner duplicate"),
        pytest.param("same name", rb'{"a": 1, "\u0061": 2}', id="escaped duplicate"),
        pytest.param("too deeply", b"[" * 200_000, id="deep array"),
        pytest.param("too deeply", b'{"a":' * 200_000, id="deep object"),
        pytest.param("number is too long", b"1" * 5000, id="number of 5000 digits"),
    ],
)
def test_json_refused(reason, text):
    """What is not JSON is refused with its reason, and nothing else is raised."""
    with pytest.raises(DecodingError, match=reason):
        decode_json(text)


def test_json_refusal_does_not_repeat_the_value():
    """A refusal never shows what was sent: it may be plaintext."""
    with pytest.raises(DecodingError) as caught:
        decode_json(b'{"plaintext": "c2VjcmV0", "c2VjcmV0"}')

    assert "c2VjcmV0" not in str(caught.value)


@given(st.binary())
def test_json_of_any_bytes(data):
    """No body makes the reader fail otherwise than by its own refusal."""
    try:
        decode_json(data)
    except DecodingError as error:
        assert str(error).isascii()  # noqa: PT017 (not raising is as good)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # RFC 4648, section 10.
        pytest.param(b"", "", id="empty"),
        pytest.param(b"f", "Zg==", id="two pads"),
        pytest.param(b"fo", "Zm8=", id="one pad"),
        pytest.param(b"foo", "Zm9v", id="no pad"),
        pytest.param(b"\xfb\xff\xfe", "+//+", id="plus and slash"),
    ],
)
def test_base64(data, text):
    """Standard Base64 is read and written."""
    assert data == decode_base64(text)
    assert text == encode_base64(data)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-__-", id="URL-safe"),
        pytest.param("Zg", id="no padding"),
        pytest.param("Zg=", id="too little padding"),
        pytest.param("Zg===", id="too much padding"),
        pytest.param("Zm9v=", id="padding without need"),
        pytest.param("Zm9v====", id="a group of padding"),
        pytest.param("=Zg=", id="padding in front"),
        pytest.param("Zg==Zg==", id="padding inside"),
        pytest.param("Zh==", id="non-canonical bits after two pads"),
        pytest.param("Zm9=", id="non-canonical bits after one pad"),
        pytest.param("Zm9v\n", id="newline at the end"),
        pytest.param(" Zm9v", id="space in front"),
        pytest.param("Zm\r\n9v", id="line break inside"),
        pytest.param("Zm9%", id="outside the alphabet"),
        pytest.param("Zm9\u00e9", id="outside ASCII"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param("Z", id="one character"),
    ],
)
def test_base64_refused(text):
    """Anything but canonical standard Base64 is refused, without repeating it."""
    with pytest.raises(DecodingError) as caught:
        decode_base64(text)

    assert str(caught.value) in {"not standard Base64", "not canonical Base64"}


@given(st.binary(max_size=64))
def test_base64_there_and_back(data):
    """What is written is what the standard library writes, and reads back."""
    text = encode_base64(data)

    assert text.encode() == base64.b64encode(data)
    assert data == decode_base64(text)


@given(st.text(alphabet="AQgw+/=-_ \n", max_size=9))
def test_base64_has_one_text_per_value(text):
    """Two texts never mean the same bytes."""
    try:
        data = decode_base64(text)
    except DecodingError:
        return
    assert text == encode_base64(data)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(alphabet="aé\u2028", max_size=4),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    )
)
def test_json_there_and_back(value):
    """What the standard library writes is read."""
    assert value == decode_json(json.dumps(value).encode())
