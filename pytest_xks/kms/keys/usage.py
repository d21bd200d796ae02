"""GetKeyLastUsage: the last cryptographic operation with a key that succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey

__all__ = ["get_key_last_usage", "note_usage"]

Document = dict[str, object]


def note_usage(context: Context, call: Call) -> None:
    """A cryptographic operation succeeded; of ReEncrypt both keys were used."""
    now = context.clock.now().timestamp()
    for key in context.trace.keys:
        key.last_usage = (call.operation, now, call.request_id)


def get_key_last_usage(context: Context, _call: Call) -> Document | None:
    """GetKeyLastUsage; no page says that an external key store changes it."""
    named = context.trace.named["KeyId"]
    if named.key is None:
        return None
    created = named.key.metadata()["CreationDate"]
    return {
        "KeyId": named.arn,
        "KeyLastUsage": _usage(context, named.key),
        # KMS tracks keys from their creation, if that came after it began to track.
        "TrackingStartDate": created,
        "KeyCreationDate": created,
    }


def _usage(context: Context, key: XksKey) -> Document:
    if key.last_usage is None:
        return {}
    operation, time, request_id = key.last_usage
    usage: Document = {
        "Operation": operation,
        "Timestamp": time,
        "KmsRequestId": request_id,
    }
    for event in context.monitoring.events:
        if event.get("requestID") == request_id:
            usage["CloudTrailEventId"] = event["eventID"]
    return usage
