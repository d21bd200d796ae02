"""Faults of the operations that read and manage keys in external key stores."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    describing,
    forgiving,
    renaming,
)
from pytest_xks.kms.keys.states import KeyState, visible_state
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.keys.key import XksKey

_INVALID_STATE = "KMSInvalidStateException"


# -- words of this shelf --------------------------------------------------------------


def _key_of(context: Context, call: Call) -> XksKey | None:
    """The key in an external key store that a call names."""
    key_id = call.text("TargetKeyId") or call.text("KeyId")
    return context.region.keys.find(key_id) if key_id else None


def _for_our_keys(
    respond: Callable[[XksKey, Answer, Context, Call], Document | None],
    *operations: str,
) -> Replacements:
    """Answers in a way of its own where a key in an external key store is meant."""

    def choose(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = _key_of(context, call)
        if key is None:
            return proceed(context, call)
        return respond(key, proceed, context, call)

    return answering(choose, *operations)


def _doing_nothing(operation: str, **document: object) -> Replacements:
    """Answers with success what is not refused, and leaves everything as it is."""

    def respond(
        _: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        # What moto is to do is only checked there.
        proceed(context, call)
        return dict(document)

    return _for_our_keys(respond, operation)


def _asking_proxy(*operations: str) -> Replacements:
    """Asks the proxy for the metadata of the external key on the way."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        if key.store.connected:
            with suppress(ProxyFailure):
                context.proxy_client.get_key_metadata(
                    call, key.store.proxy, key.external_key_id
                )
        return proceed(context, call)

    return _for_our_keys(respond, *operations)


def _needing_connection(*operations: str) -> Replacements:
    """Refuses operations while the key is Unavailable."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        if not key.store.connected:
            raise KmsError(_INVALID_STATE, f"{key.arn} is unavailable.")
        return proceed(context, call)

    return _for_our_keys(respond, *operations)


# -- DescribeKey, ListKeys ------------------------------------------------------------


@fault("describe-key-omits-key-manager", violates=("KMS-KEYMGMT-001",))
def _describe_key_omits_key_manager() -> Replacements:
    """Leaves KeyManager out of what DescribeKey says."""

    def respond(key: XksKey, *_: object) -> Document:
        metadata = key.metadata()
        del metadata["KeyManager"]
        return {"KeyMetadata": metadata}

    return _for_our_keys(respond, "DescribeKey")


@fault(
    "describe-key-needs-a-connection",
    violates=(
        "KMS-KEYMGMT-001",
        "KMS-STATE-019",
        "KMS-DISCONNECT-007",
    ),
)
def _describe_key_needs_a_connection() -> Replacements:
    """Refuses DescribeKey while the store is disconnected."""
    return _needing_connection("DescribeKey")


@fault("describe-key-asks-the-proxy", violates=("KMS-KEYMGMT-002",))
def _describe_key_asks_the_proxy() -> Replacements:
    """Asks the proxy for the external key's metadata on DescribeKey."""
    return _asking_proxy("DescribeKey")


@fault("unavailable-keys-are-enabled", violates=("KMS-KEYMGMT-003",))
def _unavailable_keys_are_enabled() -> Replacements:
    """Says Enabled: true of an Unavailable key."""
    return describing(
        lambda key, document: document.update(
            Enabled=visible_state(key) in {KeyState.ENABLED, KeyState.UNAVAILABLE}
        )
    )


@fault("list-keys-lists-nothing", violates=("KMS-KEYMGMT-004",))
def _list_keys_lists_nothing() -> Replacements:
    """Lists no keys."""
    return answering(lambda *_: {"Keys": [], "Truncated": False}, "ListKeys")


# -- managing -------------------------------------------------------------------------


@fault("enable-key-asks-the-proxy", violates=("KMS-KEYMGMT-005",))
def _enable_key_asks_the_proxy() -> Replacements:
    """Asks the proxy for the external key's metadata on EnableKey."""
    return _asking_proxy("EnableKey")


@fault("tag-resource-does-nothing", violates=("KMS-KEYMGMT-006",))
def _tag_resource_does_nothing() -> Replacements:
    """Ignores the tags of TagResource."""
    return _doing_nothing("TagResource")


@fault("put-key-policy-does-nothing", violates=("KMS-KEYMGMT-006",))
def _put_key_policy_does_nothing() -> Replacements:
    """Ignores the policy of PutKeyPolicy."""
    return _doing_nothing("PutKeyPolicy")


@fault("update-key-description-does-nothing", violates=("KMS-KEYMGMT-006",))
def _update_key_description_does_nothing() -> Replacements:
    """Ignores the description of UpdateKeyDescription."""
    return _doing_nothing("UpdateKeyDescription")


@fault("list-grants-lists-nothing", violates=("KMS-KEYMGMT-006",))
def _list_grants_lists_nothing() -> Replacements:
    """Lists no grants of a key in an external key store."""
    return _doing_nothing("ListGrants", Grants=[], Truncated=False)


@fault("list-aliases-lists-nothing", violates=("KMS-KEYMGMT-006",))
def _list_aliases_lists_nothing() -> Replacements:
    """Lists no aliases of a key in an external key store."""
    return _doing_nothing("ListAliases", Aliases=[], Truncated=False)


