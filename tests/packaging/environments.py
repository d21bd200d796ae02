"""Environments to install into, and how to run something in them."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An environment in which the project is installed."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where the environment keeps what is installed in it."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def script(self, name: str) -> Path:
        """A console script of the environment."""
        return self.folder / "bin" / name

    def run(self, *command: object, cwd: Path, **environment: str) -> str:
        """Run a command in the environment; its output, or a failure that shows it."""
        finished = self.attempt(*command, cwd=cwd, **environment)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def attempt(
        self, *command: object, cwd: Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the environment, whatever comes of it."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=clean_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def clean_environment() -> dict[str, str]:
    """Our environment without what would lead Python or pytest elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "PYTHON", "COVERAGE_", "VIRTUAL_ENV"))
    }


def run(*command: object, cwd: Path) -> str:
    """Run a command with our own interpreter's environment; it has to succeed."""
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Makes environments that see the project's dependencies and nothing else."""

    dependencies: Installation
    workspace: Path

    def install(self, name: str, *what: object) -> Installation:
        """A fresh environment with what pip makes of ``what``, and no more."""
        installation = Installation(folder=self.workspace / name)
        venv.create(installation.folder, symlinks=True)
        path = installation.site_packages / "dependencies.pth"
        path.write_text(f"{self.dependencies.site_packages}\n", "utf-8")
        pip_install(installation, "--no-deps", *what)
        return installation


def pip_install(installation: Installation, *what: object) -> None:
    """Install with our own pip; the environment needs none."""
    pip = (sys.executable, "-m", "pip", "--python", installation.python, "install")
    run(*pip, "--quiet", "--disable-pip-version-check", *what, cwd=installation.folder)
