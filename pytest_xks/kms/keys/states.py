"""What each operation answers in each state of a KMS key, and what is always refused.

Two tables, after the key-state page of the Developer Guide (KMS-STATE) and the features
that external key stores lack (KMS-UNSUP). They concern keys in external key stores
only; a standard key is moto's business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.kms.behaviour import UnavailableMessage
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.proxy_calls.error_mapping import (
    FAILURES,
    FailureScenario,
    Group,
    kms_error,
    message_of,
)
from pytest_xks.kms.stores.store import ConnectionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.keys.key import XksKey

__all__ = [
    "NOT_WHILE_PENDING",
    "KeyState",
    "check_refused",
    "require_manageable",
    "require_pending",
    "require_usable",
    "visible_state",
]


class KeyState(StrEnum):
    """The states of a KMS key in an external key store (KMS-STATE-001)."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    UNAVAILABLE = "Unavailable"


def visible_state(key: XksKey) -> KeyState:
    """The KeyState that callers see.

    AMBIGUOUS: the state of keys while the store is CONNECTING, DISCONNECTING or FAILED
    is not documented, nor which state wins (KMS-STATE-016, 017; KMS-AMB-029). Ours:
    PendingDeletion over everything, then Unavailable in every state but CONNECTED.
    """
    state = KeyState(key.key_state)
    if state is KeyState.PENDING_DELETION or key.store.connected:
        return state
    return KeyState.UNAVAILABLE


def require_usable(key: XksKey, behaviour: Behaviour) -> None:
    """Check that cryptographic operations may use a key.

    Raises:
        KmsError: DisabledException or KMSInvalidStateException.
    """
    state = visible_state(key)
    if state is KeyState.ENABLED:
        if key.store.unhealthy:
            raise kms_error(FailureScenario.UNHEALTHY, Group.CRYPTOGRAPHY, behaviour)
        return
    if state is KeyState.DISABLED:
        raise disabled(key)
    if state is KeyState.PENDING_DELETION:
        raise _pending_deletion(key, behaviour.pending_deletion)
    raise _unavailable(key, behaviour)


def disabled(key: XksKey) -> KmsError:
    """Footnote [1] of the key-state page (KMS-STATE-007)."""
    return KmsError(ErrorCode.DISABLED, f"{key.arn} is disabled.")


def _pending_deletion(key: XksKey, code: str = ErrorCode.KMS_INVALID_STATE) -> KmsError:
    # Footnotes [2] and [3]: KMS-STATE-008, KMS-STATE-009.
    message = f"{key.arn} is pending deletion (or pending replica deletion)."
    return KmsError(code, message)


def _unavailable(key: XksKey, behaviour: Behaviour) -> KmsError:
    # AMBIGUOUS: footnote [11] and the specification have two texts (KMS-AMB-006).
    chosen = behaviour.unavailable_message
    if chosen is UnavailableMessage.BY_STATE:
        by_key = key.store.state is ConnectionState.DISCONNECTED
    else:
        by_key = chosen is UnavailableMessage.KEY_STATE
    message = (
        f"{key.arn} is unavailable."
        if by_key
        else message_of(FAILURES[FailureScenario.NOT_CONNECTED], behaviour)
    )
    return KmsError(ErrorCode.KMS_INVALID_STATE, message)


NOT_WHILE_PENDING = frozenset(
    {
        "CreateAlias",
        "DisableKey",
        "EnableKey",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateKeyDescription",
    }
)
"""Refused while PendingDeletion, fine in every other state (footnote [3])."""


def require_manageable(key: XksKey, operation: str, behaviour: Behaviour) -> None:
    """Check that the state of a key allows a management operation.

    Raises:
        KmsError: DisabledException or KMSInvalidStateException.
    """
    state = KeyState(key.key_state)
    if (
        operation == "CreateGrant"
        and state is KeyState.DISABLED
        and key.store.connected
    ):
        # The table: fine for an Unavailable key.
        raise disabled(key)
    if state is not KeyState.PENDING_DELETION:
        return
    if operation == "CreateGrant":
        raise _pending_deletion(key, behaviour.pending_deletion)
    if operation in NOT_WHILE_PENDING:
        raise _pending_deletion(key)
    if operation == "UpdateAlias":
        # Footnote [10]: the destination; a source may be pending (KMS-STATE-013).
        message = f"{key.arn} is pending deletion."
        raise KmsError(ErrorCode.KMS_INVALID_STATE, message)


def require_pending(key: XksKey) -> None:
    """Check that a deletion can be cancelled (footnote [4], KMS-STATE-010).

    Raises:
        KmsError: KMSInvalidStateException.
    """
    if KeyState(key.key_state) is not KeyState.PENDING_DELETION:
        message = f"{key.arn} is not pending deletion (or pending replica deletion)."
        raise KmsError(ErrorCode.KMS_INVALID_STATE, message)


_UNSUPPORTED = frozenset({"GetPublicKey", "ReplicateKey", "UpdatePrimaryRegion"})
# The text was recorded for GetParametersForImport and RotateKeyOnDemand, on keys of
# other origins.
_OF_OTHER_ORIGINS = frozenset(
    {
        "DeleteImportedKeyMaterial",
        "DisableKeyRotation",
        "EnableKeyRotation",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GetKeyRotationStatus",
        "GetParametersForImport",
        "ImportKeyMaterial",
        "ListKeyRotations",
        "RotateKeyOnDemand",
    }
)
_OTHER_USAGE = frozenset(
    {
        "Decapsulate",
        "DeriveSharedSecret",
        "Encapsulate",
        "GenerateMac",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_REFUSED: Mapping[str, tuple[ErrorCode, str]] = {
    **dict.fromkeys(
        _UNSUPPORTED,
        (
            ErrorCode.UNSUPPORTED_OPERATION,
            "{operation} is not supported for {arn}, which is in a custom key store.",
        ),
    ),
    **dict.fromkeys(
        _OF_OTHER_ORIGINS,
        (
            ErrorCode.UNSUPPORTED_OPERATION,
            "{arn} origin is EXTERNAL_KEY_STORE which is not valid for this operation.",
        ),
    ),
    **dict.fromkeys(
        _OTHER_USAGE,
        (
            ErrorCode.INVALID_KEY_USAGE,
            "{arn} key usage is ENCRYPT_DECRYPT which is not valid for {operation}.",
        ),
    ),
}


def check_refused(key: XksKey, operation: str) -> None:
    """Refuse what no KMS key in an external key store can do, in whatever state.

    AMBIGUOUS: for a disabled or pending key some of these may give the error of the
    state as well (KMS-AMB-034). Ours: the refusal, which no change of state mends.

    Raises:
        KmsError: UnsupportedOperationException or InvalidKeyUsageException
            (KMS-UNSUP-001 to KMS-UNSUP-008).
    """
    refused = _REFUSED.get(operation)
    if refused:
        code, message = refused
        raise KmsError(code, message.format(operation=operation, arn=key.arn))
