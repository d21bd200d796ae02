"""The desk of a fake KMS: where every call of the KMS API arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import FaultBoard, Occasion
from pytest_xks.kms.desk.call import Origin
from pytest_xks.kms.desk.context import Context
from pytest_xks.kms.desk.dispatch import answer, completed
from pytest_xks.kms.desk.occasions import occasion_of
from pytest_xks.kms.faults.catalogue import CATALOGUE
from pytest_xks.kms.proxy_calls.client import ProxyClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.clock import Clock
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.moto.accounts import Accounts
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.operators.monitoring import Monitoring
    from pytest_xks.kms.proxy_calls.network import Network
    from pytest_xks.kms.stores.vpc import VpcEndpointService

__all__ = ["Desk"]


class Desk:
    """Answers the calls of all accounts and Regions.

    Args:
        clock: what time it is.
        behaviour: the switches.
        network: the way to proxies.
        accounts: what accounts have in Regions.
        monitoring: what operators see.
        vpc_endpoint_services: those that there are, by name.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, the parts of a fake
        self,
        *,
        clock: Clock,
        behaviour: Behaviour,
        network: Network,
        accounts: Accounts,
        monitoring: Monitoring,
        vpc_endpoint_services: Mapping[str, VpcEndpointService],
    ) -> None:
        self.origin = Origin()
        """From where callers call now."""
        self.faults = FaultBoard(CATALOGUE)
        """The faults that are armed."""
        self.proxy_client = ProxyClient(
            network, clock, behaviour, monitoring.proxy_called
        )
        self._clock = clock
        self._behaviour = behaviour
        self._accounts = accounts
        self._monitoring = monitoring
        self._vpc_endpoint_services = vpc_endpoint_services

    def occasion(self, operation: str, body: bytes | str) -> Occasion:
        """What a call is about, for the faults that are armed.

        Args:
            operation: what its header says.
            body: as it was sent; it may be anything.
        """
        if not any(
            each.key_store or each.external_key_id for each in self.faults.armed
        ):
            return Occasion(operation=operation)
        try:
            parameters = json.loads(body)
        except (ValueError, RecursionError):
            parameters = None
        if not isinstance(parameters, dict):
            return Occasion(operation=operation)
        return occasion_of(operation, parameters, self._accounts.regions())

    def answer(self, call: Call, trace: Trace) -> Mapping[str, object] | None:
        """Answer a call; None if moto is to answer it.

        Args:
            call: the call.
            trace: gets what the call has to do with.

        Raises:
            KmsError: an answer other than success.
        """
        context = Context(
            region=self._accounts.region(call.account_id, call.region),
            trace=trace,
            clock=self._clock,
            behaviour=self._behaviour,
            proxy_client=self.proxy_client,
            vpc_endpoint_services=self._vpc_endpoint_services,
            monitoring=self._monitoring,
            regions=self._accounts.regions,
        )
        return answer(context, call)

    def completed(self, call: Call, document: dict[str, Any]) -> Mapping[str, object]:
        """What moto answered with success, and what it leaves out.

        Args:
            call: the call.
            document: the answer of moto.

        Raises:
            KmsError: an answer other than success.
        """
        region = self._accounts.region(call.account_id, call.region)
        return completed(region, call, document, self._clock.now())

    def note(
        self,
        call: Call,
        trace: Trace,
        document: Mapping[str, object] | None,
        error: KmsError | None,
    ) -> None:
        """Take note of a call that is over.

        Args:
            call: the call.
            trace: what it had to do with.
            document: the response; None if moto gave it or there is none.
            error: what the call failed with.
        """
        self._monitoring.call_over(call, trace, document, error)

    def metric_points(self, account_id: str, region: str | None) -> list[MetricPoint]:
        """The data points of an account, in a Region or in all of them."""
        return [
            point
            for point in self._monitoring.metrics(self._accounts.regions())
            if point.account_id == account_id and region in {None, point.region}
        ]
