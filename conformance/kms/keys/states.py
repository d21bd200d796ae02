"""KMS keys in every key state, and what each operation does in it, as a table.

After "Key states of AWS KMS keys" of the Developer Guide, as far as it is about keys in
external key stores. A cell says whose requirement it is and lists what is accepted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import SUCCEEDS, control, refused, violated
from ..client.judging import judge, outcome
from ..client.key_operations import OPERATIONS, Subject
from ..client.names import own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..client.expect import Outcome
    from ..client.key_operations import KeyOperation
    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = [
    "TABLE",
    "Case",
    "KeyState",
    "SharedKeys",
    "States",
    "cells_of",
    "expect_key_state",
    "expect_state_in",
]


class KeyState(StrEnum):
    """The states of a KMS key in an external key store."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_DELETION = "PendingDeletion"
    UNAVAILABLE = "Unavailable"


# -- the table ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCell:
    """What an operation may answer in a key state."""

    requirement: str
    accepted: tuple[Outcome, ...]


def _cell(requirement: str, *codes: str) -> StateCell:
    accepted = refused(*codes) if codes else SUCCEEDS
    return StateCell(requirement=requirement, accepted=(accepted,))


_STATE = "KMSInvalidStateException"
_DISABLED = "DisabledException"
_UNSUPPORTED = "UnsupportedOperationException"

OK = _cell("KMS-STATE-019")
IS_DISABLED = _cell("KMS-STATE-007", _DISABLED)
IS_PENDING = _cell("KMS-STATE-009", _STATE)
# The page has two exceptions for these, with one text (KMS-AMB-007).
IS_PENDING_OR_DISABLED = _cell("KMS-STATE-008", _DISABLED, _STATE)
IS_PENDING_DESTINATION = _cell("KMS-STATE-013", _STATE)
IS_NOT_PENDING = _cell("KMS-STATE-010", _STATE)
IS_UNAVAILABLE = _cell("KMS-STATE-014", _STATE)
NOT_HERE = _cell("KMS-STATE-011", _UNSUPPORTED)
NOT_HERE_OR_DISABLED = _cell("KMS-STATE-011", _UNSUPPORTED, _DISABLED)
NOT_HERE_OR_PENDING = _cell("KMS-STATE-011", _UNSUPPORTED, _STATE)
# No document says which comes first (KMS-AMB-034).
NOT_HERE_OR_ANY = _cell("KMS-STATE-011", _UNSUPPORTED, _STATE, _DISABLED)
NO_IMPORT = _cell("KMS-STATE-012", _UNSUPPORTED)
NO_IMPORT_OR_PENDING = _cell("KMS-STATE-012", _UNSUPPORTED, _STATE)

