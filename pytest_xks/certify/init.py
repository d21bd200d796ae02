"""``pytest-xks init proxy``: a target file to fill in, every key explained."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["proxy_template", "write_proxy_template"]


def proxy_template() -> str:
    """The commented target file."""
    return files(__package__).joinpath("target_proxy.toml").read_text("utf-8")


def write_proxy_template(path: Path) -> None:
    """Write the commented target file; never over an existing one.

    Raises:
        UsageProblem: the file exists or cannot be written.
    """
    try:
        # "x" also refuses what appears between a look and the writing.
        with path.open("x", encoding="utf-8") as file:
            file.write(proxy_template())
    except FileExistsError:
        raise UsageProblem(
            f"{str(path)!r} exists; it was left as it is.", "Give another file name."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a legal file name"
        raise UsageProblem(f"{str(path)!r} cannot be written: {reason}.") from None
