"""Faults of deleting key stores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import ask_proxy, move, renaming, store_of
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document

_CREATE = "CreateCustomKeyStore"
_DELETE = "DeleteCustomKeyStore"
_DESCRIBE = "DescribeCustomKeyStores"


@fault(violates=("KMS-DELETESTORE-002",), operations=("DeleteCustomKeyStore",))
def delete_forgets_pending_keys() -> Effects:
    """Deletes a store whose keys all wait for their deletion."""

    def delete(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            store = store_of(context, call)
            if store is None or error.code != ErrorCode.CUSTOM_KEY_STORE_HAS_CMKS:
                raise
            states = {key.key_state for key in context.region.keys.in_store(store.id)}
            if states != {"PendingDeletion"}:
                raise
            context.region.stores.pop(store.id)
            return {}

    return Replace(answer, delete)


row(
    "delete-of-store-with-keys-as-wrong-state",
    "Answers DeleteCustomKeyStore of a store with keys with another exception.",
    renaming(
        ErrorCode.CUSTOM_KEY_STORE_HAS_CMKS, ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE
    ),
    violates=("KMS-DELETESTORE-002",),
    operations=("DeleteCustomKeyStore",),
)


@fault(violates=("KMS-DELETESTORE-003",), operations=("DeleteCustomKeyStore",))
def delete_takes_any_state() -> Effects:
    """Deletes a store without keys in whatever state it is."""

    def delete(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store and not context.region.keys.in_store(store.id):
            move(store, ConnectionState.DISCONNECTED)
        return proceed(context, call)

    return Replace(answer, delete)


@fault(violates=("KMS-DELETESTORE-004",), operations=("DeleteCustomKeyStore",))
def delete_asks_the_proxy() -> Effects:
    """Asks the proxy of a store for its health before it deletes the store."""

    def delete(proceed: Answer, context: Context, call: Call) -> Document | None:
        store = store_of(context, call)
        if store:
            ask_proxy(context, call, store)
        return proceed(context, call)

    return Replace(answer, delete)


@fault(
    violates=("KMS-DELETESTORE-005",),
    operations=("DeleteCustomKeyStore", "DescribeCustomKeyStores"),
)
def deleted_stores_are_found() -> Effects:
    """Describes a deleted store by its id or name as if it were there."""
    return _remembering(_found)


@fault(
    violates=("KMS-DELETESTORE-005",),
    operations=("DeleteCustomKeyStore", "DescribeCustomKeyStores"),
)
def deleted_stores_are_listed() -> Effects:
    """Lists deleted stores among all others."""
    return _remembering(_listed)


_FILTERS = ("CustomKeyStoreId", "CustomKeyStoreName")


def _found(call: Call, deleted: list[Document], entries: list[Document]) -> None:
    entries.extend(
        entry
        for entry in deleted
        if any(call.text(name) == entry[name] for name in _FILTERS)
    )


def _listed(call: Call, deleted: list[Document], entries: list[Document]) -> None:
    if not call.parameters:
        entries.extend(deleted)


def _remembering(
    add: Callable[[Call, list[Document], list[Document]], None],
) -> Effects:
    """Adds entries of deleted stores to what DescribeCustomKeyStores answers."""
    deleted: list[Document] = []

    def watch(proceed: Answer, context: Context, call: Call) -> Document | None:
        if call.operation == _DELETE:
            store_id = call.text("CustomKeyStoreId")
            asked = replace(
                call, operation=_DESCRIBE, parameters={"CustomKeyStoreId": store_id}
            )
            described = proceed(context, asked) if store_of(context, call) else None
            document = proceed(context, call)
            deleted.extend(described["CustomKeyStores"] if described else ())
            return document
        entries: list[Document] = []
        add(call, deleted, entries)
        try:
            document = proceed(context, call) or {}
        except KmsError:
            if not entries:
                raise
            document = {"CustomKeyStores": [], "Truncated": False}
        document["CustomKeyStores"] = [*document["CustomKeyStores"], *entries]
        return document

    return Replace(answer, watch)


@fault(
    violates=("KMS-DELETESTORE-006",),
    operations=("CreateCustomKeyStore", "DeleteCustomKeyStore"),
)
def names_of_deleted_stores_stay_taken() -> Effects:
    """Refuses a new store the name of a deleted one."""
    taken: set[str] = set()

    def watch(proceed: Answer, context: Context, call: Call) -> Document | None:
        name = call.text("CustomKeyStoreName")
        if call.operation == _CREATE and name in taken:
            raise KmsError(
                ErrorCode.CUSTOM_KEY_STORE_NAME_IN_USE,
                f"The custom key store name {name} was assigned before.",
            )
        store = store_of(context, call)
        document = proceed(context, call)
        if call.operation == _DELETE and store:
            taken.add(store.name)
        return document

    return Replace(answer, watch)
