"""``certify`` from options to exit status."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import Reports, show, write_text
from pytest_xks.certify.report.progress import ProgressDisplay
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.baseline import (
    apply_baseline,
    load_baseline,
    render_baseline,
)
from pytest_xks.certify.run.runner import Run, Selection, run_suite
from pytest_xks.certify.run.unsupported import run_without_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.report.document import Document
    from pytest_xks.certify.requirements.catalogue import Catalogue
    from pytest_xks.certify.run.unsupported import Lack
    from pytest_xks.certify.targets.kms_target import KmsTarget, ProbeProxySettings
    from pytest_xks.certify.targets.proxy_target import ProxyTarget
    from pytest_xks.certify.targets.target import Target

__all__ = ["CERTIFIERS", "CertifyOptions", "certify_kms", "certify_proxy"]


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
    selection: Selection = field(default_factory=Selection)
    suite: Path | None = None
    """Where the suite lies, for tests; by default where it is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A target that has passed the preflight, and what the suite needs beside it."""

    target: Target
    probe_proxy: ProbeProxy | None = None
    warnings: tuple[str, ...] = ()
    lack: Lack | None = None


def certify_proxy(options: CertifyOptions) -> int:
    """Certify a proxy and report on it.

    Returns:
        The exit status: 0 conformant, 1 not conformant, 3 incomplete.

    Raises:
        UsageProblem: there is nothing to report on; exit status 2.
    """
    return _certify("proxy", options, _ready_proxy)


def certify_kms(options: CertifyOptions) -> int:
    """Certify a KMS endpoint and report on it.

    Returns:
        The exit status: 0 conformant, 1 not conformant, 3 incomplete.

    Raises:
        UsageProblem: there is nothing to report on; exit status 2.
    """
    return _certify("kms", options, _ready_kms)


CERTIFIERS: Mapping[str, Callable[[CertifyOptions], int]] = {
    "proxy": certify_proxy,
    "kms": certify_kms,
}
"""By the part of the suite."""


def _certify(
    part: str,
    options: CertifyOptions,
    get_ready: Callable[[CertifyOptions], AbstractContextManager[_Ready]],
) -> int:
    suite = options.suite or suite_folder()
    catalogue = load_catalogue(part, suite)
    options.selection.ids(catalogue)
    known = load_baseline(options.baseline) if options.baseline else {}
    reports = Reports(options.report_dir) if options.report_dir else None
    with get_ready(options) as ready:
        document = _run(options, ready, suite, catalogue)
    if options.baseline:
        apply_baseline(document, known, options.baseline)
    if options.write_baseline:
        write_text(options.write_baseline, render_baseline(document, known))
    if reports:
        reports.write(document)
    show(document, quiet=options.quiet, reports=reports)
    return document["exit_status"]


@contextmanager
def _ready_proxy(options: CertifyOptions) -> Iterator[_Ready]:
    from pytest_xks.certify.targets.proxy_preflight import preflight  # noqa: PLC0415 - one of two

    with _proxy(options) as described:
        target, warnings = preflight(described)
        yield _Ready(target=target, warnings=tuple(warnings))


@contextmanager
def _proxy(options: CertifyOptions) -> Iterator[ProxyTarget]:
    if options.target and options.from_env:
        raise UsageProblem("--target and --from-env exclude each other.")
    if options.target:
        from pytest_xks.certify.targets.proxy_file import (  # noqa: PLC0415 - one of three
            load_proxy_target,
        )

        yield load_proxy_target(options.target)
    elif options.from_env:
        from pytest_xks.certify.targets.environment import (  # noqa: PLC0415 - likewise
            proxy_target_from_environment,
        )

        yield proxy_target_from_environment(os.environ)
    else:
        from pytest_xks.certify.run.embedded import (  # noqa: PLC0415 - likewise
            embedded_proxy,
        )

        with embedded_proxy() as (_, target):
            yield target


@contextmanager
def _ready_kms(options: CertifyOptions) -> Iterator[_Ready]:
    from pytest_xks.certify.targets.kms_preflight import (  # noqa: PLC0415 - one of two
        preflight_kms,
    )

    with _kms(options) as (target, probe_proxy):
        lack = preflight_kms(target, probe_proxy)
        yield _Ready(target=target, probe_proxy=probe_proxy, lack=lack)


@contextmanager
def _kms(options: CertifyOptions) -> Iterator[tuple[KmsTarget, ProbeProxy]]:
    if options.target:
        from pytest_xks.certify.targets.kms_file import (  # noqa: PLC0415 - one of two
            load_kms_target,
        )

        target = load_kms_target(options.target)
        with _probe_proxy(target.proxy, target.source) as probe_proxy:
            yield target, probe_proxy
    else:
        from pytest_xks.certify.run.embedded import (  # noqa: PLC0415 - likewise
            embedded_kms,
        )

        with embedded_kms() as (_, target, probe_proxy):
            yield target, probe_proxy


def _probe_proxy(settings: ProbeProxySettings, source: str) -> ProbeProxy:
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy  # noqa: PLC0415 - for KMS only

    address = f"{settings.host}:{settings.port}"
    try:
        return ProbeProxy(settings)
    except OSError as error:
        reason = error.strerror or "no such address"
        raise UsageProblem(
            f"{source}: the suite's proxy cannot listen at {address}: {reason}.",
            "Change kms.proxy.listen, and lead the emulator there.",
        ) from None
    except (TypeError, ValueError):
        raise UsageProblem(
            f"{source}: kms.proxy.ca_certificate and ca_private_key are not a CA's "
            "certificate and its private key in PEM, without a password.",
            "`pytest-xks init kms` makes both.",
        ) from None


def _run(
    options: CertifyOptions, ready: _Ready, suite: Path, catalogue: Catalogue
) -> Document:
    with _scratch(options) as scratch:
        return build_document(
            _run_suite(options, ready, suite, catalogue, scratch),
            catalogue=catalogue,
            target=ready.target,
            strict=options.strict,
            warnings=ready.warnings,
        )


def _run_suite(
    options: CertifyOptions,
    ready: _Ready,
    suite: Path,
    catalogue: Catalogue,
    scratch: Path,
) -> Run:
    if ready.lack:
        return run_without_checks(
            ready.lack,
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
