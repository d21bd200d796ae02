"""CreateKey in an external key store, and what the state of a key has to do with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.desk.validation import invalid, require
from pytest_xks.kms.keys.policies import check_policy
from pytest_xks.kms.keys.standard import check_creation
from pytest_xks.kms.keys.states import (
    KeyState,
    require_manageable,
    require_pending,
)
from pytest_xks.kms.keys.tags import check_tags
from pytest_xks.kms.proxy_calls.error_mapping import (
    FailureScenario,
    Group,
    ProxyFailure,
    kms_error,
)
from pytest_xks.kms.stores.store import EXTERNAL_KEY_STORE, external_key_in_use
from pytest_xks.proxy_api.limits import KEY_SPEC_AES_256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.stores.store import ExternalKeyStore
    from pytest_xks.proxy_api.messages import KeyMetadata

__all__ = [
    "cancel_key_deletion",
    "concerns_custom_key_store",
    "create_key",
    "defect_of",
    "disable_key",
    "enable_key",
    "generate_random",
    "is_in_use",
    "require_connected",
    "schedule_key_deletion",
]

Document = dict[str, object]

_WAITING_DAYS = range(7, 31)
_DEFAULT_WAITING_DAYS = 30


# -- CreateKey --------------------------------------------------------------------


def create_key(context: Context, call: Call) -> Document | None:
    """CreateKey, if it has to do with a custom key store (KMS-CREATEKEY)."""
    parameters = call.parameters
    if not concerns_custom_key_store(call):
        check_creation(call)
        return None
    region = context.region
    _check_combination(parameters, region)
    _check_kind(parameters)
    policy, tags = _policy(call), _tags(parameters)
    store = region.store(str(parameters["CustomKeyStoreId"]))
    external_key_id = str(parameters["XksKeyId"])
    # AMBIGUOUS: the order of the checks is not said (KMS-AMB-025). Ours: what KMS knows
    # first, then what the proxy says.
    require_connected(store, context.behaviour)
    with store.reserved(external_key_id):
        if is_in_use(region, store, external_key_id):
            raise external_key_in_use(external_key_id)
        _check_external_key(context, call, store, external_key_id)
        key = region.keys.create(
            store=store,
            external_key_id=external_key_id,
            policy=policy,
            description=str(parameters.get("Description") or ""),
            tags=tags,
            created=context.clock.now(),
        )
    context.trace.keys.append(key)
    return {"KeyMetadata": key.metadata()}


def concerns_custom_key_store(call: Call) -> bool:
    """Whether a CreateKey has to do with a custom key store."""
    return (
        call.text("Origin") == EXTERNAL_KEY_STORE
        or call.parameters.get("CustomKeyStoreId") is not None
        or call.parameters.get("XksKeyId") is not None
    )


def _check_combination(parameters: Mapping[str, object], region: AccountRegion) -> None:
    # KMS-CREATEKEY-010, KMS-AMB-026.
    origin = str(parameters.get("Origin") or "AWS_KMS")
    store_id = parameters.get("CustomKeyStoreId")
    if origin == EXTERNAL_KEY_STORE:
        require(parameters, ["CustomKeyStoreId", "XksKeyId"])
        return
    if parameters.get("XksKeyId") is not None:
        raise invalid(
            f"XksKeyId can be specified only if Origin is {EXTERNAL_KEY_STORE}."
        )
    if origin != "AWS_CLOUDHSM":
        raise invalid(f"CustomKeyStoreId cannot be specified if Origin is {origin}.")
    region.store(str(store_id))
    raise invalid(
        f"The custom key store {store_id} is an external key store; its KMS keys have "
        f"the Origin {EXTERNAL_KEY_STORE}."
    )


def _check_kind(parameters: Mapping[str, object]) -> None:
    # KMS-CREATEKEY-005 to KMS-CREATEKEY-009.
    wanted = {
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": False,
    }
    for member, value in wanted.items():
        given = parameters.get(member)
        if given is not None and given != value:
            raise KmsError(
                ErrorCode.UNSUPPORTED_OPERATION,
                f"The {member} of a KMS key in an external key store must be "
                f"{str(value).lower() if value is False else value}.",
            )


def _policy(call: Call) -> str | None:
    policy = call.text("Policy")
    if policy is not None:
        check_policy(policy)
    return policy


def _tags(parameters: Mapping[str, object]) -> list[dict[str, str]]:
    tags = parameters.get("Tags")
    if not isinstance(tags, list):
        return []
    check_tags(tags)
    return tags


@step
def require_connected(store: ExternalKeyStore, behaviour: Behaviour) -> None:
    """Check that KMS keys can be created in a store.

    Raises:
        KmsError: CustomKeyStoreInvalidStateException.
    """
    if not store.connected:
        # KMS-CREATEKEY-004.
        raise kms_error(FailureScenario.NOT_CONNECTED, Group.CREATE_KEY, behaviour)
    if store.unhealthy:
        raise kms_error(FailureScenario.UNHEALTHY, Group.CREATE_KEY, behaviour)


@step
def is_in_use(
    region: AccountRegion, store: ExternalKeyStore, external_key_id: str
) -> bool:
    """Whether a KMS key in the store uses an external key (KMS-CREATEKEY-020, 021)."""
    keys = region.keys.in_store(store.id)
    return any(key.external_key_id == external_key_id for key in keys)


def _check_external_key(
    context: Context, call: Call, store: ExternalKeyStore, external_key_id: str
) -> None:
    # KMS-CREATEKEY-014: the only call of the proxy, and nothing is created behind it.
    try:
        metadata = context.proxy_client.get_key_metadata(
            call, store.proxy, external_key_id
        )
    except ProxyFailure as failure:
        raise kms_error(failure.scenario, Group.CREATE_KEY, context.behaviour) from None
    reason = defect_of(metadata)
    if reason:
        raise KmsError(ErrorCode.XKS_KEY_INVALID_CONFIGURATION, reason)


@step
def defect_of(metadata: KeyMetadata) -> str | None:
    """Why no KMS key can use an external key; None if one can."""
    # KMS-CREATEKEY-016 to KMS-CREATEKEY-018; the order is not documented.
    if metadata.key_spec != KEY_SPEC_AES_256:
        return (
            "The key spec of the external key must be AES_256. The key spec of "
            f"specified external key is {metadata.key_spec}."
        )
    if metadata.key_status != "ENABLED":
        return (
            "The status of the external key must be ENABLED. The status of specified "
            f"external key is {metadata.key_status}."
        )
    if not {"ENCRYPT", "DECRYPT"} <= set(metadata.key_usage):
        return (
            "The key usage of the external key must include ENCRYPT and DECRYPT. The "
            "key use of specified external key is "
            f"[{', '.join(metadata.key_usage)}]."
        )
    return None


# -- states -----------------------------------------------------------------------


def _key(context: Context) -> XksKey | None:
    named = context.trace.named.get("KeyId")
    return named.key if named else None


def _set_enabled(context: Context, call: Call, state: KeyState) -> Document | None:
    key = _key(context)
    if key is None:
        return None
    require_manageable(key, call.operation, context.behaviour)
    # KMS-STATE-006: of an Unavailable key the new state shows once it is available.
    key.key_state = state.value
    key.enabled = state is KeyState.ENABLED
    return {}


def enable_key(context: Context, call: Call) -> Document | None:
    """EnableKey; the external key hears nothing of it (KMS-KEYMGMT-005)."""
    return _set_enabled(context, call, KeyState.ENABLED)


def disable_key(context: Context, call: Call) -> Document | None:
    """DisableKey, likewise."""
    return _set_enabled(context, call, KeyState.DISABLED)


def schedule_key_deletion(context: Context, call: Call) -> Document | None:
    """ScheduleKeyDeletion (KMS-KEYMGMT-007)."""
    key = _key(context)
    if key is None:
        return None
    days = call.parameters.get("PendingWindowInDays")
    waiting = _DEFAULT_WAITING_DAYS if days is None else int(str(days))
    if waiting not in _WAITING_DAYS:
        raise invalid("PendingWindowInDays must be between 7 and 30.")
    require_manageable(key, call.operation, context.behaviour)
    due = context.clock.now() + timedelta(days=waiting)
    key.key_state = KeyState.PENDING_DELETION.value
    key.enabled = False
    # Naive and in UTC, as moto keeps it.
    key.deletion_date = due.replace(tzinfo=None)
    context.region.pending_deletion[key.id] = due
    return {
        "KeyId": key.arn,
        "DeletionDate": due.timestamp(),
        "KeyState": KeyState.PENDING_DELETION.value,
        "PendingWindowInDays": waiting,
    }


def cancel_key_deletion(
    context: Context,
    call: Call,  # noqa: ARG001 - as every operation has it
) -> Document | None:
    """CancelKeyDeletion leaves the key Disabled (KMS-KEYMGMT-008)."""
    key = _key(context)
    if key is None:
        return None
    require_pending(key)
    key.key_state = KeyState.DISABLED.value
    key.deletion_date = None
    context.region.pending_deletion.pop(key.id, None)
    return {"KeyId": key.arn}


def generate_random(context: Context, call: Call) -> Document | None:
    """GenerateRandom, if it names a custom key store (KMS-UNSUP-002, 003)."""
    store_id = call.parameters.get("CustomKeyStoreId")
    if store_id is None:
        if call.parameters.get("NumberOfBytes") is None:
            raise invalid("NumberOfBytes is required.")
        return None
    store = context.region.store(str(store_id))
    raise KmsError(
        ErrorCode.UNSUPPORTED_OPERATION,
        f"The custom key store {store.id} is an external key store, which generates no "
        "random bytes.",
    )
