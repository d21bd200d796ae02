"""What stands behind moto's requests: the interface between the bridge and the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Call, Origin
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.faults.armed import FaultBoard
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.stores.models import Region, World

__all__ = ["Host"]


class Host(Protocol):
    """Whom moto's requests are led to."""

    world: World
    origin: Origin
    faults: FaultBoard

    def answer(self, region: Region, call: Call) -> Mapping[str, object] | None:
        """Answer a call; None if moto is to answer it; KmsError for an error."""

    def note(
        self,
        call: Call,
        document: Mapping[str, object] | None,
        error: KmsError | None,
    ) -> None:
        """Take note of a call that is over."""

    def metric_points(self, account_id: str, region: str | None) -> list[MetricPoint]:
        """The data points of an account, in a Region or in all of them."""
