"""Faults of the operations that read and manage keys in external key stores."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, row
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


# -- what several faults share --------------------------------------------------------


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

    def respond(key: XksKey, proceed: Answer, context: Context, call: Call) -> Document:
        # The name of a key of elsewhere is refused there.
        proceed(context, call)
        metadata = key.metadata()
        del metadata["KeyManager"]
        return {"KeyMetadata": metadata}

    return _for_our_keys(respond)


row(
    "describe-key-needs-a-connection",
    "Refuses DescribeKey while the store is disconnected.",
    _needing_connection(),
    violates=(
        "KMS-KEYMGMT-001",
        "KMS-STATE-019",
        "KMS-DISCONNECT-007",
    ),
    operations=("DescribeKey",),
)
row(
    "describe-key-asks-the-proxy",
    "Asks the proxy for the external key's metadata on DescribeKey.",
    _asking_proxy(),
    violates=("KMS-KEYMGMT-002",),
    operations=("DescribeKey",),
)
row(
    "unavailable-keys-are-enabled",
    "Says Enabled: true of an Unavailable key.",
    describing(
        lambda key, document: document.update(
            Enabled=visible_state(key) in {KeyState.ENABLED, KeyState.UNAVAILABLE}
        )
    ),
    violates=("KMS-KEYMGMT-003",),
)
row(
    "list-keys-lists-nothing",
    "Lists no keys.",
    Replace(answer, lambda *_: {"Keys": [], "Truncated": False}),
    violates=("KMS-KEYMGMT-004",),
    operations=("ListKeys",),
)


# -- managing -------------------------------------------------------------------------


row(
    "enable-key-asks-the-proxy",
    "Asks the proxy for the external key's metadata on EnableKey.",
    _asking_proxy(),
    violates=("KMS-KEYMGMT-005",),
    operations=("EnableKey",),
)
row(
    "tag-resource-does-nothing",
    "Ignores the tags of TagResource.",
    _doing_nothing(),
    violates=("KMS-KEYMGMT-006",),
    operations=("TagResource",),
)


@fault(violates=("KMS-KEYMGMT-006",), operations=("PutKeyPolicy",))
def put_key_policy_does_nothing() -> Effects:
    """Ignores the policy of PutKeyPolicy."""

    def respond(
        key: XksKey, proceed: Answer, context: Context, call: Call
    ) -> Document | None:
        before = key.policy
        document = proceed(context, call)
        key.policy = before
        return document

    return _for_our_keys(respond)


row(
    "update-key-description-does-nothing",
    "Ignores the description of UpdateKeyDescription.",
    _doing_nothing(),
    violates=("KMS-KEYMGMT-006",),
    operations=("UpdateKeyDescription",),
)
row(
    "list-grants-lists-nothing",
    "Lists no grants of a key in an external key store.",
    _doing_nothing(Grants=[], Truncated=False),
    violates=("KMS-KEYMGMT-006",),
    operations=("ListGrants",),
)
row(
    "list-aliases-lists-nothing",
    "Lists no aliases of a key in an external key store.",
    _doing_nothing(Aliases=[], Truncated=False),
    violates=("KMS-KEYMGMT-006",),
    operations=("ListAliases",),
)


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


row(
    "deletion-date-is-missing",
    "Leaves DeletionDate out of what DescribeKey says.",
    describing(lambda _, document: document.pop("DeletionDate", None)),
    violates=("KMS-KEYMGMT-007",),
)
row(
    "schedule-key-deletion-asks-the-proxy",
    "Asks the proxy for the external key's metadata on ScheduleKeyDeletion.",
    _asking_proxy(),
    violates=("KMS-KEYMGMT-007",),
    operations=("ScheduleKeyDeletion",),
)


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


row(
    "cancel-key-deletion-needs-a-connection",
    "Refuses CancelKeyDeletion while the store is disconnected.",
    _needing_connection(),
    violates=("KMS-KEYMGMT-008",),
    operations=("CancelKeyDeletion",),
)


# -- what is refused ------------------------------------------------------------------


row(
    "data-key-pairs-as-validation",
    "Refuses data key pairs with a ValidationException.",
    renaming("UnsupportedOperationException", "ValidationException"),
    violates=("KMS-UNSUP-001", "KMS-STATE-011"),
    operations=("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
)
row(
    "random-bytes-of-an-external-key-store",
    "Generates random bytes in an external key store.",
    forgiving(
        "UnsupportedOperationException",
        document={"Plaintext": "AAAAAAAAAAAAAAAAAAAAAA=="},
    ),
    violates=("KMS-UNSUP-002",),
    operations=("GenerateRandom",),
)
row(
    "random-bytes-of-unknown-store-as-validation",
    "Answers GenerateRandom for no store with a ValidationException.",
    renaming("CustomKeyStoreNotFoundException", "ValidationException"),
    violates=("KMS-UNSUP-003",),
    operations=("GenerateRandom",),
)
row(
    "key-rotation-is-off",
    "Says of a key in an external key store that its rotation is not enabled.",
    forgiving("UnsupportedOperationException", document={"KeyRotationEnabled": False}),
    violates=("KMS-UNSUP-004", "KMS-STATE-011"),
    operations=("GetKeyRotationStatus",),
)
row(
    "key-import-as-key-usage",
    "Refuses to import key material with an InvalidKeyUsageException.",
    renaming("UnsupportedOperationException", "InvalidKeyUsageException"),
    violates=("KMS-UNSUP-005", "KMS-STATE-012"),
    operations=(
        "GetParametersForImport",
        "ImportKeyMaterial",
        "DeleteImportedKeyMaterial",
    ),
)
row(
    "replica-as-validation",
    "Refuses to replicate a key with a ValidationException.",
    renaming("UnsupportedOperationException", "ValidationException"),
    violates=("KMS-UNSUP-006",),
    operations=("ReplicateKey",),
)
row(
    "signature-as-unsupported",
    "Refuses to sign with an UnsupportedOperationException.",
    renaming("InvalidKeyUsageException", "UnsupportedOperationException"),
    violates=("KMS-UNSUP-007",),
    operations=("Sign",),
)
row(
    "public-key-as-not-found",
    "Answers GetPublicKey with a NotFoundException.",
    renaming("UnsupportedOperationException", "NotFoundException"),
    violates=("KMS-UNSUP-008",),
    operations=("GetPublicKey",),
)
row(
    "every-key-signs",
    "Signs, makes MACs and derives secrets with symmetric encryption keys.",
    forgiving("InvalidKeyUsageException"),
    violates=("KMS-CRYPTO-001", "KMS-UNSUP-007"),
    operations=("Sign", "Verify", "GenerateMac", "VerifyMac", "DeriveSharedSecret"),
)
row(
    "every-key-moves",
    "Replicates single-Region keys, and moves their primary Region.",
    forgiving("UnsupportedOperationException"),
    violates=("KMS-CREATEKEY-007", "KMS-UNSUP-006"),
    operations=("ReplicateKey", "UpdatePrimaryRegion"),
)
row(
    "every-key-has-a-public-key",
    "Answers GetPublicKey for a symmetric encryption key.",
    forgiving("UnsupportedOperationException", document={"PublicKey": "AAAA"}),
    violates=("KMS-CREATEKEY-009", "KMS-UNSUP-008"),
    operations=("GetPublicKey",),
)
row(
    "other-algorithm-as-validation",
    "Refuses another encryption algorithm with a ValidationException.",
    renaming("InvalidKeyUsageException", "ValidationException"),
    violates=("KMS-UNSUP-009",),
    operations=("Encrypt", "Decrypt"),
)


@fault(violates=("KMS-UNSUP-010",), operations=("TagResource", "CreateAlias"))
def custom_key_stores_have_tags() -> Effects:
    """Tags a custom key store, and gives it an alias."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        named = call.text("TargetKeyId") or call.text("KeyId")
        return {} if named in context.region.stores else proceed(context, call)

    return Replace(answer, respond)
