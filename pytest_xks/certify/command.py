"""``certify proxy`` from options to exit status."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.baseline import apply_baseline, load_baseline, render_baseline
from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight import preflight
from pytest_xks.certify.progress import ProgressDisplay
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import Reports, show, write_text
from pytest_xks.certify.runner import Run, Selection, run_suite
from pytest_xks.certify.suite import load_catalogue, suite_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.catalogue import Catalogue
    from pytest_xks.certify.report.document import Document
    from pytest_xks.certify.target import ProxyTarget

__all__ = ["CertifyOptions", "certify_proxy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifyOptions:
    """The options of ``pytest-xks certify proxy``."""

    target: Path | None = None
    from_env: bool = False
    report_dir: Path | None = None
    strict: bool = False
    quiet: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    selection: Selection = field(default_factory=Selection)
    suite: Path | None = None
    """Where the suite lies, for tests; by default where it is installed."""


def certify_proxy(options: CertifyOptions) -> int:
    """Certify a proxy and report on it.

    Returns:
        The exit status: 0 conformant, 1 not conformant, 3 incomplete.

    Raises:
        UsageProblem: there is nothing to report on; exit status 2.
    """
    suite = options.suite or suite_folder()
    catalogue = load_catalogue("proxy", suite)
    options.selection.ids(catalogue)
    known = load_baseline(options.baseline) if options.baseline else {}
    reports = Reports(options.report_dir) if options.report_dir else None
    with _target(options) as described:
        document = _run(options, described, suite, catalogue)
    if options.baseline:
        apply_baseline(document, known, options.baseline)
    if options.write_baseline:
        write_text(options.write_baseline, render_baseline(document, known))
    if reports:
        reports.write(document)
    show(document, quiet=options.quiet, reports=reports)
    return document["exit_status"]


@contextmanager
def _target(options: CertifyOptions) -> Iterator[ProxyTarget]:
    if options.target and options.from_env:
        raise UsageProblem("--target and --from-env exclude each other.")
    if options.target:
        from pytest_xks.certify.target_file import (  # noqa: PLC0415 - one of three
            load_proxy_target,
        )

        yield load_proxy_target(options.target)
    elif options.from_env:
        from pytest_xks.certify.environment import (  # noqa: PLC0415 - likewise
            proxy_target_from_environment,
        )

        yield proxy_target_from_environment(os.environ)
    else:
        from pytest_xks.certify.embedded import (  # noqa: PLC0415 - likewise
            embedded_proxy,
        )

        with embedded_proxy() as (_, target):
            yield target


def _run(
    options: CertifyOptions, described: ProxyTarget, suite: Path, catalogue: Catalogue
) -> Document:
    target, warnings = preflight(described)
    with _scratch(options) as scratch:
        run = _run_suite(options, target, suite, catalogue, scratch)
        return build_document(
            run,
            catalogue=catalogue,
            target=target,
            strict=options.strict,
            warnings=warnings,
        )


def _run_suite(
    options: CertifyOptions,
    target: ProxyTarget,
    suite: Path,
    catalogue: Catalogue,
    scratch: Path,
) -> Run:
    pytest_writes = bool(options.selection.pytest_args)
    with ProgressDisplay(enabled=not options.quiet and not pytest_writes) as progress:
        return run_suite(
            suite=suite,
            catalogue=catalogue,
            target=target,
            scratch=scratch,
            selection=options.selection,
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
