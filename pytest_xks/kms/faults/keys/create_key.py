"""Faults of CreateKey in an external key store."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, nothing
from pytest_xks.kms.faults.patterns import answering, describing, editing, renaming
from pytest_xks.kms.keys.management import defect_of, is_in_use, require_connected
from pytest_xks.kms.keys.states import KeyState
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.stores.store import ExternalKeyStore
    from pytest_xks.proxy_api.messages import KeyMetadata

    Parameters = Mapping[str, Any]

_NAME = "CreateKey"
_NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})


# -- words of this shelf --------------------------------------------------------------


def _understanding(change: Callable[[Parameters], Parameters]) -> Replacements:
    """Answers CreateKey in a store as if some parameters were others.

    Args:
        change: returns what to put in place; None leaves a parameter out.
    """

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        given = call.parameters
        if not {"CustomKeyStoreId", "XksKeyId"} & set(given):
            return proceed(context, call)
        changed = {**given, **change(given)}
        kept = {name: value for name, value in changed.items() if value is not None}
        return proceed(context, replace(call, parameters=kept))

    return answering(respond, _NAME)


def _ignoring(*members: str) -> Replacements:
    """Answers CreateKey in a store as if these parameters had not been given."""
    return _understanding(lambda _: dict.fromkeys(members))


def _seeing(change: Callable[[KeyMetadata], KeyMetadata]) -> Replacements:
    """Takes the metadata of external keys for others.

    Args:
        change: returns them.
    """

    def judge(
        proceed: Callable[[KeyMetadata], str | None], metadata: KeyMetadata
    ) -> str | None:
        return proceed(change(metadata))

    return {defect_of: judge}


# -- parameters -----------------------------------------------------------------------


@fault("create-key-guesses-the-origin", violates=("KMS-CREATEKEY-001",))
def _create_key_guesses_the_origin() -> Replacements:
    """Takes the Origin for EXTERNAL_KEY_STORE where CreateKey has none."""
    return _understanding(
        lambda given: {"Origin": given.get("Origin") or "EXTERNAL_KEY_STORE"}
    )


@fault("create-key-mends-external-key-id", violates=("KMS-CREATEKEY-002",))
def _create_key_mends_external_key_id() -> Replacements:
    """Drops what an XksKeyId may not have, and goes on."""

    def mend(given: Parameters) -> Parameters:
        legal = re.sub(r"[^a-zA-Z0-9-_.]", "", str(given.get("XksKeyId") or ""))
        return {"XksKeyId": legal[:128]} if legal else {}

    return _understanding(mend)


@fault("create-key-drops-external-key-id", violates=("KMS-CREATEKEY-002",))
def _create_key_drops_external_key_id() -> Replacements:
    """Ignores an XksKeyId with another Origin, and creates a standard key."""
    return _understanding(
        lambda given: {"XksKeyId": None} if given.get("Origin") == "AWS_KMS" else {}
    )


@fault("create-key-in-unknown-store-as-validation", violates=("KMS-CREATEKEY-003",))
def _create_key_in_unknown_store_as_validation() -> Replacements:
    """Answers CreateKey in no store with a ValidationException."""
    return renaming("CustomKeyStoreNotFoundException", "ValidationException", _NAME)


@fault(
    "create-key-ignores-store-state",
    violates=(
        "KMS-CREATEKEY-004",
        "KMS-DISCONNECT-005",
        "KMS-FAIL-019",
    ),
)
def _create_key_ignores_store_state() -> Replacements:
    """Creates keys in stores that are not CONNECTED."""
    return {require_connected: nothing}


@fault(
    "create-key-ignores-key-spec",
    violates=("KMS-CREATEKEY-005", "KMS-CREATEKEY-009"),
)
def _create_key_ignores_key_spec() -> Replacements:
    """Creates a symmetric key in the store whatever the key spec says."""
    return _ignoring("KeySpec", "CustomerMasterKeySpec")


@fault("create-key-ignores-key-usage", violates=("KMS-CREATEKEY-006",))
def _create_key_ignores_key_usage() -> Replacements:
    """Creates a key for encryption in the store whatever the key usage says."""
    return _ignoring("KeyUsage")


@fault(
    "create-key-ignores-multi-region",
    violates=("KMS-CREATEKEY-007", "KMS-CREATEKEY-009"),
)
def _create_key_ignores_multi_region() -> Replacements:
    """Creates a single-Region key in the store where a multi-Region one is wanted."""
    return _ignoring("MultiRegion")


@fault("create-key-imports-into-the-store", violates=("KMS-CREATEKEY-009",))
def _create_key_imports_into_the_store() -> Replacements:
    """Ignores the store of a key that is to have imported key material."""
    return _understanding(
        lambda given: (
            {"CustomKeyStoreId": None} if given.get("Origin") == "EXTERNAL" else {}
        )
    )


@fault("create-key-combination-as-invalid-state", violates=("KMS-CREATEKEY-010",))
def _create_key_combination_as_invalid_state() -> Replacements:
    """Answers parameters that do not go together with a KMSInvalidStateException."""
    return renaming("ValidationException", "KMSInvalidStateException", _NAME)


@fault("create-key-drops-description", violates=("KMS-CREATEKEY-011",))
def _create_key_drops_description() -> Replacements:
    """Ignores the Description of a key in a store."""
    return _ignoring("Description")


@fault("create-key-drops-tags", violates=("KMS-CREATEKEY-011", "KMS-CREATEKEY-029"))
def _create_key_drops_tags() -> Replacements:
    """Ignores the Tags of a key in a store, good ones and bad ones."""
    return _ignoring("Tags")


@fault("create-key-drops-policy", violates=("KMS-CREATEKEY-011", "KMS-CREATEKEY-029"))
def _create_key_drops_policy() -> Replacements:
    """Ignores the Policy of a key in a store, good ones and bad ones."""
    return _ignoring("Policy")


@fault("create-key-lets-nobody-in", violates=("KMS-CREATEKEY-012",))
def _create_key_lets_nobody_in() -> Replacements:
    """Gives a key in a store an empty policy where none is given."""
    return _understanding(lambda given: {"Policy": given.get("Policy") or _NOBODY})


@fault("create-key-policy-error-as-validation", violates=("KMS-CREATEKEY-029",))
def _create_key_policy_error_as_validation() -> Replacements:
    """Answers a malformed policy with a ValidationException."""
    return renaming("MalformedPolicyDocumentException", "ValidationException", _NAME)


# -- the external key -----------------------------------------------------------------


@fault(
    "create-key-tries-the-external-key",
    violates=(
        "KMS-CREATEKEY-014",
        "KMS-CREATESTORE-012",
    ),
)
def _create_key_tries_the_external_key() -> Replacements:
    """Encrypts something with the external key when a key is created."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        if document is not None:
            (key,) = context.trace.keys
            with suppress(ProxyFailure):
                context.proxy_client.encrypt(
                    call,
                    key.store.proxy,
                    key.external_key_id,
                    key_arn=key.arn,
                    plaintext=b"does it work?",
                    additional_authenticated_data=b"",
                )
        return document

    return answering(respond, _NAME)


