"""Wheel, sdist and editable install, each used outside the checkout.

The folder of use is hostile: it has a pytest configuration, a conftest and a package of
our name of its own, and the environment has pytest variables. None of them may reach
the certification.
"""

from __future__ import annotations

import json

import pytest

HOSTILE_ENVIRONMENT = {"PYTEST_ADDOPTS": "--nosuch", "PYTEST_PLUGINS": "nosuch"}


@pytest.fixture
def hostile(tmp_path):
    """A folder whose contents break whoever picks them up."""
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--nosuch'\n",
        "conftest.py": "raise SystemExit('the conftest of the folder was read')\n",
        "pytest_xks/__init__.py": "raise SystemExit('the package is shadowed')\n",
        "conformance/__init__.py": "raise SystemExit('the suite is shadowed')\n",
        "test_hostile.py": "def test_hostile(): assert False\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def test_version(installation, version, hostile):
    """The console script runs, and is of this version."""
    shown = installation.run(
        installation.script("pytest-xks"),
        "--version",
        cwd=hostile,
        **HOSTILE_ENVIRONMENT,
    )

    assert version in shown


def test_module(installation, version, tmp_path):
    """The command line is there as a module too."""
    shown = installation.run(
        installation.python, "-m", "pytest_xks", "--version", cwd=tmp_path
    )

    assert version in shown


def test_requirements(installation, hostile):
    """The catalogue is found and read."""
    shown = installation.run(
        installation.script("pytest-xks"),
        "requirements",
        "proxy",
        "--format",
        "json",
        cwd=hostile,
        **HOSTILE_ENVIRONMENT,
    )

    assert json.loads(shown)


def test_certification(installation, hostile):
    """The suite certifies the embedded proxy; nothing of the folder is read."""
    installation.run(
        installation.script("pytest-xks"),
        "certify",
        "proxy",
        "--report-dir",
        "report",
        cwd=hostile,
        **HOSTILE_ENVIRONMENT,
    )

    report = json.loads((hostile / "report" / "report.json").read_text("utf-8"))
    assert report["verdict"] == "conformant"


def test_plugin(installation, tmp_path):
    """Pytest finds the plugin by itself, and its fixtures work."""
    (tmp_path / "test_use.py").write_text(
        "def test_use(xks_proxy):\n    assert xks_proxy.endpoint\n", "utf-8"
    )

    shown = installation.run(
        installation.python, "-P", "-m", "pytest", "-q", cwd=tmp_path
    )

    assert "1 passed" in shown


def test_typed(installation, tmp_path):
    """The marker that tells type checkers of our types is installed."""
    shown = installation.run(
        installation.python,
        "-c",
        "import importlib.resources as r; "
        "print(r.files('pytest_xks').joinpath('py.typed').is_file())",
        cwd=tmp_path,
    )

    assert shown.strip() == "True"
