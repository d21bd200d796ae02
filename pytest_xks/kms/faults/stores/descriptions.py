"""Faults of what is said of key stores, and of how many there may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import asking, forgiving, renaming

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document

_DESCRIBE = "DescribeCustomKeyStores"
_CREATE = "CreateCustomKeyStore"
_NINE = 9


# -- filters and pages ------------------------------------------------------------


@fault(violates=("KMS-DESCRIBESTORE-001",), operations=("DescribeCustomKeyStores",))
def describe_takes_both_filters() -> Effects:
    """Ignores the name if DescribeCustomKeyStores gets an id as well."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        parameters = dict(call.parameters)
        if call.text("CustomKeyStoreId") is not None:
            parameters.pop("CustomKeyStoreName", None)
        return proceed(context, replace(call, parameters=parameters))

    return Replace(answer, describe)


@fault(
    violates=("KMS-DESCRIBESTORE-001", "KMS-QUOTA-001"),
    operations=("DescribeCustomKeyStores",),
)
def disconnected_stores_are_not_listed() -> Effects:
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

    return Replace(answer, describe)


@fault(
    violates=("KMS-DESCRIBESTORE-002", "KMS-DELETESTORE-005", "KMS-GEN-009"),
    operations=("DescribeCustomKeyStores",),
)
def describe_of_unknown_store_is_empty() -> Effects:
    """Answers a filter that matches no store with an empty list."""
    return forgiving(
        ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
        document={"CustomKeyStores": [], "Truncated": False},
    )


@fault(violates=("KMS-DESCRIBESTORE-003",), operations=("DescribeCustomKeyStores",))
def describe_ignores_limit() -> Effects:
    """Lists all stores on one page, whatever Limit says."""
    return asking(Limit=None)


@fault(violates=("KMS-DESCRIBESTORE-003",), operations=("DescribeCustomKeyStores",))
def bad_marker_as_validation() -> Effects:
    """Answers a Marker that is not valid with a ValidationException."""
    return renaming(ErrorCode.INVALID_MARKER, ErrorCode.VALIDATION)


@fault(violates=("KMS-DESCRIBESTORE-003",), operations=("DescribeCustomKeyStores",))
def truncated_without_next_marker() -> Effects:
    """Lists a page of stores without saying where the next one begins."""
    return Edit(lambda document: document.pop("NextMarker", None))


# -- entries ----------------------------------------------------------------------


def _changing(change: Callable[[Document], object]) -> Effects:
    """Changes the entry of every store."""

    def edit(document: Document) -> None:
        for entry in document["CustomKeyStores"]:
            change(entry)

    return Edit(edit)


def _changing_configuration(change: Callable[[Document], object]) -> Effects:
    """Changes the XksProxyConfiguration of every store."""
    return _changing(lambda entry: change(entry["XksProxyConfiguration"]))


@fault(violates=("KMS-DESCRIBESTORE-004",), operations=("DescribeCustomKeyStores",))
def describe_without_creation_date() -> Effects:
    """Leaves CreationDate out of what it says of a store."""
    return _changing(lambda entry: entry.pop("CreationDate"))


@fault(
    violates=("KMS-DESCRIBESTORE-005", "KMS-DESCRIBESTORE-011"),
    operations=("DescribeCustomKeyStores",),
)
def describe_names_connectivity_as_requests_do() -> Effects:
    """Calls the member Connectivity by its name in requests, XksProxyConnectivity."""
    return _changing_configuration(
        lambda members: members.update(XksProxyConnectivity=members.pop("Connectivity"))
    )


@fault(violates=("KMS-DESCRIBESTORE-005",), operations=("DescribeCustomKeyStores",))
def public_stores_show_vpc_members() -> Effects:
    """Shows an empty VpcEndpointServiceName of stores with a public endpoint."""
    return _changing_configuration(
        lambda members: members.setdefault("VpcEndpointServiceName", "")
    )


@fault(violates=("KMS-DESCRIBESTORE-006",), operations=("DescribeCustomKeyStores",))
def describe_returns_the_secret() -> Effects:
    """Returns the secret access key of the proxy's credential."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        document = proceed(context, call) or {}
        for entry in document["CustomKeyStores"]:
            store = context.region.stores[entry["CustomKeyStoreId"]]
            secret = store.configuration.credential.secret_access_key
            entry["XksProxyConfiguration"]["RawSecretAccessKey"] = secret
        return document

    return Replace(answer, describe)


@fault(violates=("KMS-DESCRIBESTORE-007",), operations=("DescribeCustomKeyStores",))
def describe_has_cloudhsm_members() -> Effects:
    """Says of an external key store what only AWS CloudHSM key stores have."""
    return _changing(lambda entry: entry.update(CloudHsmClusterId=""))


@fault(
    violates=("KMS-DESCRIBESTORE-008", "KMS-CONNECT-003"),
    operations=("DescribeCustomKeyStores",),
)
def connected_in_prose() -> Effects:
    """Shows the ConnectionState CONNECTED as Connected, as the guide's prose does."""

    def change(entry: Document) -> None:
        if entry["ConnectionState"] == "CONNECTED":
            entry["ConnectionState"] = "Connected"

    return _changing(change)


@fault(violates=("KMS-DESCRIBESTORE-009",), operations=("DescribeCustomKeyStores",))
def vpc_endpoint_without_scheme() -> Effects:
    """Shows the private DNS name of a VPC endpoint service without https://."""

    def change(members: Document) -> None:
        if members["Connectivity"] == "VPC_ENDPOINT_SERVICE":
            members["UriEndpoint"] = members["UriEndpoint"].removeprefix("https://")

    return _changing_configuration(change)


@fault(violates=("KMS-DESCRIBESTORE-011",), operations=("DescribeCustomKeyStores",))
def vpc_owner_is_not_shown() -> Effects:
    """Leaves VpcEndpointServiceOwner out of what it says of a store."""
    return _changing_configuration(
        lambda members: members.pop("VpcEndpointServiceOwner", None)
    )


# -- the quota --------------------------------------------------------------------


@fault(violates=("KMS-QUOTA-001",), operations=("CreateCustomKeyStore",))
def store_quota_as_validation() -> Effects:
    """Answers the eleventh CreateCustomKeyStore with a ValidationException."""
    return renaming(ErrorCode.LIMIT_EXCEEDED, ErrorCode.VALIDATION)


@fault(violates=("KMS-QUOTA-001",), operations=("CreateCustomKeyStore",))
def room_for_nine_stores() -> Effects:
    """Refuses the tenth key store."""

    def create(proceed: Answer, context: Context, call: Call) -> Document | None:
        if len(context.region.stores) >= _NINE:
            raise KmsError(ErrorCode.LIMIT_EXCEEDED, "Nine key stores are enough.")
        return proceed(context, call)

    return Replace(answer, create)
