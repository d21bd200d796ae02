"""Text that a target may have chosen, made harmless for each kind of report."""

from __future__ import annotations

import re

__all__ = ["markdown", "printable", "xml"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
# XML 1.0 has no way to write these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """``text`` with its control characters escaped, but for the ends of lines."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode()
        for c in text
    )


def markdown(text: str) -> str:
    """``text`` on one line, none of it read as Markdown or HTML."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return _MARKDOWN.sub(r"\\\1", shown)


def xml(text: str) -> str:
    """``text`` without what XML cannot hold; its markup is not escaped yet."""
    return _NOT_XML.sub(lambda m: m[0].encode("unicode_escape").decode(), text)