# Operations; Enabled, Disabled, PendingDeletion, Unavailable. None: another chapter's.
_ROWS: tuple[tuple[tuple[str, ...], tuple[StateCell | None, ...]], ...] = (
    (
        (
            "Encrypt",
            "Decrypt",
            "ReEncrypt from the key",
            "ReEncrypt to the key",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
        ),
        (OK, IS_DISABLED, IS_PENDING_OR_DISABLED, IS_UNAVAILABLE),
    ),
    (
        (
            "DescribeKey",
            "GetKeyPolicy",
            "PutKeyPolicy",
            "ListKeyPolicies",
            "ListAliases",
            "ListGrants",
            "RetireGrant",
            "RevokeGrant",
            "DeleteAlias",
            "ListResourceTags",
            "UpdateAlias from the key",
        ),
        (OK, OK, OK, OK),
    ),
    (("CreateGrant",), (OK, IS_DISABLED, IS_PENDING_OR_DISABLED, OK)),
    (
        (
            "CreateAlias",
            "TagResource",
            "UntagResource",
            "UpdateKeyDescription",
            "EnableKey",
            "DisableKey",
            "ScheduleKeyDeletion",
        ),
        (OK, OK, IS_PENDING, OK),
    ),
    (("UpdateAlias to the key",), (OK, OK, IS_PENDING_DESTINATION, OK)),
    (("CancelKeyDeletion",), (IS_NOT_PENDING, IS_NOT_PENDING, OK, IS_NOT_PENDING)),
    (
        ("EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"),
        (None, NOT_HERE_OR_DISABLED, NOT_HERE_OR_PENDING, NOT_HERE),
    ),
    (
        ("GetKeyRotationStatus", "ListKeyRotations"),
        (None, NOT_HERE, NOT_HERE, NOT_HERE),
    ),
    (
        ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"),
        (None, NOT_HERE_OR_DISABLED, NOT_HERE_OR_ANY, NOT_HERE_OR_PENDING),
    ),
    (
        ("GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"),
        (None, NO_IMPORT, NO_IMPORT_OR_PENDING, NO_IMPORT),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A cell of the table, with its row and column."""

    operation: KeyOperation
    state: KeyState
    cell: StateCell

    @property
    def control_state(self) -> KeyState | None:
        """Where the same operation succeeds; None if it never does."""
        if not self.operation.supported:
            return None
        if self.operation.name == "CancelKeyDeletion":
            return KeyState.PENDING_DELETION
        return KeyState.ENABLED


TABLE = tuple(
    Case(operation=OPERATIONS[label], state=state, cell=cell)
    for labels, cells in _ROWS
    for label in labels
    for state, cell in zip(KeyState, cells, strict=True)
    if cell
)


def cells_of(requirement: str, *labels: str) -> list[Case]:
    """The cells of a requirement.

    Args:
        requirement: its id.
        labels: of the operations that are wanted; all without any.
    """
    return [
        case
        for case in TABLE
        if case.cell.requirement == requirement
        and (not labels or case.operation.label in labels)
    ]


# -- keys -----------------------------------------------------------------------------


@dataclass(slots=True)
class SharedKeys:
    """The keys of a run that no check changes, by their state."""

    kms: KmsClient
    """The endpoint, for what is made once in a run."""
    locks: Mapping[KeyState | None, threading.RLock] = field(
        default_factory=lambda: {each: threading.RLock() for each in (None, *KeyState)}
    )
    """Held by who makes the key of a state, or the helper (None)."""
    subjects: dict[KeyState, Subject] = field(default_factory=dict)
    helper: Key | None = None
    """An enabled key besides."""
    encrypted: KmsReply | None = None
    """Encrypt with it."""
    succeeded: set[str] = field(default_factory=set)
    """The operations whose control has succeeded in this run."""


def expect_key_state(kms: KmsClient, key: Key, *accepted: str, note: str = "") -> None:
    """DescribeKey shows one of these states.

    Raises:
        NotTestable: DescribeKey fails.
        Violation: another state.
    """
    reply = kms.call("DescribeKey", KeyId=key.key_id)
    expect_state_in(reply, *accepted, note=note)


def expect_state_in(reply: KmsReply | None, *accepted: str, note: str = "") -> None:
    """What DescribeKey answered shows one of these states.

    Raises:
        NotTestable: DescribeKey was not called, or failed.
        Violation: another state.
    """
    if reply is None:
        raise NotTestable("DescribeKey was not called.")
    shown = _state_in(reply)
    if shown not in accepted:
        expected = (f"KeyState: {state}" for state in accepted)
        violated(reply, expected, f"KeyState: {shown}", note=note)


def _state_in(reply: KmsReply) -> str:
    return str((control(reply).get("KeyMetadata") or {}).get("KeyState"))


class States:
    """Keys in every state, for one check.

    Args:
        kms: the endpoint.
        provisioner: makes them.
        shared: those of the run.
    """

    def __init__(
        self, kms: KmsClient, provisioner: Provisioner, shared: SharedKeys
    ) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self._shared = shared

    def judge(
        self,
        listed: Iterable[Case],
        verdict: Callable[[Case, Subject, KmsReply], None],
        *,
        controlled: bool = True,
    ) -> None:
        """Call the operation of each case on a key in its state, and judge the answers.

        The keys are made side by side, and so are the calls.

        Args:
            listed: the cases.
            verdict: raises what is to be said of a case, the key and the reply.
            controlled: whether each operation has to succeed where it has to.

        Raises:
            Exception: see ``cases.judge``.
        """
        cases = list(listed)
        trials = {
            case.operation.label: partial(self.control, case.operation, state)
            for case in cases
            if controlled and (state := case.control_state) and state != case.state
        }
        keys = [partial(self._prepared, c.state, c.operation) for c in cases]
        wanted: list[Callable[[], Subject | None]] = [*trials.values(), *keys]
        tried = self._kms.side_by_side(partial(outcome, each) for each in wanted)
        controls = dict(zip(trials, tried, strict=False))
        apart = outcome(self._part) if _has_unavailable(cases) else None

        def judge_case(case: Case, subject: object) -> None:
            unavailable = case.state is KeyState.UNAVAILABLE
            control_of = controls.get(case.operation.label)
            for found in (control_of, subject, apart if unavailable else None):
                if isinstance(found, Exception):
                    raise found
            if isinstance(subject, Subject):
                verdict(case, subject, self.call(case.operation, subject))

        calls = {
            f"{case.operation.label}, {case.state}": partial(judge_case, case, subject)
            for case, subject in zip(cases, tried[len(trials) :], strict=True)
        }
        judge(self._kms, calls)

    def _part(self) -> None:
        """Disconnect the store of the keys that are to be unavailable."""
        self._provisioner.part(self._kms)

    def control(self, operation: KeyOperation, state: KeyState) -> None:
        """An operation succeeds in the state where it has to; once in a run is enough.

        Raises:
            NotTestable: it does not.
        """
        if operation.label in self._shared.succeeded:
            return
        own = States(self._shared.kms, self._provisioner, self._shared)
        label = f"control: {operation.name} of a key that is {state}"
        control(own.call(operation, own.subject(state, operation), label))
        self._shared.succeeded.add(operation.label)

    def call(
        self, operation: KeyOperation, subject: Subject, label: str = ""
    ) -> KmsReply:
        """Call an operation on a key."""
        parameters = operation.parameters(subject)
        return self._kms.call(operation.name, label=label, **parameters)

    def subject(
        self, state: KeyState, operation: KeyOperation | None = None
    ) -> Subject:
        """A key in a state.

        Args:
            state: the state.
            operation: what it is for; one that changes the key gets one of its own.

        Raises:
            NotTestable: it cannot be obtained.
        """
        subject = self._prepared(state, operation)
        if state is KeyState.UNAVAILABLE:
            self._provisioner.disconnect(self._kms, subject.key.store)
        return subject

    def _prepared(self, state: KeyState, operation: KeyOperation | None) -> Subject:
        """A key in a state; one that is to be unavailable still has its store."""
        if operation and operation.own_key:
            return self._make(state, operation)
        shared = self._shared
        with shared.locks[state]:
            if state not in shared.subjects:
                own = States(shared.kms, self._provisioner, shared)
                with self._provisioner.for_the_run():
                    shared.subjects[state] = own._make(state, None)
            return shared.subjects[state]

    def enter(self, state: KeyState, key: Key) -> None:
        """Bring an enabled key into a state.

        Raises:
            NotTestable: it does not come to be in it.
        """
        if state is KeyState.UNAVAILABLE:
            self._provisioner.disconnect(self._kms, key.store)
            return
        for operation, parameters in _WAYS[state]:
            label = f"control: {operation}"
            reply = self._kms.call(
                operation, KeyId=key.key_id, label=label, **parameters
            )
            control(reply)
        label = "control: the key's state"
        shown = _state_in(self._kms.call("DescribeKey", KeyId=key.key_id, label=label))
        if shown != state:
            raise NotTestable(f"The key that should be {state} shows {shown}.")

    def _make(self, state: KeyState, operation: KeyOperation | None) -> Subject:
        helper, encrypted = self._helper()
        subject = Subject(
            key=self._new_key(state, operation),
            helper=helper,
            alias=f"alias/{own_name()}",
            encrypted_by_helper=encrypted,
        )
        if operation is None:
            subject.encrypted = _encrypt(self._kms, subject.key)
        else:
            if "Alias" in operation.name:
                self._provisioner.adopt_alias(subject.alias)
            for name, parameters in operation.preparation(subject):
                reply = self._kms.call(name, label=f"control: {name}", **parameters)
                subject.prepared.update(control(reply))
        if state is not KeyState.UNAVAILABLE:
            self.enter(state, subject.key)
        return subject

    def _new_key(self, state: KeyState, operation: KeyOperation | None) -> Key:
        """A key to be brought into a state; its store is connected if it has to be."""
        provisioner = self._provisioner
        is_apart = state is KeyState.UNAVAILABLE
        if is_apart and operation and not operation.prepare:
            return provisioner.spare_key(self._kms, "other")
        store = provisioner.keyed_store(self._kms, "other" if is_apart else "main")
        return provisioner.make_key(self._kms, store)

    def _helper(self) -> tuple[Key, KmsReply]:
        shared = self._shared
        with shared.locks[None]:
            if shared.helper is None or shared.encrypted is None:
                shared.helper = self._provisioner.shared_key(shared.kms)
                shared.encrypted = _encrypt(shared.kms, shared.helper)
            return shared.helper, shared.encrypted


def _encrypt(kms: KmsClient, key: Key) -> KmsReply:
    label = "control: encrypt"
    return kms.call("Encrypt", KeyId=key.key_id, Plaintext=b"Ten Tokens", label=label)


def _has_unavailable(cases: Iterable[Case]) -> bool:
    return any(case.state is KeyState.UNAVAILABLE for case in cases)


_WAYS: Mapping[KeyState, Iterable[tuple[str, dict[str, Any]]]] = {
    KeyState.ENABLED: (),
    KeyState.DISABLED: (("DisableKey", {}),),
    KeyState.PENDING_DELETION: (("ScheduleKeyDeletion", {"PendingWindowInDays": 7}),),
}
