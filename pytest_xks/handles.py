"""A key store and a KMS key as tests hold them: what the fixtures give.

They do nothing that a boto3 client could not do; they only save writing it. They are
here, and not in ``kms``, because the fake KMS knows nothing of the mock proxy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_kms.type_defs import CustomKeyStoresListEntryTypeDef

    from pytest_xks.kms.fake import FakeKms
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.mock import MockXksProxy
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "KeyHandle",
    "KeyStoreHandle",
    "RegistrableProxy",
    "create_key_store",
    "register_key_store",
]


class RegistrableProxy(Protocol):
    """What KMS is told of a proxy, besides the endpoint."""

    @property
    def uri_path(self) -> str:
        """The XksProxyUriPath."""

    @property
    def credential(self) -> Credential:
        """The credential that it accepts now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHandle:
    """A KMS key in an external key store."""

    key_id: str
    arn: str
    external_key_id: str
    key_store: KeyStoreHandle = field(repr=False)

    @property
    def external_key(self) -> ExternalKey:
        """The external key behind it, at the mock proxy.

        Raises:
            LookupError: the mock proxy has no such key any more, or is in another
                process.
        """
        external_key = self.key_store.external_keys.get(self.external_key_id)
        if external_key is None:
            raise LookupError(
                f"the external key {self.external_key_id!r} is not at a mock proxy in "
                "this process"
            )
        return external_key

    @property
    def state(self) -> str:
        """The KeyState."""
        metadata = self.key_store.kms.describe_key(KeyId=self.key_id)["KeyMetadata"]
        return str(metadata["KeyState"])


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStoreHandle:
    """An external key store."""

    id: str
    name: str
    kms: KMSClient = field(repr=False)
    """The boto3 client that made it."""
    external_keys: Mapping[str, ExternalKey] = field(default_factory=dict, repr=False)
    """The external keys at its proxy by their ids; empty if the proxy is no mock in
    this process."""

    def connect(self) -> None:
        """Connect it; whether that succeeded is in ``connection_state``."""
        self.kms.connect_custom_key_store(CustomKeyStoreId=self.id)

    def disconnect(self) -> None:
        """Disconnect it."""
        self.kms.disconnect_custom_key_store(CustomKeyStoreId=self.id)

    @property
    def description(self) -> CustomKeyStoresListEntryTypeDef:
        """Its entry in DescribeCustomKeyStores."""
        answer = self.kms.describe_custom_key_stores(CustomKeyStoreId=self.id)
        return answer["CustomKeyStores"][0]

    @property
    def connection_state(self) -> str:
        """The ConnectionState."""
        return str(self.description["ConnectionState"])

    def create_key(self, external_key_id: str, **parameters: Any) -> KeyHandle:  # noqa: ANN401 - CreateKey's own
        """Create a KMS key in it.

        Args:
            external_key_id: the XksKeyId.
            parameters: more parameters of CreateKey.

        Raises:
            ClientError: CreateKey's.
        """
        metadata = self.kms.create_key(
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=self.id,
            XksKeyId=external_key_id,
            **parameters,
        )["KeyMetadata"]
        return KeyHandle(
            key_id=metadata["KeyId"],
            arn=metadata["Arn"],
            external_key_id=external_key_id,
            key_store=self,
        )


def create_key_store(
    fake: FakeKms,
    proxy: MockXksProxy,
    *,
    name: str | None = None,
    connect: bool = True,
    region: str | None = None,
) -> KeyStoreHandle:
    """Create an external key store on a proxy, and route the fake to it.

    Args:
        fake: the fake KMS.
        proxy: its mock proxy, in-process or over real HTTPS.
        name: the friendly name; made up by default.
        connect: whether to connect it too.
        region: the Region; the fake's own by default.

    Raises:
        ClientError: CreateCustomKeyStore's.
    """
    return register_key_store(
        fake.client(region),
        proxy,
        name=name or f"key-store-{fake.next_number()}",
        endpoint=_route_to(fake, proxy),
        connect=connect,
        external_keys=proxy.keys,
    )


def register_key_store(  # noqa: PLR0913 - keyword-only, each with its default
    kms: KMSClient,
    proxy: RegistrableProxy,
    *,
    name: str,
    endpoint: str,
    connect: bool = True,
    external_keys: Mapping[str, ExternalKey] | None = None,
) -> KeyStoreHandle:
    """Create an external key store at an endpoint that is routed to a proxy.

    Args:
        kms: the boto3 client that creates it.
        proxy: where KMS will find it, and how it signs there.
        name: the friendly name.
        endpoint: the XksProxyUriEndpoint.
        connect: whether to connect it too.
        external_keys: the external keys behind it by their ids, if there are objects.

    Raises:
        ClientError: CreateCustomKeyStore's.
    """
    response = kms.create_custom_key_store(
        CustomKeyStoreName=name,
        CustomKeyStoreType="EXTERNAL_KEY_STORE",
        XksProxyConnectivity="PUBLIC_ENDPOINT",
        XksProxyUriEndpoint=endpoint,
        XksProxyUriPath=proxy.uri_path,
        XksProxyAuthenticationCredential={
            "AccessKeyId": proxy.credential.access_key_id,
            "RawSecretAccessKey": proxy.credential.secret_access_key,
        },
    )
    store = KeyStoreHandle(
        id=response["CustomKeyStoreId"],
        name=name,
        kms=kms,
        external_keys=external_keys or {},
    )
    if connect:
        store.connect()
    return store


def _route_to(fake: FakeKms, proxy: MockXksProxy) -> str:
    """Route the fake to a proxy.

    Returns:
        The XksProxyUriEndpoint to use: KMS refuses a port in it.
    """
    # A name of its own, because no two key stores may have one endpoint and path.
    host = f"proxy-{fake.next_number()}.xks.test"
    port = proxy.endpoint.removeprefix("https://").partition(":")[2]
    if port:
        fake.connect_to(host, ("127.0.0.1", int(port)))
        fake.trust_ca(proxy.ca_certificate)
    else:
        fake.connect_to(host, proxy.transport)
    return f"https://{host}"
