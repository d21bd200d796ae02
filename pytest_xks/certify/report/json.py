"""``report.json``: written, and read again only if it has the shape of the schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.document import SCHEMA_VERSION
from pytest_xks.certify.report.schema import first_violation
from pytest_xks.certify.toml.reading import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_xks.certify.report.document import Document

__all__ = ["load_report", "load_schema", "render_json"]

_MAX_BYTES = 64 << 20
# What they lack is optional, so that they read as those of today do.
_OLDER = ("1.1", "1.2")


def render_json(document: Document) -> str:
    """The content of ``report.json``."""
    # ASCII, because a header of the target may hold what UTF-8 cannot encode.
    return json.dumps(document, indent=2) + "\n"


def load_schema() -> dict[str, object]:
    """The JSON Schema of ``report.json`` that is shipped with this version."""
    text = files(__package__).joinpath("report.schema.json").read_text("utf-8")
    return cast("dict[str, object]", json.loads(text))


def load_report(path: Path) -> Document:
    """A saved result.

    Raises:
        UsageProblem: the file is no report, or one of another version.
    """
    try:
        document = json.loads(read_bytes(path, "report", limit=_MAX_BYTES))
    except (ValueError, RecursionError):
        raise UsageProblem(f"{path}: not valid JSON.") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in {SCHEMA_VERSION, *_OLDER}:
        raise UsageProblem(
            f"{path}: not a report of schema version {SCHEMA_VERSION}.",
            "Give the report.json of --report-dir, written by this version.",
        )
    if violation := first_violation(document, load_schema()):
        raise UsageProblem(f"{path}: not a report: {violation}.")
    return cast("Document", document)
