"""What a refusal tells: every string of it that could be a signature or a key.

A signature has 32 bytes. They may be told as hexadecimal digits of either case, with or
without separators, as Base64 of either alphabet, as a list of numbers as programs print
bytes; and the text that holds them may be escaped, or be Base64 itself.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..client.answer import ProxyAnswer

__all__ = ["candidates", "text_of"]

_BYTES = 32
_LAYERS = 3
_MOST_TEXTS = 64
_HEX = re.compile(rb"[0-9A-Fa-f]{64,}")
_SEPARATED = re.compile(
    rb"(?:(?:0x|\\x)?[0-9A-Fa-f]{1,2}[\s:,;_-]+){31,}(?:0x|\\x)?[0-9A-Fa-f]{1,2}",
)
_NUMBERS = re.compile(rb"(?:-?[0-9]{1,3}[\s,;]+){31,}-?[0-9]{1,3}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{43,}={0,2}")
_UNICODE = re.compile(rb"\\u00([0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rb"\\x([0-9A-Fa-f]{2})")


def text_of(answer: ProxyAnswer) -> bytes:
    """Headers and body."""
    received = answer.exchange.received
    headers = received.headers if received else ()
    lines = (f"{name}: {value}".encode("utf-8", "replace") for name, value in headers)
    return b"\n".join([*lines, answer.body])


def candidates(text: bytes) -> set[bytes]:
    """Every value of 32 bytes that a text tells in one of these ways."""
    found: set[bytes] = set()
    texts, fresh = {text}, [text]
    for _ in range(_LAYERS):
        told = [value for each in fresh for value in _told(each)]
        found.update(value for value in told if len(value) == _BYTES)
        layers = [layer for each in fresh for layer in _unescaped(each)]
        fresh = [each for each in dict.fromkeys(layers + told) if each not in texts]
        fresh = fresh[: _MOST_TEXTS - len(texts)]
        texts.update(fresh)
    return found


def _unescaped(text: bytes) -> Iterator[bytes]:
    """The text without its escapes: of JSON, of programs, of URLs, of HTML."""
    yield _UNICODE.sub(_byte, text)
    yield _ESCAPED.sub(_byte, text)
    yield unquote_to_bytes(text)
    yield html.unescape(text.decode("latin-1")).encode("latin-1", "replace")
    yield text.replace(b"\\/", b"/").replace(b"\\\\", b"\\")


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _told(text: bytes) -> Iterator[bytes]:
    """What runs of digits and letters in a text stand for."""
    for run in _HEX.findall(text):
        # Two may stand side by side.
        for start in range(0, len(run) - 63, 64):
            yield bytes.fromhex(run[start : start + 64].decode())
        yield bytes.fromhex(run[-64:].decode())
        if len(run) % 2 == 0:
            yield bytes.fromhex(run.decode())
    for data in (
        *_each(_SEPARATED, text, _of_digits),
        *_each(_NUMBERS, text, _of_numbers),
    ):
        # A word beside them may look like one more.
        yield data
        yield from (data[at : at + _BYTES] for at in range(min(len(data) - 31, 64)))
    yield from _each(_BASE64, text, _of_base64)


def _each(
    pattern: re.Pattern[bytes], text: bytes, read: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    for run in pattern.findall(text):
        try:
            yield read(run)
        except (ValueError, binascii.Error):
            continue


def _of_digits(run: bytes) -> bytes:
    digits = re.findall(rb"(?:0x|\\x)?([0-9A-Fa-f]{1,2})", run)
    return bytes(int(each, 16) for each in digits)


def _of_numbers(run: bytes) -> bytes:
    """Java's bytes are signed."""
    return bytes(int(each) % 256 for each in re.findall(rb"-?[0-9]+", run))


def _of_base64(run: bytes) -> bytes:
    standard = run.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
