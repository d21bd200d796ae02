"""Faults of the operations that read and manage keys in external key stores."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import describing, forgiving, renaming
from pytest_xks.kms.keys.states import KeyState, visible_state
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
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
) -> Effects:
    """Answers in a way of its own where a key in an external key store is meant."""

    def choose(proceed: Answer, context: Context, call: Call) -> Document | None:
        key = _key_of(context, call)
        if key is None:
            return proceed(context, call)
        return respond(key, proceed, context, call)

    return Replace(answer, choose)


def _doing_nothing(**document: object) -> Effects:
    """Answers with success what is not refused, and leaves everything as it is."""

    def respond(
        _: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        # What moto is to do is only checked there.
        proceed(context, call)
        return dict(document)

    return _for_our_keys(respond)


def _asking_proxy() -> Effects:
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

    return _for_our_keys(respond)


def _needing_connection() -> Effects:
    """Refuses operations while the key is Unavailable."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        if not key.store.connected:
            raise KmsError(_INVALID_STATE, f"{key.arn} is unavailable.")
        return proceed(context, call)

    return _for_our_keys(respond)


# -- DescribeKey, ListKeys ------------------------------------------------------------


@fault(violates=("KMS-KEYMGMT-001",), operations=("DescribeKey",))
def describe_key_omits_key_manager() -> Effects:
    """Leaves KeyManager out of what DescribeKey says."""

    def respond(key: XksKey, *_: object) -> Document:
        metadata = key.metadata()
        del metadata["KeyManager"]
        return {"KeyMetadata": metadata}

    return _for_our_keys(respond)


@fault(
    violates=(
        "KMS-KEYMGMT-001",
        "KMS-STATE-019",
        "KMS-DISCONNECT-007",
    ),
    operations=("DescribeKey",),
)
def describe_key_needs_a_connection() -> Effects:
    """Refuses DescribeKey while the store is disconnected."""
    return _needing_connection()


@fault(violates=("KMS-KEYMGMT-002",), operations=("DescribeKey",))
def describe_key_asks_the_proxy() -> Effects:
    """Asks the proxy for the external key's metadata on DescribeKey."""
    return _asking_proxy()


@fault(violates=("KMS-KEYMGMT-003",))
def unavailable_keys_are_enabled() -> Effects:
    """Says Enabled: true of an Unavailable key."""
    return describing(
        lambda key, document: document.update(
            Enabled=visible_state(key) in {KeyState.ENABLED, KeyState.UNAVAILABLE}
        )
    )


@fault(violates=("KMS-KEYMGMT-004",), operations=("ListKeys",))
def list_keys_lists_nothing() -> Effects:
    """Lists no keys."""
    return Replace(answer, lambda *_: {"Keys": [], "Truncated": False})


# -- managing -------------------------------------------------------------------------


@fault(violates=("KMS-KEYMGMT-005",), operations=("EnableKey",))
def enable_key_asks_the_proxy() -> Effects:
    """Asks the proxy for the external key's metadata on EnableKey."""
    return _asking_proxy()


@fault(violates=("KMS-KEYMGMT-006",), operations=("TagResource",))
def tag_resource_does_nothing() -> Effects:
    """Ignores the tags of TagResource."""
    return _doing_nothing()


@fault(violates=("KMS-KEYMGMT-006",), operations=("PutKeyPolicy",))
def put_key_policy_does_nothing() -> Effects:
    """Ignores the policy of PutKeyPolicy."""
    return _doing_nothing()


@fault(violates=("KMS-KEYMGMT-006",), operations=("UpdateKeyDescription",))
def update_key_description_does_nothing() -> Effects:
    """Ignores the description of UpdateKeyDescription."""
    return _doing_nothing()


@fault(violates=("KMS-KEYMGMT-006",), operations=("ListGrants",))
def list_grants_lists_nothing() -> Effects:
    """Lists no grants of a key in an external key store."""
    return _doing_nothing(Grants=[], Truncated=False)


@fault(violates=("KMS-KEYMGMT-006",), operations=("ListAliases",))
def list_aliases_lists_nothing() -> Effects:
    """Lists no aliases of a key in an external key store."""
    return _doing_nothing(Aliases=[], Truncated=False)


@fault(violates=("KMS-KEYMGMT-013",), operations=("UpdateAlias",))
def aliases_stay_in_their_key_store() -> Effects:
    """Refuses to move an alias between a standard key and one in a store."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        before = context.region.keys.find(call.text("AliasName") or "")
        after = context.region.keys.find(call.text("TargetKeyId") or "")
        if (before is None) != (after is None):
            raise KmsError(_INVALID_STATE, "The alias is of another kind of key.")
        return proceed(context, call)

    return Replace(answer, respond)


# -- deletion -------------------------------------------------------------------------


@fault(violates=("KMS-KEYMGMT-007",), operations=("ScheduleKeyDeletion",))
def deletion_after_any_time() -> Effects:
    """Takes any waiting period for the nearest one that there is."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        days = call.parameters.get("PendingWindowInDays")
        if not isinstance(days, int):
            return proceed(context, call)
        nearest = {"PendingWindowInDays": min(max(days, 7), 30)}
        changed = replace(call, parameters={**call.parameters, **nearest})
        return proceed(context, changed)

    return Replace(answer, respond)


