"""Faults of what is said of key stores, and of how many there may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    asking,
    editing,
    forgiving,
    renaming,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.kms.faults.patterns import Answer, Document

_DESCRIBE = "DescribeCustomKeyStores"
_CREATE = "CreateCustomKeyStore"
_NINE = 9


# -- filters and pages ------------------------------------------------------------


@fault("describe-takes-both-filters", violates=("KMS-DESCRIBESTORE-001",))
def _describe_takes_both_filters() -> Replacements:
    """Ignores the name if DescribeCustomKeyStores gets an id as well."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        parameters = dict(call.parameters)
        if call.text("CustomKeyStoreId") is not None:
            parameters.pop("CustomKeyStoreName", None)
        return proceed(context, replace(call, parameters=parameters))

    return answering(describe, _DESCRIBE)


@fault(
    "disconnected-stores-are-not-listed",
    # Whoever counts what is listed finds the quota too small.
    violates=("KMS-DESCRIBESTORE-001", "KMS-QUOTA-001"),
)
def _disconnected_stores_are_not_listed() -> Replacements:
    """Lists no store that is DISCONNECTED unless it is asked for by id or name."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call)
        if document and not {"CustomKeyStoreId", "CustomKeyStoreName"} & set(
            call.parameters
        ):
            document["CustomKeyStores"] = [
                entry
                for entry in document["CustomKeyStores"]
                if entry["ConnectionState"] != "DISCONNECTED"
            ]
        return document

    return answering(describe, _DESCRIBE)


@fault(
    "describe-of-unknown-store-is-empty",
    violates=("KMS-DESCRIBESTORE-002", "KMS-DELETESTORE-005", "KMS-GEN-009"),
)
def _describe_of_unknown_store_is_empty() -> Replacements:
    """Answers a filter that matches no store with an empty list."""
    return forgiving(
        ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
        _DESCRIBE,
        document={"CustomKeyStores": [], "Truncated": False},
    )


@fault("describe-ignores-limit", violates=("KMS-DESCRIBESTORE-003",))
def _describe_ignores_limit() -> Replacements:
    """Lists all stores on one page, whatever Limit says."""
    return asking(_DESCRIBE, Limit=None)


@fault("bad-marker-as-validation", violates=("KMS-DESCRIBESTORE-003",))
def _bad_marker_as_validation() -> Replacements:
    """Answers a Marker that is not valid with a ValidationException."""
    return renaming(ErrorCode.INVALID_MARKER, ErrorCode.VALIDATION, _DESCRIBE)


@fault("truncated-without-next-marker", violates=("KMS-DESCRIBESTORE-003",))
def _truncated_without_next_marker() -> Replacements:
    """Lists a page of stores without saying where the next one begins."""
    return editing(lambda document: document.pop("NextMarker", None), _DESCRIBE)


# -- entries ----------------------------------------------------------------------


def _changing(change: Callable[[Document], object]) -> Replacements:
    """Changes the entry of every store."""

    def edit(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            change(entry)

    return editing(edit, _DESCRIBE)


def _changing_configuration(change: Callable[[Document], object]) -> Replacements:
    """Changes the XksProxyConfiguration of every store."""
    return _changing(lambda entry: change(entry["XksProxyConfiguration"]))


@fault("describe-without-creation-date", violates=("KMS-DESCRIBESTORE-004",))
def _describe_without_creation_date() -> Replacements:
    """Leaves CreationDate out of what it says of a store."""
    return _changing(lambda entry: entry.pop("CreationDate"))


@fault(
    "describe-names-connectivity-as-requests-do",
    violates=("KMS-DESCRIBESTORE-005", "KMS-DESCRIBESTORE-011"),
)
def _describe_names_connectivity_as_requests_do() -> Replacements:
    """Calls the member Connectivity by its name in requests, XksProxyConnectivity."""
    return _changing_configuration(
        lambda members: members.update(XksProxyConnectivity=members.pop("Connectivity"))
    )


@fault("public-stores-show-vpc-members", violates=("KMS-DESCRIBESTORE-005",))
def _public_stores_show_vpc_members() -> Replacements:
    """Shows an empty VpcEndpointServiceName of stores with a public endpoint."""
    return _changing_configuration(
        lambda members: members.setdefault("VpcEndpointServiceName", "")
    )


@fault("describe-returns-the-secret", violates=("KMS-DESCRIBESTORE-006",))
def _describe_returns_the_secret() -> Replacements:
    """Returns the secret access key of the proxy's credential."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call) or {}
        for entry in document["CustomKeyStores"]:
            store = context.region.stores[entry["CustomKeyStoreId"]]
            secret = store.configuration.credential.secret_access_key
            entry["XksProxyConfiguration"]["RawSecretAccessKey"] = secret
        return document

    return answering(describe, _DESCRIBE)


@fault("describe-has-cloudhsm-members", violates=("KMS-DESCRIBESTORE-007",))
def _describe_has_cloudhsm_members() -> Replacements:
    """Says of an external key store what only AWS CloudHSM key stores have."""
    return _changing(lambda entry: entry.update(CloudHsmClusterId=""))


@fault("connected-in-prose", violates=("KMS-DESCRIBESTORE-008", "KMS-CONNECT-003"))
def _connected_in_prose() -> Replacements:
    """Shows the ConnectionState CONNECTED as Connected, as the guide's prose does."""

    def change(entry: Document) -> None:
        if entry["ConnectionState"] == "CONNECTED":
            entry["ConnectionState"] = "Connected"

    return _changing(change)


@fault("vpc-endpoint-without-scheme", violates=("KMS-DESCRIBESTORE-009",))
def _vpc_endpoint_without_scheme() -> Replacements:
    """Shows the private DNS name of a VPC endpoint service without https://."""

    def change(members: Document) -> None:
        if members["Connectivity"] == "VPC_ENDPOINT_SERVICE":
            members["UriEndpoint"] = members["UriEndpoint"].removeprefix("https://")

    return _changing_configuration(change)


@fault("vpc-owner-is-not-shown", violates=("KMS-DESCRIBESTORE-011",))
def _vpc_owner_is_not_shown() -> Replacements:
    """Leaves VpcEndpointServiceOwner out of what it says of a store."""
    return _changing_configuration(
        lambda members: members.pop("VpcEndpointServiceOwner", None)
    )


# -- the quota --------------------------------------------------------------------


@fault("store-quota-as-validation", violates=("KMS-QUOTA-001",))
def _store_quota_as_validation() -> Replacements:
    """Answers the eleventh CreateCustomKeyStore with a ValidationException."""
    return renaming(ErrorCode.LIMIT_EXCEEDED, ErrorCode.VALIDATION, _CREATE)


@fault("room-for-nine-stores", violates=("KMS-QUOTA-001",))
def _room_for_nine_stores() -> Replacements:
    """Refuses the tenth key store."""

    def create(proceed: Answer, context: Context, call: Call) -> Document | None:
        if len(context.region.stores) >= _NINE:
            raise KmsError(ErrorCode.LIMIT_EXCEEDED, "Nine key stores are enough.")
        return proceed(context, call)

    return answering(create, _CREATE)
