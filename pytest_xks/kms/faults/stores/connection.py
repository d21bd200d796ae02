"""Faults of connecting and disconnecting key stores, and of unknown ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import (
    ask_proxy,
    forgiving,
    move,
    renaming,
    store_of,
)
from pytest_xks.kms.proxy_calls.client import request_to_proxy
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.stores.store import ExternalKeyStore
    from pytest_xks.proxy_api.http import Request

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
    row(
        f"{_name}-of-unknown-store-as-validation",
        f"Answers {_operation} of no store with a ValidationException.",
        renaming(ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND, ErrorCode.VALIDATION),
        violates=(_requirement,),
        operations=(_operation,),
    )
    row(
        f"{_name}-without-id-succeeds",
        f"Answers {_operation} without CustomKeyStoreId with success.",
        forgiving(ErrorCode.VALIDATION),
        violates=(_requirement,),
        operations=(_operation,),
    )


# -- ConnectCustomKeyStore --------------------------------------------------------


@fault(violates=("KMS-CONNECT-002",), operations=("ConnectCustomKeyStore",))
def connect_changes_nothing() -> Effects:
    """Answers ConnectCustomKeyStore with success, and leaves the store as it was."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store:
            move(store, ConnectionState.DISCONNECTED)
        return document

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-003",), operations=("ConnectCustomKeyStore",))
def first_connection_fails() -> Effects:
    """Fails to connect a store for the first time, though its proxy is well."""
    tried: set[str] = set()

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.connected and store.id not in tried:
            move(store, ConnectionState.FAILED, ConnectionErrorCode.NETWORK_ERRORS)
        tried.add(call.text("CustomKeyStoreId") or "")
        return document

    return Replace(answer, connect)


@fault(
    violates=("KMS-CONNECT-003", "KMS-CONNECT-016", "KMS-FAIL-006"),
    operations=("ConnectCustomKeyStore",),
)
def connect_ignores_refused_signatures() -> Effects:
    """Connects a store whose proxy refuses the signature of the health check."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        refused = ConnectionErrorCode.INVALID_CREDENTIALS
        if store and store.connection_error_code is refused:
            move(store, ConnectionState.CONNECTED)
        return document

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-005",), operations=("ConnectCustomKeyStore",))
def connect_takes_failed_stores() -> Effects:
    """Connects a FAILED store without its being disconnected first."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            move(store, ConnectionState.DISCONNECTED)
        return proceed(context, call)

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-006",), operations=("ConnectCustomKeyStore",))
def connects_only_once() -> Effects:
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

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-006",), operations=("ConnectCustomKeyStore",))
def connect_again_disconnects() -> Effects:
    """Disconnects a store that is CONNECTED already, and answers with success."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.connected:
            move(store, ConnectionState.DISCONNECTED)
            return {}
        return proceed(context, call)

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-007",), operations=("ConnectCustomKeyStore",))
def failed_stores_never_connect() -> Effects:
    """Fails to connect a store that was FAILED, though its proxy is well again."""
    failed: set[str] = set()

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.id in failed:
            move(store, ConnectionState.FAILED, ConnectionErrorCode.INTERNAL_ERROR)
        elif store and store.state is ConnectionState.FAILED:
            failed.add(store.id)
        return document

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-008",), operations=("ConnectCustomKeyStore",))
def connect_says_create_to_the_proxy() -> Effects:
    """Sends kmsOperation CreateCustomKeyStore while it connects a store."""
    said = {"kmsOperation": "CreateCustomKeyStore"}

    def ask(proceed: Callable[..., Request], *parts: Any) -> Request:  # noqa: ANN401 - the parts of a request
        *others, document = parts
        metadata = {**document["requestMetadata"], **said}
        return proceed(*others, {**document, "requestMetadata": metadata})

    return Replace(request_to_proxy, ask)


@fault(violates=("KMS-CONNECT-010",), operations=("ConnectCustomKeyStore",))
def connect_raises_proxy_exceptions() -> Effects:
    """Raises an exception from ConnectCustomKeyStore if the health check fails."""

    def connect(proceed: Answer, context: Context, call: Call) -> Document | None:
        document, store = proceed(context, call), store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            raise KmsError(
                ErrorCode.XKS_PROXY_URI_UNREACHABLE,
                "AWS KMS cannot communicate with the external key store proxy.",
            )
        return document

    return Replace(answer, connect)


@fault(violates=("KMS-CONNECT-012",), operations=("Encrypt", "DescribeCustomKeyStores"))
def proxy_error_shows_as_failed() -> Effects:
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

    return Replace(answer, watch)


@fault(violates=("KMS-CONNECT-014",), operations=("DescribeCustomKeyStores",))
def connection_error_code_in_every_state() -> Effects:
    """Shows a ConnectionErrorCode of stores that are not FAILED."""

    def add(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            entry.setdefault("ConnectionErrorCode", "INTERNAL_ERROR")

    return Edit(add)


@fault(
    violates=("KMS-CONNECT-017", "KMS-CONNECT-026", "KMS-FAIL-007"),
    operations=("DescribeCustomKeyStores",),
)
def cloudhsm_code_for_denied_access() -> Effects:
    """Shows USER_LOCKED_OUT where the proxy denies access."""

    def change(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            if entry.get("ConnectionErrorCode") == "XKS_PROXY_ACCESS_DENIED":
                entry["ConnectionErrorCode"] = "USER_LOCKED_OUT"

    return Edit(change)


# -- DisconnectCustomKeyStore -----------------------------------------------------


row(
    "disconnect-again-succeeds",
    "Answers DisconnectCustomKeyStore of a DISCONNECTED store with success.",
    forgiving(ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE),
    violates=("KMS-DISCONNECT-002",),
    operations=("DisconnectCustomKeyStore",),
)


@fault(
    violates=("KMS-DISCONNECT-003",),
    # It leaves stores behind, until there is no room for others.
    scope=("KMS-DISCONNECT",),
    operations=("DisconnectCustomKeyStore",),
)
def failed_stores_cannot_be_disconnected() -> Effects:
    """Refuses to disconnect a FAILED store."""

    def disconnect(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.FAILED:
            raise _wrong_state(store)
        return proceed(context, call)

    return Replace(answer, disconnect)


@fault(
    violates=("KMS-DISCONNECT-004",),
    operations=("DisconnectCustomKeyStore", "DescribeCustomKeyStores"),
)
def disconnected_stores_shown_as_failed() -> Effects:
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

    return Replace(answer, watch)


@fault(violates=("KMS-DISCONNECT-005",), operations=("DescribeCustomKeyStores",))
def disconnected_proxy_is_asked() -> Effects:
    """Asks the proxy of a DISCONNECTED store for its health at every description."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and store.state is ConnectionState.DISCONNECTED:
            ask_proxy(context, call, store)
        return proceed(context, call)

    return Replace(answer, describe)


@fault(
    violates=("KMS-DISCONNECT-007", "KMS-UPDATESTORE-002"),
    operations=("UpdateCustomKeyStore",),
)
def disconnected_stores_cannot_be_renamed() -> Effects:
    """Refuses to rename a DISCONNECTED store."""

    def update(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        renames = call.text("NewCustomKeyStoreName") is not None
        if store and renames and store.state is ConnectionState.DISCONNECTED:
            raise _wrong_state(store)
        return proceed(context, call)

    return Replace(answer, update)
