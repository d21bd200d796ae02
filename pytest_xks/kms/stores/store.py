"""External key stores: their configuration and their states."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.proxy_calls.endpoint import ProxyEndpoint
from pytest_xks.kms.stores.quota import RequestQuota

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pytest_xks.clock import Clock
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "EXTERNAL_KEY_STORE",
    "ConnectionState",
    "Connectivity",
    "ExternalKeyStore",
    "StoreConfiguration",
    "external_key_in_use",
]

EXTERNAL_KEY_STORE = "EXTERNAL_KEY_STORE"
"""The type of a store, and the origin of the keys in it."""
_SCHEME = "https://"


class ConnectionState(StrEnum):
    """The values of ConnectionState (KMS-DESCRIBESTORE-008)."""

    CONNECTED = "CONNECTED"
    CONNECTING = "CONNECTING"
    FAILED = "FAILED"
    DISCONNECTED = "DISCONNECTED"
    DISCONNECTING = "DISCONNECTING"


class Connectivity(StrEnum):
    """The values of XksProxyConnectivity (KMS-CREATESTORE-006)."""

    PUBLIC_ENDPOINT = "PUBLIC_ENDPOINT"
    VPC_ENDPOINT_SERVICE = "VPC_ENDPOINT_SERVICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfiguration:
    """How KMS reaches the proxy of a store."""

    connectivity: Connectivity
    uri_endpoint: str
    uri_path: str
    credential: Credential
    vpc_endpoint_service_name: str | None = None
    vpc_endpoint_service_owner: str | None = None

    @property
    def host(self) -> str:
        """The host name in the endpoint."""
        return self.uri_endpoint.removeprefix(_SCHEME)

    def proxy(
        self, *, account_id: str, region: str, custom_key_store_id: str | None = None
    ) -> ProxyEndpoint:
        """The proxy, for the client that calls it.

        Args:
            account_id: the account of the key store.
            region: its Region.
            custom_key_store_id: its id; None while it is being created.
        """
        return ProxyEndpoint(
            account_id=account_id,
            region=region,
            custom_key_store_id=custom_key_store_id,
            host=self.host,
            uri_path=self.uri_path,
            credential=self.credential,
        )


class ExternalKeyStore:
    """An external key store.

    Args:
        account_id: the account that it belongs to.
        region: the Region that it is in.
        name: its friendly name.
        configuration: how KMS reaches its proxy.
        clock: dates it, and lets its states take their time.
    """

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        name: str,
        configuration: StoreConfiguration,
        clock: Clock,
    ) -> None:
        # KMS-CREATESTORE-048: the form of every example in AWS's documents.
        self.id = f"cks-{secrets.token_hex(9)[:17]}"
        self.account_id = account_id
        self.region = region
        self.name = name
        self.created: datetime = clock.now()
        self.quota = RequestQuota(clock)
        self.requests_per_second: float | None = None
        """The request quota of this store; None means the behaviour's."""
        self.unhealthy = False
        """Whether KMS considers the proxy unhealthy (KMS-FAIL-018)."""
        self.connection_error_code: ConnectionErrorCode | None = None
        self._clock = clock
        self.configure(configuration, new_credential=True)
        self._state = ConnectionState.DISCONNECTED
        self._next: tuple[float, ConnectionState] | None = None
        self._reserved: set[str] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """The store without its credential."""
        return f"ExternalKeyStore({self.id!r}, {self.name!r}, {self.state.value})"

    # -- configuration ------------------------------------------------------------

    @property
    def configuration(self) -> StoreConfiguration:
        """How KMS reaches the proxy now."""
        return self._configuration

    @property
    def credential_set(self) -> datetime:
        """When the credential was set (KMS-METRIC-004)."""
        return self._credential_set

    def configure(
        self, configuration: StoreConfiguration, *, new_credential: bool
    ) -> None:
        """Replace the configuration as a whole."""
        self._configuration = configuration
        self._proxy = configuration.proxy(
            account_id=self.account_id,
            region=self.region,
            custom_key_store_id=self.id,
        )
        if new_credential:
            self._credential_set = self._clock.now()

    @property
    def proxy(self) -> ProxyEndpoint:
        """The proxy, for the client that calls it."""
        return self._proxy

    # -- connection state ---------------------------------------------------------

    @property
    def state(self) -> ConnectionState:
        """The ConnectionState."""
        pending = self._next
        if pending and self._clock.monotonic() >= pending[0]:
            self._state, self._next = pending[1], None
        return self._state

    @property
    def connected(self) -> bool:
        """Whether the ConnectionState is CONNECTED."""
        return self.state is ConnectionState.CONNECTED

    def change_state(
        self,
        passing: ConnectionState,
        final: ConnectionState,
        *,
        seconds: float,
        code: ConnectionErrorCode | None = None,
    ) -> None:
        """Go through one state into another.

        Args:
            passing: CONNECTING or DISCONNECTING.
            final: the state in the end.
            seconds: how long the passing state lasts.
            code: why the final state is FAILED.
        """
        self.connection_error_code = code
        self._state = passing
        self._next = (self._clock.monotonic() + seconds, final)

    # -- external keys ------------------------------------------------------------

    @contextmanager
    def reserved(self, external_key_id: str) -> Iterator[None]:
        """Keep others from using an external key id while a KMS key is being made.

        Raises:
            KmsError: XksKeyAlreadyInUseException; another call is using it.
        """
        with self._lock:
            if external_key_id in self._reserved:
                raise external_key_in_use(external_key_id)
            self._reserved.add(external_key_id)
        try:
            yield
        finally:
            self._reserved.discard(external_key_id)


def external_key_in_use(external_key_id: str) -> KmsError:
    """XksKeyAlreadyInUseException (KMS-CREATEKEY-020)."""
    return KmsError(
        ErrorCode.XKS_KEY_ALREADY_IN_USE,
        f"The external key {external_key_id} is already associated with another KMS "
        "key in this external key store.",
    )
