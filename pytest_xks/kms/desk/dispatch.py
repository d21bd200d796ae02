"""One function for each operation of the KMS API, and the way to it.

A request that has to do with an external key store or a key in one is answered here;
for everything else the answer is None, and moto's KMS answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.keys import cryptography
from pytest_xks.kms.keys import management as key_management
from pytest_xks.kms.keys.states import check_refused, require_manageable
from pytest_xks.kms.stores import operations as key_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = ["OPERATIONS", "answer"]

Document = dict[str, object]

OPERATIONS: Mapping[str, Callable[[Context, Call], Document | None]] = {
    "CancelKeyDeletion": key_management.cancel_key_deletion,
    "ConnectCustomKeyStore": key_stores.connect_custom_key_store,
    "CreateCustomKeyStore": key_stores.create_custom_key_store,
    "CreateKey": key_management.create_key,
    "Decrypt": cryptography.decrypt,
    "DeleteCustomKeyStore": key_stores.delete_custom_key_store,
    "DescribeCustomKeyStores": key_stores.describe_custom_key_stores,
    "DisableKey": key_management.disable_key,
    "DisconnectCustomKeyStore": key_stores.disconnect_custom_key_store,
    "EnableKey": key_management.enable_key,
    "Encrypt": cryptography.encrypt,
    "GenerateDataKey": cryptography.generate_data_key,
    "GenerateDataKeyWithoutPlaintext": (
        cryptography.generate_data_key_without_plaintext
    ),
    "GenerateRandom": key_management.generate_random,
    "ReEncrypt": cryptography.re_encrypt,
    "ScheduleKeyDeletion": key_management.schedule_key_deletion,
    "UpdateCustomKeyStore": key_stores.update_custom_key_store,
}

_KEY_MEMBER = {"CreateAlias": "TargetKeyId", "UpdateAlias": "TargetKeyId"}


@step
def answer(context: Context, call: Call) -> Document | None:
    """Answer a call; None if moto is to answer it.

    Raises:
        KmsError: an answer other than success.
    """
    if context.region.pending_deletion:
        for key in context.region.delete_due_keys(context.clock.now()):
            context.monitoring.key_deleted(key)
    operation = OPERATIONS.get(call.operation)
    if operation is not None:
        return operation(context, call)
    _check_key(context, call)
    return None


def _check_key(context: Context, call: Call) -> None:
    """Refuse what a key in an external key store cannot do, or not in its state."""
    key_id = call.text(_KEY_MEMBER.get(call.operation, "KeyId"))
    key = context.region.keys.find(key_id) if key_id else None
    if key is None:
        return
    context.trace.keys.append(key)
    check_refused(key, call.operation)
    require_manageable(key, call.operation, context.behaviour)
