"""TOML (and JSON) files of others, read key by key; each mistake is named once.

Rule of this file: a message names the file, the key, what is wrong and what to do, and
never repeats a value that could be a secret.
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["Table", "closest", "parse_toml", "read_bytes", "read_text"]

_MAX_BYTES = 1 << 20
_INIT = "`pytest-xks init proxy` writes a complete example."


def closest(word: str, choices: Iterable[str]) -> str:
    """A hint: the choice that was probably meant, else all of them."""
    options = sorted(choices)
    if match := difflib.get_close_matches(word, options, n=1):
        return f"Did you mean {match[0]}?"
    return f"Known here: {', '.join(options)}." if options else ""


def read_text(path: Path, what: str) -> str:
    """The text of a regular file of modest size.

    Args:
        path: the file.
        what: what the file is to the user: "target file".

    Raises:
        UsageProblem: it cannot be read, or is no text.
    """
    try:
        # Editors of Windows begin a file with a byte order mark.
        return read_bytes(path, what).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageProblem(
            f"{path}: the {what} is not UTF-8 text.", "Save it as UTF-8."
        ) from None


def read_bytes(path: Path, what: str, *, limit: int = _MAX_BYTES) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises:
        UsageProblem: it cannot be read, is larger, or is no regular file.
    """
    try:
        # Opened without waiting, so that a pipe without a writer cannot block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from None
    try:
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageProblem(f"{path}: the {what} is not a regular file.")
            content = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, what, error) from None
    if len(content) > limit:
        raise UsageProblem(f"{path}: the {what} is larger than {limit} bytes.")
    return content


def _unreadable(path: Path, what: str, error: Exception) -> UsageProblem:
    reason = getattr(error, "strerror", None) or "not a legal file name"
    return UsageProblem(f"{str(path)!r}: cannot read the {what}: {reason}.")


def parse_toml(text: str, path: Path) -> dict[str, object]:
    """A TOML document.

    Raises:
        UsageProblem: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path}: not valid TOML: {error}") from None
    except (RecursionError, ValueError):
        raise UsageProblem(
            f"{path}: not valid TOML: too deeply nested, or a number too large."
        ) from None


class Table:
    """One table of a file, from which keys are taken; what is left over is unknown.

    Args:
        data: the table.
        name: its dotted name, for messages; "" at the top.
        file: the file that it is in.
    """

    def __init__(self, data: dict[str, object], name: str, file: Path) -> None:
        self.name = name
        self.file = file
        self._data = dict(data)
        self._known: set[str] = set()

    def problem(self, key: str, wrong: str, hint: str = "") -> UsageProblem:
        """The message for one key."""
        return UsageProblem(f"{self.file}: {self._dotted(key)} {wrong}", hint)

    def _dotted(self, key: str) -> str:
        plain = key if key.isprintable() and len(key) <= 64 else ascii(key[:64])
        return f"{self.name}.{plain}" if self.name else plain

    @property
    def _place(self) -> str:
        return f"[{self.name}]" if self.name else "it"

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def keys(self) -> list[str]:
        """The names of all keys, known or not."""
        return list(self._data)

    def _take(self, key: str) -> object:
        self._known.add(key)
        return self._data.get(key)

    def text(
        self, key: str, *, valid: Callable[[str], bool] | None = None, must: str = ""
    ) -> str:
        """A text that is there; ``must`` describes what ``valid`` accepts."""
        value = self.optional_text(key, valid=valid, must=must)
        if value is None:
            raise self.problem(key, "is missing.", f"Add {key} to {self._place}.")
        return value

    def optional_text(
        self, key: str, *, valid: Callable[[str], bool] | None = None, must: str = ""
    ) -> str | None:
        """A text, or None if the key is absent."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.problem(key, f"must be a text, not {_kind(value)}.")
        if not value:
            raise self.problem(key, "is empty.", "Give it a value or remove the line.")
        if valid and not valid(value):
            raise self.problem(key, "is not legal.", f"It must be {must}.")
        return value

    def number(
        self, key: str, *, whole: bool = False, default: float | None = None
    ) -> float:
        """A finite number above zero; with a default, it may be absent."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.problem(key, "is missing.", f"Add {key} to {self._place}.")
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            wanted = "a whole number" if whole else "a number"
            raise self.problem(key, f"must be {wanted}, not {_kind(value)}.")
        if not 0 < value <= 1_000_000:
            raise self.problem(key, "must be above 0 and at most 1000000.")
        return value

    def optional_number(self, key: str, *, default: float) -> float:
        """As ``number``, or the default if the key is absent."""
        return self.number(key) if key in self else default

    def flag(self, key: str) -> bool:
        """True or false; false if the key is absent."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.problem(key, f"must be true or false, not {_kind(value)}.")

    def table(self, key: str) -> Table | None:
        """A table within this one, or None if it is absent."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.problem(key, f"must be a table, not {_kind(value)}.")
        return Table(value, self._dotted(key), self.file)

    def required_table(self, key: str, *, hint: str = _INIT) -> Table:
        """A table within this one; ``hint`` says what to do if it is not there."""
        table = self.table(key)
        if table is None:
            raise UsageProblem(f"{self.file}: [{self._dotted(key)}] is missing.", hint)
        return table

    def tables(self, key: str) -> list[Table]:
        """An array of tables; empty if it is absent."""
        return [
            self._row(key, index, row) for index, row in enumerate(self._array(key))
        ]

    def _row(self, key: str, index: int, row: object) -> Table:
        if not isinstance(row, dict):
            raise self.problem(key, f"must hold tables, not {_kind(row)}.")
        return Table(row, f"{self._dotted(key)}[{index}]", self.file)

    def texts(self, key: str) -> list[str]:
        """An array of texts; empty if it is absent."""
        values = self._array(key)
        for value in values:
            if not isinstance(value, str):
                raise self.problem(key, f"must hold texts, not {_kind(value)}.")
        return [str(value) for value in values]

    def _array(self, key: str) -> list[object]:
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.problem(key, f"must be an array, not {_kind(value)}.")
        return value

    def path(self, key: str, *, must_exist: bool = True) -> Path:
        """A file that is there; relative paths begin at the file that names them."""
        path = self.optional_path(key, must_exist=must_exist)
        if path is None:
            raise self.problem(key, "is missing.", f"Add {key} to {self._place}.")
        return path

    def optional_path(self, key: str, *, must_exist: bool = True) -> Path | None:
        """As ``path``, or None if the key is absent."""
        text = self.optional_text(key)
        if text is None:
            return None
        path = (self.file.absolute().parent / text) if "\0" not in text else None
        if path is None or (must_exist and not path.is_file()) or path.is_dir():
            raise self.problem(
                key,
                f"names no file: {text!r}.",
                "A relative path begins at the folder of the target file.",
            )
        if must_exist and not os.access(path, os.R_OK):
            raise self.problem(key, f"names a file that cannot be read: {text!r}.")
        return path

    def finish(self) -> None:
        """Refuse what nobody asked for: a misspelt key must not be passed over.

        Raises:
            UsageProblem: a key is unknown.
        """
        for key in self._data:
            if key not in self._known:
                raise self.problem(key, "is unknown.", closest(key, self._known))


_KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "an array",
    dict: "a table",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")
