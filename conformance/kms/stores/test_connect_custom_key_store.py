"""ConnectCustomKeyStore: what it starts, and what may come of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.probe_proxy.vocabulary import ConnectionEnd
from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases
from ..client.expect import (
    SUCCEEDS,
    control,
    control_refused,
    expect,
    refused,
    require_asked,
    violated,
)
from ..client.key_stores import entry_in, state_in
from ..keys.states import KeyState, expect_state_in
from .store_states import (
    CLOUDHSM_CODES,
    EXTERNAL_CODES,
    NO_STORE,
    expect_connection_state,
    expect_state_of_store,
    failed_store,
    reject_connection_state,
    settled,
    settled_connection_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.expect import Outcome
    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from ..keys.parting import Parting

    Trouble = Callable[[ProxyStore], AbstractContextManager[None]]

WRONG_STATE = refused("CustomKeyStoreInvalidStateException")

AT_ONCE = refused("CustomKeyStoreInvalidStateException", "KMSInternalException")
"""The errors in the operation's own list that could tell of a failure at once."""

TROUBLE = [
    pytest.param(
        lambda p: p.failing("AuthenticationFailedException", 401, operation="health"),
        id="signature-refused",
    ),
    pytest.param(
        lambda p: p.failing("AccessDeniedException", 403, operation="health"),
        id="access-denied",
    ),
    pytest.param(
        lambda p: p.failing("InternalException", 500, operation="health"),
        id="proxy-error",
    ),
    pytest.param(
        lambda p: p.answering(200, b"no JSON", operation="health"),
        id="malformed-answer",
    ),
    pytest.param(
        lambda p: p.ending(ConnectionEnd.RESET, operation="health"),
        id="connection-reset",
    ),
]
"""Health checks that fail."""


def _connect(kms: KmsClient, store: KeyStore, label: str = "") -> KmsReply:
    return kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id, label=label)


@pytest.mark.requirement("KMS-CONNECT-001")
@cases(("parameters", "outcome"), NO_STORE, stores=1)
def test_no_store(
    kms: KmsClient,
    provisioner: Provisioner,
    parameters: dict[str, str],
    outcome: Outcome,
) -> None:
    """A call without a CustomKeyStoreId is refused, and one of no store not found."""
    control(_connect(kms, provisioner.make_store(kms), "control: a key store"))
    expect(kms.call("ConnectCustomKeyStore", **parameters), outcome)


@pytest.mark.requirement("KMS-CONNECT-002")
def test_answer_comes_before_the_connection(
    kms: KmsClient, provisioner: Provisioner
) -> None:
    """Once the call has answered, the attempt is under way or over, as Describe shows.

    An endpoint may take any time for it, or none.
    """
    store = provisioner.make_store(kms)
    control(_connect(kms, store))
    reject_connection_state(kms, store, "DISCONNECTED")


@pytest.mark.requirement("KMS-CONNECT-003")
@cases(
    ("trouble", "final"),
    [
        pytest.param(lambda _: nullcontext(), "CONNECTED", id="good-proxy"),
        pytest.param(
            lambda p: p.failing(
                "AuthenticationFailedException", 401, operation="health"
            ),
            "FAILED",
            id="refusing-proxy",
        ),
    ],
    stores=1,
)
def test_final_state(
    kms: KmsClient, provisioner: Provisioner, trouble: Trouble, final: str
) -> None:
    """After CONNECTING a key store is CONNECTED, or FAILED if the proxy refuses."""
    store = provisioner.make_store(kms)
    with trouble(store.proxy):
        control(_connect(kms, store))
        reply = settled(kms, store)
    if state_in(reply) == "DISCONNECTED":
        raise NotTestable("ConnectCustomKeyStore left the key store DISCONNECTED.")
    expect_state_of_store(reply, final)


@pytest.mark.requirement("KMS-CONNECT-005")
def test_failed_store(kms: KmsClient, provisioner: Provisioner) -> None:
    """A FAILED key store, its proxy healthy: CustomKeyStoreInvalidStateException."""
    store = failed_store(kms, provisioner)
    expect(_connect(kms, store), WRONG_STATE)
    provisioner.connect(kms, store)


@pytest.mark.requirement("KMS-CONNECT-006")
@cases("before", ["never-connected", "connected-before"], stores=1)
def test_disconnected_store(
    kms: KmsClient, provisioner: Provisioner, before: str
) -> None:
    """A DISCONNECTED key store can be connected, for the first time and again."""
    store = provisioner.make_store(kms)
    if before == "connected-before":
        provisioner.connect(kms, store)
        provisioner.disconnect(kms, store)
    expect(_connect(kms, store), SUCCEEDS)


@pytest.mark.requirement("KMS-CONNECT-006")
def test_connected_store(kms: KmsClient, provisioner: Provisioner) -> None:
    """A CONNECTED key store stays so.

    The call may succeed (the exception's documentation), or be a
    CustomKeyStoreInvalidStateException (the Developer Guide).
    """
    store = provisioner.make_store(kms, connect=True)
    expect(_connect(kms, store), SUCCEEDS, WRONG_STATE)
    expect_state_of_store(settled(kms, store), "CONNECTED")


