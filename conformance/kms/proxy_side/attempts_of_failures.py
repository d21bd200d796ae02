"""The table of failures tried out, each cell once in a run, side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_xks.certify.probe_proxy.vocabulary import ListenerFault

from ..client.judging import outcome
from .attempts import STORE_OPERATIONS, Attempt, attempt, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .attempts import KmsOperation
    from .failure_table import Failure

__all__ = ["FailureAttempts"]

_ATTEMPTS = 3
_IF_LATE = "XksProxyUriUnreachableException"
_LATE = "did not respond in time"


class FailureAttempts:
    """What operations answered while something was wrong with the proxy.

    Args:
        kms: the endpoint.
        provisioner: makes what the operations need.
        wanted: what will be asked for, and is tried together at the first question.
    """

    def __init__(
        self, kms: KmsClient, provisioner: Provisioner, wanted: Iterable[Failure]
    ) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self._wanted = tuple(wanted)
        self._found: dict[tuple[str, KmsOperation], KmsReply | Exception] = {}

    def of(self, operation: KmsOperation, failure: Failure) -> KmsReply:
        """The reply of an operation while something was wrong.

        Of ConnectCustomKeyStore it is what DescribeCustomKeyStores said thereafter.

        Raises:
            NotTestable: the operation fails, too, while nothing is wrong.
        """
        cell = failure.name, operation
        if cell not in self._found:
            if isinstance(failure.cause, ListenerFault):
                self._try_row(failure, failure.cause)
            else:
                self._try_together([*self._wanted, failure])
        found = self._found[cell]
        if isinstance(found, Exception):
            raise found
        return found

    def _try_together(self, failures: Iterable[Failure]) -> None:
        """Try what concerns one key store or external key at a time."""
        cells = {
            (failure.name, operation): partial(self._try, operation, failure)
            for failure in failures
            if not isinstance(failure.cause, ListenerFault)
            for operation in failure.cells
            if (failure.name, operation) not in self._found
        }
        # Those that make a key store take longer, and so come first.
        ordered = sorted(cells, key=lambda cell: cell[1] not in STORE_OPERATIONS)
        found = self._kms.side_by_side(
            (cells[cell] for cell in ordered), width=self._provisioner.room()
        )
        self._found.update(zip(ordered, found, strict=True))

    def _try(self, operation: KmsOperation, failure: Failure) -> KmsReply | Exception:
        cause = failure.cause
        assert not isinstance(cause, ListenerFault), "of those, a whole row"
        with self._provisioner.apart(self._kms):
            once = partial(attempt, self._kms, self._provisioner, operation, cause)
            found = outcome(once)
            for _ in range(_ATTEMPTS - 1):
                if not _may_be_late(found, failure, operation):
                    break
                found = outcome(once)
            return found

    def _try_row(self, failure: Failure, fault: ListenerFault) -> None:
        """Try all operations while something is wrong for everybody."""
        kms, operations = self._kms, list(failure.cells)
        self._provisioner.room(len(STORE_OPERATIONS))
        with self._provisioner.apart(kms, at_once=False):
            attempts = kms.side_by_side(
                partial(outcome, partial(prepare, kms, self._provisioner, operation))
                for operation in operations
            )
            with self._provisioner.probe_proxy.listening(fault):
                replies = kms.side_by_side(partial(_probe, each) for each in attempts)
            found = kms.side_by_side(map(partial(partial, _control), attempts, replies))
        cells = ((failure.name, operation) for operation in operations)
        self._found.update(zip(cells, found, strict=True))


def _may_be_late(
    found: KmsReply | Exception, failure: Failure, operation: KmsOperation
) -> bool:
    """Whether a time-out came between, where something else was to be shown.

    KMS waits 250 ms for the proxy, which runs beside the suite.
    """
    if failure.takes_time or isinstance(found, Exception) or found.succeeded:
        return False
    if _LATE in found.message:
        return True
    accepted = failure.cells[operation].accepted
    return found.code == _IF_LATE and found.code not in accepted


def _probe(attempt: Attempt | Exception) -> KmsReply | Exception:
    return attempt if isinstance(attempt, Exception) else outcome(attempt.probe)


def _control(
    attempt: Attempt | Exception, reply: KmsReply | Exception
) -> KmsReply | Exception:
    """The reply, if it means something."""
    if isinstance(attempt, Exception) or isinstance(reply, Exception):
        return reply
    failed = outcome(partial(attempt.control, reply))
    return failed if isinstance(failed, Exception) else reply
