"""Faults of CreateKey in an external key store."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, nothing, row
from pytest_xks.kms.faults.patterns import describing, renaming
from pytest_xks.kms.keys.management import defect_of, is_in_use, require_connected
from pytest_xks.kms.keys.states import KeyState
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.faults import Effects
    from pytest_xks.kms.account import AccountRegion
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document
    from pytest_xks.kms.stores.store import ExternalKeyStore
    from pytest_xks.proxy_api.messages import KeyMetadata

    Parameters = Mapping[str, Any]

_NAME = "CreateKey"
_NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})


# -- what several faults share --------------------------------------------------------


def _understanding(change: Callable[[Parameters], Parameters]) -> Effects:
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

    return Replace(answer, respond)


def _ignoring(*members: str) -> Effects:
    """Answers CreateKey in a store as if these parameters had not been given."""
    return _understanding(lambda _: dict.fromkeys(members))


def _seeing(change: Callable[[KeyMetadata], KeyMetadata]) -> Effects:
    """Takes the metadata of external keys for others.

    Args:
        change: returns them.
    """

    def judge(
        proceed: Callable[[KeyMetadata], str | None], metadata: KeyMetadata
    ) -> str | None:
        return proceed(change(metadata))

    return Replace(defect_of, judge)


# -- parameters -----------------------------------------------------------------------


row(
    "create-key-guesses-the-origin",
    "Takes the Origin for EXTERNAL_KEY_STORE where CreateKey has none.",
    _understanding(
        lambda given: {"Origin": given.get("Origin") or "EXTERNAL_KEY_STORE"}
    ),
    violates=("KMS-CREATEKEY-001",),
    operations=("CreateKey",),
)


@fault(violates=("KMS-CREATEKEY-002",), operations=("CreateKey",))
def create_key_mends_external_key_id() -> Effects:
    """Drops what an XksKeyId may not have, and goes on."""

    def mend(given: Parameters) -> Parameters:
        legal = re.sub(r"[^a-zA-Z0-9-_.]", "", str(given.get("XksKeyId") or ""))
        return {"XksKeyId": legal[:128]} if legal else {}

    return _understanding(mend)


row(
    "create-key-drops-external-key-id",
    "Ignores an XksKeyId with another Origin, and creates a standard key.",
    _understanding(
        lambda given: {"XksKeyId": None} if given.get("Origin") == "AWS_KMS" else {}
    ),
    violates=("KMS-CREATEKEY-002",),
    operations=("CreateKey",),
)
row(
    "create-key-in-unknown-store-as-validation",
    "Answers CreateKey in no store with a ValidationException.",
    renaming("CustomKeyStoreNotFoundException", "ValidationException"),
    violates=("KMS-CREATEKEY-003",),
    operations=("CreateKey",),
)
row(
    "create-key-ignores-store-state",
    "Creates keys in stores that are not CONNECTED.",
    Replace(require_connected, nothing),
    violates=(
        "KMS-CREATEKEY-004",
        "KMS-DISCONNECT-005",
        "KMS-FAIL-019",
    ),
)
row(
    "create-key-ignores-key-spec",
    "Creates a symmetric key in the store whatever the key spec says.",
    _ignoring("KeySpec", "CustomerMasterKeySpec"),
    violates=("KMS-CREATEKEY-005", "KMS-CREATEKEY-009"),
    operations=("CreateKey",),
)
row(
    "create-key-ignores-key-usage",
    "Creates a key for encryption in the store whatever the key usage says.",
    _ignoring("KeyUsage"),
    violates=("KMS-CREATEKEY-006",),
    operations=("CreateKey",),
)
row(
    "create-key-ignores-multi-region",
    "Creates a single-Region key in the store where a multi-Region one is wanted.",
    _ignoring("MultiRegion"),
    violates=("KMS-CREATEKEY-007", "KMS-CREATEKEY-009"),
    operations=("CreateKey",),
)
row(
    "create-key-imports-into-the-store",
    "Ignores the store of a key that is to have imported key material.",
    _understanding(
        lambda given: (
            {"CustomKeyStoreId": None} if given.get("Origin") == "EXTERNAL" else {}
        )
    ),
    violates=("KMS-CREATEKEY-009",),
    operations=("CreateKey",),
)
row(
    "create-key-combination-as-invalid-state",
    "Answers parameters that do not go together with a KMSInvalidStateException.",
    renaming("ValidationException", "KMSInvalidStateException"),
    violates=("KMS-CREATEKEY-010",),
    operations=("CreateKey",),
)
row(
    "create-key-drops-description",
    "Ignores the Description of a key in a store.",
    _ignoring("Description"),
    violates=("KMS-CREATEKEY-011",),
    operations=("CreateKey",),
)
row(
    "create-key-drops-tags",
    "Ignores the Tags of a key in a store, good ones and bad ones.",
    _ignoring("Tags"),
    violates=("KMS-CREATEKEY-011", "KMS-CREATEKEY-029"),
    operations=("CreateKey",),
)
row(
    "create-key-drops-policy",
    "Ignores the Policy of a key in a store, good ones and bad ones.",
    _ignoring("Policy"),
    violates=("KMS-CREATEKEY-011", "KMS-CREATEKEY-029"),
    operations=("CreateKey",),
)
row(
    "create-key-lets-nobody-in",
    "Gives a key in a store an empty policy where none is given.",
    _understanding(lambda given: {"Policy": given.get("Policy") or _NOBODY}),
    violates=("KMS-CREATEKEY-012",),
    operations=("CreateKey",),
)
row(
    "create-key-policy-error-as-validation",
    "Answers a malformed policy with a ValidationException.",
    renaming("MalformedPolicyDocumentException", "ValidationException"),
    violates=("KMS-CREATEKEY-029",),
    operations=("CreateKey",),
)


# -- the external key -----------------------------------------------------------------


@fault(
    violates=(
        "KMS-CREATEKEY-014",
        "KMS-CREATESTORE-012",
    ),
    operations=("CreateKey",),
)
def create_key_tries_the_external_key() -> Effects:
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

    return Replace(answer, respond)


row(
    "external-key-ids-in-lower-case",
    "Turns an XksKeyId into lower case.",
    _understanding(
        lambda given: {"XksKeyId": str(given.get("XksKeyId") or "").lower() or None}
    ),
    violates=("KMS-CREATEKEY-015",),
    operations=("CreateKey",),
)
row(
    "create-key-ignores-external-key-spec",
    "Accepts external keys that are not AES_256.",
    _seeing(lambda metadata: replace(metadata, key_spec="AES_256")),
    violates=("KMS-CREATEKEY-016",),
)
row(
    "create-key-ignores-external-key-status",
    "Accepts external keys that are not ENABLED.",
    _seeing(lambda metadata: replace(metadata, key_status="ENABLED")),
    violates=("KMS-CREATEKEY-017",),
)
row(
    "create-key-ignores-external-key-usage",
    "Accepts external keys that cannot both encrypt and decrypt.",
    _seeing(lambda metadata: replace(metadata, key_usage=("ENCRYPT", "DECRYPT"))),
    violates=("KMS-CREATEKEY-018",),
)


@fault(violates=("KMS-CREATEKEY-018",))
def create_key_wants_two_usages_exactly() -> Effects:
    """Refuses external keys that can do more than encrypt and decrypt."""

    def change(metadata: KeyMetadata) -> KeyMetadata:
        exactly = set(metadata.key_usage) == {"ENCRYPT", "DECRYPT"}
        return metadata if exactly else replace(metadata, key_usage=())

    return _seeing(change)


@fault(violates=("KMS-CREATEKEY-019",))
def create_key_overlooks_several_defects() -> Effects:
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

    return Replace(defect_of, judge)


@fault(violates=("KMS-CREATEKEY-037",))
def create_key_does_not_say_why() -> Effects:
    """Refuses external keys without saying what they lack."""

    def judge(
        proceed: Callable[[KeyMetadata], str | None], metadata: KeyMetadata
    ) -> str | None:
        return proceed(metadata) and "The external key cannot be used."

    return Replace(defect_of, judge)


row(
    "external-key-serves-several-keys",
    "Creates several keys in a store on one external key.",
    Replace(is_in_use, lambda *_: False),
    violates=("KMS-CREATEKEY-020", "KMS-CREATEKEY-022"),
)


@fault(violates=("KMS-CREATEKEY-021",))
def external_key_ids_without_case() -> Effects:
    """Takes an external key for used if its id differs in case only."""

    def judge(
        _: object, region: AccountRegion, store: ExternalKeyStore, external_key_id: str
    ) -> bool:
        keys = region.keys.in_store(store.id)
        used = {key.external_key_id.lower() for key in keys}
        return external_key_id.lower() in used

    return Replace(is_in_use, judge)


@fault(violates=("KMS-CREATEKEY-022",))
def external_key_serves_one_store() -> Effects:
    """Takes an external key for used if another store uses one of that id."""

    def judge(
        proceed: Callable[..., bool],
        region: AccountRegion,
        _: ExternalKeyStore,
        external_key_id: str,
    ) -> bool:
        stores = list(region.stores.values())
        return any(proceed(region, each, external_key_id) for each in stores)

    return Replace(is_in_use, judge)


@fault(violates=("KMS-CREATEKEY-022",))
def pending_key_frees_its_external_key() -> Effects:
    """Takes an external key for free while its key is pending deletion."""

    def judge(
        _: object, region: AccountRegion, store: ExternalKeyStore, external_key_id: str
    ) -> bool:
        return any(
            key.external_key_id == external_key_id
            and key.key_state != KeyState.PENDING_DELETION
            for key in region.keys.in_store(store.id)
        )

    return Replace(is_in_use, judge)


@fault(violates=("KMS-CREATEKEY-030",), operations=("CreateKey",))
def failed_create_key_leaves_a_key() -> Effects:
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

    return Replace(answer, respond)


@fault(violates=("KMS-CREATEKEY-036", "KMS-KEYMGMT-005"), operations=("DisableKey",))
def disable_key_is_passed_on() -> Effects:
    """Asks the proxy to disable the external key when the KMS key is disabled."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        for key in context.trace.keys:
            with suppress(ProxyFailure):
                context.proxy_client.get_key_metadata(
                    call, key.store.proxy, f"{key.external_key_id}/disable"
                )
        return document

    return Replace(answer, respond)


