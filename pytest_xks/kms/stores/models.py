"""External key stores and their states, and what an account has of them in a Region.

Nothing here knows moto: the KMS keys are moto's, and ``KeyRepository`` says what is
asked of it.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.proxy_calls.client import ProxyTarget
from pytest_xks.kms.stores.quota import RequestQuota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from pytest_xks.clock import Clock
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.proxy_calls.client import ProxyClient
    from pytest_xks.kms.stores.vpc import VpcEndpointService
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "EXTERNAL_KEY_STORE",
    "ConnectionState",
    "Connectivity",
    "ExternalKeyStore",
    "KeyRepository",
    "Region",
    "StoreConfiguration",
    "World",
    "XksKey",
    "is_in_use",
]

EXTERNAL_KEY_STORE = "EXTERNAL_KEY_STORE"
"""The type of a store, and the origin of the keys in it."""
SCHEME = "https://"


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
        return self.uri_endpoint.removeprefix(SCHEME)


class ExternalKeyStore:
    """An external key store.

    Args:
        name: its friendly name.
        region: the account and Region that it belongs to.
        configuration: how KMS reaches its proxy.
    """

    def __init__(
        self, *, name: str, region: Region, configuration: StoreConfiguration
    ) -> None:
        # KMS-CREATESTORE-048: the form of every example in AWS's documents.
        self.id = f"cks-{secrets.token_hex(9)[:17]}"
        self.name = name
        self.region = region
        self.created: datetime = region.world.clock.now()
        self.quota = RequestQuota(region.world.clock)
        self.requests_per_second: float | None = None
        """The request quota of this store; None means the behaviour's."""
        self.unhealthy = False
        """Whether KMS takes the proxy to be broken (KMS-FAIL-018)."""
        self.connection_error_code: ConnectionErrorCode | None = None
        self._configuration = configuration
        self._target = region.target(configuration, self.id)
        self._credential_set = self.created
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
        self._target = self.region.target(configuration, self.id)
        if new_credential:
            self._credential_set = self.region.world.clock.now()

    @property
    def target(self) -> ProxyTarget:
        """The proxy, for the client that calls it."""
        return self._target

    # -- connection state ---------------------------------------------------------

    @property
    def state(self) -> ConnectionState:
        """The ConnectionState."""
        pending = self._next
        if pending and self.region.world.clock.monotonic() >= pending[0]:
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
        self._next = (self.region.world.clock.monotonic() + seconds, final)

    # -- external keys ------------------------------------------------------------

    @contextmanager
    def reserved(self, external_key_id: str) -> Iterator[None]:
        """Keep others from using an external key id while a KMS key is being made.

        Raises:
            KmsError: XksKeyAlreadyInUseException (KMS-CREATEKEY-020).
        """
        with self._lock:
            in_use = is_in_use(self, external_key_id)
            if in_use or external_key_id in self._reserved:
                raise KmsError(
                    ErrorCode.XKS_KEY_ALREADY_IN_USE,
                    f"The external key {external_key_id} is already associated with "
                    "another KMS key in this external key store.",
                )
            self._reserved.add(external_key_id)
        try:
            yield
        finally:
            self._reserved.discard(external_key_id)


@step
def is_in_use(store: ExternalKeyStore, external_key_id: str) -> bool:
    """Whether a KMS key in the store uses an external key (KMS-CREATEKEY-020, 021)."""
    keys = store.region.keys.in_store(store.id)
    return any(key.external_key_id == external_key_id for key in keys)


class XksKey(Protocol):
    """A KMS key in an external key store."""

    id: str
    arn: str
    account_id: str
    key_state: str
    """The state it would have in a connected store."""
    enabled: bool
    deletion_date: datetime | None
    key_material: bytes
    """KMS's own; never leaves KMS."""
    store: ExternalKeyStore
    external_key_id: str

    def metadata(self) -> dict[str, object]:
        """The KeyMetadata (KMS-CREATEKEY-032)."""


