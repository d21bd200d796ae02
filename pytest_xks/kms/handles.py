"""A key store and a KMS key as tests hold them: what the fixtures give.

They do nothing that a boto3 client could not do; they only save writing it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.http.client import Transport
    from pytest_xks.kms.fake import FakeKms
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "KeyHandle",
    "KeyStoreHandle",
    "Proxy",
    "Registrable",
    "create_key_store",
    "register_key_store",
]


class Registrable(Protocol):
    """What KMS is told of a proxy, besides the endpoint."""

    @property
    def uri_path(self) -> str:
        """The XksProxyUriPath."""

    @property
    def credential(self) -> Credential:
        """The credential that it accepts now."""


class Proxy(Registrable, Protocol):
    """What a key store needs to know of a proxy; the mock proxy is one."""

    @property
    def endpoint(self) -> str:
        """``https://``, host and, over real HTTPS, the port."""

    @property
    def transport(self) -> Transport:
        """The way to it without sockets, if the endpoint has no port."""

    @property
    def ca_certificate(self) -> bytes:
        """The CA of its certificate, if the endpoint has a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHandle:
    """A KMS key in an external key store."""

    key_id: str
    arn: str
    external_key_id: str
    external_key: Any = field(default=None, repr=False)
    """The external key itself, where the proxy is a mock that can hand it out."""
    key_store: KeyStoreHandle = field(repr=False)

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
    kms: Any = field(repr=False)
    """The boto3 client that made it."""
    external_keys: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The external keys behind it by their ids, where the proxy is a mock."""

    def connect(self) -> None:
        """Connect it; whether that succeeded is in ``connection_state``."""
        self.kms.connect_custom_key_store(CustomKeyStoreId=self.id)

    def disconnect(self) -> None:
        """Disconnect it."""
        self.kms.disconnect_custom_key_store(CustomKeyStoreId=self.id)

    @property
    def description(self) -> dict[str, Any]:
        """Its entry in DescribeCustomKeyStores."""
        answer = self.kms.describe_custom_key_stores(CustomKeyStoreId=self.id)
        entry: dict[str, Any] = answer["CustomKeyStores"][0]
        return entry

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
            external_key=self.external_keys.get(external_key_id),
            key_store=self,
        )


def create_key_store(
    fake: FakeKms,
    proxy: Proxy,
    *,
    name: str | None = None,
    connect: bool = True,
    region: str | None = None,
) -> KeyStoreHandle:
    """Create an external key store on a proxy, and lead the fake to it.

    Args:
        fake: the fake KMS.
        proxy: a mock proxy, in-process or over real HTTPS.
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
        endpoint=lead_to(fake, proxy),
        connect=connect,
        external_keys=getattr(proxy, "keys", {}),
    )


def register_key_store(  # noqa: PLR0913 - keyword-only, each with its default
    kms: Any,  # noqa: ANN401 - a boto3 client
    proxy: Registrable,
    *,
    name: str,
    endpoint: str,
    connect: bool = True,
    external_keys: Mapping[str, Any] | None = None,
) -> KeyStoreHandle:
    """Create an external key store at an endpoint that leads to a proxy.

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


def lead_to(fake: FakeKms, proxy: Proxy) -> str:
    """Lead the fake to a proxy.

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
