"""What is in the wheel and in the sdist."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

from .environments import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path


def files_below(folder: Path) -> set[str]:
    """Every file that belongs into the wheel, from the folder's parent."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def names_in(wheel: Path) -> list[str]:
    """Every file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_holds_library_and_suite(wheel):
    """The wheel has every file of both folders, and nothing else."""
    expected = files_below(ROOT / "pytest_xks") | {
        f"pytest_xks/{name}" for name in files_below(ROOT / "conformance")
    }

    assert expected == {name for name in names_in(wheel) if ".dist-info/" not in name}


def test_version_is_that_of_the_package(version):
    """The distributions have the version that the package says it has."""
    source = (ROOT / "pytest_xks" / "__init__.py").read_text("utf-8")

    assert f'__version__ = "{version}"\n' in source


def test_wheel_brings_its_licence(wheel):
    """The licence travels with the code."""
    assert any(name.endswith("/licenses/LICENSE") for name in names_in(wheel))


def test_sdist_can_be_tested(sdist):
    """The sdist has what a packager needs to run the tests."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "changelog.d/README.md",
        "conformance/pytest.ini",
        "pyproject.toml",
        "pytest_xks/py.typed",
        "tests/conftest.py",
        "tox.ini",
    } <= names
    assert files_below(ROOT / "tests") <= names


def test_index_would_take_them(distributions):
    """The package index can read the metadata and render the README."""
    files = sorted(distributions.iterdir())

    run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=distributions)
