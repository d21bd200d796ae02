"""What all checks of a run share: connections, wait, and what was learnt.

A proxy that stops answering shortens the deadline of the calls that follow, so that a
run against a dead proxy ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from .bodies import KEY_OPERATIONS, ProxyOperation
from .connection import ConnectionPool, Connector
from .http1 import Deadline, Failure, NoResponseError
from .pacing import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from pytest_xks.certify.evidence.exchange import Exchange
    from pytest_xks.certify.evidence.recorder import Recorded
    from pytest_xks.certify.targets.credential import Credential
    from pytest_xks.certify.targets.proxy_target import ProxyTarget

    from .bodies import Sealed
    from .expect import Outcome

__all__ = ["SECONDS", "ProxySession", "StoreAccess"]

SECONDS = 5.0
"""How long a proxy may take; what KMS allows is for the checks of timing."""
# Of a proxy that does not answer any more, most calls expect nothing; some give it
# another chance. Otherwise a run against it would take an hour.
_SILENCES_ALLOWED = 4
_HOPELESS_SECONDS = 0.02
_CHANCE_SECONDS = 1.0
_CHANCE_EVERY = 25
# A supervisor starts what has ended again; it needs a moment.
_RETURN_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_SILENT = {Failure.NO_CONNECTION, Failure.LATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccess:
    """A key store of the target: a path prefix, and how to sign for it."""

    uri_path: str
    credential: Credential
    credential_name: str
    """Its name in ``ProxyTarget.credentials``."""
    keys: Mapping[str, str]

    def path(self, operation: ProxyOperation, key_id: str | None = None) -> str:
        """The path of an operation."""
        if operation in KEY_OPERATIONS:
            key_id = self.keys["usable"] if key_id is None else key_id
            return f"{self.uri_path}/keys/{key_id}/{operation.value}"
        return f"{self.uri_path}/{operation.value}"


class ProxySession:
    """What all checks of a run share.

    Args:
        target: the proxy under test.
        jobs: how many requests go out at once, at most.
        load: whether ``--load`` was given.
        in_breadth: the requirements to try in all their breadth; None for all.
    """

    def __init__(
        self,
        target: ProxyTarget,
        *,
        jobs: int,
        load: bool = False,
        in_breadth: frozenset[str] | None = None,
    ) -> None:
        self.target = target
        self.jobs = jobs
        self.load = load
        self._in_breadth = in_breadth
        self.pace = Pace()
        self.connector = Connector(
            target.endpoint, target, client=target.client_certificate
        )
        self.pool = ConnectionPool(self.connector)
        self.standing: dict[object, Recorded] = {}
        """Controls after which nothing was sent, by their identity."""
        self.clock_offset: timedelta | None = None
        """How far the proxy's clock is ahead of ours; None until somebody asked."""
        self._silences = 0
        self._reached = False
        """Whether it took connections, and was not away for too long."""
        self._absence = Lock()
        self._back_at = 0.0
        self.alone = Lock()
        """For requests that are sent again after the proxy was away, one at a time."""
        self.ended_by: list[Exchange] = []
        """The requests after which it was away, each of them more than once."""
        self.learned: dict[str, tuple[Outcome, ...]] = {}
        """How this proxy says what the table has another error for, by its name."""
        self.sealed: dict[tuple[str, str], Sealed] = {}
        """Something to decrypt, by URI path and key id."""

    def goes_into_breadth(self, requirement_id: str) -> bool:
        """Whether a requirement is to be tried in all its breadth, and not sampled."""
        return self._in_breadth is None or requirement_id in self._in_breadth

    def close(self) -> None:
        """Close all connections."""
        self.pool.close()

    @property
    def seconds(self) -> float:
        """The deadline of the next call."""
        if self._silences < _SILENCES_ALLOWED:
            return SECONDS
        is_chance = self._silences % _CHANCE_EVERY == 0
        return _CHANCE_SECONDS if is_chance else _HOPELESS_SECONDS

    def went_away(self, since: float) -> bool:
        """Whether the proxy has taken no connection, and is back in time; waits for it.

        It may have ended and be started again. One that does not come back is waited
        for once.

        Args:
            since: by the monotonic clock.
        """
        with self._absence:
            if not self._reached:
                return False
            if self._is_there():
                return self._back_at > since
            end = monotonic() + _RETURN_SECONDS
            while self._reached and not self._is_there():
                self._reached = monotonic() < end
                sleep(_PAUSE_SECONDS)
            self._back_at = monotonic()
            return self._reached

    def _is_there(self) -> bool:
        try:
            self.connector.open(Deadline(_CHANCE_SECONDS)).close()
        except NoResponseError:
            return False
        return True

    def note(self, failure: Failure | None) -> None:
        """Remember whether a call was answered; ``failure`` is None if it was."""
        if failure is None:
            self._silences = 0
            self._reached = True
        elif failure in _SILENT:
            self._silences += 1
