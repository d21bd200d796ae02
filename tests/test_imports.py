"""Who may import whom: the rules of ARCHITECTURE.md, kept by reading the sources."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "pytest_xks"
SUITE = ROOT / "conformance"

# Room: what of ours it may import besides itself and the version number.
FACTS = {"spec"}
INSTRUMENTS = FACTS | {"clock", "register", "tls", "transport"}
MOCK = INSTRUMENTS | {"proxy"}
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"cli"},
    "certify": MOCK | {"kms"},
    "cli": MOCK | {"certify", "kms"},
    "clock": set(),
    "faults": {"clock"},
    "kms": INSTRUMENTS,
    "plugin": MOCK | {"kms", "serving"},
    "proxy": INSTRUMENTS,
    "register": set(),
    "serving": FACTS | {"kms"},
    "spec": set(),
    "tls": FACTS,
    "transport": FACTS,
}

# What would make the specification's room impure: I/O, clocks, chance, concurrency.
IMPURE = {
    "asyncio",
    "http",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}

# What an unused plugin must not cost anybody.
HEAVY = {"boto3", "botocore", "cryptography", "moto", "rich", "jinja2", "httptools"}


def files_of(folder: Path) -> list:
    """The Python files below a folder, as parameters with readable ids."""
    return [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for path in sorted(folder.rglob("*.py"))
    ]


def room_of(path: Path) -> str:
    """The room that a file of the library belongs to."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Every absolute name that a file imports, wherever in it, types included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(level=0, module=str(module)):
                names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def relative_imports_of(path: Path) -> set[int]:
    """The levels of a file's relative imports."""
    return {
        node.level
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    }


def rooms_imported_by(path: Path) -> set[str]:
    """The rooms of the library from which a file imports."""
    return {
        parts[1]
        for parts in (name.split(".") for name in imports_of(path))
        if parts[0] == "pytest_xks" and len(parts) > 1
    } - {"__version__"}


@pytest.mark.parametrize("path", files_of(LIBRARY))
def test_library(path):
    """A room imports only from the rooms below it, and always by the full name."""
    room = room_of(path)

    assert room in MAY_IMPORT, "a new room: say in this table what it may import"
    assert rooms_imported_by(path) <= MAY_IMPORT[room] | {room}
    assert relative_imports_of(path) == set()


@pytest.mark.parametrize("path", files_of(LIBRARY / "spec"))
def test_specification(path):
    """The specification's room does no I/O and has no clock, chance or state."""
    assert {name.partition(".")[0] for name in imports_of(path)} & IMPURE == set()


@pytest.mark.parametrize("path", files_of(SUITE))
def test_suite(path):
    """The suite knows the machine that runs it and nothing of what it judges."""
    assert rooms_imported_by(path) <= {"certify"}


@pytest.mark.parametrize("path", files_of(SUITE))
def test_suite_names_itself_relatively(path):
    """The suite is pytest_xks.conformance in a wheel and conformance in a checkout."""
    assert {
        name for name in imports_of(path) if name.startswith("conformance")
    } == set()
    depth = len(path.relative_to(SUITE).parts)
    assert max(relative_imports_of(path), default=0) <= depth


@pytest.mark.parametrize("path", files_of(LIBRARY))
def test_nobody_imports_the_suite(path):
    """The library finds the suite by its place: type checkers see no mapped package."""
    assert not {name for name in imports_of(path) if "conformance" in name.split(".")}


def test_unused_plugin_is_free(pytester):
    """A run that uses none of our fixtures loads nothing heavy."""
    pytester.makepyfile(
        """
        import json, sys

        def test_nothing():
            print("MODULES", json.dumps(sorted(sys.modules)))
        """
    )

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-sq", "-p", "xks", "-p", "no:randomly"],
        cwd=pytester.path,
        env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    line = next(line for line in result.stdout.splitlines() if "MODULES" in line)
    modules = set(json.loads(line.partition("MODULES ")[2]))
    assert "pytest_xks.plugin" in modules
    assert {name for name in modules if name.partition(".")[0] in HEAVY} == set()
