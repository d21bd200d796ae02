"""CloudTrail events of the fake KMS, readable as a list (KMS-TRAIL).

Little is noted during a call; an event is put together when it is read.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.call import CRYPTO_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_xks.clock import Clock
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.exceptions import KmsError
    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.keys.key import XksKey

__all__ = ["Trail"]

Event = dict[str, object]

# A server may run for days.
_KEPT = 100_000

_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_HIDDEN_MEMBERS = frozenset({"KeyStorePassword", "XksProxyAuthenticationCredential"})
# KMS-TRAIL-007: ciphertext and plaintext are omitted, and whatever else is content.
_OMITTED_MEMBERS = frozenset(
    {
        "CiphertextBlob",
        "EncryptedKeyMaterial",
        "ImportToken",
        "Mac",
        "Message",
        "Plaintext",
        "Signature",
    }
)
_WRITING = (
    "Cancel",
    "Connect",
    "Create",
    "Delete",
    "Disable",
    "Disconnect",
    "Enable",
    "Import",
    "Put",
    "Replicate",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "Schedule",
    "TagResource",
    "UntagResource",
    "Update",
)
_ALGORITHM_MEMBERS = {
    "Decrypt": ("EncryptionAlgorithm",),
    "Encrypt": ("EncryptionAlgorithm",),
    "ReEncrypt": ("SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm"),
}
_CREATE_KEY_DEFAULTS: Mapping[str, object] = {
    "Tags": [],
    "KeyUsage": "ENCRYPT_DECRYPT",
    "Description": "",
    "MultiRegion": False,
    "KeySpec": "SYMMETRIC_DEFAULT",
    "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
    "BypassPolicyLockoutSafetyCheck": False,
}
_WITH_RESPONSE = frozenset(
    {"CreateCustomKeyStore", "CreateKey", "ScheduleKeyDeletion", "CancelKeyDeletion"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """What is kept of a call until events are read."""

    call: Call
    trace: Trace
    time: datetime
    document: Mapping[str, object] | None
    error: KmsError | None


class Trail:
    """Notes calls, and makes events of them.

    Args:
        clock: dates the events.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notes: deque[_Note | Event] = deque(maxlen=_KEPT)

    def note(
        self,
        call: Call,
        trace: Trace,
        document: Mapping[str, object] | None,
        error: KmsError | None = None,
    ) -> None:
        """Note a call that is over.

        Args:
            call: the call.
            trace: what it had to do with.
            document: the response; None if it is not known or there is none.
            error: what the call failed with.
        """
        note = _Note(
            call=call,
            trace=trace,
            time=self._clock.now(),
            document=document,
            error=error,
        )
        self._notes.append(note)

    def note_deletion(self, key: XksKey) -> None:
        """Note that a key was deleted at the end of its waiting period."""
        self._notes.append(_deletion(key, self._clock.now()))

    def clear(self) -> None:
        """Forget everything."""
        self._notes.clear()

    @property
    def events(self) -> list[Event]:
        """The events so far, in order; of a very long run the newest."""
        # An event is made once, so that its eventID stays.
        events = [
            _event(note) if isinstance(note, _Note) else note for note in self._notes
        ]
        self._notes = deque(events, maxlen=_KEPT)
        return [dict(event) for event in events]


def _wire(member: str) -> str:
    return member[0].lower() + member[1:]


def _lower(value: object) -> object:
    """A value with the names of its members as CloudTrail writes them."""
    if isinstance(value, Mapping):
        return {_wire(str(name)): _lower(each) for name, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(note: _Note) -> Event:
    call, keys = note.call, note.trace.keys
    event: Event = {
        "eventVersion": "1.08",
        "userIdentity": _identity(call),
        "eventTime": _time(note.time),
        "eventSource": "kms.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": call.user_agent,
    }
    if note.error:
        event["errorCode"] = note.error.code
        event["errorMessage"] = note.error.message
    event["requestParameters"] = _request_parameters(call, keys)
    event["responseElements"] = _response_elements(note)
    additional = _additional(note)
    if additional:
        event["additionalEventData"] = additional
    event["requestID"] = call.request_id
    event["eventID"] = str(uuid.uuid4())
    event["readOnly"] = not call.operation.startswith(_WRITING)
    if keys:
        event["resources"] = [_resource(key) for key in keys]
    event["eventType"] = "AwsApiCall"
    event["managementEvent"] = True
    event["recipientAccountId"] = call.account_id
    event["eventCategory"] = "Management"
    if call.origin.source_vpce:
        event["vpcEndpointId"] = call.origin.source_vpce
    return event


def _identity(call: Call) -> Event:
    assumed = ":assumed-role/" in call.principal_arn
    identity: Event = {
        "type": "AssumedRole" if assumed else "IAMUser",
        "arn": call.principal_arn,
        "accountId": call.account_id,
        "accessKeyId": call.access_key_id,
    }
    if call.origin.via_service:
        identity["invokedBy"] = call.origin.via_service
    return identity


def _resource(key: XksKey) -> Event:
    return {"accountId": key.account_id, "type": "AWS::KMS::Key", "ARN": key.arn}


def _request_parameters(call: Call, keys: Sequence[XksKey]) -> Event | None:
    parameters: Event = {
        name: _HIDDEN if name in _HIDDEN_MEMBERS else value
        for name, value in call.parameters.items()
        if name not in _OMITTED_MEMBERS and value is not None
    }
    if call.operation == "CreateKey" and call.parameters.get("XksKeyId"):
        # KMS-TRAIL-004: the defaults are there even when they were not sent.
        parameters = {**_CREATE_KEY_DEFAULTS, **parameters}
    if keys and call.operation in CRYPTO_OPERATIONS:
        for member in _ALGORITHM_MEMBERS.get(call.operation, ()):
            parameters.setdefault(member, "SYMMETRIC_DEFAULT")
        if call.operation != "ReEncrypt":
            parameters["KeyId"] = keys[0].arn
    lowered = {
        _wire(name): value if name.endswith("Context") else _lower(value)
        for name, value in parameters.items()
    }
    return lowered or None


def _response_elements(note: _Note) -> Event | None:
    if note.document is None or note.call.operation not in _WITH_RESPONSE:
        return None
    elements = _lower(note.document)
    if not isinstance(elements, dict):
        return None
    metadata = elements.get("keyMetadata")
    if isinstance(metadata, dict):
        metadata["creationDate"] = _date(note.time)
    return elements


def _date(moment: datetime) -> str:
    # KMS-TRAIL-005: "Dec 7, 2022, 10:37:45 PM".
    hour = moment.hour % 12 or 12
    return f"{moment:%b} {moment.day}, {moment.year}, {hour}:{moment:%M:%S %p}"


def _additional(note: _Note) -> Event | None:
    trace = note.trace
    if trace.store:
        # KMS-TRAIL-009.
        return {"customKeyStoreName": trace.store.name}
    if trace.keys and note.call.operation in CRYPTO_OPERATIONS:
        # KMS-TRAIL-006.
        key = trace.keys[0]
        return {"customKeyStoreId": key.store.id, "xksKeyId": key.external_key_id}
    return None


def _deletion(key: XksKey, moment: datetime) -> Event:
    # KMS-TRAIL-012.
    return {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": key.account_id, "invokedBy": "AWS Internal"},
        "eventTime": _time(moment),
        "eventSource": "kms.amazonaws.com",
        "eventName": "DeleteKey",
        "awsRegion": key.store.region,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "requestParameters": None,
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "resources": [_resource(key)],
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": key.account_id,
        "eventCategory": "Management",
    }
