"""Faults of key states: which state shows, and what operations answer in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import describing, raising, renaming
from pytest_xks.kms.keys.states import NOT_WHILE_PENDING, KeyState, visible_state
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.keys.key import XksKey

_USE = (*CRYPTO_OPERATIONS, "CreateGrant")
_IMPORT = ("GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial")


# -- what several faults share --------------------------------------------------------


def _state_of(context: Context, error: KmsError) -> KeyState | None:
    """The state that shows of the key that an error is about."""
    arn = error.message.partition(" is ")[0]
    key = context.region.keys.find(arn) or next(iter(context.trace.keys), None)
    return visible_state(key) if key else None


def _refusing(state: KeyState, code: str, message: str = "") -> Effects:
    """Refuses operations on a key in a state with another exception.

    Args:
        state: the state.
        code: the exception.
        message: in place of the one that is due.
    """

    def refuse(context: Context, _: Call, error: KmsError) -> KmsError | None:
        if _state_of(context, error) is not state:
            return None
        return KmsError(code, message or error.message)

    return raising(refuse)


def _showing(choose: Callable[[XksKey], str | None]) -> Effect:
    """Shows another KeyState.

    Args:
        choose: the state; None for the right one.
    """

    def show(key: XksKey, document: Document) -> None:
        shown = choose(key)
        if shown is not None:
            document["KeyState"] = shown

    return describing(show)


# -- which state shows ----------------------------------------------------------------


row(
    "pending-deletion-of-a-replica",
    "Shows PendingReplicaDeletion for a key that is to be deleted.",
    _showing(
        lambda key: (
            "PendingReplicaDeletion"
            if key.key_state == KeyState.PENDING_DELETION
            else None
        )
    ),
    violates=(
        "KMS-STATE-001",
        "KMS-KEYMGMT-007",
    ),
)
row(
    "disconnection-does-not-show",
    "Shows keys of a store that is disconnected as if it were connected.",
    _showing(lambda key: key.key_state),
    violates=(
        "KMS-STATE-002",
        "KMS-STATE-006",
        "KMS-STATE-016",
        "KMS-STATE-017",
        "KMS-DISCONNECT-006",
    ),
)


@fault(violates=("KMS-STATE-003",))
def disabled_external_key_shows() -> Effects:
    """Shows Disabled once the proxy has refused to encrypt with an external key."""
    refused: set[str] = set()

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            refuses = call.operation == "Encrypt" and (
                "external key associated" in error.message
            )
            if refuses and context.trace.keys:
                refused.add(context.trace.keys[0].id)
            raise

    shows = _showing(lambda key: "Disabled" if key.id in refused else None)
    return shows, Replace(answer, respond)


@fault(
    violates=(
        "KMS-STATE-004",
        "KMS-STATE-006",
        "KMS-KEYMGMT-008",
        "KMS-CONNECT-013",
    ),
    operations=("ConnectCustomKeyStore",),
)
def connecting_enables_keys() -> Effects:
    """Enables all disabled keys of a store that is connected."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        for key in context.region.keys.in_store(
            str(call.parameters.get("CustomKeyStoreId"))
        ):
            if key.key_state == KeyState.DISABLED:
                key.key_state, key.enabled = KeyState.ENABLED.value, True
        return document

    return Replace(answer, respond)


row(
    "disconnection-hides-pending-deletion",
    "Shows Unavailable for a pending key in a store that is disconnected.",
    _showing(lambda key: None if key.store.connected else "Unavailable"),
    violates=(
        "KMS-STATE-005",
        "KMS-DISCONNECT-006",
    ),
)


@fault(violates=("KMS-STATE-006", "KMS-STATE-019"), operations=("DisableKey",))
def disable_key_needs_a_connection() -> Effects:
    """Refuses DisableKey while the store is disconnected."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and not key.store.connected:
            raise KmsError("KMSInvalidStateException", f"{key.arn} is unavailable.")
        return proceed(context, call)

    return Replace(answer, respond)


@fault(violates=("KMS-STATE-016",), operations=("Encrypt",))
def disabled_comes_before_unavailable() -> Effects:
    """Answers the use of a disabled key in a disconnected store as for any disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and key.key_state == KeyState.DISABLED:
            raise KmsError("DisabledException", f"{key.arn} is disabled.")
        return proceed(context, call)

    return Replace(answer, respond)


