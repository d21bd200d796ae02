"""``python -m pytest_xks`` is the command line ``pytest-xks``."""

from __future__ import annotations

from pytest_xks.cli import main

if __name__ == "__main__":
    main()
