"""``FakeKms``: the fake KMS as its users hold it."""

from __future__ import annotations

import itertools
import os
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from botocore.config import Config

from pytest_xks.clock import SimulatedClock
from pytest_xks.kms.behaviour import Behaviour
from pytest_xks.kms.desk.call import Call, Origin
from pytest_xks.kms.desk.dispatch import CRYPTOGRAPHIC, answer
from pytest_xks.kms.desk.server import handle
from pytest_xks.kms.faults.armed import FaultBoard
from pytest_xks.kms.moto import bridge as moto_bridge
from pytest_xks.kms.operators.alarms import AlarmState, evaluate_alarms
from pytest_xks.kms.operators.cloudtrail import Trail
from pytest_xks.kms.operators.logs import LOG_GROUP, ProxyLogEntry, entry_of
from pytest_xks.kms.operators.metrics import Metrics
from pytest_xks.kms.proxy_calls.client import ProxyClient
from pytest_xks.kms.proxy_calls.network import Network, parse_connect_to
from pytest_xks.kms.sessions import isolated_session
from pytest_xks.kms.stores.models import World
from pytest_xks.kms.stores.vpc import VpcEndpointService

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import boto3
    from botocore.client import BaseClient

    from pytest_xks.clock import Clock
    from pytest_xks.http.client import Transport
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.faults.armed import ArmedFault
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.proxy_calls.client import ProxyCall
    from pytest_xks.kms.stores.models import ExternalKeyStore, Region, XksKey
    from pytest_xks.kms.stores.vpc import VpcProblem
    from pytest_xks.proxy_api.http import Request, Response
    from pytest_xks.proxy_api.messages import HealthStatus

__all__ = ["FakeKms"]

