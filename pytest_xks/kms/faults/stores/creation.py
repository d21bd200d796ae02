"""Faults of CreateCustomKeyStore."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Error, Replace
from pytest_xks.http.client import TlsFailure
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.steps import replaced
from pytest_xks.kms.faults.catalogue import fault, nothing, row
from pytest_xks.kms.faults.patterns import adjusting, renaming
from pytest_xks.kms.proxy_calls.client import exchange, request_to_proxy
from pytest_xks.kms.stores import uniqueness
from pytest_xks.kms.stores.operations import check_health, check_vpc_endpoint_service
from pytest_xks.kms.stores.store import ConnectionState, Connectivity
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.messages import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.faults import Effects
    from pytest_xks.http.client import Transport
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.proxy_calls.endpoint import ProxyEndpoint
    from pytest_xks.kms.stores.store import ExternalKeyStore, StoreConfiguration
    from pytest_xks.proxy_api.errors import Operation
    from pytest_xks.proxy_api.http import Request

    Change = Callable[[Context, Document], object]

_CREATE = "CreateCustomKeyStore"
_CREDENTIAL = "XksProxyAuthenticationCredential"
_SERVICE = "XksProxyVpcEndpointServiceName"


# -- parameters -------------------------------------------------------------------


def _credential(member: str, change: Callable[[str], str]) -> Change:
    """Changes one half of the credential, if it is there."""

    def edit(_: Context, parameters: Document) -> None:
        given: dict[str, Any] = dict(parameters.get(_CREDENTIAL) or {})
        if member in given:
            given[member] = change(given[member])
            parameters[_CREDENTIAL] = given

    return edit


def _text(member: str, change: Callable[[str], str]) -> Change:
    """Changes a member, if it is there."""

    def edit(_: Context, parameters: Document) -> None:
        if member in parameters:
            parameters[member] = change(parameters[member])

    return edit


def _default(member: str, value: str) -> Change:
    return lambda _, parameters: parameters.setdefault(member, value)


def _name(_: Context, parameters: Document) -> None:
    parameters.setdefault("CustomKeyStoreName", f"key-store-{secrets.token_hex(4)}")


def _service(context: Context, parameters: Document) -> None:
    services = list(context.vpc_endpoint_services)
    if parameters.get("XksProxyConnectivity") == "VPC_ENDPOINT_SERVICE" and services:
        parameters.setdefault(_SERVICE, services[0])


def _connectivity(_: Context, parameters: Document) -> None:
    connectivity = parameters.get("XksProxyConnectivity")
    if connectivity is not None and connectivity not in set(Connectivity):
        parameters["XksProxyConnectivity"] = Connectivity.PUBLIC_ENDPOINT.value


def _without_cloudhsm_members(_: Context, parameters: Document) -> None:
    for member in ("CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"):
        parameters.pop(member, None)


_ADJUSTMENTS: tuple[tuple[str, str, str, Change], ...] = (
    (
        "key-store-without-name",
        "Makes up a name for a key store that is created without one.",
        "KMS-CREATESTORE-001",
        _name,
    ),
    (
        "external-key-store-by-default",
        "Creates an external key store if no type is given.",
        "KMS-CREATESTORE-002",
        _default("CustomKeyStoreType", "EXTERNAL_KEY_STORE"),
    ),
    (
        "public-endpoint-by-default",
        "Creates a public key store if no connectivity is given.",
        "KMS-CREATESTORE-003",
        _default("XksProxyConnectivity", "PUBLIC_ENDPOINT"),
    ),
    (
        "vpc-endpoint-service-guessed",
        "Takes any VPC endpoint service for a key store that is created without.",
        "KMS-CREATESTORE-004",
        _service,
    ),
    (
        "unknown-connectivity-as-public",
        "Takes an XksProxyConnectivity that it does not know for PUBLIC_ENDPOINT.",
        "KMS-CREATESTORE-006",
        _connectivity,
    ),
    (
        "endpoint-with-port-accepted",
        "Takes an XksProxyUriEndpoint with a port.",
        "KMS-CREATESTORE-007",
        _text("XksProxyUriEndpoint", lambda text: text.removesuffix(":443")),
    ),
    (
        "uri-path-with-trailing-slash-accepted",
        "Takes an XksProxyUriPath with a slash at the end.",
        "KMS-CREATESTORE-011",
        _text("XksProxyUriPath", lambda text: text.rstrip("/")),
    ),
    (
        "vpc-endpoint-service-name-in-any-case",
        "Takes the name of a VPC endpoint service in capital letters.",
        "KMS-CREATESTORE-013",
        _text(_SERVICE, str.lower),
    ),
    (
        "vpc-endpoint-service-owner-with-hyphens",
        "Takes an account ID with hyphens for the owner of a VPC endpoint service.",
        "KMS-CREATESTORE-014",
        _text("XksProxyVpcEndpointServiceOwner", lambda text: text.replace("-", "")),
    ),
    (
        "access-key-id-in-any-case",
        "Takes an AccessKeyId of the proxy in small letters.",
        "KMS-CREATESTORE-015",
        _credential("AccessKeyId", str.upper),
    ),
    (
        "long-secret-access-key-cut-off",
        "Cuts off a RawSecretAccessKey of the proxy that is too long.",
        "KMS-CREATESTORE-016",
        _credential("RawSecretAccessKey", lambda text: text[:64]),
    ),
    (
        "cloudhsm-members-ignored",
        "Ignores members of AWS CloudHSM key stores in an external one.",
        "KMS-CREATESTORE-019",
        _without_cloudhsm_members,
    ),
)


for _row in _ADJUSTMENTS:
    row(
        _row[0],
        _row[1],
        adjusting(_row[3]),
        violates=(_row[2],),
        operations=(_CREATE,),
    )
row(
    "absent-member-as-invalid-parameter",
    "Answers what CreateCustomKeyStore cannot take with InvalidParameterException.",
    renaming(ErrorCode.VALIDATION, "InvalidParameterException"),
    violates=("KMS-CREATESTORE-005",),
    operations=("CreateCustomKeyStore",),
)


# -- uniqueness -------------------------------------------------------------------


row(
    "key-store-names-not-unique",
    "Lets two key stores have one name.",
    Replace(uniqueness.check_name, nothing),
    violates=("KMS-CREATESTORE-021", "KMS-UPDATESTORE-010"),
)
row(
    "proxy-uris-not-unique",
    "Lets two key stores have one endpoint and path.",
    Replace(uniqueness.check_uri, nothing),
    violates=("KMS-CREATESTORE-022", "KMS-UPDATESTORE-010"),
)


# A store that another check has made, and that is being removed, is in the way, too.
@fault(violates=("KMS-CREATESTORE-023",), scope=("KMS-CREATESTORE-023",))
def one_key_store_per_endpoint() -> Effects:
    """Refuses a second public key store at an endpoint, whatever its path."""

    def check(
        proceed: Callable[..., None], new: StoreConfiguration, other: StoreConfiguration
    ) -> None:
        public = {new.connectivity, other.connectivity} == {
            Connectivity.PUBLIC_ENDPOINT
        }
        proceed(new, replace(other, uri_path=new.uri_path) if public else other)

    return Replace(uniqueness.check_uri, check)


row(
    "public-endpoint-may-be-private-dns-name",
    "Lets a public key store use the endpoint of one behind a service.",
    Replace(uniqueness.check_endpoint, nothing),
    violates=("KMS-CREATESTORE-024", "KMS-UPDATESTORE-010"),
)
row(
    "vpc-endpoint-services-shared",
    "Lets two key stores be behind one VPC endpoint service.",
    Replace(uniqueness.check_service, nothing),
    violates=("KMS-CREATESTORE-026",),
)


@fault(violates=("KMS-CREATESTORE-050",), operations=("CreateCustomKeyStore",))
def repeated_create_returns_the_first() -> Effects:
    """Answers the same CreateCustomKeyStore once more with the id of the first."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        for store in context.region.stores.values():
            if _is_the_same(store, call.parameters):
                return {"CustomKeyStoreId": store.id}
        return proceed(context, call)

    return Replace(answer, respond)


