"""``pytest-xks certify`` from options to exit status.

Catalogue and baseline, the target made ready, the run, the document of its result, the
reports: each has a file of its own, and this one has their order.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.findings import with_findings
from pytest_xks.certify.preflight.ready import ready_target
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import Reports, show, write_text
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.baseline import (
    apply_baseline,
    load_baseline,
    render_baseline,
)
from pytest_xks.certify.run.progress import ProgressDisplay
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.run.unsupported import run_without_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.preflight.ready import ReadyTarget
    from pytest_xks.certify.report.document import Document
    from pytest_xks.certify.requirements.catalogue import Catalogue
    from pytest_xks.certify.run.record import Run

__all__ = ["CertifyOptions", "certify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyOptions:
    """The options of ``pytest-xks certify``."""

    target: Path | None = None
    from_env: bool = False
    report_dir: Path | None = None
    strict: bool = False
    quiet: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    not_supported: tuple[str, ...] = ()
    """Capabilities that the target lacks, beside those that its file lists."""
    selection: Selection = field(default_factory=Selection)
    suite: Path | None = None
    """Where the suite lies, for tests; by default where it is installed."""


def certify(part: str, options: CertifyOptions) -> int:
    """Certify a target and report on it.

    Args:
        part: the part of the suite, "proxy" or "kms".
        options: what to certify, and where to report.

    Returns:
        The exit status: 0 conformant, 1 not conformant, 3 incomplete; of a partial run,
        that of what was selected.

    Raises:
        UsageProblem: there is nothing to report on; exit status 2.
    """
    suite = options.suite or suite_folder()
    catalogue = load_catalogue(part, suite)
    # Mistakes in options are told before a long run, not after it.
    options.selection.ids(catalogue)
    known = load_baseline(options.baseline) if options.baseline else {}
    reports = Reports(options.report_dir) if options.report_dir else None
    ready = ready_target(
        part,
        file=options.target,
        from_env=options.from_env,
        not_supported=options.not_supported,
    )
    with ready as target:
        document = _document(options, target, suite, catalogue)
    if options.baseline:
        apply_baseline(document, known, options.baseline)
    try:
        if options.write_baseline:
            write_text(options.write_baseline, render_baseline(document, known))
        if reports:
            reports.write(document)
    except UsageProblem:
        # The result of a long run is not lost with a full disk.
        show(document, quiet=options.quiet)
        raise
    show(document, quiet=options.quiet, reports=reports)
    return document["exit_status"]


def _document(
    options: CertifyOptions, ready: ReadyTarget, suite: Path, catalogue: Catalogue
) -> Document:
    with _scratch(options) as scratch:
        run = _run(options, ready, suite, catalogue, scratch)
        return build_document(
            with_findings(run, ready.findings),
            catalogue=catalogue,
            target=ready.target,
            strict=options.strict,
            warnings=ready.warnings,
            findings=[finding.text for finding in ready.findings],
        )


def _run(
    options: CertifyOptions,
    ready: ReadyTarget,
    suite: Path,
    catalogue: Catalogue,
    scratch: Path,
) -> Run:
    if ready.unsupported:
        return run_without_checks(
            ready.unsupported,
            catalogue=catalogue,
            target=ready.target,
            probe_proxy=ready.probe_proxy,
            selection=options.selection,
        )
    pytest_writes = bool(options.selection.pytest_args)
    with ProgressDisplay(enabled=not options.quiet and not pytest_writes) as progress:
        return run_suite(
            suite=suite,
            catalogue=catalogue,
            target=ready.target,
            probe_proxy=ready.probe_proxy,
            scratch=scratch,
            selection=options.selection,
            pulse=ready.pulse,
            on_start=progress.on_start,
            on_check=progress.on_check,
        )


@contextmanager
def _scratch(options: CertifyOptions) -> Iterator[Path]:
    """Where a check puts files that a reproduction line names.

    Beside the reports, so that the lines in them work; without reports, in a temporary
    folder that stays if there is something in it.
    """
    if options.report_dir:
        folder = options.report_dir.absolute() / "reproduce"
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="pytest-xks-reproduce-"))
    try:
        yield folder
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
