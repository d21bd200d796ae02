"""Faults of key states: which state shows, and what operations answer in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    describing,
    raising,
    renaming,
)
from pytest_xks.kms.keys.states import NOT_WHILE_PENDING, KeyState, visible_state
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.keys.key import XksKey

_USE = (*CRYPTO_OPERATIONS, "CreateGrant")
_IMPORT = ("GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial")


# -- words of this shelf --------------------------------------------------------------


def _state_of(context: Context, error: KmsError) -> KeyState | None:
    """The state that shows of the key that an error is about."""
    arn = error.message.partition(" is ")[0]
    key = context.region.keys.find(arn) or next(iter(context.trace.keys), None)
    return visible_state(key) if key else None


def _refusing(
    state: KeyState, code: str, operations: Collection[str], message: str = ""
) -> Replacements:
    """Refuses operations on a key in a state with another exception.

    Args:
        state: the state.
        code: the exception.
        operations: these only.
        message: in place of the one that is due.
    """

    def refuse(context: Context, _: Call, error: KmsError) -> KmsError | None:
        if _state_of(context, error) is not state:
            return None
        return KmsError(code, message or error.message)

    return raising(refuse, *operations)


def _showing(choose: Callable[[XksKey], str | None]) -> Replacements:
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


@fault(
    "pending-deletion-of-a-replica",
    violates=(
        "KMS-STATE-001",
        "KMS-KEYMGMT-007",
        "KMS-DISCONNECT-006",
    ),
)
def _pending_deletion_of_a_replica() -> Replacements:
    """Shows PendingReplicaDeletion for a key that is to be deleted."""
    return _showing(
        lambda key: (
            "PendingReplicaDeletion"
            if key.key_state == KeyState.PENDING_DELETION
            else None
        )
    )


@fault(
    "disconnection-does-not-show",
    violates=(
        "KMS-STATE-002",
        "KMS-STATE-006",
        "KMS-STATE-016",
        "KMS-STATE-017",
        "KMS-DISCONNECT-006",
    ),
)
def _disconnection_does_not_show() -> Replacements:
    """Shows keys of a store that is disconnected as if it were connected."""
    return _showing(lambda key: key.key_state)


@fault("disabled-external-key-shows", violates=("KMS-STATE-003",))
def _disabled_external_key_shows() -> Replacements:
    """Shows Disabled once the proxy has refused to encrypt with an external key."""
    refused: set[str] = set()

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if context.trace.keys and "external key associated" in error.message:
                refused.add(context.trace.keys[0].id)
            raise

    shows = _showing(lambda key: "Disabled" if key.id in refused else None)
    return {**shows, **answering(respond, "Encrypt")}


@fault(
    "connecting-enables-keys",
    violates=(
        "KMS-STATE-004",
        "KMS-STATE-006",
        "KMS-KEYMGMT-008",
        "KMS-CONNECT-013",
    ),
)
def _connecting_enables_keys() -> Replacements:
    """Enables all disabled keys of a store that is connected."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        for key in context.region.keys.in_store(
            str(call.parameters.get("CustomKeyStoreId"))
        ):
            if key.key_state == KeyState.DISABLED:
                key.key_state, key.enabled = KeyState.ENABLED.value, True
        return document

    return answering(respond, "ConnectCustomKeyStore")


@fault(
    "disconnection-hides-pending-deletion",
    violates=(
        "KMS-STATE-005",
        "KMS-DISCONNECT-006",
    ),
)
def _disconnection_hides_pending_deletion() -> Replacements:
    """Shows Unavailable for a pending key in a store that is disconnected."""
    return _showing(lambda key: None if key.store.connected else "Unavailable")


@fault("disable-key-needs-a-connection", violates=("KMS-STATE-006", "KMS-STATE-019"))
def _disable_key_needs_a_connection() -> Replacements:
    """Refuses DisableKey while the store is disconnected."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and not key.store.connected:
            raise KmsError("KMSInvalidStateException", f"{key.arn} is unavailable.")
        return proceed(context, call)

    return answering(respond, "DisableKey")


@fault("disabled-comes-before-unavailable", violates=("KMS-STATE-016",))
def _disabled_comes_before_unavailable() -> Replacements:
    """Answers the use of a disabled key in a disconnected store as for any disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and key.key_state == KeyState.DISABLED:
            raise KmsError("DisabledException", f"{key.arn} is disabled.")
        return proceed(context, call)

    return answering(respond, "Encrypt")