# -- the answer -----------------------------------------------------------------------


row(
    "new-keys-are-creating",
    "Answers CreateKey as if the key were not there yet.",
    Edit(
        lambda document: document["KeyMetadata"].update(
            KeyState="Creating", Enabled=False
        )
    ),
    violates=("KMS-CREATEKEY-031",),
    operations=("CreateKey",),
)
row(
    "create-key-omits-key-manager",
    "Leaves KeyManager out of the answer to CreateKey.",
    Edit(lambda document: document["KeyMetadata"].pop("KeyManager")),
    violates=("KMS-CREATEKEY-032",),
    operations=("CreateKey",),
)
row(
    "key-arn-of-another-region",
    "Puts another Region into the ARN of a new key.",
    Edit(
        lambda document: document["KeyMetadata"].update(
            Arn=document["KeyMetadata"]["Arn"].replace("us-east-1", "eu-west-1")
        )
    ),
    violates=("KMS-CREATEKEY-032",),
    operations=("CreateKey",),
    scope=("KMS-CREATEKEY-032",),
)
row(
    "new-keys-of-the-epoch",
    "Shows 1970 as the CreationDate in the answer to CreateKey.",
    Edit(lambda document: document["KeyMetadata"].update(CreationDate=0.0)),
    violates=("KMS-CREATEKEY-032", "KMS-KEYMGMT-001"),
    operations=("CreateKey",),
)
row(
    "key-metadata-tells-external-key-status",
    "Adds a status to XksKeyConfiguration.",
    describing(
        lambda _, document: document["XksKeyConfiguration"].update(Status="ENABLED")
    ),
    violates=("KMS-CREATEKEY-033",),
)
row(
    "key-metadata-names-key-material",
    "Adds a CurrentKeyMaterialId to KeyMetadata.",
    describing(lambda _, document: document.update(CurrentKeyMaterialId="0" * 64)),
    violates=("KMS-CREATEKEY-034",),
)
