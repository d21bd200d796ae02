"""Faults of CreateCustomKeyStore."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.http.client import TlsFailure
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.steps import replaced
from pytest_xks.kms.faults.catalogue import fault, nothing
from pytest_xks.kms.faults.patterns import adjusting, answering, editing, renaming
from pytest_xks.kms.proxy_calls.client import exchange, request_to_proxy
from pytest_xks.kms.stores import uniqueness
from pytest_xks.kms.stores.operations import check_health, check_vpc_endpoint_service
from pytest_xks.kms.stores.store import ConnectionState, Connectivity
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.messages import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.http.client import Transport
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
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


def _adjustment(change: Change) -> Callable[[], Replacements]:
    return lambda: adjusting(change, _CREATE)


for _row in _ADJUSTMENTS:
    fault(_row[0], summary=_row[1], violates=(_row[2],))(_adjustment(_row[3]))


@fault("absent-member-as-invalid-parameter", violates=("KMS-CREATESTORE-005",))
def _absent_member_as_invalid_parameter() -> Replacements:
    """Answers what CreateCustomKeyStore cannot take with InvalidParameterException."""
    return renaming(ErrorCode.VALIDATION, "InvalidParameterException", _CREATE)


# -- uniqueness -------------------------------------------------------------------


@fault(
    "key-store-names-not-unique",
    violates=("KMS-CREATESTORE-021", "KMS-UPDATESTORE-010"),
)
def _key_store_names_not_unique() -> Replacements:
    """Lets two key stores have one name."""
    return {uniqueness.check_name: nothing}


@fault("proxy-uris-not-unique", violates=("KMS-CREATESTORE-022", "KMS-UPDATESTORE-010"))
def _proxy_uris_not_unique() -> Replacements:
    """Lets two key stores have one endpoint and path."""
    return {uniqueness.check_uri: nothing}


@fault("one-key-store-per-endpoint", violates=("KMS-CREATESTORE-023",))
def _one_key_store_per_endpoint() -> Replacements:
    """Refuses a second public key store at an endpoint, whatever its path."""

    def check(
        proceed: Callable[..., None], new: StoreConfiguration, other: StoreConfiguration
    ) -> None:
        public = {new.connectivity, other.connectivity} == {
            Connectivity.PUBLIC_ENDPOINT
        }
        proceed(new, replace(other, uri_path=new.uri_path) if public else other)

    return {uniqueness.check_uri: check}


@fault(
    "public-endpoint-may-be-private-dns-name",
    violates=("KMS-CREATESTORE-024", "KMS-UPDATESTORE-010"),
)
def _public_endpoint_may_be_private_dns_name() -> Replacements:
    """Lets a public key store use the endpoint of one behind a service."""
    return {uniqueness.check_endpoint: nothing}


@fault("vpc-endpoint-services-shared", violates=("KMS-CREATESTORE-026",))
def _vpc_endpoint_services_shared() -> Replacements:
    """Lets two key stores be behind one VPC endpoint service."""
    return {uniqueness.check_service: nothing}


@fault("repeated-create-returns-the-first", violates=("KMS-CREATESTORE-050",))
def _repeated_create_returns_the_first() -> Replacements:
    """Answers the same CreateCustomKeyStore once more with the id of the first."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        for store in context.region.stores.values():
            if _is_the_same(store, call.parameters):
                return {"CustomKeyStoreId": store.id}
        return proceed(context, call)

    return answering(respond, _CREATE)


def _is_the_same(store: ExternalKeyStore, parameters: Mapping[str, object]) -> bool:
    configuration = store.configuration
    return (
        store.name == parameters.get("CustomKeyStoreName")
        and configuration.uri_endpoint == parameters.get("XksProxyUriEndpoint")
        and configuration.uri_path == parameters.get("XksProxyUriPath")
    )


# -- the test call ----------------------------------------------------------------


@fault(
    "proxies-never-tested",
    violates=("KMS-CREATESTORE-028", "KMS-UPDATESTORE-008"),
    wholesale=True,
)
def _proxies_never_tested() -> Replacements:
    """Creates and changes key stores without asking their proxies."""
    return {check_health: nothing}


