"""``FakeKms``: the fake KMS as tests use it.

A number such as KMS-GEN-015 in a comment is a requirement of the KMS suite, which says
what AWS documents: ``pytest-xks explain KMS-GEN-015``.
"""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from pytest_xks.clock import SimulatedClock
from pytest_xks.kms.behaviour import Behaviour
from pytest_xks.kms.desk.call import Call, new_request_id
from pytest_xks.kms.desk.desk import Desk
from pytest_xks.kms.desk.server import handle
from pytest_xks.kms.moto import bridge, outgoing
from pytest_xks.kms.moto.accounts import Accounts
from pytest_xks.kms.moto.cloudwatch import write_log
from pytest_xks.kms.operators.alarms import AlarmState, evaluate_alarms
from pytest_xks.kms.operators.monitoring import Monitoring
from pytest_xks.kms.proxy_calls.network import Network, parse_connect_to
from pytest_xks.kms.sessions import DEFAULT_REGION, isolated_config, shared_session
from pytest_xks.kms.stores.snapshot import snapshot_of
from pytest_xks.kms.stores.vpc import VpcEndpointService
from pytest_xks.proxy_api.limits import RESPONSE_DEADLINE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_kms.client import KMSClient

    from pytest_xks.clock import Clock
    from pytest_xks.faults import ArmedFault
    from pytest_xks.http.client import Transport
    from pytest_xks.kms.operators.logs import ProxyLogEntry
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.stores.snapshot import KeyStoreSnapshot
    from pytest_xks.kms.stores.store import ExternalKeyStore
    from pytest_xks.kms.stores.vpc import VpcProblem
    from pytest_xks.proxy_api.http import Request, Response
    from pytest_xks.proxy_api.messages import HealthStatus

__all__ = ["FakeKms"]

