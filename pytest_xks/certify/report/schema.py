"""As much of JSON Schema as ``report.schema.json`` uses, without a dependency.

Keywords: $ref (to $defs), anyOf, type, enum, const, properties, required, items,
additionalProperties, minimum, pattern. The tests hold it against the real thing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["first_violation"]

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


def first_violation(instance: object, schema: Schema) -> str | None:
    """Where ``instance`` first departs from ``schema``; None if it does not."""
    return next(_violations(instance, schema, schema, "the document"), None)


def _violations(
    value: object, schema: Schema, root: Schema, where: str
) -> Iterator[str]:
    if reference := schema.get("$ref"):
        schema = root["$defs"][reference.removeprefix("#/$defs/")]
    yield from _choice_violations(value, schema.get("anyOf", ()), root, where)
    if not _has_type(value, schema.get("type")):
        yield f"{where} has the wrong type"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} has an unknown value"
    if "const" in schema and value != schema["const"]:
        yield f"{where} is not {schema['const']!r}"
    match value:
        case dict():
            yield from _object_violations(value, schema, root, where)
        case list() if "items" in schema:
            for index, item in enumerate(value):
                yield from _violations(item, schema["items"], root, f"{where}[{index}]")
        case str() if not re.search(schema.get("pattern", ""), value):
            yield f"{where} has the wrong form"
        case int() | float() if value < schema.get("minimum", value):
            yield f"{where} is too small"


def _choice_violations(
    value: object, choices: Sequence[Schema], root: Schema, where: str
) -> Iterator[str]:
    found = [next(_violations(value, choice, root, where), None) for choice in choices]
    if found and None not in found:
        yield f"{where} has none of the forms that it may have"


def _object_violations(
    value: dict[str, object], schema: Schema, root: Schema, where: str
) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks {name!r}"
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", {})
    for name, item in value.items():
        rule = known.get(name, others)
        if rule is False:
            yield f"{where} has an unknown member {name!r}"
        elif isinstance(rule, dict):
            yield from _violations(item, rule, root, f"{where}.{name}")


def _has_type(value: object, wanted: str | list[str] | None) -> bool:
    if wanted is None:
        return True
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names)
