"""Every exchange of a run, in order: recorded by the suite, read by the reports.

The recorder of the run keeps each exchange whole in a spool, and in memory what it was
meant for, its status and the digests of what went over the wire. A check's recorder is
a view of it: references to what the check exchanged, and its measurements.

Where requests of a check go out side by side, each writes to a lane of its own; the
lanes are joined in the order in which the check listed its requests, so that a report
says the same however many went out at once.
"""

from __future__ import annotations

import itertools
import pickle
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from pytest_xks.certify.evidence.spool import Digest, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_xks.certify.evidence.exchange import Exchange, Meaning
    from pytest_xks.certify.evidence.spool import Place

__all__ = ["Lane", "Recorded", "Recorder", "RunRecorder"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """A reference to an exchange of the run; says what it can without reading it."""

    key: int
    label: str
    meaning: Meaning
    status: int | None
    """The HTTP status; None without a response."""
    milliseconds: float
    sent: Digest
    """Of the body, or of every byte sent where these were no HTTP."""
    received: Digest | None
    """Of the body; None without a response."""
    _spool: Spool = field(repr=False)
    _place: Place = field(repr=False)

    def read(self) -> Exchange:
        """The whole exchange."""
        # Pickled by this process, in a file that has no name.
        return cast("Exchange", pickle.loads(self._spool.read(self._place)))  # noqa: S301


Lane = list[Recorded]
"""What one of several requests side by side led to."""


class RunRecorder:
    """All exchanges of a run, of any number, in bounded memory; any thread may call.

    Args:
        watch: told of every exchange that is recorded; what it raises ends the check.
    """

    def __init__(self, watch: Callable[[Exchange], None] | None = None) -> None:
        self.watch = watch or (lambda _: None)
        self._spool = Spool()
        self._keys = itertools.count(1)
        self._recorded: list[Recorded] = []

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """Every exchange of the run, in order."""
        return tuple(self._recorded)

    def keep(self, exchange: Exchange) -> tuple[Exchange, Recorded]:
        """Keep an exchange whole; it has a place in the order with ``append``."""
        exchange = replace(exchange, key=next(self._keys))
        received = exchange.received
        sent = exchange.body if exchange.raw is None else exchange.raw
        return exchange, Recorded(
            key=exchange.key,
            label=exchange.label,
            meaning=exchange.meaning,
            status=received.status if received else None,
            milliseconds=exchange.milliseconds,
            sent=Digest.of(sent),
            received=Digest.of(received.body) if received else None,
            _spool=self._spool,
            _place=self._spool.keep(pickle.dumps(exchange)),
        )

    def append(self, recorded: Iterable[Recorded]) -> None:
        """Give exchanges their place in the order of the run."""
        self._recorded.extend(recorded)


class Recorder:
    """The exchanges and the measurements of one check; any thread may call.

    Args:
        run: the recorder of the run; by default one of its own, for tests.
    """

    def __init__(self, run: RunRecorder | None = None) -> None:
        self._run = run or RunRecorder()
        self._recorded: list[Recorded] = []
        self._latencies: dict[str, list[float]] = {}
        self._facts: dict[str, str | float] = {}
        self._lock = threading.Lock()
        self._thread = threading.local()

    def add(self, exchange: Exchange) -> Exchange:
        """Record an exchange.

        Returns:
            The exchange as it is recorded, with its key.

        Raises:
            TargetLost: the target is gone.
        """
        kept, recorded = self._run.keep(exchange)
        self._append([recorded])
        self._run.watch(kept)
        return kept

    def _append(self, recorded: Lane) -> None:
        lane: Lane | None = getattr(self._thread, "lane", None)
        if lane is not None:
            lane.extend(recorded)
            return
        with self._lock:
            self._recorded.extend(recorded)
            self._run.append(recorded)

    def refer(self, recorded: Recorded) -> None:
        """Show an exchange of another check among those of this one."""
        with self._lock:
            self._recorded.append(recorded)

    @contextmanager
    def lane(self, lane: Lane) -> Iterator[None]:
        """What this thread records within the block goes to a lane; see ``join``."""
        before = getattr(self._thread, "lane", None)
        self._thread.lane = lane
        try:
            yield
        finally:
            self._thread.lane = before

    def join(self, lanes: Iterable[Lane]) -> None:
        """Record what is in lanes, one after the other."""
        for lane in lanes:
            self._append(lane)

    def reference(self, exchange: Exchange) -> Recorded:
        """The reference to an exchange; one that is not recorded yet is recorded."""
        known = (r for r in self._recorded if r.key == exchange.key)
        if found := next(known, None):
            return found
        kept = self.add(exchange)
        return self.reference(kept)

    def latency(self, series: str, milliseconds: float) -> None:
        """Record a measurement for the report's latency plot.

        Args:
            series: what was measured: an operation, "Encrypt, first on a connection".
            milliseconds: the time from request to complete response.
        """
        with self._lock:
            self._latencies.setdefault(series, []).append(milliseconds)

    def fact(self, name: str, value: str | float) -> None:
        """Record something for the report that is no verdict ("tls_version", "1.3")."""
        with self._lock:
            self._facts[name] = value

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """References to the exchanges, in order."""
        return tuple(self._recorded)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges, read back, in order."""
        return tuple(recorded.read() for recorded in self._recorded)

    @property
    def latencies(self) -> dict[str, tuple[float, ...]]:
        """The measurements by series, in milliseconds."""
        return {name: tuple(values) for name, values in self._latencies.items()}

    @property
    def facts(self) -> dict[str, str | float]:
        """What ``fact`` recorded."""
        return dict(self._facts)
