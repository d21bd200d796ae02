"""The requirement catalogue: what a target is measured against, read from TOML.

A catalogue is one file of the suite, ``requirements/<part>.toml``::

    specification = "External Key Store Proxy API Specification"
    version = "1.0.3"                # of the specification
    catalogue_version = "2026.2"     # of this file; another one, another measure

    [chapters]                       # in the order of the reports
    HTTP = "HTTP and content type"

    [[requirement]]
    id = "XKS-HTTP-001"              # XKS-<CHAPTER>-nnn, never renumbered; KMS-… in kms
    level = "MUST"                   # MUST, SHOULD, MAY, INFO
    title = "Responses are JSON"
    source = "API content type"      # the heading in the specification
    text = "The body of every response is JSON in UTF-8."
    verification = "check"           # or one of the next two, then with reason
                                     # "not_observable": nothing outside shows it
                                     # "informational": it binds no target
    capability = "second_store"      # optional: a capability of the part's targets
    command = "break_key_manager"    # optional: only this command of the operator can
                                     # show it; without it, it is not observable
    claim = "isolated"               # optional: binds only a target that claims it
    reason = "…"                     # why it is not checked
    accepts = "…"                    # optional: which readings a check accepts
    since = "1.0.3"                  # optional: the version that first has it

Rule of this file: a catalogue with a mistake is refused whole.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import Level
from pytest_xks.certify.targets.kms_target import KMS_CAPABILITIES
from pytest_xks.certify.targets.proxy_target import CAPABILITIES, CLAIMS, COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_xks.certify.targets.target import Target

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Observability",
    "Requirement",
    "Verification",
]

_TOP = {
    "specification",
    "version",
    "catalogue_version",
    "chapters",
    "requirement",
}
_KEYS = {
    "id",
    "level",
    "title",
    "source",
    "text",
    "verification",
    "capability",
    "claim",
    "command",
    "reason",
    "accepts",
    "since",
}

# By part: what its ids look like, and the capabilities that its targets may have.
_IDS = {
    "proxy": re.compile(r"XKS-[A-Z][A-Z0-9]*-\d{3}"),
    "kms": re.compile(r"KMS-[A-Z][A-Z0-9]*-\d{3}"),
}
_CAPABILITIES = {"proxy": CAPABILITIES, "kms": KMS_CAPABILITIES}
_COMMANDS = {"proxy": COMMANDS, "kms": frozenset[str]()}
_CLAIMS = {"proxy": CLAIMS, "kms": frozenset[str]()}


class CatalogueError(Exception):
    """The catalogue has a mistake: ours, not the user's."""


class Verification(StrEnum):
    """How a requirement is verified."""

    CHECK = "check"
    NOT_OBSERVABLE = "not_observable"
    INFORMATIONAL = "informational"

    @property
    def label(self) -> str:
        """For people: "not observable"."""
        return self.value.replace("_", " ")


