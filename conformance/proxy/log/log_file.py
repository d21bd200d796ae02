"""A log that a proxy is writing: what has come to it since the run began.

It may be rotated meanwhile (another file of the name; the old one is beside it), or
truncated (the same file, begun anew). Either is told from a log that goes on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["LogFile", "Piece", "Written"]

_FINGERPRINT_BYTES = 256
_REDACTED = "[redacted]"
_LINE_SHOWN = 200
# Of many texts, those of this length and more are sought in one pass.
_START_BYTES = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a log that is in one file."""

    name: str
    data: bytes
    first_line: int = 1
    """The number of its first line in the file."""

    def line_of(self, position: int) -> tuple[int, bytes]:
        """The number of the line at a position, and the line up to there."""
        start = self.data.rfind(b"\n", 0, position) + 1
        number = self.first_line + self.data.count(b"\n", 0, start)
        return number, self.data[start:position]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written to a log since the run began."""

    pieces: tuple[Piece, ...]
    lost: str = ""
    """Why there may have been more; empty if this is all."""

    def __contains__(self, text: bytes) -> bool:
        """Whether a text is in it."""
        return any(text in piece.data for piece in self.pieces)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(piece.data) for piece in self.pieces)

    def first_of(self, texts: Iterable[bytes]) -> bytes | None:
        """One of many texts that is in it, if any is; in one pass over each piece."""
        by_start: dict[bytes, list[bytes]] = {}
        for text in texts:
            if len(text) >= _START_BYTES:
                by_start.setdefault(text[:_START_BYTES], []).append(text)
            elif text in self:
                return text
        for piece in self.pieces:
            data = piece.data
            for position in range(len(data) - _START_BYTES + 1):
                for text in by_start.get(data[position : position + _START_BYTES], ()):
                    if data.startswith(text, position):
                        return text
        return None

    def find(self, text: bytes) -> str | None:
        """Where a text is first: file, number and beginning of the line, redacted."""
        for piece in self.pieces:
            if (position := piece.data.find(text)) >= 0:
                number, before = piece.line_of(position)
                shown = before.decode("utf-8", "replace")[-_LINE_SHOWN:]
                return f"line {number} of {piece.name}: {shown}{_REDACTED}"
        return None


@dataclass(frozen=True, slots=True)
class _State:
    """A file at one moment."""

    inode: int
    size: int
    end: bytes
    """Its last bytes."""
    lines: int


class LogFile:
    """A log, from the moment when it is made.

    Args:
        file: where it is; it need not be there yet.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._start = _state_of(file)

    def written(self) -> Written:
        """What has been written since.

        Raises:
            NotTestable: it cannot be read.
        """
        try:
            return self._written()
        except OSError as error:
            raise NotTestable(
                f"The log cannot be read: {error.strerror}.",
                add="Check file in [proxy.log].",
            ) from None

    def _written(self) -> Written:
        start, file = self._start, self._file
        if start is None:
            return Written((Piece(file.name, file.read_bytes()),))
        is_same = file.stat().st_ino == start.inode
        if is_same and (rest := _rest_of(file, start)):
            return Written((rest,))
        now = Piece(file.name, file.read_bytes())
        if older := self._older(start):
            return Written((older, now))
        what = "truncated" if is_same else "rotated"
        return Written((now,), f"the log was {what} during the run")

    def _older(self, start: _State) -> Piece | None:
        """What was the log when the run began, under the name that it has now."""
        for other in self._file.parent.glob(f"{self._file.stem}*"):
            is_copy = start.size > 0 or _inode(other) == start.inode
            if other != self._file and is_copy and (rest := _rest_of(other, start)):
                return rest
        return None


def _inode(file: Path) -> int:
    return file.stat().st_ino


def _state_of(file: Path) -> _State | None:
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            lines = sum(chunk.count(b"\n") for chunk in _chunks(opened))
            opened.seek(max(0, status.st_size - _FINGERPRINT_BYTES))
            end = opened.read(min(status.st_size, _FINGERPRINT_BYTES))
            return _State(status.st_ino, status.st_size, end, lines)
    except OSError:
        return None


def _chunks(opened: BinaryIO) -> Iterator[bytes]:
    while chunk := opened.read(1024 * 1024):
        yield chunk


def _rest_of(file: Path, start: _State) -> Piece | None:
    """What came behind the state; None if the file does not go on from there."""
    with file.open("rb") as opened:
        opened.seek(start.size - len(start.end))
        if opened.read(len(start.end)) != start.end:
            return None
        return Piece(file.name, opened.read(), start.lines + 1)
