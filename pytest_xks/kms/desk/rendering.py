"""What callers get, as documents and JSON: key metadata, answers, errors."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.desk.steps import step
from pytest_xks.kms.keys.states import KeyState, visible_state
from pytest_xks.kms.stores.store import EXTERNAL_KEY_STORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.keys.key import XksKey

__all__ = [
    "CONTENT_TYPE",
    "key_metadata",
    "read_error",
    "render_answer",
    "render_error",
    "render_motos",
]

CONTENT_TYPE = "application/x-amz-json-1.1"

Answer = tuple[int, dict[str, str], str]


@step
def key_metadata(
    key: XksKey, *, description: str, created: float, manager: str
) -> dict[str, object]:
    """The KeyMetadata: what AWS's page shows, and nothing else (KMS-CREATEKEY-032).

    Args:
        key: the key.
        description: its description.
        created: when it was created, in seconds since the epoch.
        manager: the KeyManager.
    """
    state = visible_state(key)
    metadata: dict[str, object] = {
        "AWSAccountId": key.account_id,
        "Arn": key.arn,
        "CreationDate": created,
        "CustomKeyStoreId": key.store.id,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": description,
        "Enabled": state is KeyState.ENABLED,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "KeyId": key.id,
        "KeyManager": manager,
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": state.value,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": False,
        "Origin": EXTERNAL_KEY_STORE,
        "XksKeyConfiguration": {"Id": key.external_key_id},
    }
    due = key.deletion_date
    if due:
        metadata["DeletionDate"] = due.replace(tzinfo=UTC).timestamp()
    return metadata


def _headers(request_id: str) -> dict[str, str]:
    return {
        "server": "amazon.com",
        "Content-Type": CONTENT_TYPE,
        "x-amzn-requestid": request_id,
    }


@step
def render_answer(document: Mapping[str, object], request_id: str) -> Answer:
    """A success: status, headers and body."""
    return 200, _headers(request_id), json.dumps(document)


@step
def render_error(error: KmsError, request_id: str) -> Answer:
    """An error: status, headers and body (KMS-GEN-002)."""
    headers = _headers(request_id)
    headers["X-Amzn-ErrorType"] = error.code
    body = json.dumps({"__type": error.code, "message": error.message})
    return error.status, headers, body


@step
def render_motos(
    call: Call,  # noqa: ARG001 - for faults that replace this step
    status: int,
    headers: dict[str, str],
    body: Any,  # noqa: ANN401 - moto's
) -> tuple[int, dict[str, str], Any]:
    """What moto answered, with the Content-Type that KMS gives (KMS-GEN-001)."""
    kept = {name: v for name, v in headers.items() if name.lower() != "content-type"}
    return status, {**kept, "Content-Type": CONTENT_TYPE}, body


def read_error(status: object, body: object) -> KmsError | None:
    """The error in an answer that moto rendered; None if it is a success."""
    if status == 200:
        return None
    try:
        document = json.loads(str(body))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return KmsError(f"HTTP {status}", "")
    return KmsError(str(document.get("__type")), str(document.get("message") or ""))