class Observability(StrEnum):
    """What it takes to see whether a target keeps a requirement."""

    OBSERVABLE = "observable"
    BY_CAPABILITY = "by_capability"
    BY_COMMAND = "by_command"
    NOT_OBSERVABLE = "not_observable"
    INFORMATIONAL = "informational"

    @property
    def label(self) -> str:
        """For people: "by command"."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One statement of the specification that binds a target."""

    id: str
    level: Level
    title: str
    source: str
    text: str
    verification: Verification
    capability: str | None = None
    command: str | None = None
    claim: str | None = None
    reason: str | None = None
    accepts: str | None = None
    since: str

    @property
    def chapter(self) -> str:
        """The middle part of the id: ``HTTP`` of ``XKS-HTTP-001``."""
        return self.id.split("-")[1]

    @property
    def is_checked(self) -> bool:
        """Whether a check must deliver a result."""
        return self.verification is Verification.CHECK

    @property
    def observability(self) -> Observability:
        """What it takes to see whether a target keeps it."""
        if not self.is_checked:
            return Observability(self.verification.value)
        if self.command:
            return Observability.BY_COMMAND
        return (
            Observability.BY_CAPABILITY if self.capability else Observability.OBSERVABLE
        )

    def is_observable_at(self, target: Target) -> bool:
        """Whether a check can see it at a target; if not, that is never a gap."""
        return self.is_checked and (not self.command or self.command in target.commands)

    def binds(self, target: Target) -> bool:
        """Whether a target has to keep it; not if nobody claims so of it."""
        return not self.claim or self.claim in target.claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The requirements of one part ("proxy" or "kms"), in the order of the file."""

    part: str
    specification: str
    version: str
    """The version of the specification."""
    catalogue_version: str
    """Of the catalogue: results of two versions measure different things."""
    chapters: Mapping[str, str]
    """Chapter titles by the middle part of the ids, in the order of the reports."""
    requirements: tuple[Requirement, ...]

    @classmethod
    def load(cls, file: Path) -> Catalogue:
        """Read a catalogue.

        Raises:
            CatalogueError: the file cannot be read or has a mistake.
        """
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CatalogueError(f"{file.name}: {error}") from None
        try:
            return _catalogue(document, part=file.stem)
        except CatalogueError as error:
            raise CatalogueError(f"{file.name}: {error}") from None

    def get(self, requirement_id: str) -> Requirement | None:
        """The requirement of that id, or None."""
        return next((r for r in self.requirements if r.id == requirement_id), None)

    def matching(self, prefixes: Iterable[str]) -> frozenset[str]:
        """The ids that begin with one of ``prefixes``."""
        wanted = tuple(prefixes)
        return frozenset(r.id for r in self.requirements if r.id.startswith(wanted))


def _catalogue(document: dict[str, object], *, part: str) -> Catalogue:
    _refuse_unknown(document, _TOP, "the file")
    chapters = document.get("chapters", {})
    rows = document.get("requirement", [])
    if not isinstance(chapters, dict) or not isinstance(rows, list):
        raise CatalogueError("chapters is a table, requirement an array of tables")
    titles = {name: _text(chapters, name, "[chapters]") for name in chapters}
    version = _text(document, "version", "the file")
    if part not in _IDS:
        raise CatalogueError(f"there is no part {part!r} of the suite")
    requirements = tuple(_requirement(row, version, part) for row in rows)
    _check_all(requirements)
    return Catalogue(
        part=part,
        specification=_text(document, "specification", "the file"),
        version=version,
        catalogue_version=_text(document, "catalogue_version", "the file"),
        chapters={c: titles.get(c, c) for c in _chapters(requirements, titles)},
        requirements=requirements,
    )


def _chapters(
    requirements: Iterable[Requirement], titles: Iterable[str]
) -> Iterable[str]:
    return dict.fromkeys([*titles, *(r.chapter for r in requirements)])


def _check_all(requirements: tuple[Requirement, ...]) -> None:
    if not requirements:
        raise CatalogueError("there is no requirement")
    seen: set[str] = set()
    for requirement in requirements:
        if requirement.id in seen:
            raise CatalogueError(f"{requirement.id} occurs twice")
        seen.add(requirement.id)


def _refuse_unknown(table: dict[str, object], known: set[str], where: str) -> None:
    if unknown := sorted(table.keys() - known):
        raise CatalogueError(f"{where}: unknown {', '.join(unknown)}")


def _text(table: dict[str, object], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CatalogueError(f"{where}: {key} must be a text that is not empty")
    return value.strip()


def _optional(table: dict[str, object], key: str, where: str) -> str | None:
    return _text(table, key, where) if key in table else None


def _requirement(row: object, version: str, part: str) -> Requirement:
    if not isinstance(row, dict):
        raise CatalogueError("requirement is not a table")
    where = _text(row, "id", "a requirement")
    if not _IDS[part].fullmatch(where):
        raise CatalogueError(f"{where}: the id must match {_IDS[part].pattern}")
    _refuse_unknown(row, _KEYS, where)
    requirement = Requirement(
        id=where,
        level=Level(_choice(row, "level", [*Level], where)),
        title=_text(row, "title", where),
        source=_text(row, "source", where),
        text=_text(row, "text", where),
        verification=Verification(_choice(row, "verification", [*Verification], where)),
        capability=_optional(row, "capability", where),
        command=_optional(row, "command", where),
        claim=_optional(row, "claim", where),
        reason=_optional(row, "reason", where),
        accepts=_optional(row, "accepts", where),
        since=_optional(row, "since", where) or version,
    )
    _check(requirement, part)
    return requirement


def _choice(table: dict[str, object], key: str, choices: list[str], where: str) -> str:
    value = _text(table, key, where)
    if value not in choices:
        raise CatalogueError(f"{where}: {key} must be one of {', '.join(choices)}")
    return value


def _check(requirement: Requirement, part: str) -> None:
    where = requirement.id
    if not requirement.is_checked and not requirement.reason:
        raise CatalogueError(f"{where}: {requirement.verification} needs a reason")
    for kind, value, known in (
        ("capability", requirement.capability, _CAPABILITIES[part]),
        ("command", requirement.command, _COMMANDS[part]),
        ("claim", requirement.claim, _CLAIMS[part]),
    ):
        if value and value not in known:
            raise CatalogueError(f"{where}: unknown {kind} {value}")
    if requirement.capability == "load" and requirement.level is Level.MUST:
        # Without --load these do not apply, and a MUST always applies.
        raise CatalogueError(f"{where}: a MUST cannot depend on --load")
