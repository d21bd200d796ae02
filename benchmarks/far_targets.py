"""How long a certification takes where every answer is a long way off.

The mock proxy and the fake KMS, on loopback over real sockets, take 100 ms for every
answer. The ratio is that of the run to the sum of its exchanges one after the other.

Usage: ``python benchmarks/far_targets.py [--milliseconds N] [--jobs N] [proxy|kms]…``
"""
# ruff: noqa: INP001 - a folder of scripts, not a package

from __future__ import annotations

import argparse
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import DEFAULT_JOBS, PROXY_JOBS, Selection
from pytest_xks.certify.targets.own_mocks import served_fake_kms, served_mock_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.target import Target

_PARTS = ("proxy", "kms")


@contextmanager
def _far(part: str, milliseconds: int) -> Iterator[tuple[Target, ProbeProxy | None]]:
    if part == "proxy":
        with served_mock_proxy() as (reference, proxy_target):
            reference.proxy.fault("delay", milliseconds=milliseconds)
            yield proxy_target, None
        return
    with served_fake_kms() as (fake, kms_target, probe_proxy):
        fake.fault("delay", milliseconds=milliseconds)
        yield kms_target, probe_proxy


_JOBS = {"proxy": PROXY_JOBS, "kms": DEFAULT_JOBS}


def _report(part: str, milliseconds: int, jobs: int) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="pytest-xks-") as scratch,
        _far(part, milliseconds) as (target, probe_proxy),
    ):
        catalogue = load_catalogue(part)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            scratch=Path(scratch),
            selection=Selection(jobs=jobs),
        )
    verdict = build_document(run, catalogue=catalogue, target=target)["verdict"]
    exchanges = len(run.recorder.recorded)
    waiting = exchanges * milliseconds / 1000
    return (
        f"{part}: {verdict}, {exchanges} exchanges at {milliseconds} ms in "
        f"{run.seconds:.1f} s with {jobs} jobs; {run.seconds / waiting:.2f} of the "
        f"{waiting:.0f} s that they take one after the other."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], metavar="proxy|kms")
    parser.add_argument("--milliseconds", type=int, default=100, help="by default 100")
    parser.add_argument("--jobs", type=int, help="by default as `certify` has it")
    chosen = parser.parse_args()
    for part in chosen.parts or _PARTS:
        Console().print(
            _report(part, chosen.milliseconds, chosen.jobs or _JOBS[part]),
            soft_wrap=True,
        )


if __name__ == "__main__":
    main()