@pytest.mark.requirement("KMS-CONNECT-007")
def test_failed_store_after_disconnecting(
    kms: KmsClient, provisioner: Provisioner
) -> None:
    """A FAILED key store, its proxy healthy, can be connected once disconnected."""
    store = failed_store(kms, provisioner)
    provisioner.disconnect(kms, store)
    expect(_connect(kms, store), SUCCEEDS)
    settled_connection_state(kms, store)
    reject_connection_state(kms, store, "DISCONNECTED", "FAILED")


@pytest.mark.requirement("KMS-CONNECT-008")
def test_health_check(kms: KmsClient, provisioner: Provisioner) -> None:
    """The proxy is asked GetHealthStatus with kmsOperation ConnectCustomKeyStore."""
    store = provisioner.make_store(kms)
    with store.proxy.watching() as asked:
        reply = _connect(kms, store)
        control(reply)
        settled_connection_state(kms, store)
        operations = [
            request.request_metadata.get("kmsOperation")
            for request in asked()
            if request.operation == "health"
        ]
    if "ConnectCustomKeyStore" not in operations:
        violated(
            reply,
            'a GetHealthStatus with kmsOperation "ConnectCustomKeyStore"',
            f"GetHealthStatus with kmsOperation: {operations or 'none was sent'}",
        )


@pytest.mark.requirement("KMS-CONNECT-010")
@cases("trouble", TROUBLE, stores=1)
def test_failed_health_check(
    kms: KmsClient, provisioner: Provisioner, trouble: Trouble
) -> None:
    """A failed health check is no exception; the key store is FAILED, with a reason.

    What fails quickly may be an error of the operation's own list instead.
    """
    store = provisioner.make_store(kms)
    with trouble(store.proxy):
        reply = _connect(kms, store)
        expect(reply, SUCCEEDS, AT_ONCE)
        if not reply.succeeded:
            return
        entry = _failed_entry(kms, store)
    if not entry.get("ConnectionErrorCode"):
        violated(reply, "a ConnectionErrorCode", "none")


def _failed_entry(kms: KmsClient, store: KeyStore) -> dict[str, object]:
    """What DescribeCustomKeyStores says of a key store once it is FAILED."""
    entry = entry_in(settled(kms, store))
    state = entry.get("ConnectionState")
    if state != "FAILED":
        raise NotTestable(f"A key store whose health check fails becomes {state}.")
    return entry


@pytest.mark.requirement("KMS-CONNECT-012")
def test_proxy_fails_later(kms: KmsClient, key: Key) -> None:
    """A proxy that fails at work leaves its key store CONNECTED."""
    encrypt: dict[str, Any] = {"KeyId": key.arn, "Plaintext": b"plaintext"}
    control(kms.call("Encrypt", label="control: a good proxy", **encrypt))
    # If it does not stay CONNECTED, others have to know.
    kms.touched[key.store.id] = "Encrypt"
    with key.store.proxy.failing("InternalException", 500):
        control_refused(kms.call("Encrypt", **encrypt))
        expect_connection_state(kms, key.store, "CONNECTED")


@pytest.mark.requirement("KMS-CONNECT-013")
@cases("before", [KeyState.ENABLED, KeyState.DISABLED])
def test_keys_are_as_before(parting: Parting, before: KeyState) -> None:
    """After reconnecting, an enabled key is Enabled and a disabled one Disabled."""
    key = parting.of(before)
    require_asked(key.key.store.proxy)
    expect_state_in(key.again, before)


@pytest.mark.requirement("KMS-CONNECT-014")
@cases("before", ["never-connected", "connected", "failed-and-disconnected"], stores=1)
def test_no_error_code(kms: KmsClient, provisioner: Provisioner, before: str) -> None:
    """A key store that is not FAILED has no ConnectionErrorCode."""
    if before == "failed-and-disconnected":
        store = failed_store(kms, provisioner)
        provisioner.disconnect(kms, store)
    else:
        store = provisioner.make_store(kms, connect=before == "connected")
    reply = kms.call("DescribeCustomKeyStores", CustomKeyStoreId=store.id)
    entry = (control(reply).get("CustomKeyStores") or [{}])[0]
    if "ConnectionErrorCode" in entry:
        violated(
            reply,
            "no ConnectionErrorCode",
            f"{entry['ConnectionErrorCode']} while {entry.get('ConnectionState')}",
        )


@pytest.mark.requirement("KMS-CONNECT-026")
@cases("trouble", TROUBLE, stores=1)
def test_error_codes(
    kms: KmsClient, provisioner: Provisioner, trouble: Trouble
) -> None:
    """The ConnectionErrorCode is one that external key stores have."""
    store = provisioner.make_store(kms)
    with trouble(store.proxy):
        reply = _connect(kms, store)
        control(reply)
        code = _failed_entry(kms, store).get("ConnectionErrorCode")
    if code is None:
        raise NotTestable("A FAILED key store has no ConnectionErrorCode.")
    if code not in EXTERNAL_CODES:
        whose = "of AWS CloudHSM key stores" if code in CLOUDHSM_CODES else "unknown"
        violated(reply, sorted(EXTERNAL_CODES), f"{code}, which is {whose}")
