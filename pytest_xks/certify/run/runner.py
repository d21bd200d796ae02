"""One hermetic run of the suite, in this process.

Nothing of the user's surroundings reaches it: no PYTEST_* variables, no plugins but
pytest's own, no configuration but the suite's, no cache. The result says of every check
of the suite what became of it, also of those that a user's arguments left out.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.evidence.recorder import RunRecorder
from pytest_xks.certify.evidence.vigil import Vigil
from pytest_xks.certify.run.collector import Collector
from pytest_xks.certify.run.record import Run
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.secrets import redactor_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_xks.certify.evidence.vigil import Pulse
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.requirements.catalogue import Catalogue
    from pytest_xks.certify.run.record import CheckRecord
    from pytest_xks.certify.targets.target import Target

__all__ = ["run_suite"]


def run_suite(  # noqa: PLR0913 - every one is an independent input of the run
    *,
    suite: Path,
    catalogue: Catalogue,
    target: Target,
    scratch: Path,
    probe_proxy: ProbeProxy | None = None,
    selection: Selection | None = None,
    pulse: Pulse | None = None,
    on_start: Callable[[int], None] | None = None,
    on_check: Callable[[CheckRecord], None] | None = None,
) -> Run:
    """Run the checks of ``catalogue.part`` against ``target``.

    Args:
        suite: the folder of the suite.
        catalogue: its requirements.
        target: the target under test.
        scratch: a folder for files that reproduction lines need.
        probe_proxy: the mock proxy that a KMS emulator must call.
        selection: what to run; without one, everything but the load test.
        pulse: asks the target whether it is still there; without one, nobody does.
        on_start: told how many checks will run.
        on_check: told of every check that ended.

    Raises:
        UsageProblem: pytest does not understand the user's arguments, or a prefix
            matches no requirement.
    """
    selection = selection or Selection()
    selected = selection.ids(catalogue) - frozenset(
        r.id
        for r in catalogue.requirements
        if r.is_checked and not (r.is_observable_at(target) and r.binds(target))
    )
    redactor = redactor_for(target, probe_proxy)
    vigil = Vigil(pulse) if pulse else None
    recorder = RunRecorder(vigil.note if vigil else None)

    def collector(*, loud: bool) -> Collector:
        return Collector(
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            recorder=recorder,
            load=selection.load,
            in_breadth=selection.in_breadth,
            jobs=selection.jobs,
            scratch=scratch,
            selected=selected,
            redactor=redactor,
            fail_fast=selection.fail_fast,
            sampled_but=selection.sampled_but,
            is_lost=lambda: bool(vigil and vigil.loss),
            on_start=on_start if loud else None,
            on_check=on_check if loud else None,
        )

    started_at, start = datetime.now(UTC), perf_counter()
    main = collector(loud=True)
    arguments = _arguments(suite, catalogue.part)
    with _hermetic():
        inventory = _inventory(arguments, collector(loud=False), selection)
        extra = selection.pytest_args or ("-p", "no:terminal")
        code = _run_pytest([*arguments, *extra], main)
    checks = tuple({**inventory, **main.checks}.values())
    loss = vigil.loss if vigil else None
    if loss:
        for check in checks:
            check.withdraw(loss)
    return Run(
        checks=checks,
        selected=selected,
        problems=(*main.problems, *_problems_of(code, main, selection)),
        interrupted=main.interrupted,
        started_at=started_at,
        seconds=perf_counter() - start,
        redactor=redactor,
        recorder=recorder,
        selection=selection,
        loss=loss,
    )


def _run_pytest(arguments: list[str], collector: Collector) -> int | pytest.ExitCode:
    """pytest's exit code; whatever it throws ends the run, and not the report."""
    try:
        return pytest.main(arguments, plugins=[collector])
    except KeyboardInterrupt:
        collector.interrupted = True
    except Exception as error:  # noqa: BLE001 - it may be anything, at its very end
        collector.problems.append(f"pytest ended with {type(error).__name__}.")
    return pytest.ExitCode.INTERNAL_ERROR


def _arguments(suite: Path, part: str) -> list[str]:
    return [
        str(suite / part),
        f"--rootdir={suite}",
        f"--confcutdir={suite}",
        "-c",
        str(suite / "pytest.ini"),
        "-p",
        "no:cacheprovider",
        # Our own mock proxy logs every request; formatting that for nobody takes long.
        "-p",
        "no:logging",
        # What it finds is in no report, and for it pytest collects garbage five times a
        # run: a fifth of the self-test's time.
        "-p",
        "no:unraisableexception",
        # Checks raise what they found; rewriting their asserts would say no more.
        "--assert=plain",
        "--continue-on-collection-errors",
    ]


def _inventory(
    arguments: list[str], collector: Collector, selection: Selection
) -> dict[str, CheckRecord]:
    """Every check of the suite, where the user's arguments might hide some."""
    if not selection.pytest_args:
        return {}
    pytest.main(
        [*arguments, "--collect-only", "-p", "no:terminal"], plugins=[collector]
    )
    return collector.checks


def _problems_of(
    code: int | pytest.ExitCode, collector: Collector, selection: Selection
) -> list[str]:
    if code == pytest.ExitCode.USAGE_ERROR and selection.pytest_args:
        arguments = " ".join(selection.pytest_args)
        raise UsageProblem(f"pytest does not understand these arguments: {arguments}")
    known = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    stopped = {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if collector.interrupted:
        return ["The run was interrupted; what is missing was not verified."]
    if code in known | stopped or collector.problems:
        # What a stopped run left out shows as disabled requirements.
        return []
    return [f"pytest ended with exit code {int(code)}."]


@contextmanager
def _hermetic() -> Iterator[None]:
    """No PYTEST_* variable and no installed plugin; all put back afterwards."""
    saved = {k: v for k, v in os.environ.items() if k.startswith("PYTEST_")}
    path = list(sys.path)
    for name in saved:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ.update(saved)
        sys.path[:] = path
