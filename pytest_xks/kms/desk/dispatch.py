"""One function for each operation of the KMS API, and the way to it.

Every request is validated, and every key that it names is resolved, before anyone gets
it. What has to do with an external key store or a key in one is answered here; for
everything else the answer is None, and moto's KMS answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS
from pytest_xks.kms.desk.identifiers import named_keys
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.desk.validation import examined, present, refusal
from pytest_xks.kms.keys import (
    aliases,
    cryptography,
    grants,
    listing,
    policies,
    tags,
    usage,
)
from pytest_xks.kms.keys import management as key_management
from pytest_xks.kms.keys.dry_run import end_dry_run
from pytest_xks.kms.keys.standard import check_standard
from pytest_xks.kms.keys.states import check_refused, require_manageable
from pytest_xks.kms.stores import operations as key_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.desk.trace import Trace

__all__ = ["OPERATIONS", "answer", "completed"]

Document = dict[str, Any]

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

# Operations of which moto does the rest, or all of it for a standard key. A key in an
# external key store has to be in the right state first.
_BESIDE_MOTO: Mapping[str, Callable[[Context, Call], Document | None]] = {
    "CreateAlias": aliases.check_alias_name,
    "CreateGrant": grants.create_grant,
    "DeleteAlias": aliases.check_alias_has_name,
    "GetKeyLastUsage": usage.get_key_last_usage,
    "GetKeyPolicy": policies.get_key_policy,
    "ListGrants": grants.list_grants,
    "PutKeyPolicy": policies.put_key_policy,
    "RetireGrant": grants.retire_grant,
    "RevokeGrant": grants.revoke_grant,
    "TagResource": tags.tag_resource,
    "UpdateAlias": aliases.check_alias_name,
}
# moto does not know that these have a default.
_DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "GetKeyPolicy": {"PolicyName": policies.DEFAULT},
    "PutKeyPolicy": {"PolicyName": policies.DEFAULT},
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
    call = _checked(context, call)
    trace = context.trace
    trace.named = named_keys(context, call)
    trace.keys = [named.key for named in trace.named.values() if named.key]
    for named in trace.named.values():
        if named.key is None:
            check_standard(named, call.operation)
    operation = OPERATIONS.get(call.operation, _beside_moto)
    document = operation(context, call)
    if document is None:
        trace.handed_on = _handed_on(trace, call)
    elif call.operation in CRYPTO_OPERATIONS:
        usage.note_usage(context, call)
    elif listing.is_list(call.operation):
        document = listing.page_of(call, document)
    return document


def completed(
    region: AccountRegion, call: Call, document: Document, now: datetime
) -> Document:
    """What moto answered with success, and what it leaves out.

    Args:
        region: the caller's account and Region.
        call: the call.
        document: the answer of moto.
        now: what time it is.

    Raises:
        KmsError: InvalidMarkerException or DryRunOperationException.
    """
    # moto has no dry runs. What it has done here changes nothing; the operations on
    # grants, which would, do not come so far.
    end_dry_run(call)
    if call.operation in {"CreateAlias", "UpdateAlias"}:
        aliases.note_alias(region, call, now)
    if call.operation == "DeleteAlias":
        aliases.note_no_alias(region, call)
    if call.operation == "ListAliases":
        aliases.add_dates(region, document["Aliases"])
    if listing.is_list(call.operation):
        return listing.page_of(call, document)
    return document


def _checked(context: Context, call: Call) -> Call:
    """The call without nulls, and with what is binary in it, if its input is valid."""
    parameters = present(call.operation, call.parameters)
    violations, blobs = examined(call.operation, parameters)
    if blobs or parameters is not call.parameters:
        call = replace(call, parameters=parameters, blobs=blobs)
    members = _JUDGED_BY_MOTO.get(call.operation, frozenset())
    if violations and (violations.keys() - members or _concerns_us(context, call)):
        raise refusal(violations)
    return call


def _concerns_us(context: Context, call: Call) -> bool:
    if call.operation == "CreateKey":
        return key_management.concerns_custom_key_store(call)
    return any(named.key for named in named_keys(context, call).values())


def _beside_moto(context: Context, call: Call) -> Document | None:
    """Refuse what a key in an external key store cannot do, or not in its state."""
    for key in context.trace.keys:
        check_refused(key, call.operation)
        require_manageable(key, call.operation, context.behaviour)
    if listing.is_list(call.operation):
        listing.check_limit(call)
    operation = _BESIDE_MOTO.get(call.operation)
    return operation(context, call) if operation else None


def _handed_on(trace: Trace, call: Call) -> Call:
    """The call with plain key ids, in the account of the key that it names.

    Of a list all is asked for: its pages are made of that (``completed``).
    """
    if listing.is_list(call.operation):
        call = replace(call, parameters=listing.without_page(call.parameters))
    if not trace.named:
        return call
    ids = {member: named.id for member, named in trace.named.items()}
    *_, last = trace.named.values()
    defaults = _DEFAULTS.get(call.operation, {})
    parameters = {**defaults, **call.parameters, **ids}
    return replace(call, parameters=parameters, account_id=last.account_id)
