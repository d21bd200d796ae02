"""One function for each operation of the KMS API, and the way to it.

Every request is validated, and every key that it names is resolved, before anyone gets
it. What has to do with an external key store or a key in one is answered here; for
everything else the answer is None, and moto's KMS answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS
from pytest_xks.kms.desk.identifiers import named_keys
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.desk.validation import present, refusal, violations_of
from pytest_xks.kms.keys import cryptography, grants, usage
from pytest_xks.kms.keys import management as key_management
from pytest_xks.kms.keys.states import check_refused, require_manageable
from pytest_xks.kms.stores import operations as key_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.desk.trace import Trace

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
    "GetKeyLastUsage": usage.get_key_last_usage,
    "ReEncrypt": cryptography.re_encrypt,
    "RetireGrant": grants.retire_grant,
    "ScheduleKeyDeletion": key_management.schedule_key_deletion,
    "UpdateCustomKeyStore": key_stores.update_custom_key_store,
}

# Violations of these are moto's to judge, if no key in an external key store is meant:
# its own tests have other texts than AWS's recordings, and grants that AWS refuses.
_JUDGED_BY_MOTO: Mapping[str, frozenset[str]] = {
    "CreateGrant": frozenset({"Operations", "RetiringPrincipal"}),
    "CreateKey": frozenset({"KeySpec"}),
    "ListRetirableGrants": frozenset({"RetiringPrincipal"}),
    "Sign": frozenset({"Message", "SigningAlgorithm"}),
    "Verify": frozenset({"Message", "Signature", "SigningAlgorithm"}),
}


@step
def answer(context: Context, call: Call) -> Document | None:
    """Answer a call; None if moto is to answer it, as the trace has it.

    Raises:
        KmsError: an answer other than success.
    """
    if context.region.pending_deletion:
        for key in context.region.delete_due_keys(context.clock.now()):
            context.monitoring.key_deleted(key)
    parameters = present(call.operation, call.parameters)
    if parameters is not call.parameters:
        call = replace(call, parameters=parameters)
    _check_input(context, call)
    trace = context.trace
    trace.named = named_keys(context, call)
    trace.keys = [named.key for named in trace.named.values() if named.key]
    operation = OPERATIONS.get(call.operation, _left_to_moto)
    document = operation(context, call)
    if document is None:
        trace.handed_on = _handed_on(trace, call)
    elif call.operation in CRYPTO_OPERATIONS:
        usage.note_usage(context, call)
    return document


def _check_input(context: Context, call: Call) -> None:
    violations = violations_of(call.operation, call.parameters)
    if not violations:
        return
    members = _JUDGED_BY_MOTO.get(call.operation, frozenset())
    if violations.keys() <= members and not _concerns_us(context, call):
        return
    raise refusal(violations)


def _concerns_us(context: Context, call: Call) -> bool:
    if call.operation == "CreateKey":
        return key_management.concerns_custom_key_store(call)
    return any(named.key for named in named_keys(context, call).values())


def _left_to_moto(context: Context, call: Call) -> None:
    """Refuse what a key in an external key store cannot do, or not in its state."""
    for key in context.trace.keys:
        check_refused(key, call.operation)
        require_manageable(key, call.operation, context.behaviour)


def _handed_on(trace: Trace, call: Call) -> Call:
    """The call with plain key ids, in the account of the key that it names."""
    if not trace.named:
        return call
    ids = {member: named.id for member, named in trace.named.items()}
    *_, last = trace.named.values()
    parameters = {**call.parameters, **ids}
    return replace(call, parameters=parameters, account_id=last.account_id)
