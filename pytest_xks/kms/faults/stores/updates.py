"""Faults of UpdateCustomKeyStore."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.steps import replaced
from pytest_xks.kms.faults.catalogue import fault, nothing, row
from pytest_xks.kms.faults.patterns import adjusting, asking, renaming
from pytest_xks.kms.stores.operations import check_health, check_updatable
from pytest_xks.kms.stores.uniqueness import check_unique

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.stores.store import ExternalKeyStore, StoreConfiguration

    Change = Callable[[Context, Document], object]
    Respond = Callable[[Answer, Context, Call, ExternalKeyStore], Document | None]

_UPDATE = "UpdateCustomKeyStore"
_CREDENTIAL = "XksProxyAuthenticationCredential"


def _store(
    context: Context, parameters: Mapping[str, object]
) -> ExternalKeyStore | None:
    return context.region.stores.get(str(parameters.get("CustomKeyStoreId")))


def _updating(respond: Respond) -> Effects:
    """Answers in a way of its own, if there is such a key store."""

    def update(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = _store(context, call.parameters)
        if store is None:
            return proceed(context, call)
        return respond(proceed, context, call, store)

    return Replace(answer, update)


# -- parameters -------------------------------------------------------------------


@fault(violates=("KMS-UPDATESTORE-001",), operations=("UpdateCustomKeyStore",))
def update_of_unknown_key_store_as_validation() -> Effects:
    """Answers UpdateCustomKeyStore of no store with a ValidationException."""
    code = ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND
    return renaming(code, ErrorCode.VALIDATION)


@fault(violates=("KMS-UPDATESTORE-001",), operations=("UpdateCustomKeyStore",))
def update_changes_one_property_only() -> Effects:
    """Ignores all other changes in a call that changes the name."""

    def forget(_: Context, parameters: Document) -> None:
        if "NewCustomKeyStoreName" in parameters:
            parameters.pop("XksProxyUriPath", None)
            parameters.pop(_CREDENTIAL, None)

    return adjusting(forget)


@fault(violates=("KMS-UPDATESTORE-005",), operations=("UpdateCustomKeyStore",))
def half_a_credential_completed() -> Effects:
    """Takes the half of a credential that is not given from the old one."""

    def complete(context: Context, parameters: Document) -> None:
        store, given = _store(context, parameters), parameters.get(_CREDENTIAL)
        if store is None or not isinstance(given, dict):
            return
        old = store.configuration.credential
        whole: dict[str, Any] = {
            "AccessKeyId": old.access_key_id,
            "RawSecretAccessKey": old.secret_access_key,
        }
        parameters[_CREDENTIAL] = {**whole, **given}

    return adjusting(complete)


@fault(violates=("KMS-UPDATESTORE-006",), operations=("UpdateCustomKeyStore",))
def update_guesses_the_vpc_endpoint_service() -> Effects:
    """Takes any VPC endpoint service for a change to VPC_ENDPOINT_SERVICE without."""

    def guess(context: Context, parameters: Document) -> None:
        services = list(context.vpc_endpoint_services)
        if (
            parameters.get("XksProxyConnectivity") == "VPC_ENDPOINT_SERVICE"
            and services
        ):
            parameters.setdefault("XksProxyVpcEndpointServiceName", services[0])

    return adjusting(guess)


@fault(violates=("KMS-UPDATESTORE-007",), operations=("UpdateCustomKeyStore",))
def update_to_public_keeps_the_endpoint() -> Effects:
    """Keeps the endpoint if a change to PUBLIC_ENDPOINT does not give one."""

    def keep(context: Context, parameters: Document) -> None:
        store = _store(context, parameters)
        if store and parameters.get("XksProxyConnectivity") == "PUBLIC_ENDPOINT":
            old = store.configuration.uri_endpoint
            parameters.setdefault("XksProxyUriEndpoint", old)

    return adjusting(keep)


row(
    "update-ignores-cloudhsm-members",
    "Ignores members of AWS CloudHSM key stores in a change of an external one.",
    asking(CloudHsmClusterId=None, KeyStorePassword=None),
    violates=("KMS-UPDATESTORE-012",),
    operations=("UpdateCustomKeyStore",),
)


# -- connection states ------------------------------------------------------------


def _refusing(member: str) -> Effects:
    """Refuses a member while the key store is CONNECTED."""

    def check(
        proceed: Callable[..., None],
        store: ExternalKeyStore,
        parameters: Mapping[str, object],
        *rest: object,
    ) -> None:
        proceed(store, parameters, *rest)
        if member in parameters and store.connected:
            raise KmsError(
                ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE,
                f"The custom key store {store.id} must be DISCONNECTED.",
            )

    return Replace(check_updatable, check)


row(
    "rename-only-while-disconnected",
    "Refuses a new name while the key store is CONNECTED.",
    _refusing("NewCustomKeyStoreName"),
    violates=("KMS-UPDATESTORE-002",),
)
row(
    "uri-path-only-while-disconnected",
    "Refuses a new path while the key store is CONNECTED.",
    _refusing("XksProxyUriPath"),
    violates=("KMS-UPDATESTORE-015",),
)
row(
    "anything-changed-while-connected",
    "Changes whatever is asked for, in every ConnectionState.",
    Replace(check_updatable, nothing),
    violates=("KMS-UPDATESTORE-003", "KMS-UPDATESTORE-004"),
)


@fault(violates=("KMS-UPDATESTORE-004",), operations=("UpdateCustomKeyStore",))
def refused_update_renames() -> Effects:
    """Changes the name even if it refuses the rest of the call."""

    def update(
        proceed: Answer, context: Context, call: Call, store: ExternalKeyStore
    ) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.code == ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE:
                store.name = call.text("NewCustomKeyStoreName") or store.name
            raise

    return _updating(update)


# -- the test call ----------------------------------------------------------------


@fault(violates=("KMS-UPDATESTORE-016",))
def update_without_test_call_while_disconnected() -> Effects:
    """Changes a key store that is not CONNECTED without asking its proxy."""

    def check(
        proceed: Callable[..., None],
        context: Context,
        call: Call,
        configuration: StoreConfiguration,
        custom_key_store_id: str | None = None,
    ) -> None:
        if (
            custom_key_store_id is None
            or context.region.store(custom_key_store_id).connected
        ):
            proceed(context, call, configuration, custom_key_store_id)

    return Replace(check_health, check)


@fault(violates=("KMS-UPDATESTORE-008",), operations=("UpdateCustomKeyStore",))
def failed_update_applied() -> Effects:
    """Raises the exception of a failed test call, and has changed the key store."""

    def update(
        proceed: Answer, context: Context, call: Call, store: ExternalKeyStore
    ) -> Document | None:
        del store
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.code == ErrorCode.XKS_PROXY_INVALID_RESPONSE:
                with replaced({check_health: nothing}), suppress(KmsError):
                    proceed(context, call)
            raise

    return _updating(update)


@fault(violates=("KMS-UPDATESTORE-008",))
def update_tests_the_old_values() -> Effects:
    """Asks the proxy of a CONNECTED key store as it was configured before."""

    def check(
        proceed: Callable[..., None],
        context: Context,
        call: Call,
        configuration: StoreConfiguration,
        custom_key_store_id: str | None = None,
    ) -> None:
        store = context.region.stores.get(custom_key_store_id or "")
        if store and store.connected:
            configuration = store.configuration
        proceed(context, call, configuration, custom_key_store_id)

    return Replace(check_health, check)


# -- uniqueness -------------------------------------------------------------------


@fault(violates=("KMS-UPDATESTORE-010",))
def update_ignores_other_key_stores() -> Effects:
    """Changes a key store to what another one has already."""

    def check(
        proceed: Callable[..., None],
        *parts: object,
        but: ExternalKeyStore | None = None,
    ) -> None:
        if but is None:
            proceed(*parts)

    return Replace(check_unique, check)


# -- the result -------------------------------------------------------------------


@fault(violates=("KMS-UPDATESTORE-017",), operations=("UpdateCustomKeyStore",))
def update_mends_the_path() -> Effects:
    """Takes away slashes at the end of a new path, and takes what is left."""

    def mend(_: Context, parameters: Document) -> None:
        if path := parameters.get("XksProxyUriPath"):
            parameters["XksProxyUriPath"] = path.rstrip("/")

    return adjusting(mend)


@fault(violates=("KMS-UPDATESTORE-011",), operations=("UpdateCustomKeyStore",))
def update_forgets_the_endpoint() -> Effects:
    """Answers a change of the endpoint alone with success, and keeps the old one."""

    def update(
        proceed: Answer, context: Context, call: Call, store: ExternalKeyStore
    ) -> Document | None:
        old = store.configuration
        document = proceed(context, call)
        if store.configuration.connectivity is old.connectivity:
            kept = replace(store.configuration, uri_endpoint=old.uri_endpoint)
            store.configure(kept, new_credential=False)
        return document

    return _updating(update)


@fault(violates=("KMS-UPDATESTORE-013",), operations=("UpdateCustomKeyStore",))
def credential_in_use_kept() -> Effects:
    """Goes on to sign with the old credential if the key store is CONNECTED."""

    def update(
        proceed: Answer, context: Context, call: Call, store: ExternalKeyStore
    ) -> Document | None:
        old = store.configuration.credential
        document = proceed(context, call)
        if store.connected and set(call.parameters) == {
            "CustomKeyStoreId",
            _CREDENTIAL,
        }:
            kept = replace(store.configuration, credential=old)
            store.configure(kept, new_credential=False)
        return document

    return _updating(update)
