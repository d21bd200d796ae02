"""What the plugin costs whoever has it installed and uses nothing of it: at most 10 ms.

Two runs of pytest on one empty test, each a process of its own, with the plugin
(``-p xks``) and without it (``-p no:xks``), by turns the first of the pair. The median
of the differences counts. The clock is the processor time of the run, so that others on
the machine do not count.

Usage: ``python benchmarks/plugin_cost.py [--pairs N] [--json FILE]``
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

_PROMISED_MS = 10
_WITH, _WITHOUT = "xks", "no:xks"


def _run(folder: Path, plugin: str) -> float:
    """The milliseconds of processor time that a run of pytest takes."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Other plugins that happen to be installed would only blur the difference.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = _milliseconds_of_children()
    subprocess.run(  # noqa: S603 - our own pytest
        [*command, "-p", plugin],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return _milliseconds_of_children() - before


def _milliseconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def measure(pairs: int) -> list[tuple[float, float]]:
    """Milliseconds with and without the plugin, pair by pair.

    Raises:
        subprocess.CalledProcessError: pytest failed.
    """
    with tempfile.TemporaryDirectory(prefix="pytest-xks-") as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        for plugin in (_WITH, _WITHOUT):
            # What is compiled once does not count.
            _run(folder, plugin)
        return [_pair(folder, with_first=bool(number % 2)) for number in range(pairs)]


def _pair(folder: Path, *, with_first: bool) -> tuple[float, float]:
    order = (_WITH, _WITHOUT) if with_first else (_WITHOUT, _WITH)
    times = {plugin: _run(folder, plugin) for plugin in order}
    return times[_WITH], times[_WITHOUT]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=40, help="at least 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    options = parser.parse_args()
    pairs = measure(max(2, options.pairs))
    low, median, high = statistics.quantiles([a - b for a, b in pairs], n=4)
    without = statistics.median(b for _, b in pairs)
    Console().print(
        f"An unused plugin costs {median:.1f} ms at the start of pytest (half of "
        f"{len(pairs)} pairs between {low:.1f} and {high:.1f}), at most {_PROMISED_MS} "
        f"promised; without it a run takes {without:.0f} ms."
    )
    if options.json:
        document = {"promised_ms": _PROMISED_MS, "median_ms": median, "pairs_ms": pairs}
        options.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
