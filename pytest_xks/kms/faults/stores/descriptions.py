"""Faults of what is said of key stores, and of how many there may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault, row
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
    # Whoever counts what is listed finds the quota too small.
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


row(
    "describe-of-unknown-store-is-empty",
    "Answers a filter that matches no store with an empty list.",
    forgiving(
        ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND,
        document={"CustomKeyStores": [], "Truncated": False},
    ),
    violates=("KMS-DESCRIBESTORE-002", "KMS-DELETESTORE-005", "KMS-GEN-009"),
    operations=("DescribeCustomKeyStores",),
)
row(
    "describe-ignores-limit",
    "Lists all stores on one page, whatever Limit says.",
    asking(Limit=None),
    violates=("KMS-DESCRIBESTORE-003",),
    operations=("DescribeCustomKeyStores",),
)
row(
    "bad-marker-as-validation",
    "Answers a Marker that is not valid with a ValidationException.",
    renaming(ErrorCode.INVALID_MARKER, ErrorCode.VALIDATION),
    violates=("KMS-DESCRIBESTORE-003",),
    operations=("DescribeCustomKeyStores",),
)
row(
    "truncated-without-next-marker",
    "Lists a page of stores without saying where the next one begins.",
    Edit(lambda document: document.pop("NextMarker", None)),
    violates=("KMS-DESCRIBESTORE-003",),
    operations=("DescribeCustomKeyStores",),
)


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


row(
    "describe-without-creation-date",
    "Leaves CreationDate out of what it says of a store.",
    _changing(lambda entry: entry.pop("CreationDate")),
    violates=("KMS-DESCRIBESTORE-004",),
    operations=("DescribeCustomKeyStores",),
)
row(
    "stores-of-the-epoch",
    "Shows 1970 as the CreationDate of a store.",
    _changing(lambda entry: entry.update(CreationDate=0.0)),
    violates=("KMS-DESCRIBESTORE-004",),
    operations=("DescribeCustomKeyStores",),
)
row(
    "describe-names-connectivity-as-requests-do",
    "Calls the member Connectivity by its name in requests, XksProxyConnectivity.",
    _changing_configuration(
        lambda members: members.update(XksProxyConnectivity=members.pop("Connectivity"))
    ),
    violates=("KMS-DESCRIBESTORE-005", "KMS-DESCRIBESTORE-011"),
    operations=("DescribeCustomKeyStores",),
)
row(
    "public-stores-show-vpc-members",
    "Shows an empty VpcEndpointServiceName of stores with a public endpoint.",
    _changing_configuration(
        lambda members: members.setdefault("VpcEndpointServiceName", "")
    ),
    violates=("KMS-DESCRIBESTORE-005",),
    operations=("DescribeCustomKeyStores",),
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


row(
    "describe-has-cloudhsm-members",
    "Says of an external key store what only AWS CloudHSM key stores have.",
    _changing(lambda entry: entry.update(CloudHsmClusterId="")),
    violates=("KMS-DESCRIBESTORE-007",),
    operations=("DescribeCustomKeyStores",),
)


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


row(
    "vpc-owner-is-not-shown",
    "Leaves VpcEndpointServiceOwner out of what it says of a store.",
    _changing_configuration(
        lambda members: members.pop("VpcEndpointServiceOwner", None)
    ),
    violates=("KMS-DESCRIBESTORE-011",),
    operations=("DescribeCustomKeyStores",),
)


# -- the quota --------------------------------------------------------------------


row(
    "store-quota-as-validation",
    "Answers the eleventh CreateCustomKeyStore with a ValidationException.",
    renaming(ErrorCode.LIMIT_EXCEEDED, ErrorCode.VALIDATION),
    violates=("KMS-QUOTA-001",),
    operations=("CreateCustomKeyStore",),
)


@fault(violates=("KMS-QUOTA-001",), operations=("CreateCustomKeyStore",))
def room_for_nine_stores() -> Effects:
    """Refuses the tenth key store."""

    def create(proceed: Answer, context: Context, call: Call) -> Document | None:
        if len(context.region.stores) >= _NINE:
            raise KmsError(ErrorCode.LIMIT_EXCEEDED, "Nine key stores are enough.")
        return proceed(context, call)

    return Replace(answer, create)