def _is_the_same(store: ExternalKeyStore, parameters: Mapping[str, object]) -> bool:
    configuration = store.configuration
    return (
        store.name == parameters.get("CustomKeyStoreName")
        and configuration.uri_endpoint == parameters.get("XksProxyUriEndpoint")
        and configuration.uri_path == parameters.get("XksProxyUriPath")
    )


# -- the test call ----------------------------------------------------------------


row(
    "proxies-never-tested",
    "Creates and changes key stores without asking their proxies.",
    Replace(check_health, nothing),
    violates=("KMS-CREATESTORE-028", "KMS-UPDATESTORE-008"),
    wholesale=True,
)


@fault(violates=("KMS-CREATESTORE-028",), operations=("CreateCustomKeyStore",))
def key_store_kept_though_test_call_failed() -> Effects:
    """Raises the exception for a wrong credential, and has created the key store."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.code == ErrorCode.XKS_PROXY_INCORRECT_CREDENTIAL:
                with replaced({check_health: nothing}):
                    proceed(context, call)
            raise

    return Replace(answer, respond)


@fault(violates=("KMS-CREATESTORE-029",), operations=("CreateCustomKeyStore",))
def vpc_key_store_asks_the_proxy() -> Effects:
    """Asks the proxy behind a VPC endpoint service when its key store is created."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        store = _created(context, document)
        if store.configuration.connectivity is Connectivity.VPC_ENDPOINT_SERVICE:
            check_health(context, call, store.configuration, store.id)
        return document

    return Replace(answer, respond)


def _created(context: Context, document: Document | None) -> ExternalKeyStore:
    return context.region.store((document or {})["CustomKeyStoreId"])