row(
    "failed-connection-does-not-show",
    "Shows keys of a store that failed to connect as if it were connected.",
    _showing(
        lambda key: key.key_state if key.store.state is ConnectionState.FAILED else None
    ),
    violates=("KMS-STATE-017",),
)


# -- what operations answer -----------------------------------------------------------


row(
    "disabled-key-as-invalid-state",
    "Answers the use of a Disabled key with a KMSInvalidStateException.",
    renaming("DisabledException", "KMSInvalidStateException"),
    violates=("KMS-STATE-007",),
)
row(
    "use-of-pending-key-as-not-found",
    "Answers the use of a PendingDeletion key with a NotFoundException.",
    _refusing(KeyState.PENDING_DELETION, "NotFoundException"),
    violates=("KMS-STATE-008",),
    operations=tuple(_USE),
)
row(
    "pending-key-as-disabled",
    "Answers a change of a PendingDeletion key with a DisabledException.",
    _refusing(KeyState.PENDING_DELETION, "DisabledException"),
    violates=("KMS-STATE-009",),
    operations=tuple(NOT_WHILE_PENDING),
)
row(
    "cancelling-no-deletion-as-validation",
    "Answers CancelKeyDeletion with a ValidationException where nothing is pending.",
    renaming("KMSInvalidStateException", "ValidationException"),
    violates=("KMS-STATE-010",),
    operations=("CancelKeyDeletion",),
)
row(
    "rotation-of-unavailable-key-as-unavailable",
    "Answers the rotation of an Unavailable key with a KMSInvalidStateException.",
    _refusing(KeyState.UNAVAILABLE, "KMSInvalidStateException"),
    violates=("KMS-STATE-011",),
    operations=("EnableKeyRotation", "GetKeyRotationStatus"),
)
row(
    "import-for-unavailable-key-as-unavailable",
    "Answers an import for an Unavailable key with a KMSInvalidStateException.",
    _refusing(KeyState.UNAVAILABLE, "KMSInvalidStateException"),
    violates=("KMS-STATE-012",),
    operations=tuple(_IMPORT),
)
row(
    "alias-to-pending-key-as-not-found",
    "Answers UpdateAlias to a PendingDeletion key with a NotFoundException.",
    renaming("KMSInvalidStateException", "NotFoundException"),
    violates=("KMS-STATE-013",),
    operations=("UpdateAlias",),
)
row(
    "unavailable-key-as-disabled",
    "Answers the use of an Unavailable key with a DisabledException.",
    _refusing(KeyState.UNAVAILABLE, "DisabledException"),
    violates=(
        "KMS-STATE-014",
        "KMS-STATE-016",
        "KMS-FAIL-019",
        "KMS-GEN-005",
    ),
    operations=tuple(CRYPTO_OPERATIONS),
)
row(
    "unavailable-key-as-key-unavailable",
    "Answers the use of an Unavailable key with a KeyUnavailableException.",
    _refusing(KeyState.UNAVAILABLE, "KeyUnavailableException"),
    violates=(
        "KMS-STATE-014",
        "KMS-STATE-015",
        "KMS-STATE-016",
        "KMS-FAIL-019",
        "KMS-GEN-005",
    ),
    operations=tuple(CRYPTO_OPERATIONS),
)
row(
    "disabled-key-without-its-arn",
    "Does not say which key is disabled.",
    _refusing(KeyState.DISABLED, "DisabledException", message="The key is disabled."),
    violates=("KMS-STATE-018",),
    operations=tuple(_USE),
)


@fault(violates=("KMS-STATE-019",), operations=("ListGrants",))
def list_grants_needs_an_enabled_key() -> Effects:
    """Refuses ListGrants of a key that is disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and visible_state(key) is KeyState.DISABLED:
            raise KmsError("DisabledException", f"{key.arn} is disabled.")
        return proceed(context, call)

    return Replace(answer, respond)
