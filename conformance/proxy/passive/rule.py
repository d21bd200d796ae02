"""A rule that binds every exchange of a run, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable, Violation

from .observation import Observation, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_xks.certify.evidence.recorder import RunRecorder

    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

__all__ = ["Complaint", "Evidence", "Rule", "each"]

Complaint = tuple[Observation, str]
"""An exchange that breaks a rule, and what was observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What has to hold of every exchange of some kind."""

    expected: str
    """What has to hold, in a phrase."""
    about: Callable[[Observation], bool]
    """Whether an exchange is of the kind."""
    complaints: Callable[[Iterable[Observation]], Iterator[Complaint]]
    """Those that break it, of all exchanges of the kind, in their order."""
    note: str = ""
    """What an attacker or a user loses by it."""
    provoke: Callable[[ProxyClient], object] | None = None
    """Sends what no other check sends, once a run; what comes of it is evidence."""
    sample: Callable[[ProxyClient], Sequence[Probe]] | None = None
    """Requests that are sent where the run has seen nothing of the kind."""


def each(
    fault_of: Callable[[Observation], str | None],
) -> Callable[[Iterable[Observation]], Iterator[Complaint]]:
    """A rule that needs no more than one exchange to say what is wrong with it."""

    def complaints(seen: Iterable[Observation]) -> Iterator[Complaint]:
        for observation in seen:
            if fault := fault_of(observation):
                yield observation, fault

    return complaints


class Evidence:
    """The exchanges of a run, each read once.

    Args:
        recorder: keeps them.
        where: what the target file names.
    """

    def __init__(self, recorder: RunRecorder, where: Where) -> None:
        self._recorder = recorder
        self._where = where
        self._seen: list[Observation] = []
        self._provoked: set[object] = set()

    def provoke(
        self, proxy: ProxyClient, send: Callable[[ProxyClient], object]
    ) -> None:
        """Send what no other check sends, unless this run has done so."""
        if send not in self._provoked:
            self._provoked.add(send)
            send(proxy)

    def about(self, rule: Rule) -> list[Observation]:
        """What the run has shown of the kind that a rule is about, so far."""
        return [o for o in self.everything() if o.status is not None and rule.about(o)]

    def everything(self) -> list[Observation]:
        """Every exchange of the run so far, in order."""
        new = self._recorder.recorded[len(self._seen) :]
        self._seen += [Observation(recorded, self._where) for recorded in new]
        return self._seen

    def judge(self, proxy: ProxyClient, rule: Rule) -> None:
        """Judge a rule on everything that the run has exchanged.

        Raises:
            NotTestable: the run has shown nothing of the kind.
            Violation: names the first exchange that breaks it, and how many do.
        """
        if rule.provoke:
            self.provoke(proxy, rule.provoke)
        seen = self.about(rule)
        if not seen and rule.sample:
            proxy.side_by_side([probe.send for probe in rule.sample(proxy)])
            seen = self.about(rule)
        if not seen:
            raise NotTestable("The run has seen no answer that this is about.")
        broken = list(rule.complaints(seen))
        if not broken:
            return
        (first, fault), number = broken[0], len(broken)
        proxy.recorder.refer(first.recorded)
        text = first.exchange.label.removeprefix("probe: ")
        raise Violation(
            expected=rule.expected,
            observed=f"{text}: {fault} ({number} of {len(seen)} answers of the run)",
            note=rule.note,
            exchange=first.exchange,
        )
