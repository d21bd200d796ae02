"""What the checks of the operations on custom key stores share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable, Violation

from ..client.expect import REFUSED, control, refused, violated
from ..client.key_stores import PASSING, connection_state_of, state_in, watch_while

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = [
    "CLOUDHSM_CODES",
    "EXTERNAL_CODES",
    "NO_STORE",
    "expect_connection_state",
    "expect_state_of_store",
    "failed_store",
    "pages",
    "reject_connection_state",
    "settled",
    "settled_connection_state",
]

NO_STORE = [
    pytest.param(
        {"CustomKeyStoreId": "cks-00000000000000000"},
        refused("CustomKeyStoreNotFoundException"),
        id="unknown",
    ),
    # No document names the exception for a required member that is missing.
    pytest.param({}, REFUSED, id="missing"),
]
"""Parameters that name no key store, and the outcome."""

CLOUDHSM_CODES = frozenset(
    {
        "CLUSTER_NOT_FOUND",
        "INSUFFICIENT_CLOUDHSM_HSMS",
        "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        "SUBNET_NOT_FOUND",
        "USER_LOCKED_OUT",
        "USER_LOGGED_IN",
        "USER_NOT_FOUND",
    }
)
"""The ConnectionErrorCodes of AWS CloudHSM key stores alone."""

EXTERNAL_CODES = frozenset(
    {
        "INTERNAL_ERROR",
        "INVALID_CREDENTIALS",
        "NETWORK_ERRORS",
        "XKS_PROXY_ACCESS_DENIED",
        "XKS_PROXY_INVALID_CONFIGURATION",
        "XKS_PROXY_INVALID_RESPONSE",
        "XKS_PROXY_INVALID_TLS_CONFIGURATION",
        "XKS_PROXY_NOT_REACHABLE",
        "XKS_PROXY_TIMED_OUT",
        "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
    }
)
"""The ConnectionErrorCodes of external key stores."""

_MOST_PAGES = 1000


def settled_connection_state(kms: KmsClient, store: KeyStore) -> str:
    """The ConnectionState once it is neither CONNECTING nor DISCONNECTING.

    Raises:
        NotTestable: it does not come to that.
    """
    return state_in(settled(kms, store))


def settled(kms: KmsClient, store: KeyStore) -> KmsReply:
    """DescribeCustomKeyStores once the state is neither CONNECTING nor DISCONNECTING.

    Raises:
        NotTestable: it does not come to that.
    """
    return watch_while(kms, store.id, *PASSING)


def expect_connection_state(
    kms: KmsClient, store: KeyStore, *accepted: str, note: str = ""
) -> None:
    """The ConnectionState is now one of these.

    Raises:
        Violation: it is another one.
        NotTestable: DescribeCustomKeyStores does not answer.
    """
    reply = kms.call(
        "DescribeCustomKeyStores",
        CustomKeyStoreId=store.id,
        label="probe: the ConnectionState",
    )
    expect_state_of_store(reply, *accepted, note=note)


def expect_state_of_store(reply: KmsReply, *accepted: str, note: str = "") -> None:
    """What DescribeCustomKeyStores answered shows one of these ConnectionStates.

    Raises:
        Violation: it is another one.
        NotTestable: DescribeCustomKeyStores did not answer.
    """
    found = state_in(reply)
    if found not in accepted:
        violated(
            reply,
            (f"ConnectionState {state}" for state in accepted),
            f"ConnectionState {found}",
            note=note,
        )


def reject_connection_state(kms: KmsClient, store: KeyStore, *rejected: str) -> None:
    """The ConnectionState is now none of these; what it is, is for other checks.

    Raises:
        Violation: it is one of them.
        NotTestable: DescribeCustomKeyStores does not answer.
    """
    state = connection_state_of(kms, store.id)
    if state in rejected:
        raise Violation(
            expected=f"a ConnectionState other than {' and '.join(rejected)}",
            observed=f"ConnectionState {state}",
        )


def failed_store(kms: KmsClient, provisioner: Provisioner) -> KeyStore:
    """A key store without keys that is FAILED; its proxy is healthy again.

    Raises:
        NotTestable: it cannot be obtained.
    """
    store = provisioner.make_store(kms)
    with store.proxy.failing("AuthenticationFailedException", 401, operation="health"):
        control(
            kms.call(
                "ConnectCustomKeyStore",
                CustomKeyStoreId=store.id,
                label="control: connect while the proxy refuses",
            )
        )
        state = settled_connection_state(kms, store)
    if state != "FAILED":
        raise NotTestable(f"A key store whose proxy refuses becomes {state}.")
    return store


def pages(kms: KmsClient, limit: int | None = None) -> Iterator[KmsReply]:
    """Every page of DescribeCustomKeyStores, by its markers.

    Args:
        kms: the endpoint.
        limit: how many key stores a page may have; the endpoint's default without.

    Raises:
        NotTestable: a page is refused, or they do not end.
    """
    page: dict[str, Any] = {} if limit is None else {"Limit": limit}
    for _ in range(_MOST_PAGES):
        reply = kms.call("DescribeCustomKeyStores", **page)
        document = control(reply)
        yield reply
        if not document.get("Truncated"):
            return
        page["Marker"] = document.get("NextMarker")
    raise NotTestable(f"DescribeCustomKeyStores has over {_MOST_PAGES} pages.")
