"""Faults of connecting and disconnecting key stores, and of unknown ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    ask_proxy,
    editing,
    forgiving,
    move,
    renaming,
    store_of,
)
from pytest_xks.kms.stores.operations import connect_custom_key_store
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.stores.store import ExternalKeyStore

_CONNECT = "ConnectCustomKeyStore"
_DELETE = "DeleteCustomKeyStore"
_DESCRIBE = "DescribeCustomKeyStores"
_DISCONNECT = "DisconnectCustomKeyStore"


def _wrong_state(store: ExternalKeyStore) -> KmsError:
    return KmsError(
        ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE,
        f"The ConnectionState of the custom key store {store.id} is {store.state}.",
    )


# -- unknown key stores -----------------------------------------------------------

for _operation, _name, _requirement in (
    (_CONNECT, "connect", "KMS-CONNECT-001"),
    (_DISCONNECT, "disconnect", "KMS-DISCONNECT-001"),
    (_DELETE, "delete", "KMS-DELETESTORE-001"),
):
    fault(
        f"{_name}-of-unknown-store-as-validation",
        summary=f"Answers {_operation} of no store with a ValidationException.",
        violates=(_requirement,),
    )(
        lambda operation=_operation: renaming(  # type: ignore[misc] # bound early
            ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND, ErrorCode.VALIDATION, operation
        )
    )
    fault(
        f"{_name}-without-id-succeeds",
        summary=f"Answers {_operation} without CustomKeyStoreId with success.",
        violates=(_requirement,),
    )(
        lambda operation=_operation: forgiving(  # type: ignore[misc] # bound early
            ErrorCode.VALIDATION, operation
        )
    )


# -- ConnectCustomKeyStore --------------------------------------------------------


@fault("connect-changes-nothing", violates=("KMS-CONNECT-002",))
def _connect_changes_nothing() -> Replacements:
    """Answers ConnectCustomKeyStore with success, and leaves the store as it was."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store:
            move(store, ConnectionState.DISCONNECTED)
        return document

    return answering(connect, _CONNECT)


@fault("first-connection-fails", violates=("KMS-CONNECT-003",))
def _first_connection_fails() -> Replacements:
    """Fails to connect a store for the first time, though its proxy is well."""
    tried: set[str] = set()

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.connected and store.id not in tried:
            move(store, ConnectionState.FAILED, ConnectionErrorCode.NETWORK_ERRORS)
        tried.add(call.text("CustomKeyStoreId") or "")
        return document

    return answering(connect, _CONNECT)


@fault(
    "connect-ignores-refused-signatures",
    violates=("KMS-CONNECT-003", "KMS-CONNECT-016", "KMS-FAIL-006"),
)
def _connect_ignores_refused_signatures() -> Replacements:
    """Connects a store whose proxy refuses the signature of the health check."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        refused = ConnectionErrorCode.INVALID_CREDENTIALS
        if store and store.connection_error_code is refused:
            move(store, ConnectionState.CONNECTED)
        return document

    return answering(connect, _CONNECT)


@fault("connect-takes-failed-stores", violates=("KMS-CONNECT-005",))
def _connect_takes_failed_stores() -> Replacements:
    """Connects a FAILED store without its being disconnected first."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            move(store, ConnectionState.DISCONNECTED)
        return proceed(context, call)

    return answering(connect, _CONNECT)


@fault("connects-only-once", violates=("KMS-CONNECT-006",))
def _connects_only_once() -> Replacements:
    """Refuses to connect a store that has been connected before."""
    connected: set[str] = set()

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.id in connected and not store.connected:
            raise _wrong_state(store)
        document = proceed(context, call)
        if store and store.connected:
            connected.add(store.id)
        return document

    return answering(connect, _CONNECT)


@fault("connect-again-disconnects", violates=("KMS-CONNECT-006",))
def _connect_again_disconnects() -> Replacements:
    """Disconnects a store that is CONNECTED already, and answers with success."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.connected:
            move(store, ConnectionState.DISCONNECTED)
            return {}
        return proceed(context, call)

    return answering(connect, _CONNECT)


@fault("failed-stores-never-connect", violates=("KMS-CONNECT-007",))
def _failed_stores_never_connect() -> Replacements:
    """Fails to connect a store that was FAILED, though its proxy is well again."""
    failed: set[str] = set()

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.id in failed:
            move(store, ConnectionState.FAILED, ConnectionErrorCode.INTERNAL_ERROR)
        elif store and store.state is ConnectionState.FAILED:
            failed.add(store.id)
        return document

    return answering(connect, _CONNECT)


@fault("connect-says-create-to-the-proxy", violates=("KMS-CONNECT-008",))
def _connect_says_create_to_the_proxy() -> Replacements:
    """Sends kmsOperation CreateCustomKeyStore while it connects a store."""
    return answering(
        lambda _, context, call: connect_custom_key_store(
            context, replace(call, operation="CreateCustomKeyStore")
        ),
        _CONNECT,
    )


@fault("connect-raises-proxy-exceptions", violates=("KMS-CONNECT-010",))
def _connect_raises_proxy_exceptions() -> Replacements:
    """Raises an exception from ConnectCustomKeyStore if the health check fails."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            raise KmsError(
                ErrorCode.XKS_PROXY_URI_UNREACHABLE,
                "AWS KMS cannot communicate with the external key store proxy.",
            )
        return document

    return answering(connect, _CONNECT)


