"""The six operations on custom key stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.behaviour import (
    ConnectAgain,
    HealthCheckAtUpdate,
    UpdateWhileConnected,
)
from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.desk.validation import invalid
from pytest_xks.kms.proxy_calls.error_mapping import (
    Group,
    ProxyFailure,
    connection_error_code,
    kms_error,
)
from pytest_xks.kms.stores.parameters import (
    CLOUDHSM_MEMBERS,
    VPC_MEMBERS,
    XKS_MEMBERS,
    changed_configuration,
    given,
    new_configuration,
    require_external,
    text,
)
from pytest_xks.kms.stores.store import (
    EXTERNAL_KEY_STORE,
    ConnectionState,
    Connectivity,
    ExternalKeyStore,
    StoreConfiguration,
)
from pytest_xks.kms.stores.uniqueness import check_unique
from pytest_xks.kms.stores.vpc import inspect_service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.stores.vpc import VpcFinding

__all__ = [
    "check_health",
    "check_updatable",
    "check_vpc_endpoint_service",
    "connect_custom_key_store",
    "create_custom_key_store",
    "delete_custom_key_store",
    "describe_custom_key_stores",
    "disconnect_custom_key_store",
    "update_custom_key_store",
]

Document = dict[str, object]


# KMS-UPDATESTORE-003.
_WHILE_DISCONNECTED = ("XksProxyConnectivity", "XksProxyUriEndpoint", *VPC_MEMBERS)


# -- CreateCustomKeyStore ---------------------------------------------------------


def create_custom_key_store(context: Context, call: Call) -> Document:
    """CreateCustomKeyStore (KMS-CREATESTORE)."""
    parameters = call.parameters
    require_external(parameters, context.region.name)
    configuration = new_configuration(parameters, call.account_id)
    name = str(parameters["CustomKeyStoreName"])
    _check_room(context)
    check_unique(context, name, configuration)
    check_vpc_endpoint_service(context, configuration)
    if configuration.connectivity is Connectivity.PUBLIC_ENDPOINT:
        # KMS-CREATESTORE-029: a VPC store hears from KMS when it is connected.
        check_health(context, call, configuration)
    region = context.region
    store = ExternalKeyStore(
        account_id=region.account_id,
        region=region.name,
        name=name,
        configuration=configuration,
        clock=context.clock,
    )
    with region.lock:
        # Once more, now that no other thread can interfere.
        _check_room(context)
        check_unique(context, name, configuration)
        region.stores[store.id] = store
    return {"CustomKeyStoreId": store.id}


def _check_room(context: Context) -> None:
    limit = context.behaviour.custom_key_stores
    if len(context.region.stores) >= limit:
        raise KmsError(
            ErrorCode.LIMIT_EXCEEDED,
            f"The account has {limit} custom key stores in this Region, and may not "
            "have more.",
        )


def _finding(context: Context, configuration: StoreConfiguration) -> VpcFinding | None:
    if configuration.connectivity is not Connectivity.VPC_ENDPOINT_SERVICE:
        return None
    return inspect_service(
        context.vpc_endpoint_services,
        name=configuration.vpc_endpoint_service_name or "",
        owner=configuration.vpc_endpoint_service_owner or "",
        region=context.region.name,
        host=configuration.host,
    )


@step
def check_vpc_endpoint_service(
    context: Context, configuration: StoreConfiguration
) -> None:
    """The VPC endpoint service of a configuration, if it has one, is fine.

    Raises:
        KmsError: it is not there, or not as KMS needs it.
    """
    finding = _finding(context, configuration)
    if finding:
        raise finding.error(context.behaviour)


@step
def check_health(
    context: Context,
    call: Call,
    configuration: StoreConfiguration,
    custom_key_store_id: str | None = None,
) -> None:
    """The proxy of a configuration answers well.

    Raises:
        KmsError: it does not.
    """
    proxy = configuration.proxy(
        account_id=context.region.account_id,
        region=context.region.name,
        custom_key_store_id=custom_key_store_id,
    )
    try:
        context.proxy_client.get_health_status(call, proxy)
    except ProxyFailure as failure:
        raise kms_error(failure.scenario, Group.STORE, context.behaviour) from None


# -- ConnectCustomKeyStore, DisconnectCustomKeyStore ------------------------------


def _store(context: Context, parameters: Mapping[str, object]) -> ExternalKeyStore:
    """The key store that a request names, once its parameters are fine."""
    store = context.region.store(str(parameters["CustomKeyStoreId"]))
    context.trace.store = store
    return store


def _wrong_state(
    store: ExternalKeyStore, state: ConnectionState, wanted: str
) -> KmsError:
    return KmsError(
        ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE,
        f"The ConnectionState of the custom key store {store.id} is {state}; {wanted}.",
    )


def connect_custom_key_store(context: Context, call: Call) -> Document:
    """ConnectCustomKeyStore (KMS-CONNECT)."""
    store = _store(context, call.parameters)
    state = store.state
    behaviour = context.behaviour
    if state in {ConnectionState.CONNECTED, ConnectionState.CONNECTING}:
        if behaviour.connect_again is ConnectAgain.REFUSED:
            raise _wrong_state(store, state, "it must be DISCONNECTED")
        return {}
    if state is not ConnectionState.DISCONNECTED:
        raise _wrong_state(store, state, "disconnect it first")
    code = _try_connection(context, call, store)
    store.change_state(
        ConnectionState.CONNECTING,
        ConnectionState.FAILED if code else ConnectionState.CONNECTED,
        seconds=behaviour.connecting_seconds,
        code=code,
    )
    return {}


def _try_connection(
    context: Context, call: Call, store: ExternalKeyStore
) -> ConnectionErrorCode | None:
    # KMS-CONNECT-010: a failure is never an exception here.
    finding = _finding(context, store.configuration)
    if finding:
        return finding.connection_error_code(context.behaviour)
    try:
        context.proxy_client.get_health_status(call, store.proxy)
    except ProxyFailure as failure:
        return connection_error_code(failure.scenario)
    return None


def disconnect_custom_key_store(context: Context, call: Call) -> Document:
    """DisconnectCustomKeyStore (KMS-DISCONNECT)."""
    store = _store(context, call.parameters)
    state = store.state
    if state in {ConnectionState.DISCONNECTED, ConnectionState.DISCONNECTING}:
        raise _wrong_state(store, state, "it is not connected")
    store.change_state(
        ConnectionState.DISCONNECTING,
        ConnectionState.DISCONNECTED,
        seconds=context.behaviour.disconnecting_seconds,
    )
    return {}


# -- UpdateCustomKeyStore ---------------------------------------------------------


def update_custom_key_store(context: Context, call: Call) -> Document:
    """UpdateCustomKeyStore (KMS-UPDATESTORE)."""
    parameters = call.parameters
    store = _store(context, parameters)
    foreign = given(parameters, CLOUDHSM_MEMBERS)
    if foreign:
        raise invalid(
            f"{', '.join(foreign)} cannot be specified for a custom key store of type "
            f"{EXTERNAL_KEY_STORE}."
        )
    check_updatable(store, parameters, context.behaviour.update_while_connected)
    configuration = changed_configuration(store, parameters, call.account_id)
    name = str(parameters.get("NewCustomKeyStoreName", store.name))
    check_unique(context, name, configuration, but=store)
    check_vpc_endpoint_service(context, configuration)
    if _asks_proxy(
        store, parameters, configuration, context.behaviour.health_check_at_update
    ):
        check_health(context, call, configuration, store.id)
    with context.region.lock:
        check_unique(context, name, configuration, but=store)
        store.name = name
        store.configure(
            configuration,
            new_credential="XksProxyAuthenticationCredential" in parameters,
        )
    return {}


@step
def check_updatable(
    store: ExternalKeyStore,
    parameters: Mapping[str, object],
    while_connected: UpdateWhileConnected,
) -> None:
    """The ConnectionState lets these parameters change.

    Raises:
        KmsError: CustomKeyStoreInvalidStateException.
    """
    state = store.state
    if state is ConnectionState.DISCONNECTED:
        return
    if state is not ConnectionState.CONNECTED:
        # AMBIGUOUS: not said for FAILED, CONNECTING, DISCONNECTING (KMS-AMB-019). Ours:
        # refused; disconnecting first is the documented way to repair a store.
        raise _wrong_state(store, state, "it must be CONNECTED or DISCONNECTED")
    # AMBIGUOUS: the text of the exception allows the name only (KMS-AMB-018). Ours: the
    # name, the credential and the path.
    refused = given(
        parameters,
        XKS_MEMBERS
        if while_connected is UpdateWhileConnected.NAME
        else _WHILE_DISCONNECTED,
    )
    if refused:
        reason = f"to change {', '.join(refused)}, it must be DISCONNECTED"
        raise _wrong_state(store, state, reason)


def _asks_proxy(
    store: ExternalKeyStore,
    parameters: Mapping[str, object],
    configuration: StoreConfiguration,
    when: HealthCheckAtUpdate,
) -> bool:
    # AMBIGUOUS: "always", or "no request while disconnected"; and nothing is said about
    # a change of the name alone (KMS-AMB-021, KMS-AMB-022).
    if when is HealthCheckAtUpdate.ALWAYS:
        return True
    if not given(parameters, XKS_MEMBERS):
        return False
    public = configuration.connectivity is Connectivity.PUBLIC_ENDPOINT
    return public or store.connected


# -- DeleteCustomKeyStore, DescribeCustomKeyStores --------------------------------


def delete_custom_key_store(context: Context, call: Call) -> Document:
    """DeleteCustomKeyStore (KMS-DELETESTORE)."""
    store = _store(context, call.parameters)
    state = store.state
    if state is not ConnectionState.DISCONNECTED:
        raise _wrong_state(store, state, "it must be DISCONNECTED")
    if context.region.keys.in_store(store.id):
        raise KmsError(
            ErrorCode.CUSTOM_KEY_STORE_HAS_CMKS,
            f"The custom key store {store.id} contains KMS keys. It can be deleted "
            "after they have been deleted.",
        )
    context.region.stores.pop(store.id, None)
    return {}


def describe_custom_key_stores(context: Context, call: Call) -> Document:
    """DescribeCustomKeyStores (KMS-DESCRIBESTORE)."""
    parameters = call.parameters
    stores = _filtered(context.region, parameters)
    marker = parameters.get("Marker")
    if marker is not None:
        stores = _after(stores, str(marker))
    limit = int(str(parameters.get("Limit", len(stores))))
    page = stores[:limit]
    document: Document = {
        "CustomKeyStores": [_description(store) for store in page],
        "Truncated": len(stores) > len(page),
    }
    if len(stores) > len(page):
        document["NextMarker"] = page[-1].id
    return document


def _filtered(
    region: AccountRegion, parameters: Mapping[str, object]
) -> list[ExternalKeyStore]:
    store_id, name = (
        text(parameters, "CustomKeyStoreId"),
        text(parameters, "CustomKeyStoreName"),
    )
    if store_id is not None and name is not None:
        # KMS-AMB-027: "but not both".
        raise invalid("Specify CustomKeyStoreId or CustomKeyStoreName, but not both.")
    if store_id is not None:
        return [region.store(store_id)]
    if name is None:
        return list(region.stores.values())
    found = [each for each in list(region.stores.values()) if each.name == name]
    if not found:
        # KMS-DESCRIBESTORE-002: an error, not an empty list.
        raise KmsError(
            ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
            f"AWS KMS cannot find a custom key store with the name {name}.",
        )
    return found


def _after(stores: Sequence[ExternalKeyStore], marker: str) -> list[ExternalKeyStore]:
    ids = [store.id for store in stores]
    if marker not in ids:
        raise KmsError(ErrorCode.INVALID_MARKER, "The marker is not valid.")
    return list(stores[ids.index(marker) + 1 :])


def _description(store: ExternalKeyStore) -> Document:
    state = store.state
    document: Document = {
        "CustomKeyStoreId": store.id,
        "CustomKeyStoreName": store.name,
        "ConnectionState": state.value,
        "CreationDate": store.created.timestamp(),
        "CustomKeyStoreType": EXTERNAL_KEY_STORE,
        "XksProxyConfiguration": _proxy_configuration(store.configuration),
    }
    if state is ConnectionState.FAILED and store.connection_error_code:
        document["ConnectionErrorCode"] = store.connection_error_code.value
    return document


def _proxy_configuration(configuration: StoreConfiguration) -> Document:
    document: Document = {
        "Connectivity": configuration.connectivity.value,
        # KMS-DESCRIBESTORE-006: the id, never the secret.
        "AccessKeyId": configuration.credential.access_key_id,
        "UriEndpoint": configuration.uri_endpoint,
        "UriPath": configuration.uri_path,
    }
    if configuration.connectivity is Connectivity.VPC_ENDPOINT_SERVICE:
        document["VpcEndpointServiceName"] = configuration.vpc_endpoint_service_name
        document["VpcEndpointServiceOwner"] = configuration.vpc_endpoint_service_owner
    return document
