"""Probes side by side between their controls, and what their answers mean together.

A *probe* is one request that differs from a good one in a point, with what may come of
it. A *control* is that good request, of the same operation and credential: it has to be
served before the probes and after them, or their refusals mean nothing. 429, 5xx and a
lost connection are no refusal: where one is asked for, the probe is sent again. Probes
that may be served, and all are, need no control: they are what a control would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable, Violation

from .bodies import ProxyOperation, read_json
from .expect import SERVED, Outcome, expect
from .http1 import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .answer import ProxyAnswer
    from .proxy_session import StoreAccess
    from .sender import Sender

__all__ = ["Batch", "Probe", "ask", "judge", "require_served"]

_ATTEMPTS = 4
_MOST_NAMED = 24
_LOST = {Failure.ENDED, Failure.BROKEN, Failure.NO_CONNECTION}

# What explains that a good request is not served.
_EXPLAINED_BY = {
    ProxyOperation.GET_KEY_METADATA: "XKS-GKM-001",
    ProxyOperation.ENCRYPT: "XKS-ENC-001",
    ProxyOperation.DECRYPT: "XKS-DEC-001",
    ProxyOperation.GET_HEALTH_STATUS: "XKS-HEALTH-001",
}
_DENIED = 403
_NOT_AUTHENTICATED = {401, _DENIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A request, and what may come of it; ``ProxyClient.probe`` makes one."""

    label: str
    """In what it differs from a good request, in a phrase."""
    operation: ProxyOperation
    store: StoreAccess
    send: Callable[[], ProxyAnswer]
    """Sends it, signed anew; any thread may call, and several times."""
    accept: tuple[Outcome, ...]
    look: Callable[[ProxyAnswer], None] | None = None
    """Looks at an accepted answer once more, and raises if it is wrong."""
    note: Callable[[ProxyAnswer], str] | None = None
    """A remark on an answer that is not accepted."""
    identity: object = None
    """Of a control: what it has in common with one that need not be sent again."""

    def settled(self) -> ProxyAnswer:
        """Its answer; what is no refusal, where one is asked for, is asked again."""
        answer = self.send()
        for _ in range(_ATTEMPTS - 1):
            if not self._is_open(answer):
                break
            answer = self.send()
        return answer

    def _is_open(self, answer: ProxyAnswer) -> bool:
        if SERVED in self.accept or any(each.accepts(answer) for each in self.accept):
            return False
        if answer.was_away:
            return False
        return answer.failure in _LOST or (answer.status or 0) >= 500

    def finding(self, answer: ProxyAnswer) -> Violation | NotTestable | None:
        """What is wrong with its answer, if anything is."""
        try:
            note = self.note(answer) if self.note else ""
            expect(answer, *self.accept, note=note)
            if self.look:
                self.look(answer)
        except (Violation, NotTestable) as finding:
            return finding
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Probes that were sent between their controls, and what came back."""

    asked: Sequence[Probe]
    """All but those whose control was not served."""
    answers: Sequence[ProxyAnswer]
    """Of those asked, in their order."""
    unserved_before: Sequence[tuple[Probe, NotTestable]] = ()
    """Controls that were not served, and what that means."""
    unserved_after: Sequence[tuple[Probe, NotTestable]] = ()
    confirmed: Sequence[Probe] = ()
    """Controls that were served afterwards too."""

    def require(self) -> None:
        """Return if every answer is accepted.

        Raises:
            NotTestable: a control was not served.
            Violation: names the first probe whose answer is wrong, and the others.
        """
        findings = [
            (probe, answer, finding)
            for probe, answer in zip(self.asked, self.answers, strict=True)
            if (finding := probe.finding(answer))
        ]
        # What was served stays served, whatever the controls say.
        wrong = [
            (probe, finding)
            for probe, answer, finding in findings
            if isinstance(finding, Violation)
            and (_is_forged(probe, answer) or self._is_confirmed(probe))
        ]
        if wrong:
            raise _together(wrong)
        for _, failed in (*self.unserved_after, *self.unserved_before):
            raise failed
        for _, _, finding in findings:
            raise finding

    def _is_confirmed(self, probe: Probe) -> bool:
        lost = [control for control, _ in self.unserved_after]
        return not lost or (_shares(probe, self.confirmed) and not _shares(probe, lost))


def judge(
    sender: Sender, probes: Sequence[Probe], controls: Sequence[Probe]
) -> list[ProxyAnswer]:
    """Send probes side by side between their controls, and judge their answers.

    Args:
        sender: sends.
        probes: the probes.
        controls: have to be served, before and afterwards.

    Returns:
        The answers, in the order of the probes; every one of them is accepted.

    Raises:
        NotTestable: a control was not served.
        Violation: names the first probe whose answer is wrong, and the others.
    """
    batch = ask(sender, probes, controls)
    batch.require()
    return list(batch.answers)


def ask(sender: Sender, probes: Sequence[Probe], controls: Sequence[Probe]) -> Batch:
    """Send probes side by side between their controls; see ``judge``."""
    may_be_served = all(SERVED in probe.accept for probe in probes)
    before = [] if may_be_served else _unserved(sender, _not_standing(sender, controls))
    failed = [control for control, _ in before]
    asked = [probe for probe in probes if not _shares(probe, failed)]
    if before and len(asked) in {0, len(probes)}:
        return Batch(asked=(), answers=(), unserved_before=before)
    answers = sender.side_by_side([probe.settled for probe in asked])
    if may_be_served and all(map(_is_good, asked, answers)):
        return Batch(asked=asked, answers=answers)
    rest = [c for c in controls if not _shares(c, failed)]
    after = _unserved(sender, rest, let_stand=True)
    lost = [control for control, _ in after]
    return Batch(
        asked=asked,
        answers=answers,
        unserved_before=before,
        unserved_after=after,
        confirmed=[control for control in rest if control not in lost],
    )


def _is_good(probe: Probe, answer: ProxyAnswer) -> bool:
    return _is_served(answer) and probe.finding(answer) is None


def _unserved(
    sender: Sender, controls: Sequence[Probe], *, let_stand: bool = False
) -> list[tuple[Probe, NotTestable]]:
    """Send controls; those that were not served, and what that means.

    Args:
        sender: sends.
        controls: the controls.
        let_stand: whether nothing is sent afterwards, so that they stand, if all were
            served, for those of the next check too.
    """
    answers = sender.side_by_side([control.send for control in controls])
    unserved = [
        (control, finding)
        for control, answer in zip(controls, answers, strict=True)
        if (finding := _cause(control, answer))
    ]
    if let_stand and not unserved:
        _let_stand(sender, controls, answers)
    return unserved


def _shares(probe: Probe, controls: Sequence[Probe]) -> bool:
    """Whether one of the controls is of the operation and the key store of a probe."""
    return any(
        (control.operation, control.store) == (probe.operation, probe.store)
        for control in controls
    )


def _not_standing(sender: Sender, controls: Sequence[Probe]) -> list[Probe]:
    """The controls but those that the check before has ended with.

    Nothing was sent since, so these are the controls before the probes, too.
    """
    standing = dict(sender.session.standing)
    for control in controls:
        if recorded := standing.get(control.identity):
            sender.recorder.refer(recorded)
    return [control for control in controls if control.identity not in standing]


def _let_stand(
    sender: Sender, controls: Sequence[Probe], answers: Sequence[ProxyAnswer]
) -> None:
    for control, answer in zip(controls, answers, strict=True):
        if control.identity is not None:
            recorded = sender.recorder.reference(answer.exchange)
            sender.session.standing[control.identity] = recorded


def require_served(sender: Sender, controls: Sequence[Probe]) -> list[ProxyAnswer]:
    """Send controls side by side; all have to be served.

    Raises:
        NotTestable: one was not.
    """
    answers = sender.side_by_side([control.send for control in controls])
    _require(controls, answers)
    return answers


def _require(controls: Sequence[Probe], answers: Sequence[ProxyAnswer]) -> None:
    for control, answer in zip(controls, answers, strict=True):
        if finding := _cause(control, answer):
            raise finding


def _cause(control: Probe, answer: ProxyAnswer) -> NotTestable | None:
    """Why nothing can be concluded from the probes of a control; None if it can."""
    finding = control.finding(answer)
    if finding is None:
        return None
    observed = finding.observed if isinstance(finding, Violation) else finding.reason
    id_ = _EXPLAINED_BY[control.operation]
    if answer.status in _NOT_AUTHENTICATED:
        id_ = "XKS-AUTH-001"
    return NotTestable(
        f"A request that has to succeed did not ({control.label}): {observed} "
        f"{_as_what(answer)}(see {id_})."
    )


def _as_what(answer: ProxyAnswer) -> str:
    """Which kmsOperation was denied: a policy may allow a principal some alone."""
    if answer.status != _DENIED:
        return ""
    metadata = (read_json(answer.exchange.body) or {}).get("requestMetadata")
    if not isinstance(metadata, dict):
        return ""
    return f"with kmsOperation {metadata.get('kmsOperation')!r} "


def _is_forged(probe: Probe, answer: ProxyAnswer) -> bool:
    """Whether what had to be refused was served."""
    return SERVED not in probe.accept and _is_served(answer)


def _is_served(answer: ProxyAnswer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _together(wrong: Sequence[tuple[Probe, Violation]]) -> Violation:
    """One finding: the first, with the labels of the others."""
    (probe, first), *others = wrong
    labels = "; ".join(other.label for other, _ in others[:_MOST_NAMED])
    if more := len(others[_MOST_NAMED:]):
        labels += f"; and {more} more"
    also = f"Not as it should be, either: {labels}." if labels else ""
    return Violation(
        expected=first.expected,
        observed=f"{probe.label}: {first.observed}",
        note=" ".join(filter(None, (first.note, also))),
        exchange=first.exchange,
    )
