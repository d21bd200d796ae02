"""The house in order: packaging, versions and texts say the same everywhere."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

import pytest_xks

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
TOX = ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini", "utf-8")

# Where each package lies; see [tool.setuptools.package-dir].
PLACES = {
    "pytest_xks.conformance": ROOT / "conformance",
    "pytest_xks": ROOT / "pytest_xks",
}

# What the project is made of. A checkout may hold anything else: an environment, the
# report of the README's first command.
OURS = (
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "benchmarks",
    "changelog.d",
    "conformance",
    "pyproject.toml",
    "pytest_xks",
    "tests",
    "tox.ini",
)


def texts() -> list[Path]:
    """Every file of the project."""
    tops = [ROOT / name for name in OURS]
    return [
        path
        for top in tops
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file() and path.suffix != ".pyc"
    ]


def package_of(folder: Path) -> str:
    """The name under which a folder is installed."""
    for package, place in PLACES.items():
        if folder.is_relative_to(place):
            return ".".join((package, *folder.relative_to(place).parts))
    raise LookupError(folder)


def shipped_folders() -> list[Path]:
    """Every folder that has to be in the wheel: Python files are in it or below it."""
    return sorted(
        {
            folder
            for place in PLACES.values()
            for path in place.rglob("*.py")
            for folder in path.parents
            if folder.is_relative_to(place)
        }
    )


def patterns_for(path: Path) -> list[str]:
    """The package-data patterns that cover a file, from the root of its package."""
    return [
        pattern
        for package, globs in SETUPTOOLS["package-data"].items()
        for pattern in globs
        if path in _place(package).glob(pattern)
    ]


def _place(package: str) -> Path:
    if package.startswith("pytest_xks.conformance"):
        return ROOT.joinpath(*package.split(".")[1:])
    return ROOT.joinpath(*package.split("."))


def test_packages_are_the_folders():
    """The explicit list of packages is the list of folders, in order."""
    folders = [package_of(folder) for folder in shipped_folders()]

    assert sorted(folders) == SETUPTOOLS["packages"]


@pytest.mark.parametrize("folder", shipped_folders(), ids=package_of)
def test_every_package_has_an_init(folder):
    """A folder without __init__.py is no package and would be forgotten."""
    assert (folder / "__init__.py").is_file()


def test_every_data_file_is_shipped():
    """What is not Python needs a pattern in package-data, or a wheel lacks it."""
    data = [
        path
        for place in PLACES.values()
        for path in place.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]

    assert [path for path in data if not patterns_for(path)] == []
    assert ROOT / "pytest_xks" / "py.typed" in data


def test_the_version_stands_in_one_place():
    """Setuptools reads the version from the package; nobody writes it again."""
    assert "version" in PROJECT["project"]["dynamic"]
    assert SETUPTOOLS["dynamic"]["version"] == {"attr": "pytest_xks.__version__"}
    assert f'"{pytest_xks.__version__}"' not in (ROOT / "pyproject.toml").read_text()


def test_the_changelog_tells_of_this_version():
    """The newest entry of the changelog is the version, or what comes after it."""
    headings = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )

    assert pytest_xks.__version__ in headings[:2]


def test_oldest_environment_installs_the_lower_bounds():
    """`tox -e py311-oldest` has exactly what pyproject.toml promises to work with."""
    pinned = dict(
        line.split("==") for line in TOX["testenv:py311-oldest"]["deps"].split()
    )
    promised = dict(
        requirement.split(">=") for requirement in PROJECT["project"]["dependencies"]
    )

    assert pinned.keys() == promised.keys()
    for name, bound in promised.items():
        assert f"{pinned[name]}.".startswith(f"{bound}.")


def full() -> list[str]:
    """The environments of `tox -m full`."""
    labels = dict(
        line.split(" = ") for line in TOX["tox"]["labels"].split("\n") if line
    )
    return labels["full"].split(", ")


def newest_first(environments: str) -> list[str]:
    """The Pythons that are named, each once."""
    minors = {int(minor) for minor in re.findall(r"py3(\d+)", environments)}
    return [f"3.{minor}" for minor in sorted(minors, reverse=True)]


def test_tox_and_its_rest_run_everything_once():
    """`tox` and `tox -m full` share nothing, and leave out nothing that is a check."""
    default = TOX["tox"]["env_list"].split(", ")
    described = {
        name.removeprefix("testenv:") for name in TOX if name.startswith("testenv:")
    }

    assert sorted(default + full()) == sorted(described - {"bench", "drift"})


def test_tox_runs_every_promised_python():
    """The classifiers, requires-python and tox name the same Pythons.

    Plain `tox` tests on the newest that is there, and `tox -m full` on the others.
    """
    pythons = re.findall(
        r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"])
    )

    assert PROJECT["project"]["requires-python"] == f">={pythons[0]}"
    assert newest_first(TOX["testenv:tests"]["base_python"]) == pythons[::-1]
    assert newest_first(" ".join(full())) == pythons[-2::-1]


def test_licence():
    """The licence is the Apache License 2.0, whole."""
    text = " ".join((ROOT / "LICENSE").read_text("utf-8").split())

    assert text.startswith("Apache License Version 2.0, January 2004")
    assert [f" {number}. " in text for number in range(1, 10)] == [True] * 9
    assert text.endswith("limitations under the License.")
    assert len(text) == 10_221


# Put together here, so that this file does not name what it looks for.
MACHINE_PATHS = re.compile(
    "|".join(f"/{top}/" for top in ("home", "root", "Users", "work", "opt", "tmp"))
)


def test_no_machine_paths():
    """No text names a folder of the machine that it was written on."""
    found = {path: MACHINE_PATHS.findall(path.read_text("utf-8")) for path in texts()}

    assert {path: names for path, names in found.items() if names} == {}


def is_clean(text: str) -> bool:
    """Whether lines end in one way, without blanks, and the last one ends too."""
    return not re.search(r"[\r\t]| $|\n\n\Z|[^\n]\Z", text, re.MULTILINE)


def test_texts_are_clean():
    """Every text of ours is clean, whatever editor it went through."""
    kinds = {".py", ".toml", ".ini", ".md", ".json"}
    ours = [path for path in texts() if path.suffix in kinds]

    assert [path for path in ours if not is_clean(path.read_text("utf-8"))] == []