class KeyRepository(Protocol):
    """The KMS keys of an account in a Region: moto's, and ours among them."""

    def find(self, key_id: str) -> XksKey | None:
        """The key in an external key store that a key id, key ARN or alias means."""

    def in_store(self, custom_key_store_id: str) -> Sequence[XksKey]:
        """The keys in an external key store."""

    def create(
        self,
        *,
        store: ExternalKeyStore,
        external_key_id: str,
        policy: str | None,
        description: str,
        tags: Sequence[dict[str, str]],
    ) -> XksKey:
        """Make a KMS key in an external key store."""

    def delete(self, key: XksKey) -> None:
        """Delete a KMS key with its aliases and tags."""

    def plain_key_of(self, blob: bytes) -> str | None:
        """The id of the standard key that a ciphertext blob belongs to, if any."""

    def encrypt_plain(
        self, key_id: str, plaintext: bytes, context: dict[str, str]
    ) -> tuple[bytes, str]:
        """Encrypt under a standard key: ciphertext blob and key ARN."""

    def decrypt_plain(self, blob: bytes, context: dict[str, str]) -> tuple[bytes, str]:
        """Decrypt under a standard key: plaintext and key ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What all accounts and Regions share."""

    clock: Clock
    behaviour: Behaviour
    proxy_client: ProxyClient
    vpc_endpoint_services: dict[str, VpcEndpointService]
    regions: Callable[[], Iterable[Region]]
    """Every account's state in every Region."""
    deleted: Callable[[XksKey], None]
    """Told of a key whose waiting period has ended."""
    throttled: Callable[[Call, ExternalKeyStore], None]
    """Told of a request over the quota of a store."""


class Region:
    """What an account has in a Region.

    Args:
        account_id: the account.
        name: the Region.
        keys: the KMS keys there.
        world: what all share.
    """

    def __init__(
        self, account_id: str, name: str, keys: KeyRepository, world: World
    ) -> None:
        self.account_id = account_id
        self.name = name
        self.keys = keys
        self.world = world
        self.stores: dict[str, ExternalKeyStore] = {}
        self.pending_deletion: dict[str, datetime] = {}
        """When keys will be deleted, by key id."""
        self.lock = threading.RLock()

    def store(self, custom_key_store_id: str) -> ExternalKeyStore:
        """The store of an id.

        Raises:
            KmsError: CustomKeyStoreNotFoundException.
        """
        store = self.stores.get(custom_key_store_id)
        if store is None:
            raise KmsError(
                ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
                "AWS KMS cannot find a custom key store with the ID "
                f"{custom_key_store_id}.",
            )
        return store

    def find_key(self, key_id: str) -> XksKey | None:
        """The key in an external key store that is meant, whoever owns it.

        Args:
            key_id: a key id, key ARN, alias name or alias ARN. An ARN may name another
                account (KMS-AUTHZ-004), but no other Region.
        """
        if not key_id.startswith("arn:"):
            return self.keys.find(key_id)
        parts = key_id.split(":")
        if len(parts) != 6 or parts[3] != self.name:
            return None
        if parts[4] == self.account_id:
            return self.keys.find(key_id)
        for region in list(self.world.regions()):
            if (region.account_id, region.name) == (parts[4], self.name):
                return region.keys.find(key_id)
        return None

    def target(
        self,
        configuration: StoreConfiguration,
        custom_key_store_id: str | None = None,
    ) -> ProxyTarget:
        """The proxy of a configuration, for the client that calls it."""
        return ProxyTarget(
            account_id=self.account_id,
            region=self.name,
            custom_key_store_id=custom_key_store_id,
            host=configuration.host,
            uri_path=configuration.uri_path,
            credential=configuration.credential,
        )

    def delete_due_keys(self) -> None:
        """Delete the keys whose waiting period has ended (KMS-STATE-005)."""
        if not self.pending_deletion:
            return
        now = self.world.clock.now()
        for key_id, due in list(self.pending_deletion.items()):
            if due > now:
                continue
            del self.pending_deletion[key_id]
            key = self.keys.find(key_id)
            if key is not None:
                self.keys.delete(key)
                self.world.deleted(key)
