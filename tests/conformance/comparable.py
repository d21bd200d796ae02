"""Reports of two runs, without what no two runs have in common."""

from __future__ import annotations

import json
import re

OF_ONE_RUN = {
    "duration_ms",
    "duration_seconds",
    "started_at",
    "latencies",
}

HEX = "[0-9a-f]"
MADE_UP = (
    (rf"{HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}", "an id"),
    (rf"(no-such-key)-{HEX}{{4,8}}", r"\1-n"),
    (rf"cks-{HEX}{{17}}", "a store"),
    (r"(pytest-xks-conformance)(-[0-9a-z]+)+", r"\1-a-name"),
    (r"\b(proxy|store)-\d+", r"\1-n"),
    (r"\b(127\.0\.0\.1|localhost):\d+", "host and port"),
    (r"\d{8}T\d{6}Z|(?<=/)20\d{6}(?=/)", "a time"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "a time"),
    (r"\b1[6-9]\d{8}(\.\d+)?\b", "a time"),
    (rf"Signature={HEX}{{64}}", "a signature"),
    (r"\bm/[A-Za-z,]+", "metrics"),
    (r"reproduce/\S+", "a file"),
)
A_TIME = re.compile(r"\b1[6-9]\d{8}\.\d+\b")
CUT = 2000
# What is always random, however few of its characters are digits.
RANDOM_MEMBER = re.compile(
    r'((?:initializationVector|authenticationTag|ciphertext)\\?":\s*\\?")'
    r"([A-Za-z0-9+/]+={0,2})"
)
BASE64 = re.compile(r"[A-Za-z0-9+/]{14,}={0,2}")


def comparable(document: object) -> str:
    """The document as text; of what is random, what it is and how long."""
    return json.dumps(_stripped(document), indent=1)


def _stripped(value: object) -> object:
    if isinstance(value, dict):
        if A_TIME.search(json.dumps(value.get("body"))):
            value = _without_length(value)
        return {k: _stripped(v) for k, v in value.items() if k not in OF_ONE_RUN}
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    return _scrubbed(value) if isinstance(value, str) else value


def _without_length(message: dict[str, object]) -> dict[str, object]:
    """A message without the length of its body, as a time has more digits or fewer."""
    headers = message.get("headers")
    body = message["body"]
    assert isinstance(headers, list)
    assert isinstance(body, dict)
    return {
        **message,
        "headers": [each for each in headers if each[0] != "Content-Length"],
        "body": {k: v for k, v in body.items() if k != "bytes"},
    }


def _scrubbed(text: str) -> str:
    for pattern, name in MADE_UP:
        text = re.sub(pattern, name, text)
    text = RANDOM_MEMBER.sub(lambda m: f"{m[1]}({len(m[2])} characters)", text)
    return BASE64.sub(_length, text)


def _length(found: re.Match[str]) -> str:
    """Random bytes, Base64-encoded, have digits and letters of both cases."""
    text = found[0]
    kinds = (str.isdigit, str.islower, str.isupper)
    random = len(text) > 40 or all(any(map(kind, text)) for kind in kinds)
    if not random:
        return text
    # A report cuts long bodies, and names before them may differ in length.
    return f"({len(text)} characters)" if len(text) < CUT else "(many characters)"
