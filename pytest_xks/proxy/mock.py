"""The mock XKS proxy as its users hold it: stores, keys, faults, journal, and a port.

A ``MockXksProxy`` works in-process from the start. ``start_https`` listens on a
loopback port as well; both lead to the same core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from pytest_xks.clock import SimulatedClock
from pytest_xks.proxy.core import ProxyCore
from pytest_xks.proxy.expectations import expect_requests
from pytest_xks.proxy.keys import KeyStatus, KeyUsage
from pytest_xks.proxy.stores import ProxyKeyStore
from pytest_xks.proxy.transports.in_process import InProcessTransport
from pytest_xks.proxy.transports.listener import ProxyListener
from pytest_xks.proxy.transports.mounting import mount
from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.limits import RESPONSE_DEADLINE_MS
from pytest_xks.proxy_api.messages import CONTENT_TYPE, render
from pytest_xks.proxy_api.sigv4 import sign
from pytest_xks.proxy_api.uri import path_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import responses

    from pytest_xks.faults import ArmedFault
    from pytest_xks.http.certificates import CertificateAuthority
    from pytest_xks.http.client import Transport
    from pytest_xks.proxy.admission import Deny, RequestQuota
    from pytest_xks.proxy.health import ProxyFleet
    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy.keys import ExternalKey, ExternalKeyProperties
    from pytest_xks.proxy_api.http import Response
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "DEFAULT_URI_PATH",
    "MockXksProxy",
    "MockXksProxyOptions",
    "add_keys_by_role",
    "core_of",
    "proxy_with_keys",
]

DEFAULT_URI_PATH = "/example/uri/path/prefix/kms/xks/v1"
DEFAULT_REGION = "us-east-1"
IN_PROCESS_HOST = "xks-proxy.test"


class MockXksProxyOptions(TypedDict, total=False):
    """The arguments of ``MockXksProxy``, as keywords of what makes one."""

    uri_path: str
    credential: Credential | None
    region: str
    clock: SimulatedClock | None
    fleet: ProxyFleet | None
    load_balancer_path: str


class MockXksProxy:
    """A mock XKS proxy with one key store, and more if asked for.

    Args:
        uri_path: the XksProxyUriPath of its first key store.
        credential: the credential of that store; a random one by default.
        region: the Region that ``call`` signs for.
        clock: a simulated one by default, on which delays take no time in-process.
        fleet: what GetHealthStatus reports.
        load_balancer_path: GET here answers 200 without a signature.

    Raises:
        ValueError: an argument that KMS would not accept.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        *,
        uri_path: str = DEFAULT_URI_PATH,
        credential: Credential | None = None,
        region: str = DEFAULT_REGION,
        clock: SimulatedClock | None = None,
        fleet: ProxyFleet | None = None,
        load_balancer_path: str = "/ping",
    ) -> None:
        self.region = region
        self.clock = clock or SimulatedClock()
        self._core = ProxyCore(
            clock=self.clock, fleet=fleet, load_balancer_path=load_balancer_path
        )
        self.store = ProxyKeyStore(uri_path, credential=credential)
        """The first key store: its keys, credentials, policy and request quota."""
        self._core.add_store(self.store)
        self._in_process = InProcessTransport(self._core, self.clock)
        self._listener: ProxyListener | None = None

    def __repr__(self) -> str:
        """Where it is; no secret."""
        return f"MockXksProxy({self.endpoint}{self.uri_path})"

    def __enter__(self) -> Self:
        """The proxy stops at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    # -- where it is --------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """The XksProxyUriEndpoint: scheme, host and, over real HTTPS, the port."""
        return (
            self._listener.endpoint if self._listener else f"https://{IN_PROCESS_HOST}"
        )

    @property
    def host(self) -> str:
        """What stands in the Host header: host name and, over real HTTPS, the port."""
        return self.endpoint.partition("://")[2]

    @property
    def uri_path(self) -> str:
        """The XksProxyUriPath of the first key store."""
        return self.store.uri_path

    @property
    def credential(self) -> Credential:
        """The credential to use with the first key store now."""
        return self.store.credential

    @property
    def ca_certificate(self) -> bytes:
        """The certificate of the throw-away CA, in PEM.

        Raises:
            RuntimeError: ``start_https`` has not been called.
        """
        return self._open_listener().ca_certificate

    @property
    def ca_bundle(self) -> Path:
        """A file with the certificate of the throw-away CA; it goes with the proxy.

        Raises:
            RuntimeError: ``start_https`` has not been called.
        """
        return self._open_listener().ca_bundle

    def client_context(self) -> ssl.SSLContext:
        """A context for TLS clients that trusts the throw-away CA and nothing else.

        Raises:
            RuntimeError: ``start_https`` has not been called.
        """
        return self._open_listener().client_context()

    def _open_listener(self) -> ProxyListener:
        if self._listener is None:
            raise RuntimeError("the proxy is in-process; call start_https() first")
        return self._listener

    # -- real HTTPS ---------------------------------------------------------------

    def start_https(
        self,
        *,
        host: str = "localhost",
        port: int = 0,
        ca: CertificateAuthority | None = None,
    ) -> Self:
        """Answer on a loopback port too; a free one by default.

        Raises:
            OSError: the port cannot be had.
        """
        if self._listener is None:
            self._listener = ProxyListener(self._core, host=host, port=port, ca=ca)
        return self

    def stop(self) -> None:
        """Close the port, if one is open. The proxy goes on in-process."""
        listener, self._listener = self._listener, None
        if listener:
            listener.close()

    # -- keys and stores ----------------------------------------------------------

    @property
    def keys(self) -> Mapping[str, ExternalKey]:
        """The external keys of the first key store, by external key id."""
        return self.store.keys

    @property
    def fleet(self) -> ProxyFleet:
        """What GetHealthStatus reports; the key managers' statuses may be changed."""
        return self._core.fleet

    def add_key(
        self,
        external_key_id: str | None = None,
        **properties: Unpack[ExternalKeyProperties],
    ) -> ExternalKey:
        """Create an external key in the first key store.

        Args:
            external_key_id: a random one by default.
            properties: those of ``ExternalKey``.

        Raises:
            ValueError: a property out of bounds, or an id that is taken.
        """
        return self.store.add_key(external_key_id, **properties)

    def add_store(
        self,
        uri_path: str,
        *,
        credential: Credential | None = None,
        deny: Iterable[Deny] = (),
        quota: RequestQuota | None = None,
    ) -> ProxyKeyStore:
        """Serve one more path prefix, isolated from the others.

        Raises:
            ValueError: an argument that KMS would not accept, or a path that is taken.
        """
        store = ProxyKeyStore(uri_path, credential=credential, deny=deny, quota=quota)
        self._core.add_store(store)
        return store

    # -- what it was asked --------------------------------------------------------

    @property
    def requests(self) -> tuple[JournalEntry, ...]:
        """What it has answered so far; never a plaintext."""
        return self._core.journal.entries

    def expect_requests(
        self,
        operation: Operation | str | None = None,
        *,
        count: int | None = None,
        external_key_id: str | None = None,
        **request_metadata: str,
    ) -> tuple[JournalEntry, ...]:
        """Assert that requests were answered, and return them.

        Args:
            operation: of this operation only.
            count: exactly so many; at least one by default.
            external_key_id: for this external key only.
            request_metadata: with these values, e.g. ``kmsOperation="ReEncrypt"``.

        Raises:
            AssertionError: it was not so; the message lists what did come.
        """
        return expect_requests(
            self.requests,
            operation=Operation(operation) if operation else None,
            count=count,
            external_key_id=external_key_id,
            request_metadata=request_metadata,
        )

    # -- misbehaving --------------------------------------------------------------

    def fault(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        name: str,
        *,
        operation: Operation | str | None = None,
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
            name: a name of the catalogue, e.g. ``"ThrottlingException"``, ``"delay"``.
            operation: in this operation only.
            key_store: in the key store of this URI path only.
            external_key_id: with this external key only.
            times: this often, then behave again; always by default.
            after: only after so many requests that it would have struck.
            every: only at every so many-th: with 3 at the third, the sixth.
            rate: only with this probability, above 0 and at most 1.
            seed: of the rate and of random delays; the same one gives the same ones.
            options: the fault's own, e.g. ``milliseconds=300``.

        Raises:
            LookupError: no fault of that name; the message names the nearest.
            TypeError: an option that the fault does not have, or of another type.
            ValueError: a value out of bounds, or an operation that the fault does not
                concern.
        """
        return self._core.faults.arm(
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
        """The faults that have been armed and never hit, as far as a hit is seen."""
        return self._core.faults.never_hit()

    # -- asking it ----------------------------------------------------------------

    @property
    def transport(self) -> Transport:
        """The way to it: real HTTPS where it is open, in-process where not."""
        return self._listener.transport if self._listener else self._in_process

    def call(
        self,
        operation: Operation | str,
        external_key_id: str | None = None,
        document: Mapping[str, object] | None = None,
        *,
        timeout_ms: float = RESPONSE_DEADLINE_MS,
    ) -> Response:
        """Sign a request as KMS does, send it, and return the response.

        Args:
            operation: one of the four.
            external_key_id: the external key; None for GetHealthStatus.
            document: the members of the body; a requestMetadata is put in if it has
            none.
            timeout_ms: the deadline; KMS waits 250 ms.

        Raises:
            TransportError: no response.
        """
        operation = Operation(operation)
        body = {"requestMetadata": _request_metadata(operation), **(document or {})}
        request = Request(
            method="POST",
            target=path_for(self.uri_path, operation, external_key_id),
            headers=(("Host", self.host), ("Content-Type", CONTENT_TYPE)),
            body=render(body),
        )
        signed = sign(
            request, self.credential, region=self.region, now=self.clock.now()
        )
        return self.transport.send(signed, timeout_ms=timeout_ms)

    def mount(self, responses_mock: responses.RequestsMock) -> None:
        """Answer what ``requests`` sends to the proxy's URL, without sockets.

        Args:
            responses_mock: an active ``responses.RequestsMock``.
        """
        mount(self.transport, self.endpoint, responses_mock)


_KMS_OPERATION = {
    Operation.GET_KEY_METADATA: "CreateKey",
    Operation.ENCRYPT: "Encrypt",
    Operation.DECRYPT: "Decrypt",
    Operation.GET_HEALTH_STATUS: "KmsHealthCheck",
}


def _request_metadata(operation: Operation) -> dict[str, str]:
    return {
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/"
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": _KMS_OPERATION[operation],
        "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
    }


def core_of(proxy: MockXksProxy) -> ProxyCore:
    """What answers for a proxy; for what stands beside it, not for its users."""
    return proxy._core  # noqa: SLF001 - of this file


def add_keys_by_role(store: ProxyKeyStore) -> None:
    """One external key for each role of a target file; its role is its id."""
    store.add_key("usable")
    store.add_key("second")
    store.add_key("encrypt_only", key_usage=[KeyUsage.ENCRYPT])
    store.add_key("decrypt_only", key_usage=[KeyUsage.DECRYPT])
    store.add_key("no_usage", key_usage=["SIGN", "VERIFY"])
    store.add_key("disabled", status=KeyStatus.DISABLED)
    store.add_key("not_aes_256", key_spec="AES_128")


def proxy_with_keys(
    clock: SimulatedClock, /, **options: Unpack[MockXksProxyOptions]
) -> MockXksProxy:
    """A mock proxy as the fixtures give it: with a key for each role.

    Args:
        clock: its clock, unless the options name one.
        options: those of ``MockXksProxy``.
    """
    options.setdefault("clock", clock)
    proxy = MockXksProxy(**options)
    add_keys_by_role(proxy.store)
    return proxy
