"""What a specification says with a word of RFC 2119, line by line, and who checks it.

The file lies beside the catalogue: ``proxy-statements.toml``. A statement names the
requirements of the catalogue that it became; what they need, and why one cannot be
seen, is said there and shown here.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.escaping import markdown as escape
from pytest_xks.certify.requirements.catalogue import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement

__all__ = ["STATEMENT_FORMATS", "Statement", "load_statements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence of a specification, or one row of a table of its."""

    line: int
    words: tuple[str, ...]
    """Its words of RFC 2119; "table" for a row of a table."""
    says: str
    """What it says, in our words."""
    requirements: tuple[Requirement, ...] = ()
    """What it became in the catalogue; empty if it binds somebody else."""
    binds: str = ""
    """Whom it binds, where that is not the party under test."""

    def how(self) -> Iterator[str]:
        """How each of its requirements is verified, in a phrase."""
        for requirement in self.requirements:
            needs = requirement.capability or requirement.command
            reason = f": {requirement.reason}" if requirement.reason else ""
            needed = f" ({needs})" if needs else ""
            label = requirement.observability.label
            yield f"{requirement.id} {label}{needed}{reason}"
        if self.binds:
            yield f"binds {self.binds}"


def load_statements(catalogue: Catalogue, suite: Path) -> tuple[Statement, ...]:
    """The statements of the specification of a part of the suite.

    Args:
        catalogue: its requirements.
        suite: the folder of the suite.

    Raises:
        UsageProblem: nobody has listed them for this part.
        CatalogueError: the file has a mistake.
    """
    file = suite / "requirements" / f"{catalogue.part}-statements.toml"
    if not file.is_file():
        raise UsageProblem(
            f"There is no list of statements for {catalogue.part}.",
            "`pytest-xks requirements proxy --statements` has one.",
        )
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["statement"]
    return tuple(_statement(row, catalogue, file.name) for row in rows)


def _statement(
    row: Mapping[str, object], catalogue: Catalogue, where: str
) -> Statement:
    known = {requirement.id: requirement for requirement in catalogue.requirements}
    ids, binds = row.get("ids", []), row.get("binds", "")
    match row:
        case {"line": int(line), "words": str(words), "says": str(says)} if isinstance(
            ids, list
        ) and bool(ids) != bool(binds):
            if unknown := [str(each) for each in ids if each not in known]:
                raise CatalogueError(f"{where}, line {line}: no {', '.join(unknown)}")
            return Statement(
                line=line,
                words=tuple(words.split(", ")),
                says=says,
                requirements=tuple(known[str(each)] for each in ids),
                binds=str(binds),
            )
    raise CatalogueError(
        f"{where}: a statement has line, words, says, and ids or binds"
    )


def _total(statements: tuple[Statement, ...]) -> str:
    checked = sum(any(r.is_checked for r in s.requirements) for s in statements)
    others = sum(bool(s.binds) for s in statements)
    unseen = len(statements) - checked - others
    return (
        f"{len(statements)} statements: {checked} with a check, "
        f"{unseen} that cannot be seen, {others} that bind others"
    )


def _table(catalogue: Catalogue, statements: tuple[Statement, ...]) -> str:
    lines = []
    for each in statements:
        lines.append(f"{each.line:>4}  {', '.join(each.words):<14}  {each.says}")
        lines += [f"{'':22}{how}" for how in each.how()]
    source = f"{catalogue.specification} {catalogue.version}"
    return "\n".join([*lines, "", f"{source}, {_total(statements)}"])


def _markdown(catalogue: Catalogue, statements: tuple[Statement, ...]) -> str:
    lines = [
        f"# {catalogue.specification} {catalogue.version}, line by line",
        "",
        "| line | words | statement | verified by |",
        "|---|---|---|---|",
    ]
    for each in statements:
        how = escape("; ".join(each.how()))
        words = ", ".join(each.words)
        lines.append(f"| {each.line} | {words} | {escape(each.says)} | {how} |")
    return "\n".join([*lines, "", f"- {_total(statements)}"])


def _json(catalogue: Catalogue, statements: tuple[Statement, ...]) -> str:
    document = {
        "specification": catalogue.specification,
        "specification_version": catalogue.version,
        "catalogue_version": catalogue.catalogue_version,
        "statements": [
            {
                "line": each.line,
                "words": list(each.words),
                "says": each.says,
                "requirements": [r.id for r in each.requirements],
                "binds": each.binds or None,
            }
            for each in statements
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


STATEMENT_FORMATS: Mapping[str, Callable[[Catalogue, tuple[Statement, ...]], str]] = {
    "table": _table,
    "markdown": _markdown,
    "json": _json,
}
"""How ``requirements --statements`` renders them."""
