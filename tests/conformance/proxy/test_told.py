"""What a refusal tells is read in every encoding that a program would use."""

from __future__ import annotations

import base64
import json
import os
from urllib.parse import quote

import pytest
from pytest_xks.conformance.proxy.access.told import candidates

SIGNATURE = bytes.fromhex(
    "1164eaa8e79eacaa9c0df54aa42f3b300380d14bedfc08e3b319648d4abfff66"
)
DIGITS = SIGNATURE.hex()
STANDARD = base64.b64encode(SIGNATURE).decode()
ENCODED = {
    "hexadecimal": DIGITS,
    "in capitals": DIGITS.upper(),
    "with colons": SIGNATURE.hex(":"),
    "with spaces": SIGNATURE.hex(" "),
    "behind 0x": f"0x{DIGITS}",
    "Base64": STANDARD,
    "Base64 without padding": STANDARD.rstrip("="),
    "Base64url": base64.urlsafe_b64encode(SIGNATURE).decode(),
    "Base64 of the digits": base64.b64encode(DIGITS.encode()).decode(),
    "digits of the digits": DIGITS.encode().hex(),
    "JSON escapes": "".join(f"\\u{ord(digit):04x}" for digit in DIGITS),
    "JSON escapes in capitals": "".join(f"\\u{ord(d):04X}" for d in DIGITS.upper()),
    "JSON within JSON": json.dumps(json.dumps({"expected": STANDARD})),
    "JSON with escaped slashes": STANDARD.replace("/", "\\/"),
    "percent escapes": "".join(f"%{ord(digit):02X}" for digit in DIGITS),
    "percent escapes of Base64": quote(STANDARD, safe=""),
    "HTML escapes": "".join(f"&#{ord(digit)};" for digit in DIGITS),
    "Go": f"[{' '.join(map(str, SIGNATURE))}]",
    "Java": str([byte - 256 * (byte > 127) for byte in SIGNATURE]),
    "Rust": str(list(SIGNATURE)),
    "Rust, hexadecimal": ", ".join(f"0x{byte:02x}" for byte in SIGNATURE),
    "Python escapes": "".join(f"\\x{byte:02x}" for byte in DIGITS.encode()),
    "a list of characters": str(list(DIGITS.encode())),
    "beside another": f"{'0' * 64}{DIGITS}",
}


@pytest.mark.parametrize("told", ENCODED.values(), ids=ENCODED)
def test_encoding(told):
    """The signature is found in a message, between other words."""
    text = f'{{"errorMessage": "expected {told}, not another"}}'
    assert SIGNATURE in candidates(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"errorName": "AuthenticationFailedException"}',
        b"x-request-id: 4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        b"\xff\xfe %zz \\u00 \\x &#; &#99999999999;",
    ],
)
def test_nothing_told(text):
    """What holds no 32 bytes tells nothing, however odd it is."""
    assert candidates(text) == set()


@pytest.mark.parametrize("size", [1000, 100_000])
def test_long_text(size):
    """A long answer is read in little time, and never fails."""
    candidates(base64.b64encode(os.urandom(size)))
    candidates(b"1, " * size)
    candidates(b"\\u0031" * size)
