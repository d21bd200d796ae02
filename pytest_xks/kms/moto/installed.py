"""The fakes that stand behind moto now, and what moto's requests need of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.faults import FaultBoard, Occasion
    from pytest_xks.kms.desk.call import Call, Origin
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.operators.metrics import MetricPoint

__all__ = ["InstalledKms", "installed"]


class InstalledKms(Protocol):
    """A fake KMS that gets moto's requests."""

    origin: Origin
    faults: FaultBoard

    def occasion(self, operation: str, body: bytes | str) -> Occasion:
        """What a call is about, for the faults."""

    def answer(self, call: Call, trace: Trace) -> Mapping[str, object] | None:
        """Answer a call; None if moto is to answer it; KmsError for an error."""

    def completed(self, call: Call, document: dict[str, Any]) -> Mapping[str, object]:
        """What moto answered with success, and what it leaves out."""

    def note(
        self,
        call: Call,
        trace: Trace,
        document: Mapping[str, object] | None,
        error: KmsError | None,
    ) -> None:
        """Take note of a call that is over."""

    def metric_points(self, account_id: str, region: str | None) -> list[MetricPoint]:
        """The data points of an account, in a Region or in all of them."""


installed: list[InstalledKms] = []
"""Of several, the last one answers."""
