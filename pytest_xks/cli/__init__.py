"""The command line ``pytest-xks``: one file for each command, in order in ``root``.

From outside, import ``main``, the entry point; ``root.cli`` holds the commands.
"""

from __future__ import annotations

from pytest_xks.cli.root import main

__all__ = ["main"]