@fault("proxy-error-shows-as-failed", violates=("KMS-CONNECT-012",))
def _proxy_error_shows_as_failed() -> Replacements:
    """Shows a store as FAILED, once, after an Encrypt that failed with its proxy."""
    troubled: set[str] = set()

    def watch(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            document = proceed(context, call)
        except KmsError as error:
            if "external key manager" in error.message:
                troubled.update(key.store.id for key in context.trace.keys)
            raise
        if document and call.operation == _DESCRIBE:
            for entry in document["CustomKeyStores"]:
                if entry["CustomKeyStoreId"] in troubled:
                    troubled.remove(entry["CustomKeyStoreId"])
                    entry["ConnectionState"] = ConnectionState.FAILED.value
        return document

    return answering(watch, "Encrypt", _DESCRIBE)


@fault("connection-error-code-in-every-state", violates=("KMS-CONNECT-014",))
def _connection_error_code_in_every_state() -> Replacements:
    """Shows a ConnectionErrorCode of stores that are not FAILED."""

    def add(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            entry.setdefault("ConnectionErrorCode", "INTERNAL_ERROR")

    return editing(add, _DESCRIBE)


@fault(
    "cloudhsm-code-for-denied-access",
    violates=("KMS-CONNECT-017", "KMS-CONNECT-026", "KMS-FAIL-007"),
)
def _cloudhsm_code_for_denied_access() -> Replacements:
    """Shows USER_LOCKED_OUT where the proxy denies access."""

    def change(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            if entry.get("ConnectionErrorCode") == "XKS_PROXY_ACCESS_DENIED":
                entry["ConnectionErrorCode"] = "USER_LOCKED_OUT"

    return editing(change, _DESCRIBE)


# -- DisconnectCustomKeyStore -----------------------------------------------------


@fault("disconnect-again-succeeds", violates=("KMS-DISCONNECT-002",))
def _disconnect_again_succeeds() -> Replacements:
    """Answers DisconnectCustomKeyStore of a DISCONNECTED store with success."""
    return forgiving(ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE, _DISCONNECT)


@fault(
    "failed-stores-cannot-be-disconnected",
    violates=("KMS-DISCONNECT-003",),
    # It leaves stores behind, until there is no room for others.
    scope=("KMS-DISCONNECT",),
)
def _failed_stores_cannot_be_disconnected() -> Replacements:
    """Refuses to disconnect a FAILED store."""

    def disconnect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            raise _wrong_state(store)
        return proceed(context, call)

    return answering(disconnect, _DISCONNECT)


@fault("disconnected-stores-shown-as-failed", violates=("KMS-DISCONNECT-004",))
def _disconnected_stores_shown_as_failed() -> Replacements:
    """Shows a store that was disconnected as FAILED."""
    disconnected: set[str] = set()

    def watch(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if call.operation == _DISCONNECT and store:
            disconnected.add(store.id)
        if call.operation == _DESCRIBE and document:
            for entry in document["CustomKeyStores"]:
                state = entry["ConnectionState"]
                if entry["CustomKeyStoreId"] in disconnected and (
                    state == ConnectionState.DISCONNECTED
                ):
                    entry["ConnectionState"] = ConnectionState.FAILED.value
        return document

    return answering(watch, _DISCONNECT, _DESCRIBE)


@fault("disconnected-proxy-is-asked", violates=("KMS-DISCONNECT-005",))
def _disconnected_proxy_is_asked() -> Replacements:
    """Asks the proxy of a DISCONNECTED store for its health at every description."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.DISCONNECTED:
            ask_proxy(context, call, store)
        return proceed(context, call)

    return answering(describe, _DESCRIBE)


@fault(
    "disconnected-stores-cannot-be-renamed",
    violates=("KMS-DISCONNECT-007", "KMS-UPDATESTORE-002"),
)
def _disconnected_stores_cannot_be_renamed() -> Replacements:
    """Refuses to rename a DISCONNECTED store."""

    def update(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        renames = call.text("NewCustomKeyStoreName") is not None
        if store and renames and store.state is ConnectionState.DISCONNECTED:
            raise _wrong_state(store)
        return proceed(context, call)

    return answering(update, "UpdateCustomKeyStore")
