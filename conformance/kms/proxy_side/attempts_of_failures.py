"""The table of failures tried out: each row once, its operations side by side."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pytest_xks.certify.probe_proxy.vocabulary import ListenerFault

from ..client.cases import outcome
from .attempts import Attempt, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .attempts import KmsOperation
    from .failure_table import Failure

    Row = Mapping[KmsOperation, KmsReply | Exception]

__all__ = ["FailureAttempts"]


class FailureAttempts:
    """What operations answered while something was wrong with the proxy.

    Args:
        kms: the endpoint.
        provisioner: makes what the operations need.
    """

    def __init__(self, kms: KmsClient, provisioner: Provisioner) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self._rows: dict[str, Row] = {}

    def of(self, operation: KmsOperation, failure: Failure) -> KmsReply:
        """The reply of an operation while something was wrong.

        Of ConnectCustomKeyStore it is what DescribeCustomKeyStores said thereafter.

        Raises:
            NotTestable: the operation fails, too, while nothing is wrong.
        """
        if failure.name not in self._rows:
            with self._provisioner.apart(self._kms):
                self._rows[failure.name] = self._row(failure)
        found = self._rows[failure.name][operation]
        if isinstance(found, Exception):
            raise found
        return found

    def _row(self, failure: Failure) -> Row:
        kms, operations = self._kms, list(failure.cells)
        attempts = kms.side_by_side(
            partial(outcome, partial(prepare, kms, self._provisioner, operation))
            for operation in operations
        )
        with self._happening(failure, attempts):
            replies = kms.side_by_side(partial(_probe, each) for each in attempts)
        controls = kms.side_by_side(map(partial(partial, _control), attempts, replies))
        return dict(zip(operations, controls, strict=True))

    @contextmanager
    def _happening(
        self, failure: Failure, attempts: Iterable[Attempt | Exception]
    ) -> Iterator[None]:
        """Let it go wrong for all that is attempted within the block."""
        with ExitStack() as stack:
            if isinstance(failure.cause, ListenerFault):
                probe_proxy = self._provisioner.probe_proxy
                stack.enter_context(probe_proxy.listening(failure.cause))
            else:
                for each in attempts:
                    if isinstance(each, Attempt):
                        stack.enter_context(failure.cause(each.about))
            yield


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
