"""``requirements`` and ``explain``: the catalogue for people and for machines."""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.escaping import markdown as escape
from pytest_xks.certify.requirements.catalogue import Observability
from pytest_xks.certify.run.outcome import Level
from pytest_xks.certify.toml.reading import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement

__all__ = ["FORMATS", "CheckSource", "explain", "find_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSource:
    """Where a check is in the suite."""

    id: str
    line: int
    title: str
    requirements: tuple[str, ...]


def find_checks(suite: Path, part: str) -> tuple[CheckSource, ...]:
    """Every check of a part, found in its source without running any of it."""
    return tuple(
        check
        for file in sorted((suite / part).rglob("test_*.py"))
        for check in _checks_in(file, suite)
    )


def _checks_in(file: Path, suite: Path) -> Iterator[CheckSource]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
            continue
        ids = tuple(dict.fromkeys(_marked(node)))
        title = (ast.get_docstring(node) or node.name).partition("\n\n")[0]
        yield CheckSource(
            id=f"{file.relative_to(suite).as_posix()}::{node.name}",
            line=node.lineno,
            title=" ".join(title.split()),
            requirements=ids,
        )


def _marked(function: ast.FunctionDef) -> Iterator[str]:
    """The ids in ``requirement(…)`` among the decorators, parameter sets included."""
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if not isinstance(node, ast.Call) or not isinstance(
                node.func, ast.Attribute
            ):
                continue
            if node.func.attr == "requirement":
                values = (a.value for a in node.args if isinstance(a, ast.Constant))
                yield from map(str, values)


def explain(
    catalogue: Catalogue, requirement_id: str, suite: Path, faults: Mapping[str, str]
) -> str:
    """One requirement, whole: statement, source, level, checks, faults.

    Args:
        catalogue: where to look.
        requirement_id: in any case.
        suite: where the checks are.
        faults: for this requirement, the summary of each fault by its name.

    Raises:
        UsageProblem: there is no such requirement.
    """
    requirement = catalogue.get(requirement_id.upper())
    if requirement is None:
        hint = closest(requirement_id.upper(), [r.id for r in catalogue.requirements])
        raise UsageProblem(
            f"There is no requirement {requirement_id[:64]!a}.",
            hint if len(hint) < 200 else "`pytest-xks requirements` lists them all.",
        )
    checks = find_checks(suite, catalogue.part)
    return "\n".join(_explanation(catalogue, requirement, checks, faults))


def _explanation(
    catalogue: Catalogue,
    requirement: Requirement,
    checks: tuple[CheckSource, ...],
    faults: Mapping[str, str],
) -> Iterator[str]:
    chapter = catalogue.chapters[requirement.chapter]
    yield f"{requirement.id}  {requirement.level}  {requirement.title}"
    yield ""
    yield requirement.text
    yield ""
    yield f"Source      {catalogue.specification} {catalogue.version},"
    yield f"            section “{requirement.source}”"
    yield f"Chapter     {chapter}"
    if requirement.accepts:
        yield f"Accepted    {requirement.accepts}"
    if requirement.capability:
        yield f"Needs       {requirement.capability} in the target file"
    if requirement.command:
        yield f"Needs       the operator's command {requirement.command}"
    if requirement.claim:
        yield f"Binds       a target whose file claims {requirement.claim}"
    if not requirement.is_checked:
        yield f"Not checked {requirement.verification.label}: {requirement.reason}"
        return
    yield ""
    yield "Checks"
    for check in checks:
        if requirement.id in check.requirements:
            yield f"  {check.id} (line {check.line})"
            yield f"      {check.title}"
    yield ""
    yield "Faults that prove that a check can fail"
    for name, summary in sorted(faults.items()):
        yield f"  {name}"
        yield f"      {summary}"
    if not faults:
        yield "  none yet"


def _table(catalogue: Catalogue) -> str:
    return "\n".join([*_rows(catalogue), "", *_totals(catalogue)])


def _rows(catalogue: Catalogue) -> Iterator[str]:
    width = max(len(r.id) for r in catalogue.requirements)
    for requirement in catalogue.requirements:
        yield (
            f"{requirement.id:<{width}}  {requirement.level:<6}  "
            f"{requirement.observability.label:<14}  {requirement.title}"
        )


def _totals(catalogue: Catalogue) -> Iterator[str]:
    counts = Counter((r.level, r.observability) for r in catalogue.requirements)
    ways = {r.observability for r in catalogue.requirements}
    occurring = {r.level for r in catalogue.requirements}
    for level in (each for each in Level if each in occurring):
        parts = (f"{counts[level, w]:>4} {w.label}" for w in Observability if w in ways)
        yield f"{level:<6}  {', '.join(parts)}"
    total = len(catalogue.requirements)
    yield (
        f"{total} requirements of {catalogue.specification} {catalogue.version}, "
        f"catalogue {catalogue.catalogue_version}"
    )


def _markdown(catalogue: Catalogue) -> str:
    return "\n".join(_markdown_lines(catalogue)).strip()


def _markdown_lines(catalogue: Catalogue) -> Iterator[str]:
    yield f"# {catalogue.specification} {catalogue.version}"
    for code, title in catalogue.chapters.items():
        rows = [r for r in catalogue.requirements if r.chapter == code]
        if not rows:
            continue
        yield from ("", f"## {escape(title)}", "")
        yield "| id | level | requirement | section | verification |"
        yield "|---|---|---|---|---|"
        for r in rows:
            reason = f": {escape(r.reason)}" if r.reason else ""
            how = f"{r.observability.label}{reason}"
            text, source = escape(r.text), escape(r.source)
            yield f"| {r.id} | {r.level} | {text} | {source} | {how} |"
    yield ""
    yield from (f"- {' '.join(line.split())}" for line in _totals(catalogue))


def _json(catalogue: Catalogue) -> str:
    rows = [
        {
            "id": r.id,
            "level": r.level.value,
            "chapter": r.chapter,
            "title": r.title,
            "source": r.source,
            "text": r.text,
            "verification": r.verification.value,
            "observability": r.observability.value,
            "capability": r.capability,
            "command": r.command,
            "claim": r.claim,
            "reason": r.reason,
            "accepts": r.accepts,
            "since": r.since,
        }
        for r in catalogue.requirements
    ]
    document = {
        "specification": catalogue.specification,
        "specification_version": catalogue.version,
        "catalogue_version": catalogue.catalogue_version,
        "chapters": dict(catalogue.chapters),
        "requirements": rows,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


FORMATS: Mapping[str, Callable[[Catalogue], str]] = {
    "table": _table,
    "markdown": _markdown,
    "json": _json,
}
"""How ``requirements`` renders a catalogue."""
