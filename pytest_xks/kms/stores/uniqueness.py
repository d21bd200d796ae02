"""What no two custom key stores may share (KMS-CREATESTORE-021 to 026)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.stores.store import Connectivity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.kms.behaviour import SharedPrivateDnsName
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.stores.store import ExternalKeyStore, StoreConfiguration

__all__ = [
    "check_endpoint",
    "check_name",
    "check_service",
    "check_unique",
    "check_uri",
    "same_endpoint",
]


@step
def check_unique(
    context: Context,
    name: str,
    configuration: StoreConfiguration,
    *,
    but: ExternalKeyStore | None = None,
) -> None:
    """Check that a store would be unlike the others.

    Args:
        context: the account and Region of the store, and all others.
        name: the name that it would have.
        configuration: the configuration that it would have.
        but: the store itself, if it exists already.

    Raises:
        KmsError: the exception of whatever is in use.
    """
    exception = context.behaviour.shared_private_dns_name
    for other in list(context.region.stores.values()):  # Others create meanwhile.
        if other is not but:
            check_name(name, other)
            check_uri(configuration, other.configuration)
            check_service(configuration, other.configuration, exception)
    for other in _stores_of_all_accounts(context):
        if other is not but:
            check_endpoint(configuration, other.configuration)


def _stores_of_all_accounts(context: Context) -> Iterator[ExternalKeyStore]:
    for each in list(context.regions()):
        if each.name == context.region.name:
            yield from list(each.stores.values())


@step
def check_name(name: str, other: ExternalKeyStore) -> None:
    """A name is not that of another store (KMS-CREATESTORE-021).

    Raises:
        KmsError: CustomKeyStoreNameInUseException.
    """
    if name == other.name:
        raise KmsError(
            ErrorCode.CUSTOM_KEY_STORE_NAME_IN_USE,
            f"The custom key store name {name} is already assigned to another custom "
            "key store in the account.",
        )


@step
def check_uri(new: StoreConfiguration, other: StoreConfiguration) -> None:
    """Endpoint and path are not those of another store (KMS-CREATESTORE-022, 023).

    Raises:
        KmsError: XksProxyUriInUseException.
    """
    if same_endpoint(new, other) and new.uri_path == other.uri_path:
        raise KmsError(
            ErrorCode.XKS_PROXY_URI_IN_USE,
            f"The proxy URI {new.uri_endpoint}{new.uri_path} is already associated "
            "with another external key store in this Region.",
        )


@step
def check_service(
    new: StoreConfiguration, other: StoreConfiguration, shared: SharedPrivateDnsName
) -> None:
    """Private DNS name and service are no other store's (KMS-CREATESTORE-025, 026).

    Args:
        new: the configuration that a store would have.
        other: that of another store.
        shared: the exception for a private DNS name that the two would share.

    Raises:
        KmsError: that, or XksProxyVpcEndpointServiceInUseException.
    """
    if not _vpc(new) or not _vpc(other):
        return
    if same_endpoint(new, other):
        # AMBIGUOUS: no exception is named for this (KMS-AMB-039). Ours: a switch.
        raise KmsError(
            shared,
            f"The private DNS name {new.host} is already used by another external key "
            "store in this Region.",
        )
    if new.vpc_endpoint_service_name == other.vpc_endpoint_service_name:
        raise KmsError(
            ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_IN_USE,
            f"The VPC endpoint service {new.vpc_endpoint_service_name} is already "
            "associated with another external key store in this Region.",
        )


@step
def check_endpoint(new: StoreConfiguration, other: StoreConfiguration) -> None:
    """A public and a VPC store never share an endpoint (KMS-CREATESTORE-024).

    "Even when the two stores are in different accounts".

    Raises:
        KmsError: XksProxyUriEndpointInUseException.
    """
    if _vpc(new) is not _vpc(other) and same_endpoint(new, other):
        raise KmsError(
            ErrorCode.XKS_PROXY_URI_ENDPOINT_IN_USE,
            f"The proxy URI endpoint {new.uri_endpoint} is already used by an external "
            "key store of the other XksProxyConnectivity in this Region.",
        )


def same_endpoint(new: StoreConfiguration, other: StoreConfiguration) -> bool:
    """Whether two endpoints are one; host names have no case."""
    return new.host.lower() == other.host.lower()


def _vpc(configuration: StoreConfiguration) -> bool:
    return configuration.connectivity is Connectivity.VPC_ENDPOINT_SERVICE
