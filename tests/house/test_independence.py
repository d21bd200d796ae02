"""The suite takes nothing from what it judges, by no detour.

``conformance`` imports from ``pytest_xks.certify`` alone. That is worth little if
certify hands on a name of the mock proxy, or hands out an object that has one: so every
name that the suite imports is followed to its definition, and from there to the types
of its public members.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "conformance"

JUDGED = {"faults", "http", "kms", "proxy", "proxy_api"}
"""The wings that the suite judges, or that carry it out."""


class Definition(NamedTuple):
    """A name and the module where it was found."""

    module: str
    name: str

    @property
    def wing(self) -> str:
        """The wing of the library that the module belongs to; empty for others."""
        package, _, rest = self.module.partition(".")
        return rest.partition(".")[0] if package == "pytest_xks" else ""


@cache
def tree_of(module: str) -> ast.Module | None:
    """The syntax of a module of the library; None for every other module."""
    if module.partition(".")[0] != "pytest_xks":
        return None
    path = ROOT.joinpath(*module.split("."))
    file = path.with_suffix(".py")
    file = file if file.exists() else path / "__init__.py"
    return ast.parse(file.read_text("utf-8"))


def imports_in(tree: ast.AST) -> dict[str, Definition]:
    """Where each name comes from that a file imports absolutely, types included."""
    return {
        alias.asname or alias.name: Definition(str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    }


def defined(found: Definition) -> Definition:
    """The place that defines a name, however many files hand it on."""
    tree = tree_of(found.module)
    handed_on = imports_in(tree).get(found.name) if tree else None
    return defined(handed_on) if handed_on else found


def types_of(definition: Definition) -> Iterator[Definition]:
    """What a class, a function or an alias names in its public annotations."""
    tree = tree_of(definition.module)
    if tree is None:
        return
    imported = imports_in(tree)
    for node in ast.walk(tree):
        if definition.name in names_bound_by(node):
            for name in names_in(annotations_of(node)):
                local = Definition(definition.module, name)
                yield defined(imported.get(name, local))


def names_bound_by(node: ast.AST) -> set[str]:
    """The name of a class or a function, or the names that a statement assigns."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {each.id for each in targets if isinstance(each, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def annotations_of(node: ast.AST) -> Iterator[ast.expr | None]:
    """The annotations that somebody sees who has what a statement defines."""
    match node:
        case ast.ClassDef():
            yield from node.bases
            for member in node.body:
                if not any(name.startswith("_") for name in names_bound_by(member)):
                    yield from annotations_of(member)
        case ast.FunctionDef():
            yield node.returns
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    yield each.annotation
        case ast.AnnAssign():
            yield node.annotation
        case ast.Assign():
            yield node.value


def names_in(expressions: Iterator[ast.expr | None]) -> set[str]:
    """The names that occur in expressions."""
    return {
        each.id
        for expression in expressions
        if expression is not None
        for each in ast.walk(expression)
        if isinstance(each, ast.Name)
    }


def reachable_from(definition: Definition) -> set[Definition]:
    """A definition and everything that its public annotations lead to."""
    found, waiting = set(), [definition]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            # What a judged wing names is no matter once the wing itself is found.
            waiting += [] if current.wing in JUDGED else types_of(current)
    return found


def imports_of_the_suite() -> dict[str, Definition]:
    """Every name that the suite imports from the library, by a readable id."""
    return {
        f"{found.module}.{found.name}": found
        for path in sorted(SUITE.rglob("*.py"))
        for found in imports_in(ast.parse(path.read_text("utf-8"))).values()
        if found.module.partition(".")[0] == "pytest_xks"
    }


IMPORTED = imports_of_the_suite()


@pytest.mark.parametrize("found", IMPORTED.values(), ids=IMPORTED)
def test_definition(found):
    """What the suite imports is defined in certify, and not only handed on there."""
    assert defined(found).wing == "certify"


@pytest.mark.parametrize("found", IMPORTED.values(), ids=IMPORTED)
def test_types(found):
    """No public annotation that it leads to names a type of what the suite judges."""
    reached = reachable_from(defined(found))

    assert {each for each in reached if each.wing in JUDGED} == set()


@pytest.mark.parametrize("found", IMPORTED.values(), ids=IMPORTED)
def test_no_module_is_imported(found):
    """The suite imports names: what it does with a module could not be followed."""
    path = ROOT.joinpath(*found.module.split("."), found.name)

    assert not path.with_suffix(".py").exists()
    assert not path.is_dir()


@pytest.mark.parametrize(
    "path", sorted(SUITE.rglob("*.py")), ids=lambda path: str(path.relative_to(SUITE))
)
def test_no_dotted_import(path):
    """``import pytest_xks.…`` could not be followed either."""
    assert [
        alias.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.startswith("pytest_xks")
    ] == []


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "pytest_xks/certify/probe_proxy").glob("*.py")),
    ids=lambda path: path.stem,
)
def test_probe_proxy_has_no_plain_attributes(path):
    """What is public has an annotation: no attribute that only ``__init__`` sets."""
    assert [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and not node.attr.startswith("_")
    ] == []


@pytest.mark.parametrize(
    ("module", "name", "wing"),
    [
        pytest.param("store", "ProxyStore", "certify", id="defined"),
        pytest.param("scripts", "Delivery", "http", id="handed-on"),
        pytest.param("store", "ProxyKeyStore", "proxy", id="type-only"),
    ],
)
def test_names_are_followed(module, name, wing):
    """The rules above see through a file that hands names on."""
    found = Definition(f"pytest_xks.certify.probe_proxy.{module}", name)

    assert defined(found).wing == wing


def test_annotations_are_followed():
    """The rules above see what a method of a class takes."""
    core = Definition("pytest_xks.certify.probe_proxy.scripted_core", "ScriptedCore")

    assert {"http", "proxy", "proxy_api"} <= {
        each.wing for each in reachable_from(core)
    }
