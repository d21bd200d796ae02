"""Who may import whom: the rules of ARCHITECTURE.md, kept by reading the sources."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "pytest_xks"
SUITE = ROOT / "conformance"

# Wing: what of ours it may import besides itself and the version number.
FACTS = {"proxy_api"}
GROUND = FACTS | {"clock", "faults", "http"}
MAY_IMPORT = {
    "__init__": GROUND | {"handles", "kms", "mocking", "plugin", "proxy", "serve"},
    "__main__": {"cli"},
    "certify": GROUND | {"kms", "proxy"},
    "cli": GROUND | {"certify", "kms", "proxy", "serve"},
    "clock": set(),
    "faults": {"clock"},
    "handles": GROUND | {"kms", "proxy"},
    "http": FACTS,
    "kms": GROUND,
    "mocking": GROUND | {"handles", "kms", "proxy"},
    "plugin": GROUND | {"handles", "kms", "mocking", "proxy", "serve"},
    "proxy": GROUND,
    "proxy_api": set(),
    "serve": GROUND | {"certify", "handles", "kms", "proxy"},
}

# What a folder of the library and of the suite holds at most, and a file of it.
MOST_FILES = 15
MOST_LINES = 500

# What would make the facts impure: I/O, clocks, chance, concurrency.
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
HEAVY = {
    "asyncio",
    "boto3",
    "botocore",
    "click",
    "cryptography",
    "httptools",
    "jinja2",
    "moto",
    "requests",
    "responses",
    "rich",
    "ssl",
    "werkzeug",
}


def files_of(folder: Path) -> list:
    """The Python files below a folder, as parameters with readable ids."""
    return [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for path in sorted(folder.rglob("*.py"))
    ]


def wing_of(path: Path) -> str:
    """The wing that a file of the library belongs to."""
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


def wings_imported_by(path: Path) -> set[str]:
    """The wings of the library from which a file imports."""
    return {
        parts[1]
        for parts in (name.split(".") for name in imports_of(path))
        if parts[0] == "pytest_xks" and len(parts) > 1
    } - {"__version__"}


@pytest.mark.parametrize("path", files_of(LIBRARY))
def test_library(path):
    """A wing imports only from the wings below it, and always by the full name."""
    wing = wing_of(path)

    assert wing in MAY_IMPORT, "a new wing: say in this table what it may import"
    assert wings_imported_by(path) <= MAY_IMPORT[wing] | {wing}
    assert relative_imports_of(path) == set()


@pytest.mark.parametrize("path", files_of(LIBRARY / "proxy_api"))
def test_specification(path):
    """The facts' wing does no I/O and has no clock, chance or state."""
    assert {name.partition(".")[0] for name in imports_of(path)} & IMPURE == set()


@pytest.mark.parametrize("path", files_of(SUITE))
def test_suite(path):
    """The suite knows the machine that runs it and nothing of what it judges."""
    assert wings_imported_by(path) <= {"certify"}


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


def modules() -> dict[str, Path]:
    """Every module of the library and of the suite, by its full name."""
    paths = [*LIBRARY.rglob("*.py"), *SUITE.rglob("*.py")]
    return {name_of(path): path for path in paths}


def name_of(path: Path) -> str:
    """The full name of a module in a checkout."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def modules_imported_by(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a file imports, wherever in it, types included."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= names & known.keys() or {base}
    return (found & known.keys()) - {name_of(path)}


def test_no_circles_of_files():
    """Whoever reads a file from the bottom up never comes back to it."""
    known = modules()
    waiting = {name: modules_imported_by(path, known) for name, path in known.items()}
    while free := {name for name, needed in waiting.items() if not needed}:
        waiting = {
            name: needed - free for name, needed in waiting.items() if name not in free
        }

    assert waiting == {}


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in modules().values()}), ids=name_of
)
def test_folders_can_be_taken_in(folder):
    """A folder has at most fifteen Python files, and none of them is too long."""
    files = list(folder.glob("*.py"))

    assert len(files) <= MOST_FILES
    assert {
        path.name: lines
        for path in files
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    } == {}


def modules_after(command: list[str], folder: Path) -> set[str]:
    """The modules that are loaded at the end of a program that prints them."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={"PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    line = next(line for line in result.stdout.splitlines() if "MODULES" in line)
    return set(json.loads(line.partition("MODULES ")[2]))


def ours_among(modules: set[str]) -> set[str]:
    """Those of our own modules that are among some."""
    return {name for name in modules if name.partition(".")[0] == "pytest_xks"}


PRINT_MODULES = """
import json, sys

def test_nothing():
    print("MODULES", json.dumps(sorted(sys.modules)))
"""


def test_unused_plugin_is_free(tmp_path):
    """A run that uses none of our fixtures loads the plugin's module, nothing heavy."""
    (tmp_path / "test_it.py").write_text(PRINT_MODULES, "utf-8")

    modules = modules_after(
        ["-m", "pytest", "-sq", "-p", "xks", "-p", "no:cacheprovider"], tmp_path
    )

    assert {name for name in modules if name.partition(".")[0] in HEAVY} == set()
    assert ours_among(modules) == {"pytest_xks", "pytest_xks.plugin"}


def test_the_package_is_free(tmp_path):
    """To import the package, all public names in sight, loads no other module of it."""
    program = f"import pytest_xks; dir(pytest_xks)\n{PRINT_MODULES}\ntest_nothing()"

    modules = modules_after(["-c", program], tmp_path)

    assert ours_among(modules) == {"pytest_xks"}
    assert modules & HEAVY == set()


def test_a_public_name_costs_what_it_needs(tmp_path):
    """To import one name loads what it lives in, and neither moto nor boto3."""
    program = f"from pytest_xks import MockXksProxy\n{PRINT_MODULES}\ntest_nothing()"

    modules = modules_after(["-c", program], tmp_path)

    assert "pytest_xks.proxy.mock" in modules
    assert modules & {"moto", "boto3", "botocore"} == set()