@fault(violates=("KMS-KEYMGMT-007",))
def deletion_date_is_missing() -> Effects:
    """Leaves DeletionDate out of what DescribeKey says."""
    return describing(lambda _, document: document.pop("DeletionDate", None))


@fault(violates=("KMS-KEYMGMT-007",), operations=("ScheduleKeyDeletion",))
def schedule_key_deletion_asks_the_proxy() -> Effects:
    """Asks the proxy for the external key's metadata on ScheduleKeyDeletion."""
    return _asking_proxy()


@fault(violates=("KMS-KEYMGMT-008",), operations=("CancelKeyDeletion",))
def cancelled_deletion_enables_the_key() -> Effects:
    """Leaves a key Enabled when its deletion is cancelled."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        document = proceed(context, call)
        key.key_state, key.enabled = KeyState.ENABLED.value, True
        return document

    return _for_our_keys(respond)


@fault(violates=("KMS-KEYMGMT-008",), operations=("CancelKeyDeletion",))
def cancel_key_deletion_needs_a_connection() -> Effects:
    """Refuses CancelKeyDeletion while the store is disconnected."""
    return _needing_connection()


# -- what is refused ------------------------------------------------------------------


@fault(
    violates=("KMS-UNSUP-001", "KMS-STATE-011"),
    operations=("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
)
def data_key_pairs_as_validation() -> Effects:
    """Refuses data key pairs with a ValidationException."""
    return renaming("UnsupportedOperationException", "ValidationException")


@fault(violates=("KMS-UNSUP-002",), operations=("GenerateRandom",))
def random_bytes_of_an_external_key_store() -> Effects:
    """Generates random bytes in an external key store."""
    return forgiving(
        "UnsupportedOperationException",
        document={"Plaintext": "AAAAAAAAAAAAAAAAAAAAAA=="},
    )


@fault(violates=("KMS-UNSUP-003",), operations=("GenerateRandom",))
def random_bytes_of_unknown_store_as_validation() -> Effects:
    """Answers GenerateRandom for no store with a ValidationException."""
    return renaming("CustomKeyStoreNotFoundException", "ValidationException")


@fault(
    violates=("KMS-UNSUP-004", "KMS-STATE-011"), operations=("GetKeyRotationStatus",)
)
def key_rotation_is_off() -> Effects:
    """Says of a key in an external key store that its rotation is not enabled."""
    return forgiving(
        "UnsupportedOperationException", document={"KeyRotationEnabled": False}
    )


@fault(
    violates=("KMS-UNSUP-005", "KMS-STATE-012"),
    operations=(
        "GetParametersForImport",
        "ImportKeyMaterial",
        "DeleteImportedKeyMaterial",
    ),
)
def key_import_as_key_usage() -> Effects:
    """Refuses to import key material with an InvalidKeyUsageException."""
    return renaming("UnsupportedOperationException", "InvalidKeyUsageException")


@fault(violates=("KMS-UNSUP-006",), operations=("ReplicateKey",))
def replica_as_validation() -> Effects:
    """Refuses to replicate a key with a ValidationException."""
    return renaming("UnsupportedOperationException", "ValidationException")


@fault(violates=("KMS-UNSUP-007",), operations=("Sign",))
def signature_as_unsupported() -> Effects:
    """Refuses to sign with an UnsupportedOperationException."""
    return renaming("InvalidKeyUsageException", "UnsupportedOperationException")


@fault(violates=("KMS-UNSUP-008",), operations=("GetPublicKey",))
def public_key_as_not_found() -> Effects:
    """Answers GetPublicKey with a NotFoundException."""
    return renaming("UnsupportedOperationException", "NotFoundException")


@fault(violates=("KMS-UNSUP-009",), operations=("Encrypt", "Decrypt"))
def other_algorithm_as_validation() -> Effects:
    """Refuses another encryption algorithm with a ValidationException."""
    return renaming("InvalidKeyUsageException", "ValidationException")


@fault(violates=("KMS-UNSUP-010",), operations=("TagResource", "CreateAlias"))
def custom_key_stores_have_tags() -> Effects:
    """Tags a custom key store, and gives it an alias."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        named = call.text("TargetKeyId") or call.text("KeyId")
        return {} if named in context.region.stores else proceed(context, call)

    return Replace(answer, respond)
