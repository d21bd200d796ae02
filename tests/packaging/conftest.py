"""Builds the project once and installs it three ways, each outside the checkout.

The declared dependencies are installed once, from the package index, in an environment
of their own; the three see them through a .pth file. pip brings the build backend.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from .environments import ROOT, Installation, Installer, pip_install, run

PRODUCTS = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "venv", "*.pyc"
)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the checkout, so that a build leaves nothing in the real one."""
    return Path(
        shutil.copytree(
            ROOT, tmp_path_factory.mktemp("sources") / "checkout", ignore=PRODUCTS
        )
    )


@pytest.fixture(scope="session")
def distributions(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("distributions")
    run(sys.executable, "-m", "build", "--outdir", folder, checkout, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    return next(distributions.glob("*.whl"))


@pytest.fixture(scope="session")
def sdist(distributions: Path) -> Path:
    """The sdist."""
    return next(distributions.glob("*.tar.gz"))


@pytest.fixture(scope="session")
def version(wheel: Path) -> str:
    """The version, as the name of the wheel has it."""
    return wheel.name.split("-")[1]


@pytest.fixture(scope="session")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Installer:
    """What installs; the dependencies are those that pyproject.toml declares."""
    workspace = tmp_path_factory.mktemp("environments")
    dependencies = Installation(folder=workspace / "dependencies")
    venv.create(dependencies.folder, symlinks=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pip_install(dependencies, *project["dependencies"])
    return Installer(dependencies=dependencies, workspace=workspace)


@pytest.fixture(scope="session", params=["wheel", "sdist", "editable"])
def installation(request: pytest.FixtureRequest, installer: Installer) -> Installation:
    """The project, installed in one of the three ways."""
    match request.param:
        case "editable":
            what = ("--editable", request.getfixturevalue("checkout"))
        case distribution:
            what = (request.getfixturevalue(distribution),)
    return installer.install(request.param, *what)