@fault("external-key-ids-in-lower-case", violates=("KMS-CREATEKEY-015",))
def _external_key_ids_in_lower_case() -> Replacements:
    """Turns an XksKeyId into lower case."""
    return _understanding(
        lambda given: {"XksKeyId": str(given.get("XksKeyId") or "").lower() or None}
    )


@fault("create-key-ignores-external-key-spec", violates=("KMS-CREATEKEY-016",))
def _create_key_ignores_external_key_spec() -> Replacements:
    """Accepts external keys that are not AES_256."""
    return _seeing(lambda metadata: replace(metadata, key_spec="AES_256"))


@fault("create-key-ignores-external-key-status", violates=("KMS-CREATEKEY-017",))
def _create_key_ignores_external_key_status() -> Replacements:
    """Accepts external keys that are not ENABLED."""
    return _seeing(lambda metadata: replace(metadata, key_status="ENABLED"))


@fault("create-key-ignores-external-key-usage", violates=("KMS-CREATEKEY-018",))
def _create_key_ignores_external_key_usage() -> Replacements:
    """Accepts external keys that cannot both encrypt and decrypt."""
    return _seeing(lambda metadata: replace(metadata, key_usage=("ENCRYPT", "DECRYPT")))


@fault("create-key-wants-two-usages-exactly", violates=("KMS-CREATEKEY-018",))
def _create_key_wants_two_usages_exactly() -> Replacements:
    """Refuses external keys that can do more than encrypt and decrypt."""

    def change(metadata: KeyMetadata) -> KeyMetadata:
        exactly = set(metadata.key_usage) == {"ENCRYPT", "DECRYPT"}
        return metadata if exactly else replace(metadata, key_usage=())

    return _seeing(change)


@fault("create-key-overlooks-several-defects", violates=("KMS-CREATEKEY-019",))
def _create_key_overlooks_several_defects() -> Replacements:
    """Accepts external keys that fail more than one condition."""

    def judge(
        proceed: Callable[[KeyMetadata], str | None], metadata: KeyMetadata
    ) -> str | None:
        failed = (
            metadata.key_spec != "AES_256",
            metadata.key_status != "ENABLED",
            not {"ENCRYPT", "DECRYPT"} <= set(metadata.key_usage),
        )
        return proceed(metadata) if sum(failed) == 1 else None

    return {defect_of: judge}


