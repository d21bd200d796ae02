"""``selftest``: proof that every check can fail, for its own reason alone.

For each fault of our own mock that declares which requirements it violates, the suite
runs against that mock with the fault, made anew for it. Exactly the declared
requirements must turn red: one that stays green proves nothing, another MUST that turns
red is a false positive. Without a fault, everything must pass.

A fault of a slow part (the KMS) is tried against the chapters of what it violates: all
checks of that, and of the rest one of each test function; ``--thorough`` runs them all.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.build import status_of
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.mocks import MOCKS
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.progress import ProgressDisplay
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_xks.certify.requirements.catalogue import Catalogue
    from pytest_xks.certify.run.record import Run
    from pytest_xks.faults import Catalogue as FaultCatalogue

__all__ = ["Proof", "prove", "selftest"]

# There is a process for each processor, and KMS waits 250 ms.
_JOBS = 2
_RED = {Status.FAILED, Status.WARNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the suite said of the mock with one fault, or with none."""

    fault: str
    """The name; empty for the mock without a fault."""
    declared: frozenset[str]
    red: frozenset[str]
    red_musts: frozenset[str]
    broken: tuple[str, ...] = ()
    """Errors of the suite itself."""
    gaps: frozenset[str] = frozenset()
    """What could not be tested."""
    without_check: frozenset[str] = frozenset()
    wholesale: bool = False
    """Whether the fault may turn red whatever it likes."""

    @property
    def complaints(self) -> list[str]:
        """What is not as it should be."""
        return list(self._complaints())

    def _complaints(self) -> Iterator[str]:
        if missed := self.declared - self.red:
            yield f"does not turn red: {_list(missed)}"
        unrelated = (self.red_musts if self.fault else self.red) - self.declared
        if unrelated and not self.wholesale:
            yield f"turns red, too: {_list(unrelated)}"
        if self.gaps and not self.fault:
            yield f"is not testable: {_list(self.gaps)}"
        if self.without_check and not self.fault:
            yield f"has no check: {_list(self.without_check)}"
        yield from self.broken


def prove(
    part: str, fault: str, suite: Path | None = None, *, thorough: bool = False
) -> Proof:
    """Run the suite against the mock with a fault.

    Args:
        part: the part of the suite, "proxy" or "kms".
        fault: its name; empty for none.
        suite: the suite; by default the one installed.
        thorough: whether to run every check, where the part is slow; otherwise the
            chapters of what the fault violates, and of checks of other requirements in
            them one of each test function.
    """
    suite = suite or suite_folder()
    catalogue = load_catalogue(part, suite)
    known = MOCKS[part].catalogue().find(fault) if fault else None
    declared = frozenset(known.violates if known else ())
    load = any(_needs_load(catalogue, requirement_id) for requirement_id in declared)
    narrow = bool(fault) and MOCKS[part].is_slow and not thorough
    scope = known.scope if known else ()
    with (
        tempfile.TemporaryDirectory(prefix="pytest-xks-") as scratch,
        MOCKS[part].served(fault) as (target, probe_proxy),
    ):
        run = run_suite(
            suite=suite,
            catalogue=catalogue,
            target=target,
            probe_proxy=probe_proxy,
            scratch=Path(scratch),
            selection=Selection(
                load=load,
                jobs=_JOBS,
                only=scope or (_chapters(declared) if narrow else ()),
                sampled_but=declared if narrow else None,
                in_breadth=declared if fault and not thorough else None,
            ),
        )
    proof = _proof(fault, declared, catalogue, run)
    return replace(proof, wholesale=bool(known and known.wholesale))


def _chapters(requirement_ids: Iterable[str]) -> tuple[str, ...]:
    """The prefixes of the chapters, with the last hyphen."""
    return tuple(sorted({each.rpartition("-")[0] + "-" for each in requirement_ids}))


def _needs_load(catalogue: Catalogue, requirement_id: str) -> bool:
    requirement = catalogue.get(requirement_id)
    return requirement is not None and requirement.capability == "load"


def _proof(
    fault: str, declared: frozenset[str], catalogue: Catalogue, run: Run
) -> Proof:
    checked = [r for r in catalogue.requirements if r.is_checked]
    status = {r.id: status_of(r, run) for r in checked}
    red = frozenset(i for i, s in status.items() if s in _RED)
    errors = (
        f"{', '.join(check.requirements)} ends in an error: {check.finding.reason}"
        for check in run.checks
        if check.finding.status is Status.ERROR
    )
    with_check = {i for check in run.checks for i in check.requirements}
    return Proof(
        fault=fault,
        declared=declared,
        red=red,
        red_musts=red & {r.id for r in checked if r.level is Level.MUST},
        broken=(*dict.fromkeys(errors), *run.problems),
        gaps=frozenset(i for i, s in status.items() if s is Status.NOT_TESTABLE),
        without_check=frozenset(status) - with_check,
    )


def selftest(  # noqa: PLR0913 - every one is an option
    echo: Callable[[str], None],
    *,
    part: str = "proxy",
    only: Iterable[str] = (),
    workers: int | None = None,
    thorough: bool = False,
    suite: Path | None = None,
) -> int:
    """Prove the suite, fault by fault, in several processes.

    Args:
        echo: prints a line.
        part: the part of the suite, "proxy" or "kms".
        only: names of faults; with these, only they are tried, and no more is asked.
        workers: how many processes; by default one a processor.
        thorough: whether to run every check for every fault.
        suite: the suite; by default the one installed.

    Returns:
        The exit status: 0, or 1 if a fault is not as declared or a requirement is not
        proven.

    Raises:
        UsageProblem: there is no fault of that name.
    """
    catalogue = MOCKS[part].catalogue()
    chosen = _faults(only, catalogue)
    faults = chosen or ["", *(f.name for f in catalogue.all().values() if f.violates)]
    proofs = []
    proving = partial(prove, part, suite=suite, thorough=thorough)
    context = multiprocessing.get_context("spawn")
    with (
        ProgressDisplay(enabled=True) as progress,
        ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context) as pool,
    ):
        progress.on_start(len(faults))
        for proof in pool.map(proving, faults):
            progress.advance(proof.fault)
            proofs.append(proof)
    faultless = f"{MOCKS[part].title} without a fault"
    for proof in proofs:
        for complaint in proof.complaints:
            echo(f"{proof.fault or faultless}: {complaint}")
    requirements = load_catalogue(part, suite or suite_folder())
    return _conclude(requirements, proofs, echo, everything=not chosen)


def _faults(only: Iterable[str], catalogue: FaultCatalogue) -> list[str]:
    try:
        return [catalogue.find(name).name for name in only]
    except LookupError as error:
        raise UsageProblem(str(error.args[0])) from None


def _conclude(
    catalogue: Catalogue,
    proofs: list[Proof],
    echo: Callable[[str], None],
    *,
    everything: bool,
) -> int:
    checked = {r.id for r in catalogue.requirements if r.is_checked}
    proven = {i for proof in proofs for i in proof.declared & proof.red} & checked
    unproven = [r.id for r in catalogue.requirements if r.id in checked - proven]
    bad = sum(bool(proof.complaints) for proof in proofs)
    tried = sum(bool(proof.fault) for proof in proofs)
    if everything and unproven:
        echo(f"{len(unproven)} not proven: {', '.join(unproven)}")
    echo(f"{tried} faults tried, {bad} not as declared")
    echo(f"{len(proven)} requirements proven, of {len(checked)} with a check")
    return 1 if bad or (everything and unproven) else 0


def _list(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids))
