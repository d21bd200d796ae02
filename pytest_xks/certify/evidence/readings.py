"""In how many ways a text can be read: every spelling of a character, undone.

Whoever writes JSON, URLs, HTML or a line for a shell may escape any character or none;
hexadecimal digits have two cases, Base64 has three alignments, and programs print bytes
as lists of numbers. A reading undoes such spellings, and knows of each of its
characters where it stood in the text.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Reading", "readings"]

# A JSON text in a JSON text in a URL, and one more.
_DEEPEST = 4
_HIGHEST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class _Step:
    """One way to read a text: what matches is replaced by what it stands for."""

    spelling: re.Pattern[str]
    meaning: Callable[[re.Match[str]], str]
    bits: int = 0
    """How many bits a character of the spelling holds, where each of a text stands for
    a byte; 0 where a whole spelling stands for a whole meaning."""

    def within(self, match: re.Match[str], index: int) -> tuple[int, int]:
        """Where the character of the meaning at ``index`` begins and ends."""
        first, last = match.span()
        if not self.bits:
            return first, last
        return first + index * 8 // self.bits, first + (index * 8 + 7) // self.bits + 1


def _character(number: int, spelled: str) -> str:
    return chr(number) if number <= _HIGHEST else spelled


# Any number of backslashes: JSON within JSON doubles them at each level.
_BACKSLASHES = r"\\{1,64}"
_HEX = r"[0-9A-Fa-f]"
_HEX_FORMS = (
    rf"{_BACKSLASHES}[ux]\{{({_HEX}{{1,6}})\}}",
    rf"{_BACKSLASHES}U({_HEX}{{8}})",
    rf"(?:{_BACKSLASHES}|%)u({_HEX}{{4}})",
    rf"(?:{_BACKSLASHES}x|%)({_HEX}{{2}})",
)
_OCTAL = rf"{_BACKSLASHES}([0-3]?[0-7]{{2}})"
_SPACE = rf"{_BACKSLASHES}([nrtvf0])"
_ITSELF = rf"{_BACKSLASHES}([^\w\s])"
_ENTITY = rf"(&(?:#[0-9]{{1,9}}|#[xX]{_HEX}{{1,9}}|[A-Za-z]{{2,8}});?)"


def _unescaped(match: re.Match[str]) -> str:
    *numbers, octal, space, itself, entity = match.groups()
    if number := next(filter(None, numbers), None):
        return _character(int(number, 16), match[0])
    if octal:
        return _character(int(octal, 8), match[0])
    if space:
        return " "
    return itself or html.unescape(entity)


_ESCAPES = _Step(
    re.compile("|".join((*_HEX_FORMS, _OCTAL, _SPACE, _ITSELF, _ENTITY))), _unescaped
)


def _decoded(match: re.Match[str]) -> str:
    run = match[0].translate(_STANDARD)
    # A rest of one character says nothing.
    run = run[: len(run) - (len(run) % 4 == 1)]
    return base64.b64decode(run + "=" * (-len(run) % 4)).decode("latin-1")


_STANDARD = str.maketrans("-_", "+/")
_BASE64 = _Step(re.compile(r"[0-9A-Za-z+/_-]{16,}"), _decoded, bits=6)


def _nothing(_: re.Match[str]) -> str:
    return ""


def _listed(match: re.Match[str]) -> str:
    return _character(int(match[1]), match[0])


_LOOSE = (
    # Lines of Base64, UTF-16, texts that a shell or a compiler joins.
    _Step(re.compile(r"[\s\x00\"']+"), _nothing),
    # Bytes in hexadecimal, with anything between them.
    _Step(re.compile(r"\b0x|[^0-9A-Za-z]+"), _nothing),
    # Bytes as a list of decimal numbers.
    _Step(re.compile(r"\b([0-9]{2,3})\b(?:[\s,;]+(?=[0-9]))?"), _listed),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, read in one way."""

    text: str
    is_loose: bool
    """Whether what separates characters was left out."""
    _origin: str
    steps: tuple[_Step, ...]
    """What was undone, in order."""

    def by(self, step: _Step, *, is_loose: bool = False) -> Reading:
        """Read on from here."""
        text = step.spelling.sub(step.meaning, self.text)
        return Reading(text, is_loose, self._origin, (*self.steps, step))

    def places(self) -> tuple[Sequence[int], Sequence[int]]:
        """Where each character begins and ends in the text that was read."""
        text = self._origin
        starts: Sequence[int] = range(len(text))
        ends: Sequence[int] = range(1, len(text) + 1)
        for step in self.steps:
            text, starts, ends = _follow(step, text, starts, ends)
        return starts, ends


def _follow(
    step: _Step, text: str, starts: Sequence[int], ends: Sequence[int]
) -> tuple[str, list[int], list[int]]:
    """A step, with the places of what it leaves."""
    parts: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    position = 0
    for match in step.spelling.finditer(text):
        first, last = match.span()
        meaning = step.meaning(match)
        parts += (text[position:first], meaning)
        new_starts += starts[position:first]
        new_ends += ends[position:first]
        for index in range(len(meaning)):
            start, end = step.within(match, index)
            new_starts.append(starts[start])
            new_ends.append(ends[end - 1])
        position = last
    parts.append(text[position:])
    new_starts += starts[position:]
    new_ends += ends[position:]
    return "".join(parts), new_starts, new_ends


def readings(text: str) -> Iterator[Reading]:
    """Every way to read a text; the first is the text as it stands."""
    yield from _nested(Reading(text, is_loose=False, _origin=text, steps=()), 0)


def _nested(reading: Reading, depth: int) -> Iterator[Reading]:
    yield reading
    for step in _LOOSE:
        loose = reading.by(step, is_loose=True)
        if loose.text != reading.text:
            yield loose
    for deeper in _deeper(reading) if depth < _DEEPEST else ():
        if deeper.text != reading.text:
            yield from _nested(deeper, depth + 1)


def _deeper(reading: Reading) -> Iterator[Reading]:
    yield reading.by(_ESCAPES)
    # Once, or a hostile text would have too many readings.
    if _BASE64 not in reading.steps:
        yield reading.by(_BASE64)
