"""XKS metrics in moto's CloudWatch, and log entries in its CloudWatch Logs.

Subclasses of ``CloudWatchMetricProvider`` are asked for metrics at every reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.common_models import CloudWatchMetricProvider

from pytest_xks.kms.moto.installed import installed
from pytest_xks.kms.operators.logs import LOG_GROUP
from pytest_xks.kms.operators.metrics import NAMESPACE

if TYPE_CHECKING:
    from pytest_xks.kms.operators.logs import ProxyLogEntry
    from pytest_xks.kms.operators.metrics import MetricPoint

__all__ = ["XksMetrics", "write_log"]


class XksMetrics(CloudWatchMetricProvider):
    """Tells moto's CloudWatch of the metrics of external key stores."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str | None = None) -> list[Any]:
        """The data points of an account; moto 5.0 does not say in which Region."""
        # Slow to import, and here already: moto's CloudWatch is what asks.
        from moto.cloudwatch.models import MetricDatum  # noqa: PLC0415

        def datum(point: MetricPoint) -> Any:  # noqa: ANN401 - moto's own
            made = MetricDatum(
                namespace=NAMESPACE,
                name=point.name,
                value=float(point.value),
                dimensions=[
                    {"Name": name, "Value": value} for name, value in point.dimensions
                ],
                timestamp=None,  # That is now, for the moment.
                unit=point.unit,
            )
            # moto 5.0 has aware times there, and later ones naive.
            made.timestamp = point.time.replace(tzinfo=made.timestamp.tzinfo)
            return made

        return [
            datum(point)
            for kms in installed
            for point in kms.metric_points(account_id, region)
        ]


def write_log(entry: ProxyLogEntry) -> None:
    """Put an entry into moto's CloudWatch Logs, with log group and log stream."""
    # Slow to import, and needed only when a proxy complains.
    from moto.logs.models import logs_backends  # noqa: PLC0415

    backend = logs_backends[entry.account_id][entry.region]
    if LOG_GROUP not in backend.groups:
        backend.create_log_group(LOG_GROUP, {})
    if entry.stream not in backend.groups[LOG_GROUP].streams:
        backend.create_log_stream(LOG_GROUP, entry.stream)
    event = {
        "timestamp": int(entry.time.timestamp() * 1000),
        "message": entry.message,
    }
    backend.put_log_events(LOG_GROUP, entry.stream, [event])
