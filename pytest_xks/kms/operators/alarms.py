"""CloudWatch alarms on the XKS metrics.

moto keeps alarms and never evaluates them. This does, when it is asked: a test that
rehearses a failing proxy can see its alarm go off. Alarms on one metric are evaluated;
math expressions and composite alarms are not.
"""

from __future__ import annotations

import operator
import statistics
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.operators.metrics import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch.client import CloudWatchClient

    from pytest_xks.kms.operators.metrics import MetricPoint

__all__ = ["AlarmState", "evaluate_alarms"]


class AlarmState(StrEnum):
    """The values of StateValue."""

    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    OK = "OK"


_STATISTICS: Mapping[str, Callable[[list[float]], float]] = {
    "Average": statistics.fmean,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Sum": sum,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


def evaluate_alarms(
    cloudwatch: CloudWatchClient,
    points: Sequence[MetricPoint],
    now: datetime,
) -> dict[str, AlarmState]:
    """Evaluate the alarms on metrics in ``AWS/KMS``, and tell CloudWatch.

    Args:
        cloudwatch: a client of moto's CloudWatch.
        points: the data points of the client's account and Region.
        now: where the last period ends.

    Returns:
        The state of each alarm that was evaluated, by its name.
    """
    states: dict[str, AlarmState] = {}
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for alarm in page.get("MetricAlarms", []):
            if alarm.get("Namespace") != NAMESPACE:
                continue
            if alarm.get("Statistic") not in _STATISTICS:
                continue
            state = _Alarm.of(alarm).state(points, now)
            states[alarm["AlarmName"]] = state
            cloudwatch.set_alarm_state(
                AlarmName=alarm["AlarmName"],
                StateValue=state.value,
                StateReason="evaluated by pytest-xks",
            )
    return states


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alarm:
    """What an alarm looks at."""

    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    comparison: str
    threshold: float
    period: timedelta
    periods: int
    needed: int
    missing: str

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> _Alarm:
        periods = alarm["EvaluationPeriods"]
        return cls(
            metric=alarm["MetricName"],
            dimensions=tuple(
                (each["Name"], each["Value"]) for each in alarm.get("Dimensions", [])
            ),
            statistic=alarm["Statistic"],
            comparison=alarm["ComparisonOperator"],
            threshold=alarm["Threshold"],
            period=timedelta(seconds=alarm["Period"]),
            periods=periods,
            needed=alarm.get("DatapointsToAlarm") or periods,
            missing=alarm.get("TreatMissingData") or "missing",
        )

    def state(self, points: Sequence[MetricPoint], now: datetime) -> AlarmState:
        """OK, ALARM, or that there is too little to say so."""
        verdicts = [
            self._breaching(self._values(points, now - number * self.period))
            for number in range(self.periods)
        ]
        if all(verdict is None for verdict in verdicts):
            return AlarmState.INSUFFICIENT_DATA
        breaching = sum(verdict is True for verdict in verdicts)
        return AlarmState.ALARM if breaching >= self.needed else AlarmState.OK

    def _values(self, points: Sequence[MetricPoint], end: datetime) -> list[float]:
        # The dimensions have to be all of them, as everywhere in CloudWatch.
        return [
            point.value
            for point in points
            if point.name == self.metric
            and sorted(point.dimensions) == sorted(self.dimensions)
            and end - self.period < point.time <= end
        ]

    def _breaching(self, values: list[float]) -> bool | None:
        if values:
            value = _STATISTICS[self.statistic](values)
            return _COMPARISONS[self.comparison](value, self.threshold)
        return {"breaching": True, "notBreaching": False}.get(self.missing)