@fault("failed-connection-does-not-show", violates=("KMS-STATE-017",))
def _failed_connection_does_not_show() -> Replacements:
    """Shows keys of a store that failed to connect as if it were connected."""
    return _showing(
        lambda key: key.key_state if key.store.state is ConnectionState.FAILED else None
    )


# -- what operations answer -----------------------------------------------------------


@fault("disabled-key-as-invalid-state", violates=("KMS-STATE-007",))
def _disabled_key_as_invalid_state() -> Replacements:
    """Answers the use of a Disabled key with a KMSInvalidStateException."""
    return renaming("DisabledException", "KMSInvalidStateException")


@fault("use-of-pending-key-as-not-found", violates=("KMS-STATE-008",))
def _use_of_pending_key_as_not_found() -> Replacements:
    """Answers the use of a PendingDeletion key with a NotFoundException."""
    return _refusing(KeyState.PENDING_DELETION, "NotFoundException", _USE)


@fault("pending-key-as-disabled", violates=("KMS-STATE-009",))
def _pending_key_as_disabled() -> Replacements:
    """Answers a change of a PendingDeletion key with a DisabledException."""
    return _refusing(KeyState.PENDING_DELETION, "DisabledException", NOT_WHILE_PENDING)


@fault("cancelling-no-deletion-as-validation", violates=("KMS-STATE-010",))
def _cancelling_no_deletion_as_validation() -> Replacements:
    """Answers CancelKeyDeletion with a ValidationException where nothing is pending."""
    return renaming(
        "KMSInvalidStateException", "ValidationException", "CancelKeyDeletion"
    )


@fault("rotation-of-unavailable-key-as-unavailable", violates=("KMS-STATE-011",))
def _rotation_of_unavailable_key_as_unavailable() -> Replacements:
    """Answers the rotation of an Unavailable key with a KMSInvalidStateException."""
    return _refusing(
        KeyState.UNAVAILABLE,
        "KMSInvalidStateException",
        ("EnableKeyRotation", "GetKeyRotationStatus"),
    )


@fault("import-for-unavailable-key-as-unavailable", violates=("KMS-STATE-012",))
def _import_for_unavailable_key_as_unavailable() -> Replacements:
    """Answers an import for an Unavailable key with a KMSInvalidStateException."""
    return _refusing(KeyState.UNAVAILABLE, "KMSInvalidStateException", _IMPORT)


@fault("alias-to-pending-key-as-not-found", violates=("KMS-STATE-013",))
def _alias_to_pending_key_as_not_found() -> Replacements:
    """Answers UpdateAlias to a PendingDeletion key with a NotFoundException."""
    return renaming("KMSInvalidStateException", "NotFoundException", "UpdateAlias")


@fault(
    "unavailable-key-as-disabled",
    violates=(
        "KMS-STATE-014",
        "KMS-STATE-016",
        "KMS-FAIL-019",
        "KMS-GEN-005",
    ),
)
def _unavailable_key_as_disabled() -> Replacements:
    """Answers the use of an Unavailable key with a DisabledException."""
    return _refusing(KeyState.UNAVAILABLE, "DisabledException", CRYPTO_OPERATIONS)


@fault(
    "unavailable-key-as-key-unavailable",
    violates=(
        "KMS-STATE-014",
        "KMS-STATE-015",
        "KMS-STATE-016",
        "KMS-FAIL-019",
        "KMS-GEN-005",
    ),
)
def _unavailable_key_as_key_unavailable() -> Replacements:
    """Answers the use of an Unavailable key with a KeyUnavailableException."""
    return _refusing(KeyState.UNAVAILABLE, "KeyUnavailableException", CRYPTO_OPERATIONS)


@fault("disabled-key-without-its-arn", violates=("KMS-STATE-018",))
def _disabled_key_without_its_arn() -> Replacements:
    """Does not say which key is disabled."""
    return _refusing(
        KeyState.DISABLED, "DisabledException", _USE, message="The key is disabled."
    )


@fault("list-grants-needs-an-enabled-key", violates=("KMS-STATE-019",))
def _list_grants_needs_an_enabled_key() -> Replacements:
    """Refuses ListGrants of a key that is disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = context.region.keys.find(call.text("KeyId") or "")
        if key and visible_state(key) is KeyState.DISABLED:
            raise KmsError("DisabledException", f"{key.arn} is disabled.")
        return proceed(context, call)

    return answering(respond, "ListGrants")
