"""Key states: when a key is in which, and what operations answer in each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases, make_new_key
from ..client.expect import (
    Outcome,
    control,
    control_refused,
    expect,
    expect_message,
    refused,
    success,
)
from ..client.judging import judge
from ..client.key_stores import wait_while
from .states import KeyState, cells_of, expect_key_state, expect_state_in

if TYPE_CHECKING:
    from ..client.key_operations import Subject
    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .parting import Parting
    from .states import Case, States

UNAVAILABLE_AS_DOCUMENTED = Outcome(
    "an error that is the caller's (HTTP 400), and not KeyUnavailableException",
    lambda reply: reply.status == 400 and reply.code != "KeyUnavailableException",
)
NOT_CONNECTED = (
    "This KMS key is in a custom key store that is not connected to its external key "
    "store proxy. Connect the external key store and try the request again."
)
PENDING = (
    "{arn} is pending deletion (or pending replica deletion).",
    "{arn} is pending deletion.",
)
MESSAGES = {
    "KMS-STATE-007": ("{arn} is disabled.",),
    "KMS-STATE-008": PENDING,
    "KMS-STATE-009": PENDING,
    "KMS-STATE-010": (
        "{arn} is not pending deletion (or pending replica deletion).",
        "{arn} is not pending deletion.",
    ),
    "KMS-STATE-013": PENDING,
    "KMS-STATE-014": ("{arn} is unavailable.", NOT_CONNECTED),
}


APART = "The store is disconnected."
AGAIN = "The store is connected again."


def _do(kms: KmsClient, operation: str, key: Key) -> None:
    """A step on the way, which has to succeed."""
    label = f"control: {operation}"
    control(kms.call(operation, KeyId=key.key_id, label=label))


# -- which state ----------------------------------------------------------------------


@pytest.mark.requirement("KMS-STATE-001")
@cases(
    ("steps", "state"),
    [
        pytest.param([], "Enabled", id="new"),
        pytest.param(["DisableKey"], "Disabled", id="disabled"),
        pytest.param(["DisableKey", "EnableKey"], "Enabled", id="enabled again"),
        pytest.param(["ScheduleKeyDeletion"], "PendingDeletion", id="to be deleted"),
    ],
    new_key=make_new_key,
)
def test_states(kms: KmsClient, new_key: Key, steps: list[str], state: str) -> None:
    """A key is Enabled, Disabled or PendingDeletion, after what was done with it."""
    for operation in steps:
        _do(kms, operation, new_key)
    expect_key_state(kms, new_key, state)


@pytest.mark.requirement("KMS-STATE-002")
def test_unavailable_while_disconnected(parting: Parting) -> None:
    """The keys of a store that was disconnected are Unavailable."""
    expect_state_in(parting.of(KeyState.ENABLED).apart, "Unavailable")


@pytest.mark.requirement("KMS-STATE-002")
def test_available_while_the_proxy_fails(kms: KmsClient, new_key: Key) -> None:
    """The keys of a store whose proxy fails are not Unavailable."""
    with new_key.proxy.failing("InternalException", 500):
        encrypt = kms.call(
            "Encrypt", KeyId=new_key.key_id, Plaintext=b"x", label="a failure"
        )
        control_refused(encrypt)
        expect_key_state(kms, new_key, "Enabled")


@pytest.mark.requirement("KMS-STATE-003")
@cases("change", ["disabled", "deleted"], new_key=make_new_key)
def test_external_key_has_no_influence(
    kms: KmsClient, new_key: Key, change: str
) -> None:
    """The KMS key of an external key that is disabled or deleted stays Enabled."""
    if change == "disabled":
        new_key.external_key.disable()
    else:
        new_key.store.proxy.remove_key(new_key.external_key.id)
    expect_key_state(kms, new_key, "Enabled")
    encrypt = kms.call(
        "Encrypt", KeyId=new_key.key_id, Plaintext=b"x", label="a failure"
    )
    control_refused(encrypt)
    expect_key_state(kms, new_key, "Enabled")


@pytest.mark.requirement("KMS-STATE-004")
@cases("before", [KeyState.ENABLED, KeyState.DISABLED])
def test_reconnecting(parting: Parting, before: KeyState) -> None:
    """A key of a store that is connected again is in its state of before."""
    expect_state_in(parting.of(before).again, before)


@pytest.mark.requirement("KMS-STATE-005")
def test_pending_stays_pending(parting: Parting) -> None:
    """A PendingDeletion key stays so while its store is disconnected, and after."""
    key = parting.of(KeyState.PENDING_DELETION)
    expect_state_in(key.apart, "PendingDeletion", note=APART)
    expect_state_in(key.again, "PendingDeletion", note=AGAIN)


@pytest.mark.requirement("KMS-STATE-006")
@cases(
    ("before", "operation", "after"),
    [
        (KeyState.ENABLED, "DisableKey", KeyState.DISABLED),
        (KeyState.DISABLED, "EnableKey", KeyState.ENABLED),
    ],
)
def test_enabling_an_unavailable_key(
    parting: Parting, before: KeyState, operation: str, after: KeyState
) -> None:
    """EnableKey and DisableKey of an Unavailable key show once it is available."""
    key = parting.of(before, operation)
    if key.changed:
        success(key.changed)
    expect_state_in(key.apart, "Unavailable", note=APART)
    expect_state_in(key.again, after, note=AGAIN)


@pytest.mark.requirement("KMS-STATE-016")
def test_disabled_and_unavailable(kms: KmsClient, parting: Parting) -> None:
    """A disabled key in a store that is disconnected counts as Unavailable."""
    key = parting.of(KeyState.DISABLED)

    def use() -> None:
        if key.used:
            expect(control_refused(key.used), refused("KMSInvalidStateException"))

    shown = partial(expect_state_in, key.apart, "Unavailable")
    judge(kms, {"KeyState": shown, "exception": use})


@pytest.mark.requirement("KMS-STATE-017")
def test_failed_store(kms: KmsClient, provisioner: Provisioner) -> None:
    """The keys of a store whose connection failed are Unavailable."""
    key = provisioner.spare_key(kms, "other")
    provisioner.part(kms)
    store = key.store
    with store.proxy.failing("InternalException", 500):
        kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id)
        state = wait_while(kms, store.id, "CONNECTING")
    if state != "FAILED":
        raise NotTestable(f"A store whose proxy fails becomes {state}.")
    expect_key_state(kms, key, "Unavailable")


# -- what operations answer -----------------------------------------------------------


def _expect_accepted(case: Case, _: Subject, reply: KmsReply) -> None:
    """An operation on a key in a state has one of the outcomes of the table."""
    expect(reply, *case.cell.accepted, note=f"The key is {case.state}.")


@pytest.mark.requirement("KMS-STATE-007")
def test_disabled(states: States) -> None:
    """What cannot be done with a Disabled key is a DisabledException."""
    states.judge(cells_of("KMS-STATE-007"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-008")
def test_use_of_a_pending_key(states: States) -> None:
    """A PendingDeletion key is not used: DisabledException or KMSInvalidStateException.

    The documents have both.
    """
    states.judge(cells_of("KMS-STATE-008"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-009")
def test_management_of_a_pending_key(states: States) -> None:
    """A PendingDeletion key is not changed: KMSInvalidStateException."""
    states.judge(cells_of("KMS-STATE-009"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-010")
def test_cancelling_no_deletion(states: States) -> None:
    """CancelKeyDeletion of a key that is not pending: KMSInvalidStateException."""
    states.judge(cells_of("KMS-STATE-010"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-011")
def test_not_in_a_custom_key_store(states: States) -> None:
    """Rotation and data key pairs stay unsupported in every state.

    A few cells of the table have the exception of the state as well.
    """
    states.judge(cells_of("KMS-STATE-011"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-012")
def test_no_imported_material(states: States) -> None:
    """Importing key material stays unsupported in every state.

    For a PendingDeletion key also a KMSInvalidStateException.
    """
    states.judge(cells_of("KMS-STATE-012"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-013")
def test_alias_to_a_pending_key(states: States) -> None:
    """No alias is moved to a PendingDeletion key: KMSInvalidStateException."""
    states.judge(cells_of("KMS-STATE-013"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-014")
def test_use_of_an_unavailable_key(states: States) -> None:
    """An Unavailable key is not used: KMSInvalidStateException."""
    states.judge(cells_of("KMS-STATE-014"), _expect_accepted)


@pytest.mark.requirement("KMS-STATE-015")
def test_no_key_unavailable_exception(states: States) -> None:
    """To use an Unavailable key is the caller's error, and never a server's fault.

    KeyUnavailableException is a fault, and boto3 would retry it.
    """
    states.judge(
        cells_of("KMS-STATE-014"),
        lambda _case, _subject, reply: expect(
            control_refused(reply), UNAVAILABLE_AS_DOCUMENTED
        ),
    )


@pytest.mark.requirement("KMS-STATE-019")
def test_allowed(states: States) -> None:
    """What the table of key states allows succeeds."""
    states.judge(cells_of("KMS-STATE-019"), _expect_accepted)


MESSAGES_OF = (
    *cells_of("KMS-STATE-007", "Encrypt", "CreateGrant"),
    *cells_of("KMS-STATE-008", "Encrypt"),
    *cells_of("KMS-STATE-009", "TagResource", "EnableKey"),
    *cells_of("KMS-STATE-010"),
    *cells_of("KMS-STATE-013"),
    *cells_of("KMS-STATE-014", "Encrypt"),
)


@pytest.mark.requirement("KMS-STATE-018")
def test_message(states: States) -> None:
    """The message names the key by its ARN, and its state."""
    states.judge(MESSAGES_OF, _expect_message, controlled=False)


def _expect_message(case: Case, subject: Subject, reply: KmsReply) -> None:
    texts = MESSAGES[case.cell.requirement]
    accepted = (text.format(arn=subject.key.arn) for text in texts)
    expect_message(control_refused(reply), *accepted)