# What moto sets while it mocks, and does not always restore.
_MOCKED_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class FakeKms:
    """AWS KMS with external key stores, in this process.

    It runs from ``start`` to ``stop``, or as a context manager. Meanwhile every boto3
    client talks to moto, whose KMS has external key stores.

    Args:
        clock: what time it is; by default a simulated one, which a test can advance.
        region: the default Region.
        reach_out: whether a proxy whose host name has no route (see ``connect_to``) is
            looked up on the real network; by default it cannot be reached.
        proxy_timeout_ms: how long a proxy at a socket may take, for slow machines. A
            mock proxy in this process has AWS's 250 ms, on its clock.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        region: str = DEFAULT_REGION,
        reach_out: bool = False,
        proxy_timeout_ms: float = RESPONSE_DEADLINE_MS,
    ) -> None:
        self.clock: Clock = clock or SimulatedClock()
        self.default_region = region
        self.behaviour = Behaviour()
        """Switches for the places where AWS contradicts itself."""
        self.vpc_endpoint_services: dict[str, VpcEndpointService] = {}
        self._network = Network(reach_out=reach_out, timeout_ms=proxy_timeout_ms)
        self._accounts = Accounts()
        self._monitoring = Monitoring(
            self.clock, self._network.certificate_of, write_log
        )
        self._desk = Desk(
            clock=self.clock,
            behaviour=self.behaviour,
            network=self._network,
            accounts=self._accounts,
            monitoring=self._monitoring,
            vpc_endpoint_services=self.vpc_endpoint_services,
        )
        self._numbers = itertools.count(1)
        self._kept: list[KeyStoreSnapshot] = []
        self._moto: Any = None
        self._environment: dict[str, str | None] = {}

    def __repr__(self) -> str:
        """Whether it is running, and its default Region."""
        state = "started" if self._moto else "stopped"
        return f"FakeKms({self.default_region!r}, {state})"

    # -- from start to stop -------------------------------------------------------

    def start(self) -> Self:
        """Start; no-op if running."""
        if self._moto is None:
            self._environment = {
                name: os.environ.get(name) for name in _MOCKED_VARIABLES
            }
            self._moto = bridge.mock_aws()
            self._moto.start()
            outgoing.keep_inside()
            self.install()
        return self

    def stop(self) -> None:
        """Stop, and leave nothing behind; no-op if stopped.

        What was noted (``cloudtrail``, ``metrics``, ``logs``) stays readable.
        """
        if self._moto is None:
            return
        mock, self._moto = self._moto, None
        self.uninstall()
        outgoing.let_out()
        mock.stop()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def install(self) -> Self:
        """Answer for KMS within every ``mock_aws`` from now on; mocks nothing itself.

        Key stores and keys are gone when moto is reset, as is everything of moto's.
        """
        bridge.install(self._desk)
        return self

    def uninstall(self) -> None:
        """Undo ``install``."""
        self._network.close()
        self._accounts.clear()
        bridge.uninstall(self._desk)

    def keep_key_store(self, custom_key_store_id: str) -> None:
        """Have a key store there again after every reset, as it is now.

        Raises:
            KmsError: no such store in the fake's own account and Region.
        """
        self._kept.append(snapshot_of(self._store(custom_key_store_id)))

    def reset(self) -> None:
        """Forget what every account has in AWS, and what operators saw.

        Key stores that are kept are there again: connected, without a KMS key. Routes,
        behaviour and faults stay as they are.
        """
        bridge.reset()
        self._monitoring.clear()
        for each in self._kept:
            region = self._accounts.region(each.account_id, each.region)
            region.stores[each.id] = each.restored(self.clock)

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
        return os.environ.get("MOTO_ACCOUNT_ID", bridge.DEFAULT_ACCOUNT_ID)

    @overload
    def client(
        self,
        region: str | None = None,
        service: Literal["kms"] = "kms",
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> KMSClient: ...

    @overload
    def client(
        self,
        region: str | None = None,
        *,
        service: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> Any: ...  # noqa: ANN401 - boto3-stubs need not have this service

    @overload
    def client(
        self,
        region: str | None,
        service: str,
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> Any: ...  # noqa: ANN401 - likewise

    def client(
        self,
        region: str | None = None,
        service: str = "kms",
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> Any:
        """A boto3 client of the fake.

        It does not retry, so that a test that counts requests counts each once
        (KMS-GEN-015), and a test that expects an error need not wait.

        Args:
            region: the Region; the fake's own by default.
            service: another of moto's services, e.g. ``cloudwatch``.
            access_key_id: one from moto's IAM or STS; by default a made-up one.
            secret_access_key: likewise.
        """
        return shared_session().client(
            cast("Any", service),
            region_name=region or self.default_region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            verify=True,
            config=isolated_config(),
        )

    def handle(self, request: Request) -> Response:
        """Answer an HTTP request of an AWS client; for servers."""
        return handle(request, self.default_region)

    # -- the way to proxies -------------------------------------------------------

    def connect_to(
        self, host: str, target: Transport | tuple[str, int] | str | None = None
    ) -> None:
        """Route a proxy's host name, at port 443, to a socket or a transport.

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
            private_dns_name: the host name in the XksProxyUriEndpoint.
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
        """A number that was not returned before; for unique names."""
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
        """Let calls within the block come from another caller or network.

        Args:
            principal_arn: the caller, in awsPrincipalArn.
            source_vpc: the VPC, in awsSourceVpc.
            source_vpce: the VPC endpoint, in awsSourceVpce.
            via_service: the AWS service that calls KMS, in kmsViaService.
        """
        before = self._desk.origin
        changes = {
            "principal_arn": principal_arn,
            "source_vpc": source_vpc,
            "source_vpce": source_vpce,
            "via_service": via_service,
        }
        self._desk.origin = replace(
            before, **{name: value for name, value in changes.items() if value}
        )
        try:
            yield
        finally:
            self._desk.origin = before

    def fault(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        name: str,
        *,
        operation: str | None = None,
        key_store: str | None = None,
        external_key_id: str | None = None,
        times: int | None = None,
        after: int = 0,
        every: int = 1,
        rate: float = 1.0,
        seed: int = 0,
        **options: object,
    ) -> ArmedFault:
        """Misbehave from now on; as a context manager, until the end of the block.

        Args:
            name: a name of the catalogue, e.g. ``"key-store-names-not-unique"``,
                ``"KMSInternalException"``.
            operation: in this operation of the KMS API only.
            key_store: in calls about this key store only: its id, or its name.
            external_key_id: in calls about a KMS key with this external key only.
            times: this often, then behave again; always by default.
            after: only after so many calls that it would have struck.
            every: only at every so many-th: with 3 at the third, the sixth.
            rate: only with this probability, above 0 and at most 1.
            seed: of the rate and of random delays; the same one gives the same ones.
            options: the fault's own, e.g. ``message="..."``.

        Raises:
            LookupError: no fault of that name; the message names the nearest.
            TypeError: an option that the fault does not have, or of another type.
            ValueError: a value out of bounds, or an operation that the fault does not
                concern.
        """
        return self._desk.faults.arm(
            name,
            operation=operation,
            key_store=key_store,
            external_key_id=external_key_id,
            times=times,
            after=after,
            every=every,
            rate=rate,
            seed=seed,
            **options,
        )

    @property
    def unused_faults(self) -> tuple[ArmedFault, ...]:
        """The faults that have been armed and never hit."""
        return self._desk.faults.never_hit()

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
        """Let KMS consider the proxy of a store unhealthy, within the block.

        The documents have a message for it (KMS-FAIL-018) and do not say what a proxy
        has to do to get it.

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
            request_id=new_request_id(),
            principal_arn="AWS Internal",
        )
        return self._desk.proxy_client.get_health_status(call, store.proxy)

    def _store(self, custom_key_store_id: str) -> ExternalKeyStore:
        region = self._accounts.region(self.account_id, self.default_region)
        return region.store(custom_key_store_id)

    # -- what operators see -------------------------------------------------------

    @property
    def cloudtrail(self) -> list[dict[str, object]]:
        """Every CloudTrail event so far, of all accounts and Regions."""
        return self._monitoring.events

    @property
    def metrics(self) -> list[MetricPoint]:
        """Every data point of the XKS metrics; moto's CloudWatch shows them too."""
        return self._monitoring.metrics(self._accounts.regions())

    def evaluate_alarms(self, region: str | None = None) -> dict[str, AlarmState]:
        """Evaluate the alarms on XKS metrics; CloudWatch does so every minute.

        Args:
            region: the Region of the alarms; the fake's own by default.

        Returns:
            The state of each alarm that was evaluated, by its name.
        """
        name = region or self.default_region
        points = self._desk.metric_points(self.account_id, name)
        client = self.client(name, service="cloudwatch")
        return evaluate_alarms(client, points, self.clock.now())

    @property
    def logs(self) -> tuple[ProxyLogEntry, ...]:
        """What proxies said about requests that they refused."""
        return self._monitoring.logs


def _host_name(host: str) -> str:
    return host.removeprefix("https://").removesuffix(":443")
