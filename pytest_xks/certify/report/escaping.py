"""Text that a target may have chosen stays a quotation, in every kind of report."""

from __future__ import annotations

import re

__all__ = ["markdown", "quoted"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
# What CI services obey in the output of a program: GitHub "::name::" at the start of a
# line, and "##[name]" anywhere; Azure "##vso[name]" and TeamCity "##teamcity[name]".
_COMMAND = re.compile(r"\A(\s*):(?=:)|#(?=#\w*\[)")


def quoted(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal or a CI obeys.

    Characters that move something (ends of lines, terminal sequences, the overrides of
    Unicode's bidirectional algorithm) or cannot be encoded are written as Python does.
    What is left is legal in XML 1.0, once its markup is escaped.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return _COMMAND.sub(_disarmed, text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _disarmed(command: re.Match[str]) -> str:
    before, first = command[0][:-1], command[0][-1]
    return f"{before}\\x{ord(first):02x}"


def markdown(text: str) -> str:
    """``text`` on one line, none of it read as Markdown or HTML."""
    return _MARKDOWN.sub(r"\\\1", quoted(text))