@fault("create-key-does-not-say-why", violates=("KMS-CREATEKEY-037",))
def _create_key_does_not_say_why() -> Replacements:
    """Refuses external keys without saying what they lack."""

    def judge(
        proceed: Callable[[KeyMetadata], str | None], metadata: KeyMetadata
    ) -> str | None:
        return proceed(metadata) and "The external key cannot be used."

    return {defect_of: judge}


@fault(
    "external-key-serves-several-keys",
    violates=("KMS-CREATEKEY-020", "KMS-CREATEKEY-022"),
)
def _external_key_serves_several_keys() -> Replacements:
    """Creates several keys in a store on one external key."""
    return {is_in_use: lambda *_: False}


@fault("external-key-ids-without-case", violates=("KMS-CREATEKEY-021",))
def _external_key_ids_without_case() -> Replacements:
    """Takes an external key for used if its id differs in case only."""

    def judge(
        _: object, region: AccountRegion, store: ExternalKeyStore, external_key_id: str
    ) -> bool:
        keys = region.keys.in_store(store.id)
        used = {key.external_key_id.lower() for key in keys}
        return external_key_id.lower() in used

    return {is_in_use: judge}


@fault("external-key-serves-one-store", violates=("KMS-CREATEKEY-022",))
def _external_key_serves_one_store() -> Replacements:
    """Takes an external key for used if another store uses one of that id."""

    def judge(
        proceed: Callable[..., bool],
        region: AccountRegion,
        _: ExternalKeyStore,
        external_key_id: str,
    ) -> bool:
        stores = list(region.stores.values())
        return any(proceed(region, each, external_key_id) for each in stores)

    return {is_in_use: judge}


@fault("pending-key-frees-its-external-key", violates=("KMS-CREATEKEY-022",))
def _pending_key_frees_its_external_key() -> Replacements:
    """Takes an external key for free while its key is pending deletion."""

    def judge(
        _: object, region: AccountRegion, store: ExternalKeyStore, external_key_id: str
    ) -> bool:
        return any(
            key.external_key_id == external_key_id
            and key.key_state != KeyState.PENDING_DELETION
            for key in region.keys.in_store(store.id)
        )

    return {is_in_use: judge}


@fault("failed-create-key-leaves-a-key", violates=("KMS-CREATEKEY-030",))
def _failed_create_key_leaves_a_key() -> Replacements:
    """Leaves a key behind when it finds the external key unfit."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            if error.code == "XksKeyInvalidConfigurationException":
                context.region.keys.create(
                    store=context.region.store(
                        str(call.parameters["CustomKeyStoreId"])
                    ),
                    external_key_id=str(call.parameters["XksKeyId"]),
                    policy=None,
                    description="",
                    tags=[],
                    created=context.clock.now(),
                )
            raise

    return answering(respond, _NAME)


@fault("disable-key-is-passed-on", violates=("KMS-CREATEKEY-036", "KMS-KEYMGMT-005"))
def _disable_key_is_passed_on() -> Replacements:
    """Asks the proxy to disable the external key when the KMS key is disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        for key in context.trace.keys:
            with suppress(ProxyFailure):
                context.proxy_client.get_key_metadata(
                    call, key.store.proxy, f"{key.external_key_id}/disable"
                )
        return document

    return answering(respond, "DisableKey")


# -- the answer -----------------------------------------------------------------------


@fault("new-keys-are-creating", violates=("KMS-CREATEKEY-031",))
def _new_keys_are_creating() -> Replacements:
    """Answers CreateKey as if the key were not there yet."""
    return editing(
        lambda document: document["KeyMetadata"].update(
            KeyState="Creating", Enabled=False
        ),
        _NAME,
    )


@fault("create-key-omits-key-manager", violates=("KMS-CREATEKEY-032",))
def _create_key_omits_key_manager() -> Replacements:
    """Leaves KeyManager out of the answer to CreateKey."""
    return editing(lambda document: document["KeyMetadata"].pop("KeyManager"), _NAME)


@fault("key-metadata-tells-external-key-status", violates=("KMS-CREATEKEY-033",))
def _key_metadata_tells_external_key_status() -> Replacements:
    """Adds a status to XksKeyConfiguration."""
    return describing(
        lambda _, document: document["XksKeyConfiguration"].update(Status="ENABLED")
    )


@fault("key-metadata-names-key-material", violates=("KMS-CREATEKEY-034",))
def _key_metadata_names_key_material() -> Replacements:
    """Adds a CurrentKeyMaterialId to KeyMetadata."""
    return describing(
        lambda _, document: document.update(CurrentKeyMaterialId="0" * 64)
    )
