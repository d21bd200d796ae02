"""Where the suite is: in a wheel, an sdist, an editable install or a checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pytest_xks.certify.requirements.catalogue import Catalogue

__all__ = ["load_catalogue", "suite_folder"]


def suite_folder() -> Path:
    """The folder with the requirements and the checks.

    Raises:
        RuntimeError: the installation is broken.
    """
    return (
        next(
            (folder for folder in _candidates() if (folder / "pytest.ini").is_file()),
            None,
        )
        or _missing()
    )


def _candidates() -> list[Path]:
    spec = find_spec("pytest_xks.conformance")
    found = [
        Path(folder) for folder in (spec and spec.submodule_search_locations) or ()
    ]
    # In a checkout with a wheel installed, the working folder shadows the wheel and its
    # sub-package vanishes; the sibling folder is then the suite of that checkout.
    return [*found, Path(__file__).resolve().parents[3] / "conformance"]


def _missing() -> Path:
    raise RuntimeError("The conformance suite is not in this installation.")


def load_catalogue(part: str = "proxy", folder: Path | None = None) -> Catalogue:
    """The catalogue of a part of the suite.

    Args:
        part: "proxy" or "kms".
        folder: the suite; without one, the suite that is installed.

    Raises:
        CatalogueError: the catalogue has a mistake.
    """
    return Catalogue.load((folder or suite_folder()) / "requirements" / f"{part}.toml")