@fault("key-store-kept-though-test-call-failed", violates=("KMS-CREATESTORE-028",))
def _key_store_kept_though_test_call_failed() -> Replacements:
    """Raises the exception for a wrong credential, and has created the key store."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.code == ErrorCode.XKS_PROXY_INCORRECT_CREDENTIAL:
                with replaced({check_health: nothing}):
                    proceed(context, call)
            raise

    return answering(respond, _CREATE)


@fault("vpc-key-store-asks-the-proxy", violates=("KMS-CREATESTORE-029",))
def _vpc_key_store_asks_the_proxy() -> Replacements:
    """Asks the proxy behind a VPC endpoint service when its key store is created."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        store = _created(context, document)
        if store.configuration.connectivity is Connectivity.VPC_ENDPOINT_SERVICE:
            check_health(context, call, store.configuration, store.id)
        return document

    return answering(respond, _CREATE)


def _created(context: Context, document: Document | None) -> ExternalKeyStore:
    return context.region.store((document or {})["CustomKeyStoreId"])


def _asking(change: Callable[[str, Document], tuple[str, Document]]) -> Replacements:
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

    return {request_to_proxy: ask}


@fault("test-call-to-path-in-small-letters", violates=("KMS-CREATESTORE-012",))
def _test_call_to_path_in_small_letters() -> Replacements:
    """Writes the path in small letters when it asks the proxy of a new key store."""
    return _asking(lambda path, metadata: (path.lower(), metadata))


@fault("test-call-says-connect", violates=("KMS-CREATESTORE-028",))
def _test_call_says_connect() -> Replacements:
    """Asks the proxy of a new key store as if the store were being connected."""
    said = {"kmsOperation": "ConnectCustomKeyStore"}
    return _asking(lambda path, metadata: (path, {**metadata, **said}))


@fault("test-call-names-a-principal", violates=("KMS-CREATESTORE-030",))
def _test_call_names_a_principal() -> Replacements:
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


@fault(
    "new-key-store-despite-bad-certificate",
    violates=("KMS-CREATESTORE-041", "KMS-CREATESTORE-043", "KMS-FAIL-015"),
)
def _new_key_store_despite_bad_certificate() -> Replacements:
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

    return {exchange: send}


# -- the VPC endpoint service -----------------------------------------------------


@fault(
    "private-dns-name-not-compared",
    violates=("KMS-CREATESTORE-010", "KMS-CREATESTORE-045"),
)
def _private_dns_name_not_compared() -> Replacements:
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

    return {check_vpc_endpoint_service: check}


@fault("unknown-vpc-endpoint-service-as-validation", violates=("KMS-CREATESTORE-044",))
def _unknown_vpc_endpoint_service_as_validation() -> Replacements:
    """Answers the name of no VPC endpoint service with a ValidationException."""
    code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_NOT_FOUND
    return renaming(code, ErrorCode.VALIDATION, _CREATE)


@fault("another-private-dns-name-as-validation", violates=("KMS-CREATESTORE-045",))
def _another_private_dns_name_as_validation() -> Replacements:
    """Answers an endpoint that is not the service's with a ValidationException."""
    code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION
    return renaming(code, ErrorCode.VALIDATION, _CREATE)


# -- the result -------------------------------------------------------------------


def _becoming(state: ConnectionState) -> Replacements:
    """Gives a new key store a ConnectionState."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        store = _created(context, document)
        store.change_state(ConnectionState.CONNECTING, state, seconds=0)
        return document

    return answering(respond, _CREATE)


@fault("new-key-store-connects-by-itself", violates=("KMS-CREATESTORE-047",))
def _new_key_store_connects_by_itself() -> Replacements:
    """Connects a key store when it has been created."""
    return _becoming(ConnectionState.CONNECTED)


@fault("new-key-store-has-failed", violates=("KMS-CREATESTORE-047",))
def _new_key_store_has_failed() -> Replacements:
    """Shows a new key store as FAILED, which nobody has tried to connect."""
    return _becoming(ConnectionState.FAILED)


@fault("create-key-store-returns-the-type", violates=("KMS-CREATESTORE-048",))
def _create_key_store_returns_the_type() -> Replacements:
    """Answers CreateCustomKeyStore with the type of the key store, too."""
    more = {"CustomKeyStoreType": "EXTERNAL_KEY_STORE"}
    return editing(lambda document: document.update(more), _CREATE)
