"""What an operation is given besides the call: everything that it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_xks.clock import Clock
    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.operators.monitoring import Monitoring
    from pytest_xks.kms.proxy_calls.client import ProxyClient
    from pytest_xks.kms.stores.vpc import VpcEndpointService

__all__ = ["Context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that an operation may use to answer one call.

    An operation gets the context and the call; what it calls in turn gets those parts
    of them that it needs.
    """

    region: AccountRegion
    """What the caller's account has in the Region of the call."""
    trace: Trace
    """Where the operation notes what the call has to do with."""
    clock: Clock
    behaviour: Behaviour
    proxy_client: ProxyClient
    vpc_endpoint_services: Mapping[str, VpcEndpointService]
    """Those that have been declared to the fake, by name."""
    monitoring: Monitoring
    regions: Callable[[], Iterable[AccountRegion]]
    """What every account has in every Region."""
