"""How bytes look in a text: as programs in many languages print them.

Base64 and hexadecimal as in a message; lists of numbers as Go (``%v``), Java
(``Arrays.toString``), Rust and JavaScript (``{:?}``) print them; ``b'…'`` as Python.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["forms"]


def forms(secret: bytes) -> list[tuple[str, bytes]]:
    """Every form in which some bytes may stand in a text, with a phrase for it."""
    return [(name, text) for text, name in {t: n for n, t in _all(secret)}.items()]


def _all(secret: bytes) -> Iterator[tuple[str, bytes]]:
    standard = base64.b64encode(secret).rstrip(b"=")
    yield "as it is", secret
    yield "in Base64", standard
    yield "in URL-safe Base64", base64.urlsafe_b64encode(secret).rstrip(b"=")
    yield "in JSON", standard.replace(b"/", b"\\/")
    yield "percent-encoded", quote(standard, safe="").encode()
    yield "in hexadecimal", secret.hex().encode()
    yield "in hexadecimal", secret.hex().upper().encode()
    yield "in hexadecimal", secret.hex(" ").encode()
    yield "in hexadecimal", secret.hex(":").encode()
    yield from _lists(secret)
    yield from _quoted(secret)


def _lists(secret: bytes) -> Iterator[tuple[str, bytes]]:
    numbers = [str(byte) for byte in secret]
    # Java's bytes have a sign.
    signed = [str(byte - 256 if byte > 127 else byte) for byte in secret]
    for separator in (" ", ", ", ","):
        yield "as a list of numbers", separator.join(numbers).encode()
        yield "as a list of numbers", separator.join(signed).encode()
    for pattern in ("0x{:02x}", "0x{:x}", "0x{:02X}"):
        for separator in (" ", ", ", ","):
            text = separator.join(pattern.format(byte) for byte in secret)
            yield "as a list of hexadecimal numbers", text.encode()


def _quoted(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """As a string with escapes: Python's and Go's, without the quotes."""
    yield "as an escaped string", repr(secret)[2:-1].encode()
    escaped = json.dumps(secret.decode("latin-1"))[1:-1].replace("\\u00", "\\x")
    yield "as an escaped string", escaped.encode()
