"""TOML out: the few shapes that our own files have, written readably.

Texts, numbers, booleans, arrays, tables; a table within an array is written inline.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["dump_toml"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dump_toml(document: Mapping[str, object]) -> str:
    """``document`` as TOML.

    Raises:
        TypeError: a value has no place in TOML.
    """
    return "\n".join(_table(document, ())).strip() + "\n"


def _table(table: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    # A table's own values come before its first sub-table, or they would be that one's.
    values = {k: v for k, v in table.items() if not isinstance(v, dict)}
    if path and (values or not table):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _table(value, (*path, key))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            pairs = (f"{_key(k)} = {_value(v)}" for k, v in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case _:
            raise TypeError(f"no TOML for {type(value).__name__}")
