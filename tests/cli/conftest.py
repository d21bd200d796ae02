"""The command line in this process."""

from __future__ import annotations

import sys

import pytest

from pytest_xks.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: exit status, output, errors."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["pytest-xks", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capsys.readouterr())

    return command
