"""The fake KMS behind a socket, for clients in other processes.

It mocks all of AWS in this process for as long as it is served (moto knows no other
way), so the process of a server does nothing else with boto3.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from pytest_xks.clock import ServedClock
from pytest_xks.http.delivery import Delivery
from pytest_xks.http.server import HttpsServer
from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.hosts import foreign_header, is_foreign_host
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.limits import RESPONSE_DEADLINE_MS

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pytest_xks.proxy_api.http import Request

__all__ = ["VPC_PRIVATE_DNS_NAME", "ServedKms", "address_to_reach"]

# The proxy's certificate covers one label before xks.test.
VPC_PRIVATE_DNS_NAME = "vpc.xks.test"
_VPC_SERVICE_ID = "vpce-svc-0e1f2a3b4c5d6e7f8"
_RESET_PATH = "/moto-api/reset"


class ServedKms:
    """A fake KMS over HTTP, with one VPC endpoint service declared to it.

    Nothing listens before ``start``, so that ``fake`` can be configured first.

    Args:
        host: where it listens.
        port: 0 for any free one.
        region: of requests that name none.
        connect_to: routes of host names of proxies, ``HOST:443:ADDRESS:PORT``.
        trust_ca: CA certificates of proxies, in PEM, or files that hold them.
        behaviours: switches by name; see ``pytest_xks.kms.behaviour``.
        proxy_timeout_ms: how long a proxy at a socket may take.
        reach_out: whether a proxy without a route is looked up on the real network.
        allow_hosts: names in the Host of requests, besides those of this machine and
            ``host``.

    Raises:
        ValueError: one of the last three cannot be read.
        OSError: a file of ``trust_ca`` cannot be read.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = "us-east-1",
        connect_to: Iterable[str] = (),
        trust_ca: Iterable[bytes | str | os.PathLike[str]] = (),
        behaviours: Mapping[str, str] | None = None,
        proxy_timeout_ms: float = RESPONSE_DEADLINE_MS,
        reach_out: bool = False,
        allow_hosts: Iterable[str] = (),
    ) -> None:
        self.clock = ServedClock()
        """For a mock proxy in this process, too."""
        fake = FakeKms(
            clock=self.clock,
            region=region,
            reach_out=reach_out,
            proxy_timeout_ms=proxy_timeout_ms,
        )
        for route in connect_to:
            fake.connect_to(route)
        for certificate in trust_ca:
            fake.trust_ca(certificate)
        for name, value in (behaviours or {}).items():
            fake.behaviour.set_switch(name, value)
        self.fake = fake
        """Has the routes to proxies and the switches."""
        self.vpc_endpoint_service = fake.add_vpc_endpoint_service(
            VPC_PRIVATE_DNS_NAME,
            name=f"com.amazonaws.vpce.{region}.{_VPC_SERVICE_ID}",
        )
        """For key stores with VPC endpoint service connectivity."""
        self._allow_hosts = frozenset({*allow_hosts, address_to_reach(host)})
        self._resetting = threading.Lock()
        self._server = HttpsServer(
            lambda request, _peer: Delivery(response=self._answer(request)),
            context=None,
            host=host,
            port=port,
        )
        self._started: ExitStack | None = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def region(self) -> str:
        """The Region."""
        return self.fake.default_region

    @property
    def kms_endpoint_url(self) -> str:
        """Where clients find it; known once it has started."""
        address = address_to_reach(self._server.host)
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self._server.port}"

    def _answer(self, request: Request) -> Response:
        self.clock.begin_call()
        if request.path == _RESET_PATH:
            return self._answer_reset(request)
        if is_foreign_host(request, self._allow_hosts):
            return _json(
                403, {"__type": "AccessDeniedException", "message": _foreign("Host")}
            )
        return self.fake.handle(request)

    def _answer_reset(self, request: Request) -> Response:
        """As moto's server does, which asks for no token."""
        foreign = foreign_header(request, self._allow_hosts)
        if foreign:
            return _json(403, {"Error": _foreign(foreign)})
        if request.method != "POST":
            return _json(400, {"Error": "Need to POST to reset Moto"})
        with self._resetting:
            self.fake.reset()
        return _json(200, {"status": "ok"})

    def start(self) -> Self:
        """Mock AWS in this process, and listen; no-op if running.

        Raises:
            OSError: the address is not this machine's, or the port is taken.
        """
        if self._started is not None:
            return self
        with ExitStack() as starting:
            starting.enter_context(self.fake)
            starting.enter_context(self._server)
            self._started = starting.pop_all()
        return self

    def stop(self) -> None:
        """Close the port and every connection, and stop mocking; no-op if stopped."""
        started, self._started = self._started, None
        if started is not None:
            started.close()


def _foreign(header: str) -> str:
    return (
        f"The {header} is not of this machine. Start `pytest-xks serve` with "
        "--allow-host NAME to accept it."
    )


def _json(http_status: int, document: Mapping[str, str]) -> Response:
    return Response(
        status=http_status,
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(document).encode(),
    )


def address_to_reach(host: str) -> str:
    """The address at which a client of this machine finds who listens at ``host``."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
