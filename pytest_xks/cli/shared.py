"""What several commands share: types of options, and exit statuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EXIT_INCOMPLETE",
    "EXIT_INTERRUPTED",
    "EXIT_USAGE",
    "FILE",
    "part_argument",
]

EXIT_USAGE = 2
"""A usage error, or a target that cannot be reached."""
EXIT_INCOMPLETE = 3
"""There is no verdict: something that had to be verified could not be."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells have it: 128 and the number of SIGINT."""

FILE = click.Path(path_type=Path)
"""The name of a file; whether it can be used shows when it is."""

_Command = TypeVar("_Command", bound="Callable[..., None]")


def part_argument(command: _Command) -> _Command:
    """Let a command take the part of the suite that is meant; "proxy" by default."""
    choice = click.Choice(["proxy", "kms"])
    return click.argument("part", type=choice, default="proxy")(command)
