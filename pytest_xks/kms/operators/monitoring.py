"""What operators see of a fake KMS: CloudTrail, CloudWatch metrics and logs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS
from pytest_xks.kms.operators.cloudtrail import Trail
from pytest_xks.kms.operators.logs import entry_of
from pytest_xks.kms.operators.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_xks.clock import Clock
    from pytest_xks.http.client import PeerCertificate
    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.operators.logs import ProxyLogEntry
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.proxy_calls.client import ProxyCall
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["Monitoring"]

# A server may run for days.
_LOGS_KEPT = 100_000


class Monitoring:
    """Is told what happens, and keeps what CloudTrail and CloudWatch show of it.

    Args:
        clock: dates events and data points.
        certificate_of: the certificate that a host showed, if it showed any.
        write_log: puts an entry into CloudWatch Logs.
    """

    def __init__(
        self,
        clock: Clock,
        certificate_of: Callable[[str], PeerCertificate | None],
        write_log: Callable[[ProxyLogEntry], None],
    ) -> None:
        self._trail = Trail(clock)
        self._metrics = Metrics(clock, certificate_of)
        self._logs: deque[ProxyLogEntry] = deque(maxlen=_LOGS_KEPT)
        self._write_log = write_log

    # -- what it is told ----------------------------------------------------------

    def call_over(
        self,
        call: Call,
        trace: Trace,
        document: Mapping[str, object] | None,
        error: KmsError | None,
    ) -> None:
        """A call of the KMS API is over."""
        self._trail.note(call, trace, document, error)
        if error is None and call.operation in CRYPTO_OPERATIONS:
            for key in trace.keys:
                self._metrics.succeeded(call, key)

    def key_deleted(self, key: XksKey) -> None:
        """The waiting period of a key ended, and the key is gone."""
        self._trail.note_deletion(key)

    def throttled(self, call: Call, store: ExternalKeyStore) -> None:
        """KMS refused a request, because the key store's quota is exceeded."""
        self._metrics.throttled(call, store)

    def proxy_called(self, call: ProxyCall, answer: object) -> None:
        """A call of a proxy is over."""
        self._metrics.proxy_called(call, answer)
        entry = entry_of(call)
        if entry is not None:
            self._logs.append(entry)
            self._write_log(entry)

    def clear(self) -> None:
        """Forget all of it."""
        self._trail.clear()
        self._metrics.clear()
        self._logs.clear()

    # -- what it shows ------------------------------------------------------------

    @property
    def events(self) -> list[dict[str, object]]:
        """The CloudTrail events of all accounts and Regions."""
        return self._trail.events

    def metrics(self, regions: Iterable[AccountRegion]) -> list[MetricPoint]:
        """The data points of the XKS metrics.

        Args:
            regions: where to look for key stores, whose credentials and certificates
                grow old.
        """
        return self._metrics.points(regions)

    @property
    def logs(self) -> tuple[ProxyLogEntry, ...]:
        """What proxies said about requests that they refused."""
        return tuple(self._logs)