def _asking(change: Callable[[str, Document], tuple[str, Document]]) -> Effects:
    """Changes GetHealthStatus of CreateCustomKeyStore: path and requestMetadata."""

    def ask(  # noqa: PLR0913, PLR0917 - the parts of a request
        proceed: Callable[..., Request],
        call: Call,
        target: ProxyEndpoint,
        operation: Operation,
        external_key_id: str | None,
        document: Document,
    ) -> Request:
        if call.operation == _CREATE:
            path, metadata = change(target.uri_path, document["requestMetadata"])
            target = replace(target, uri_path=path)
            document = {**document, "requestMetadata": metadata}
        return proceed(call, target, operation, external_key_id, document)

    return Replace(request_to_proxy, ask)


row(
    "test-call-to-path-in-small-letters",
    "Writes the path in small letters when it asks the proxy of a new key store.",
    _asking(lambda path, metadata: (path.lower(), metadata)),
    violates=("KMS-CREATESTORE-012",),
)


@fault(violates=("KMS-CREATESTORE-028",))
def test_call_says_connect() -> Effects:
    """Asks the proxy of a new key store as if the store were being connected."""
    said = {"kmsOperation": "ConnectCustomKeyStore"}
    return _asking(lambda path, metadata: (path, {**metadata, **said}))


@fault(violates=("KMS-CREATESTORE-030",))
def test_call_names_a_principal() -> Effects:
    """Sends an awsPrincipalArn to the proxy of a new key store."""
    said = {"awsPrincipalArn": "arn:aws:iam::111122223333:user/Alice"}
    return _asking(lambda path, metadata: (path, {**metadata, **said}))


_HEALTHY = {
    "xksProxyFleetSize": 1,
    "xksProxyVendor": "unknown",
    "xksProxyModel": "unknown",
    "ekmVendor": "unknown",
    "ekmFleetDetails": [{"id": "1", "model": "unknown", "healthStatus": "ACTIVE"}],
}


@fault(violates=("KMS-CREATESTORE-041", "KMS-CREATESTORE-043", "KMS-FAIL-015"))
def new_key_store_despite_bad_certificate() -> Effects:
    """Does not mind the certificate of the proxy when a key store is created."""

    def send(
        proceed: Callable[..., Response],
        transport: Transport,
        request: Request,
        timeout_ms: float,
    ) -> Response:
        try:
            return proceed(transport, request, timeout_ms)
        except TlsFailure:
            if _CREATE.encode() not in request.body:
                raise
        return Response(
            status=200,
            headers=(("Content-Type", CONTENT_TYPE),),
            body=json.dumps(_HEALTHY).encode(),
        )

    return Replace(exchange, send)


# -- the VPC endpoint service -----------------------------------------------------


@fault(violates=("KMS-CREATESTORE-010", "KMS-CREATESTORE-045"))
def private_dns_name_not_compared() -> Effects:
    """Lets the endpoint be another than the private DNS name of the service."""

    def check(
        proceed: Callable[..., None],
        context: Context,
        configuration: StoreConfiguration,
    ) -> None:
        try:
            proceed(context, configuration)
        except KmsError as error:
            misconfigured = (
                ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION
            )
            if error.code != misconfigured:
                raise

    return Replace(check_vpc_endpoint_service, check)


@fault(violates=("KMS-CREATESTORE-044",), operations=("CreateCustomKeyStore",))
def unknown_vpc_endpoint_service_as_validation() -> Effects:
    """Answers the name of no VPC endpoint service with a ValidationException."""
    code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_NOT_FOUND
    return renaming(code, ErrorCode.VALIDATION)


@fault(violates=("KMS-CREATESTORE-045",), operations=("CreateCustomKeyStore",))
def another_private_dns_name_as_validation() -> Effects:
    """Answers an endpoint that is not the service's with a ValidationException."""
    code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION
    return renaming(code, ErrorCode.VALIDATION)


# -- the result -------------------------------------------------------------------


def _becoming(state: ConnectionState) -> Effects:
    """Gives a new key store a ConnectionState."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        store = _created(context, document)
        store.change_state(ConnectionState.CONNECTING, state, seconds=0)
        return document

    return Replace(answer, respond)


row(
    "new-key-store-connects-by-itself",
    "Connects a key store when it has been created.",
    _becoming(ConnectionState.CONNECTED),
    violates=("KMS-CREATESTORE-047",),
    operations=("CreateCustomKeyStore",),
)
row(
    "new-key-store-has-failed",
    "Shows a new key store as FAILED, which nobody has tried to connect.",
    _becoming(ConnectionState.FAILED),
    violates=("KMS-CREATESTORE-047",),
    operations=("CreateCustomKeyStore",),
)


row(
    "no-external-key-stores",
    "Refuses every CreateCustomKeyStore, as an emulator that has no such thing does.",
    Error(ErrorCode.UNSUPPORTED_OPERATION),
    violates=("KMS-CREATESTORE-052",),
    operations=("CreateCustomKeyStore",),
)
row(
    "key-store-id-of-65-characters",
    "Answers CreateCustomKeyStore with an id that is too long.",
    Edit(lambda document: document.update(CustomKeyStoreId=f"cks-{'0' * 61}")),
    violates=("KMS-CREATESTORE-048",),
    operations=("CreateCustomKeyStore",),
    scope=("KMS-CREATESTORE-048",),
)
