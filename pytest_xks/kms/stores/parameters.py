"""What CreateCustomKeyStore and UpdateCustomKeyStore take, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import invalid, missing, require
from pytest_xks.kms.stores.store import (
    EXTERNAL_KEY_STORE,
    Connectivity,
    StoreConfiguration,
)
from pytest_xks.proxy_api.sigv4 import Credential

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = [
    "CLOUDHSM_MEMBERS",
    "VPC_MEMBERS",
    "XKS_MEMBERS",
    "changed_configuration",
    "given",
    "new_configuration",
    "require_external",
    "text",
]

CLOUDHSM_MEMBERS = ("CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate")
_REQUIRED_MEMBERS = (
    "XksProxyConnectivity",
    "XksProxyUriEndpoint",
    "XksProxyUriPath",
    "XksProxyAuthenticationCredential",
)
VPC_MEMBERS = ("XksProxyVpcEndpointServiceName", "XksProxyVpcEndpointServiceOwner")
XKS_MEMBERS = (*_REQUIRED_MEMBERS, *VPC_MEMBERS)
_WITHOUT_EXTERNAL_KEY_STORES = frozenset({"cn-north-1", "cn-northwest-1"})


def given(parameters: Mapping[str, object], members: Iterable[str]) -> list[str]:
    """Those of some members that are there."""
    return [member for member in members if parameters.get(member) is not None]


def require_external(parameters: Mapping[str, object], region: str) -> None:
    """The request is for an external key store, where there are any.

    Raises:
        KmsError: it is not, or mixes both types (KMS-CREATESTORE-019).
    """
    external = parameters.get("CustomKeyStoreType") == EXTERNAL_KEY_STORE
    foreign = given(parameters, CLOUDHSM_MEMBERS if external else XKS_MEMBERS)
    if foreign:
        kind = EXTERNAL_KEY_STORE if external else "AWS_CLOUDHSM"
        raise invalid(
            f"{', '.join(foreign)} cannot be specified for a custom key store of type "
            f"{kind}."
        )
    if not external:
        raise KmsError(
            ErrorCode.UNSUPPORTED_OPERATION,
            "This fake KMS has external key stores only. For one, specify "
            "CustomKeyStoreType=EXTERNAL_KEY_STORE; AWS CloudHSM key stores are not "
            "simulated.",
        )
    if region in _WITHOUT_EXTERNAL_KEY_STORES:
        # KMS-GEN-012.
        raise KmsError(
            ErrorCode.UNSUPPORTED_OPERATION,
            f"External key stores are not available in {region}.",
        )


def new_configuration(
    parameters: Mapping[str, object], account_id: str
) -> StoreConfiguration:
    """The configuration of a new key store (KMS-CREATESTORE-003, 004).

    Raises:
        KmsError: a member is missing, or one is there that does not belong.
    """
    require(parameters, _REQUIRED_MEMBERS)
    connectivity = Connectivity(str(parameters["XksProxyConnectivity"]))
    vpc = connectivity is Connectivity.VPC_ENDPOINT_SERVICE
    _check_vpc_members(parameters, vpc=vpc)
    return StoreConfiguration(
        connectivity=connectivity,
        uri_endpoint=str(parameters["XksProxyUriEndpoint"]),
        uri_path=str(parameters["XksProxyUriPath"]),
        credential=_credential(parameters),
        vpc_endpoint_service_name=text(parameters, VPC_MEMBERS[0]),
        vpc_endpoint_service_owner=(
            text(parameters, VPC_MEMBERS[1]) or account_id if vpc else None
        ),
    )


def _check_vpc_members(parameters: Mapping[str, object], *, vpc: bool) -> None:
    if vpc:
        require(parameters, ["XksProxyVpcEndpointServiceName"])
        return
    foreign = given(parameters, VPC_MEMBERS)
    if foreign:
        raise invalid(
            f"{', '.join(foreign)} can be specified only if XksProxyConnectivity is "
            "VPC_ENDPOINT_SERVICE."
        )


def _credential(parameters: Mapping[str, object]) -> Credential:
    value = parameters["XksProxyAuthenticationCredential"]
    if not isinstance(value, dict):
        raise missing("XksProxyAuthenticationCredential")
    return Credential(str(value["AccessKeyId"]), str(value["RawSecretAccessKey"]))


def text(parameters: Mapping[str, object], member: str) -> str | None:
    """A member as a text; None if it is absent."""
    value = parameters.get(member)
    return None if value is None else str(value)


def changed_configuration(
    store: ExternalKeyStore, parameters: Mapping[str, object], account_id: str
) -> StoreConfiguration:
    """The configuration after an update (KMS-UPDATESTORE-006, 007).

    Raises:
        KmsError: a member is missing, or one is there that does not belong.
    """
    old = store.configuration
    connectivity = Connectivity(
        str(parameters.get("XksProxyConnectivity", old.connectivity))
    )
    vpc = connectivity is Connectivity.VPC_ENDPOINT_SERVICE
    if connectivity is not old.connectivity:
        # KMS-UPDATESTORE-006, KMS-UPDATESTORE-007.
        require(parameters, ["XksProxyUriEndpoint"])
        _check_vpc_members(parameters, vpc=vpc)
    elif not vpc:
        _check_vpc_members(parameters, vpc=False)
    service = text(parameters, VPC_MEMBERS[0]) or old.vpc_endpoint_service_name
    owner = text(parameters, VPC_MEMBERS[1]) or old.vpc_endpoint_service_owner
    return replace(
        old,
        connectivity=connectivity,
        uri_endpoint=str(parameters.get("XksProxyUriEndpoint", old.uri_endpoint)),
        uri_path=str(parameters.get("XksProxyUriPath", old.uri_path)),
        credential=(
            _credential(parameters)
            if "XksProxyAuthenticationCredential" in parameters
            else old.credential
        ),
        vpc_endpoint_service_name=service if vpc else None,
        vpc_endpoint_service_owner=(owner or account_id) if vpc else None,
    )
