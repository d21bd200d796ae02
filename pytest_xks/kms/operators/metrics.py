"""The CloudWatch metrics of external key stores (KMS-METRIC).

Data points are kept here; moto's CloudWatch reads them when it is asked.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_xks.kms.proxy_calls.error_mapping import FAILURES
from pytest_xks.proxy_api.messages import HealthStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from pytest_xks.clock import Clock
    from pytest_xks.http.client import PeerCertificate
    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.proxy_calls.client import ProxyCall
    from pytest_xks.kms.proxy_calls.error_mapping import FailureScenario
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["NAMESPACE", "MetricPoint", "Metrics"]

NAMESPACE = "AWS/KMS"

# KMS-METRIC-008: always this one.
_KEY_SPEC = ("KeySpec", "SYMMETRIC_DEFAULT")
_DAY = timedelta(days=1)
_COUNT = "Count"
# A server may run for days.
_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One data point of a metric."""

    account_id: str
    region: str
    time: datetime
    name: str
    dimensions: tuple[tuple[str, str], ...]
    value: float
    unit: str


class Metrics:
    """Makes data points of what happens between KMS and proxies.

    Args:
        clock: dates the data points.
        certificate_of: the certificate that a host showed, if it showed any.
    """

    def __init__(
        self,
        clock: Clock,
        certificate_of: Callable[[str], PeerCertificate | None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._certificate_of = certificate_of
        self._calls: deque[tuple[ProxyCall, HealthStatus | None]] = deque(maxlen=_KEPT)
        self._successes: deque[tuple[datetime, Call, XksKey]] = deque(maxlen=_KEPT)
        self._points: deque[MetricPoint] = deque(maxlen=_KEPT)

    def proxy_called(self, call: ProxyCall, answer: object) -> None:
        """A call of a proxy is over; kept as it is until data points are read."""
        health = answer if isinstance(answer, HealthStatus) else None
        self._calls.append((call, health))

    def throttled(self, call: Call, store: ExternalKeyStore) -> None:
        """KMS refused a request, because the store's quota is exceeded."""
        self._points.append(
            MetricPoint(
                account_id=store.account_id,
                region=store.region,
                time=self._clock.now(),
                name="ExternalKeyStoreThrottle",
                dimensions=(
                    ("CustomKeyStoreId", store.id),
                    ("KmsOperation", call.operation),
                    _KEY_SPEC,
                ),
                value=1,
                unit=_COUNT,
            )
        )

    def succeeded(self, call: Call, key: XksKey) -> None:
        """A cryptographic operation with a key succeeded; likewise."""
        self._successes.append((self._clock.now(), call, key))

    def clear(self) -> None:
        """Forget everything."""
        self._calls.clear()
        self._successes.clear()
        self._points.clear()

    def points(self, regions: Iterable[AccountRegion]) -> list[MetricPoint]:
        """The data points so far; of a very long run the newest.

        Args:
            regions: where to look for stores, whose credentials and certificates grow
                old.
        """
        made = [
            point for call, health in self._calls for point in _of_call(call, health)
        ]
        successes = [_of_success(*each) for each in self._successes]
        stores = [store for region in regions for store in region.stores.values()]
        ages = [
            point
            for store in stores
            if store.connected
            for point in self._of_store(store)
        ]
        return [*made, *successes, *self._points, *ages]

    def _of_store(self, store: ExternalKeyStore) -> Iterator[MetricPoint]:
        now = self._clock.now()
        dimension = ("CustomKeyStoreId", store.id)

        def point(
            name: str, dimensions: tuple[tuple[str, str], ...], age: timedelta
        ) -> MetricPoint:
            return MetricPoint(
                account_id=store.account_id,
                region=store.region,
                # In the past, so that a period that ends now has it.
                time=now - timedelta(seconds=1),
                name=name,
                dimensions=dimensions,
                value=age / _DAY,
                unit="None",
            )

        yield point("XksProxyCredentialAge", (dimension,), now - store.credential_set)
        # KMS-METRIC-003. In-process there is no TLS, and nothing to expire.
        certificate = self._certificate_of(store.proxy.host)
        if certificate is not None:
            name = ("CertificateName", certificate.common_name)
            left = certificate.not_after - now
            yield point("XksProxyCertificateDaysToExpire", (dimension, name), left)


def _of_call(call: ProxyCall, health: HealthStatus | None) -> Iterator[MetricPoint]:
    store_id = call.proxy.custom_key_store_id
    if store_id is None:
        return
    store = ("CustomKeyStoreId", store_id)
    operation = (
        store,
        ("KmsOperation", call.kms_operation),
        ("XksOperation", str(call.xks_operation)),
        _KEY_SPEC,
    )
    kind, exception = _error_of(call.scenario)
    error = (*operation, ("ErrorType", kind), ("ExceptionName", exception))
    yield _point(call, "XksProxyErrors", error, 1, _COUNT)
    yield _point(call, "XksProxyLatency", operation, call.latency_ms, "Milliseconds")
    if health is None:
        return
    states = [detail.health_status for detail in health.ekm_fleet_details]
    for state in ("Active", "Degraded", "Unavailable"):
        dimensions = (store, ("XksExternalKeyManagerState", state))
        number = states.count(state.upper())
        yield _point(call, "XksExternalKeyManagerStates", dimensions, number, _COUNT)


def _of_success(time: datetime, call: Call, key: XksKey) -> MetricPoint:
    return MetricPoint(
        account_id=key.account_id,
        region=call.region,
        time=time,
        name="SuccessfulRequest",
        dimensions=(("KeyArn", key.arn), ("Operation", call.operation)),
        value=1,
        unit=_COUNT,
    )


def _point(
    call: ProxyCall,
    name: str,
    dimensions: tuple[tuple[str, str], ...],
    value: float,
    unit: str,
) -> MetricPoint:
    return MetricPoint(
        account_id=call.proxy.account_id,
        region=call.proxy.region,
        time=call.time,
        name=name,
        dimensions=dimensions,
        value=value,
        unit=unit,
    )


def _error_of(scenario: FailureScenario | None) -> tuple[str, str]:
    # KMS-METRIC-005: ErrorType and ExceptionName.
    if scenario is None:
        return "N/A", "None"
    failure = FAILURES[scenario]
    kind = "Retryable" if failure.retryable else "Non-retryable"
    return kind, failure.exception_name or str(scenario)
