"""The pytest plugin of a certification run: which check is for what, and what it found.

One instance serves one ``pytest.main``. It hands the target to the suite, learns the
requirement ids of every item before anything can deselect it, and turns the exception
that ends a check into a status. What pytest itself calls passed or failed is not asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run import session as keys
from pytest_xks.certify.run.outcome import (
    Level,
    NotApplicable,
    NotTestable,
    Status,
    Violation,
)
from pytest_xks.certify.run.record import CheckRecord, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from pytest_xks.certify.evidence.recorder import Recorded, Recorder, RunRecorder
    from pytest_xks.certify.evidence.redaction import Redactor
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.requirements.catalogue import Catalogue, Requirement
    from pytest_xks.certify.targets.target import Target

__all__ = ["Collector"]

MARKER = "requirement(*ids): the requirements of the catalogue that this check verifies"


class Collector:
    """Hooks of one run.

    Args:
        catalogue: the requirements.
        target: the target under test.
        probe_proxy: the mock proxy that a KMS emulator must call.
        recorder: keeps every exchange of the run.
        load: whether ``--load`` was given.
        in_breadth: the requirements to try in all their breadth; None for all.
        jobs: how many requests of a check go out at once, at most.
        scratch: a folder for files that reproduction lines need.
        selected: the requirement ids to run; checks of no other id are left out.
        redactor: cleans what pytest's own terminal would print.
        fail_fast: whether the first failed MUST ends the run.
        sampled_but: of the checks of other requirements than these, one of each test
            function is run; None for all.
        is_lost: whether the target is gone, so that the run is over.
        on_start: told how many checks will run.
        on_check: told of every check that ended.
    """

    def __init__(  # noqa: PLR0913 - every one is an independent input of the run
        self,
        *,
        catalogue: Catalogue,
        target: Target,
        probe_proxy: ProbeProxy | None,
        recorder: RunRecorder,
        load: bool,
        in_breadth: frozenset[str] | None,
        jobs: int,
        scratch: Path,
        selected: frozenset[str],
        redactor: Redactor,
        fail_fast: bool = False,
        sampled_but: frozenset[str] | None = None,
        is_lost: Callable[[], bool] = lambda: False,
        on_start: Callable[[int], None] | None = None,
        on_check: Callable[[CheckRecord], None] | None = None,
    ) -> None:
        self.checks: dict[str, CheckRecord] = {}
        self.problems: list[str] = []
        self.interrupted = False
        self._catalogue = catalogue
        self._target = target
        self._probe_proxy = probe_proxy
        self._recorder = recorder
        self._load = load
        self._in_breadth = in_breadth
        self._jobs = jobs
        self._scratch = scratch
        self._selected = selected
        self._redactor = redactor
        self._fail_fast = fail_fast
        self._sampled_but = sampled_but
        self._is_lost = is_lost
        self._on_start = on_start or (lambda _: None)
        self._on_check = on_check or (lambda _: None)

    # Start and collection.

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand the target to the suite."""
        config.addinivalue_line("markers", MARKER)
        config.stash[keys.TARGETS[self._catalogue.part]] = self._target
        if self._probe_proxy is not None:
            config.stash[keys.PROBE_PROXY] = self._probe_proxy
        config.stash[keys.RUN_RECORDER] = self._recorder
        config.stash[keys.LOAD] = self._load
        config.stash[keys.IN_BREADTH] = self._in_breadth
        config.stash[keys.JOBS] = self._jobs
        config.stash[keys.SCRATCH] = self._scratch
        if not config.pluginmanager.hasplugin("terminal"):
            # Nobody reads tracebacks then, and pytest spends more on one than the check
            # took. The option belongs to the terminal, so it cannot be an argument.
            config.option.tbstyle = "no"
        if config.pluginmanager.hasplugin("dsession"):
            raise pytest.UsageError("A certification cannot be spread with xdist.")
        self._clean_trace(config)

    def _clean_trace(self, config: pytest.Config) -> None:
        """Let pytest's ``--debug`` write no secret: it shows the values of hooks."""
        root = config.trace.root
        write = root._writer  # noqa: SLF001 - pluggy gives no other access to it
        if write is not None:
            root.setwriter(lambda text: write(self._redactor.text(text)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Learn every check, then leave out those that were not selected."""
        for item in items:
            self._learn(item)
        selected = self._sample([item for item in items if self._is_selected(item)])
        chosen = set(selected)
        unselected = [item for item in items if item not in chosen]
        if unselected:
            items[:] = selected
            config.hook.pytest_deselected(items=unselected)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Announce how many checks will run."""
        self._on_start(len(session.items))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a part of the suite that could not be collected."""
        if report.failed:
            self._problem(f"{report.nodeid} could not be collected", report.longrepr)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remember that pytest itself failed."""
        self._problem("pytest failed internally", excrepr)

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Remember that the user ended the run (and not --fail-fast)."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self.interrupted = True

    def _learn(self, item: pytest.Item) -> None:
        ids = tuple(dict.fromkeys(_requirement_ids(item)))
        self.checks[item.nodeid] = CheckRecord(
            id=item.nodeid, requirements=ids, title=_title(item)
        )
        if not ids:
            self.problems.append(f"{item.nodeid} names no requirement.")
        for requirement_id in ids:
            requirement = self._catalogue.get(requirement_id)
            if requirement is None:
                self.problems.append(f"{item.nodeid}: unknown {requirement_id}.")
            elif not requirement.is_checked:
                self.problems.append(
                    f"{item.nodeid}: {requirement_id} is declared "
                    f"{requirement.verification.label}."
                )

    def _is_selected(self, item: pytest.Item) -> bool:
        return not self._selected.isdisjoint(self.checks[item.nodeid].requirements)

    def _sample(self, items: list[pytest.Item]) -> list[pytest.Item]:
        if self._sampled_but is None:
            return items
        samples: dict[str, pytest.Item] = {}
        for item in items:
            samples.setdefault(item.nodeid.partition("[")[0], item)
        sampled = set(samples.values())
        return [
            item
            for item in items
            if item in sampled
            or not self._sampled_but.isdisjoint(self.checks[item.nodeid].requirements)
        ]

    def _problem(self, what: str, detail: object) -> None:
        self.problems.append(self._redactor.text(f"{what}: {_last_lines(str(detail))}"))

    # Running.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record what a phase of a check found."""
        report = yield
        check = self.checks.get(item.nodeid)
        if check is not None:
            self._record(check, item, call, report)
        if report.longrepr is not None and not isinstance(report.longrepr, tuple):
            # With PYTEST-ARGS, pytest prints tracebacks; --showlocals shows anything.
            report.longrepr = self._redactor.text(str(report.longrepr))
        report.sections = [(n, self._redactor.text(t)) for n, t in report.sections]
        return report

    def _record(
        self,
        check: CheckRecord,
        item: pytest.Item,
        call: pytest.CallInfo[None],
        report: pytest.TestReport,
    ) -> None:
        check.recorder = keys.recorder_of(item)
        check.seconds += call.duration
        check.called |= call.when == "call"
        check.finished |= call.when == "teardown"
        finding = self._finding(check, call, report)
        if finding:
            check.findings.append(finding)
        if self._fail_fast and self._is_failed_must(check):
            item.session.shouldstop = "--fail-fast: a MUST failed"
        if self._is_lost():
            item.session.shouldstop = "the target is gone"

    def _finding(
        self,
        check: CheckRecord,
        call: pytest.CallInfo[None],
        report: pytest.TestReport,
    ) -> Finding | None:
        if call.excinfo is None:
            if report.passed and not hasattr(report, "wasxfail"):
                return None
            return Finding(status=Status.ERROR, reason="The check is marked xfail.")
        error = call.excinfo.value
        if call.when == "teardown" and not isinstance(error, Violation):
            # Of a target that is gone, nothing can be cleaned up.
            gone = Status.NOT_TESTABLE if self._is_lost() else Status.ERROR
            return Finding(status=gone, reason=_describe(error))
        if isinstance(error, NotApplicable):
            return self._not_applicable(check, error)
        finding = _finding_of(error)
        if finding.status is not Status.FAILED or check.recorder is None:
            return finding
        return replace(finding, exchange=_shown(error, check.recorder))

    def _not_applicable(self, check: CheckRecord, error: NotApplicable) -> Finding:
        """Believe a check that says so, unless the catalogue knows better.

        A requirement that depends on a capability is not applicable only if the target
        declares it as not supported: otherwise a bug in the suite would read as green.
        """
        for requirement in self._requirements(check):
            capability = requirement.capability
            declared = capability in self._target.not_supported
            not_asked = capability == "load" and not self._load
            if capability and not declared and not not_asked:
                return Finding(
                    status=Status.ERROR,
                    reason=f"The check says that it does not apply ({error.reason}), "
                    f'but not_supported does not list "{capability}".',
                )
        return Finding(status=Status.NOT_APPLICABLE, reason=error.reason)

    def _requirements(self, check: CheckRecord) -> Iterator[Requirement]:
        for requirement_id in check.requirements:
            if requirement := self._catalogue.get(requirement_id):
                yield requirement

    def _is_failed_must(self, check: CheckRecord) -> bool:
        return check.finding.status is Status.FAILED and any(
            r.level is Level.MUST for r in self._requirements(check)
        )

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Announce a check that ended."""
        if check := self.checks.get(nodeid):
            self._on_check(check)


def _requirement_ids(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("requirement"):
        yield from (str(argument) for argument in marker.args)


def _title(item: pytest.Item) -> str:
    text = getattr(getattr(item, "function", None), "__doc__", None) or item.name
    return str(text).strip().partition("\n\n")[0].replace("\n", " ")


def _finding_of(error: BaseException) -> Finding:
    match error:
        case Violation():
            return Finding(
                status=Status.FAILED,
                expected=error.expected,
                observed=error.observed,
                note=error.note,
            )
        case NotTestable():
            return Finding(
                status=Status.NOT_TESTABLE, reason=error.reason, add=error.add
            )
        case pytest.xfail.Exception():
            # A subclass of the next one; what is expected to fail is not verified.
            return Finding(status=Status.ERROR, reason="The check is marked xfail.")
        case AssertionError() | pytest.fail.Exception():
            # A plain assert in a check states an expectation just as well.
            return Finding(status=Status.FAILED, observed=_first_line(error))
        case pytest.skip.Exception():
            # A skip must never read as green.
            return Finding(status=Status.NOT_TESTABLE, reason=_first_line(error))
        case _:
            return Finding(status=Status.ERROR, reason=_describe(error))


def _shown(error: BaseException, recorder: Recorder) -> Recorded | None:
    """The exchange that shows a violation; by default the last of the check."""
    if isinstance(error, Violation) and error.exchange is not None:
        return recorder.reference(error.exchange)
    return recorder.recorded[-1] if recorder.recorded else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _describe(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f" ({code.co_qualname}, line {trace.tb_lineno})"
    return f"{type(error).__name__}: {_first_line(error)}{where}"


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " / ".join(lines[-3:])[:600]