@fault("aliases-stay-in-their-key-store", violates=("KMS-KEYMGMT-013",))
def _aliases_stay_in_their_key_store() -> Replacements:
    """Refuses to move an alias between a standard key and one in a store."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        before = context.region.keys.find(call.text("AliasName") or "")
        after = context.region.keys.find(call.text("TargetKeyId") or "")
        if (before is None) != (after is None):
            raise KmsError(_INVALID_STATE, "The alias is of another kind of key.")
        return proceed(context, call)

    return answering(respond, "UpdateAlias")


# -- deletion -------------------------------------------------------------------------


@fault("deletion-after-any-time", violates=("KMS-KEYMGMT-007",))
def _deletion_after_any_time() -> Replacements:
    """Takes any waiting period for the nearest one that there is."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        days = call.parameters.get("PendingWindowInDays")
        if not isinstance(days, int):
            return proceed(context, call)
        nearest = {"PendingWindowInDays": min(max(days, 7), 30)}
        changed = replace(call, parameters={**call.parameters, **nearest})
        return proceed(context, changed)

    return answering(respond, "ScheduleKeyDeletion")


@fault("deletion-date-is-missing", violates=("KMS-KEYMGMT-007",))
def _deletion_date_is_missing() -> Replacements:
    """Leaves DeletionDate out of what DescribeKey says."""
    return describing(lambda _, document: document.pop("DeletionDate", None))


@fault("schedule-key-deletion-asks-the-proxy", violates=("KMS-KEYMGMT-007",))
def _schedule_key_deletion_asks_the_proxy() -> Replacements:
    """Asks the proxy for the external key's metadata on ScheduleKeyDeletion."""
    return _asking_proxy("ScheduleKeyDeletion")


@fault("cancelled-deletion-enables-the-key", violates=("KMS-KEYMGMT-008",))
def _cancelled_deletion_enables_the_key() -> Replacements:
    """Leaves a key Enabled when its deletion is cancelled."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        document = proceed(context, call)
        key.key_state, key.enabled = KeyState.ENABLED.value, True
        return document

    return _for_our_keys(respond, "CancelKeyDeletion")


@fault("cancel-key-deletion-needs-a-connection", violates=("KMS-KEYMGMT-008",))
def _cancel_key_deletion_needs_a_connection() -> Replacements:
    """Refuses CancelKeyDeletion while the store is disconnected."""
    return _needing_connection("CancelKeyDeletion")


# -- what is refused ------------------------------------------------------------------


@fault("data-key-pairs-as-validation", violates=("KMS-UNSUP-001", "KMS-STATE-011"))
def _data_key_pairs_as_validation() -> Replacements:
    """Refuses data key pairs with a ValidationException."""
    return renaming(
        "UnsupportedOperationException",
        "ValidationException",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
    )


@fault("random-bytes-of-an-external-key-store", violates=("KMS-UNSUP-002",))
def _random_bytes_of_an_external_key_store() -> Replacements:
    """Generates random bytes in an external key store."""
    return forgiving(
        "UnsupportedOperationException",
        "GenerateRandom",
        document={"Plaintext": "AAAAAAAAAAAAAAAAAAAAAA=="},
    )


@fault("random-bytes-of-unknown-store-as-validation", violates=("KMS-UNSUP-003",))
def _random_bytes_of_unknown_store_as_validation() -> Replacements:
    """Answers GenerateRandom for no store with a ValidationException."""
    return renaming(
        "CustomKeyStoreNotFoundException", "ValidationException", "GenerateRandom"
    )


@fault("key-rotation-is-off", violates=("KMS-UNSUP-004", "KMS-STATE-011"))
def _key_rotation_is_off() -> Replacements:
    """Says of a key in an external key store that its rotation is not enabled."""
    return forgiving(
        "UnsupportedOperationException",
        "GetKeyRotationStatus",
        document={"KeyRotationEnabled": False},
    )


@fault("key-import-as-key-usage", violates=("KMS-UNSUP-005", "KMS-STATE-012"))
def _key_import_as_key_usage() -> Replacements:
    """Refuses to import key material with an InvalidKeyUsageException."""
    return renaming(
        "UnsupportedOperationException",
        "InvalidKeyUsageException",
        "GetParametersForImport",
        "ImportKeyMaterial",
        "DeleteImportedKeyMaterial",
    )


@fault("replica-as-validation", violates=("KMS-UNSUP-006",))
def _replica_as_validation() -> Replacements:
    """Refuses to replicate a key with a ValidationException."""
    return renaming(
        "UnsupportedOperationException", "ValidationException", "ReplicateKey"
    )


@fault("signature-as-unsupported", violates=("KMS-UNSUP-007",))
def _signature_as_unsupported() -> Replacements:
    """Refuses to sign with an UnsupportedOperationException."""
    return renaming("InvalidKeyUsageException", "UnsupportedOperationException", "Sign")


@fault("public-key-as-not-found", violates=("KMS-UNSUP-008",))
def _public_key_as_not_found() -> Replacements:
    """Answers GetPublicKey with a NotFoundException."""
    return renaming(
        "UnsupportedOperationException", "NotFoundException", "GetPublicKey"
    )


@fault("other-algorithm-as-validation", violates=("KMS-UNSUP-009",))
def _other_algorithm_as_validation() -> Replacements:
    """Refuses another encryption algorithm with a ValidationException."""
    return renaming(
        "InvalidKeyUsageException", "ValidationException", "Encrypt", "Decrypt"
    )


@fault("custom-key-stores-have-tags", violates=("KMS-UNSUP-010",))
def _custom_key_stores_have_tags() -> Replacements:
    """Tags a custom key store, and gives it an alias."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        named = call.text("TargetKeyId") or call.text("KeyId")
        return {} if named in context.region.stores else proceed(context, call)

    return answering(respond, "TagResource", "CreateAlias")