DEFAULT_REGION = "us-east-1"
# Of the form of real ones, so that nobody's scanner finds a secret.
_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_NOT_A_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's example
# A server may run for days.
_LOGS_KEPT = 100_000
# What moto sets while it mocks, and does not always restore.
_MOCKED_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class FakeKms:
    """AWS KMS with external key stores, in this process.

    It works from ``start`` to ``stop``, or as a context manager; while it does, every
    boto3 client talks to moto, and its KMS has external key stores.

    Args:
        clock: what time it is; one that a test can move, by default.
        region: the Region of ``client`` and of everything that names none.
        reach_out: whether a proxy whose host name is not led elsewhere is looked for on
            the real network; by default nothing is at it.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        region: str = DEFAULT_REGION,
        reach_out: bool = False,
    ) -> None:
        self.clock: Clock = clock or SimulatedClock()
        self.default_region = region
        self.behaviour = Behaviour()
        """Switches for the places where AWS contradicts itself."""
        self.origin = Origin()
        """From where callers call; see ``requests_from``."""
        self.faults = FaultBoard()
        """What it does wrong now; see ``fault``."""
        self.vpc_endpoint_services: dict[str, VpcEndpointService] = {}
        self._network = Network(reach_out=reach_out)
        self._trail = Trail(self.clock)
        self._metrics = Metrics(self.clock, self._network.certificate_of)
        self._logs: deque[ProxyLogEntry] = deque(maxlen=_LOGS_KEPT)
        self._bridge = moto_bridge.Bridge(self)
        self._proxy_client = ProxyClient(
            self._network, self.clock, self.behaviour, self._proxy_called
        )
        self.world = World(
            clock=self.clock,
            behaviour=self.behaviour,
            proxy_client=self._proxy_client,
            vpc_endpoint_services=self.vpc_endpoint_services,
            regions=self._bridge.regions,
            deleted=self._key_deleted,
            throttled=self._metrics.throttled,
        )
        self._numbers = itertools.count(1)
        self._moto: Any = None
        self._environment: dict[str, str | None] = {}

    def __repr__(self) -> str:
        """Whether it works, and in which Region."""
        state = "started" if self._moto else "stopped"
        return f"FakeKms({self.default_region!r}, {state})"

    # -- from start to stop -------------------------------------------------------

    def start(self) -> Self:
        """Begin; harmless if it has begun."""
        if self._moto is None:
            self._environment = {
                name: os.environ.get(name) for name in _MOCKED_VARIABLES
            }
            self._moto = moto_bridge.mock_aws()
            self._moto.start()
            self.install()
        return self

    def stop(self) -> None:
        """End, and leave nothing behind; harmless if it has ended.

        What was noted (``cloudtrail``, ``metrics``, ``logs``) stays readable.
        """
        if self._moto is None:
            return
        mock, self._moto = self._moto, None
        self.uninstall()
        mock.stop()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def install(self) -> Self:
        """Stand behind every ``mock_aws`` from now on, without mocking AWS oneself.

        Key stores and keys go when moto is reset, as all that moto has.
        """
        self._bridge.install()
        return self

    def uninstall(self) -> None:
        """Undo ``install``."""
        self._network.close()
        self._bridge.uninstall()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    # -- clients ------------------------------------------------------------------

    @property
    def account_id(self) -> str:
        """The account that clients belong to."""
        return os.environ.get("MOTO_ACCOUNT_ID", moto_bridge.DEFAULT_ACCOUNT_ID)

    def client(
        self,
        region: str | None = None,
        service: str = "kms",
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> Any:  # noqa: ANN401 - the type of a client is made when the program runs
        """A boto3 client of the fake.

        It does not retry, so that a test that counts requests counts each once
        (KMS-GEN-015), and one that expects an error does not wait for it.

        Args:
            region: the Region; the fake's own by default.
            service: another of moto's services, e.g. ``cloudwatch``.
            access_key_id: whose client it is, if moto's IAM or STS gave credentials.
            secret_access_key: likewise.
        """
        client: BaseClient = _session().client(
            cast("Any", service),
            region_name=region or self.default_region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(
                # The standard mode would write into every error that it gave up.
                retries={"mode": "legacy", "total_max_attempts": 1},
                ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # stubs
            ),
        )
        return client

    def handle(self, request: Request) -> Response:
        """Answer an HTTP request of any AWS client, for whoever runs a server."""
        return handle(request, self.default_region)

    # -- the way to proxies -------------------------------------------------------

    def connect_to(
        self, host: str, target: Transport | tuple[str, int] | str | None = None
    ) -> None:
        """Lead a proxy's host name, at port 443, to somewhere else.

        Args:
            host: a host name, an XksProxyUriEndpoint, or all of it in curl's syntax:
                ``*.xks.test:443:127.0.0.1:9443``. ``*.`` stands for any labels.
            target: a transport, or a socket as ``("127.0.0.1", 9443)`` or
                ``"127.0.0.1:9443"``.

        Raises:
            ValueError: it cannot be read.
        """
        if target is None:
            host, target = parse_connect_to(host)
        elif isinstance(target, str):
            _, target = parse_connect_to(f"{_host_name(host)}:443:{target}")
        self._network.connect_to(_host_name(host), target)

    def trust_ca(self, certificate: bytes | str | os.PathLike[str]) -> None:
        """Trust a certificate authority for the certificates of proxies.

        Args:
            certificate: in PEM, or the path of a file that holds it.

        Raises:
            OSError: the file cannot be read.
        """
        pem = (
            certificate
            if isinstance(certificate, bytes)
            else Path(certificate).read_bytes()
        )
        self._network.trust_ca(pem)

    def add_vpc_endpoint_service(
        self,
        private_dns_name: str,
        *,
        name: str | None = None,
        owner: str | None = None,
        problems: Iterable[VpcProblem] = (),
    ) -> VpcEndpointService:
        """Declare a VPC endpoint service, with whatever is wrong with it.

        Args:
            private_dns_name: what stands after ``https://`` in the endpoint.
            name: ``com.amazonaws.vpce.<Region>.vpce-svc-<id>``; made up by default.
            owner: the account that owns it; the caller's by default.
            problems: what is wrong with it.
        """
        number = self.next_number()
        service = VpcEndpointService(
            name=name
            or f"com.amazonaws.vpce.{self.default_region}.vpce-svc-{number:017x}",
            owner=owner or self.account_id,
            private_dns_name=private_dns_name,
            problems=set(problems),
        )
        self.vpc_endpoint_services[service.name] = service
        return service

    # -- what users may change ----------------------------------------------------

    def next_number(self) -> int:
        """A number that it has not given before; for names."""
        return next(self._numbers)

    @contextmanager
    def requests_from(
        self,
        *,
        principal_arn: str | None = None,
        source_vpc: str | None = None,
        source_vpce: str | None = None,
        via_service: str | None = None,
    ) -> Iterator[None]:
        """Let calls within the block come from elsewhere.

        Args:
            principal_arn: the caller, in awsPrincipalArn.
            source_vpc: the VPC, in awsSourceVpc.
            source_vpce: the VPC endpoint, in awsSourceVpce.
            via_service: the AWS service that calls KMS, in kmsViaService.
        """
        before = self.origin
        changes = {
            "principal_arn": principal_arn,
            "source_vpc": source_vpc,
            "source_vpce": source_vpce,
            "via_service": via_service,
        }
        self.origin = replace(
            before, **{name: value for name, value in changes.items() if value}
        )
        try:
            yield
        finally:
            self.origin = before

    def fault(self, name: str) -> ArmedFault:
        """Misbehave from now on; as a context manager, until the end of the block.

        Args:
            name: a name of the catalogue, e.g. ``"store-names-not-unique"``.

        Raises:
            LookupError: no fault of that name; the message names the nearest.
        """
        return self.faults.arm(name)

    @property
    def unused_faults(self) -> tuple[ArmedFault, ...]:
        """The faults that have been armed and never hit."""
        return self.faults.never_hit()

    def set_request_quota(
        self, custom_key_store_id: str, requests_per_second: float
    ) -> None:
        """Adjust the request quota of one store, as AWS Support does.

        Raises:
            KmsError: no such store in the fake's own account and Region.
        """
        store = self._store(custom_key_store_id)
        store.requests_per_second = requests_per_second

    @contextmanager
    def unhealthy_proxy(self, custom_key_store_id: str) -> Iterator[None]:
        """Let KMS take the proxy of a store to be broken, within the block.

        The documents have a message for it (KMS-FAIL-018) and do not say what a proxy
        does to get it.

        Raises:
            KmsError: no such store in the fake's own account and Region.
        """
        store = self._store(custom_key_store_id)
        store.unhealthy = True
        try:
            yield
        finally:
            store.unhealthy = False

    def check_health(self, custom_key_store_id: str) -> HealthStatus:
        """Make the health check that KMS makes every few minutes (KMS-CRYPTO-005).

        Raises:
            KmsError: no such store in the fake's own account and Region.
            ProxyFailure: the proxy did not answer, or is not healthy.
        """
        store = self._store(custom_key_store_id)
        call = Call(
            operation="KmsHealthCheck",
            parameters={},
            account_id=self.account_id,
            region=self.default_region,
            request_id=moto_bridge.new_request_id(),
            principal_arn="AWS Internal",
        )
        return self._proxy_client.get_health_status(call, store.target)

    def _store(self, custom_key_store_id: str) -> ExternalKeyStore:
        region = self._bridge.region(self.account_id, self.default_region)
        return region.store(custom_key_store_id)

    # -- what operators see -------------------------------------------------------

    @property
    def cloudtrail(self) -> list[dict[str, object]]:
        """Every CloudTrail event so far, of all accounts and Regions."""
        return self._trail.events

    @property
    def metrics(self) -> list[MetricPoint]:
        """Every data point of the XKS metrics; moto's CloudWatch has them too."""
        return self._metrics.points(self._bridge.regions())

    def evaluate_alarms(self, region: str | None = None) -> dict[str, AlarmState]:
        """Evaluate the alarms on XKS metrics; CloudWatch does so every minute.

        Args:
            region: the Region of the alarms; the fake's own by default.

        Returns:
            The state of each alarm that was evaluated, by its name.
        """
        name = region or self.default_region
        points = self.metric_points(self.account_id, name)
        client = self.client(name, service="cloudwatch")
        return evaluate_alarms(client, points, self.clock.now())

    @property
    def logs(self) -> tuple[ProxyLogEntry, ...]:
        """What proxies said about requests that they refused."""
        return tuple(self._logs)

    # -- what the other files tell it ---------------------------------------------

    def answer(self, region: Region, call: Call) -> Mapping[str, object] | None:
        """Answer a call; None if moto is to answer it.

        Raises:
            KmsError: an answer other than success.
        """
        return answer(region, call)

    def note(
        self,
        call: Call,
        document: Mapping[str, object] | None,
        error: KmsError | None,
    ) -> None:
        """Take note of a call that is over."""
        self._trail.note(call, document, error)
        if error is None and call.keys and call.operation in CRYPTOGRAPHIC:
            for key in call.keys:
                self._metrics.succeeded(call, key)

    def metric_points(self, account_id: str, region: str | None) -> list[MetricPoint]:
        """The data points of an account, in a Region or in all of them."""
        return [
            point
            for point in self.metrics
            if point.account_id == account_id and region in {None, point.region}
        ]

    def _proxy_called(self, call: ProxyCall, result: object) -> None:
        self._metrics.proxy_called(call, result)
        entry = entry_of(call)
        if entry is None:
            return
        self._logs.append(entry)
        moto_bridge.write_log(
            account_id=entry.account_id,
            region=entry.region,
            group=LOG_GROUP,
            stream=entry.stream,
            timestamp_ms=int(entry.time.timestamp() * 1000),
            message=entry.message,
        )

    def _key_deleted(self, key: XksKey) -> None:
        self._trail.note_deletion(key, key.store.region.name)


@cache
def _session() -> boto3.Session:
    # Loading the service models takes 100 ms; clients of one session share them.
    return isolated_session(
        access_key_id=_ACCESS_KEY_ID,
        secret_access_key=_NOT_A_SECRET,
        region=DEFAULT_REGION,
    )


def _host_name(host: str) -> str:
    return host.removeprefix("https://").removesuffix(":443")
