"""Key policies of KMS keys in external key stores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError

if TYPE_CHECKING:
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context

__all__ = ["check_policy", "get_key_policy", "put_key_policy"]

DEFAULT = "default"
"""The only name that a key policy can have, and the one that it has by default."""
_MAX_BYTES = 32 * 1024


def get_key_policy(context: Context, call: Call) -> dict[str, object] | None:
    """GetKeyPolicy."""
    key = context.trace.named["KeyId"].key
    if key is None:
        return None
    _check_name(call)
    return {"Policy": key.policy, "PolicyName": DEFAULT}


def put_key_policy(context: Context, call: Call) -> dict[str, object] | None:
    """PutKeyPolicy."""
    key = context.trace.named["KeyId"].key
    if key is None:
        return None
    _check_name(call)
    policy = call.text("Policy") or ""
    check_policy(policy)
    key.policy = policy
    return {}


def _check_name(call: Call) -> None:
    if call.text("PolicyName") not in {None, DEFAULT}:
        raise KmsError(ErrorCode.NOT_FOUND, "No such policy exists")


def check_policy(policy: str) -> None:
    """Check that a text is a policy document that a key may have.

    Raises:
        KmsError: MalformedPolicyDocumentException or LimitExceededException.
    """
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise KmsError(
            ErrorCode.MALFORMED_POLICY_DOCUMENT, "The policy is not a policy document."
        )
    if len(policy.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        # KMS-CREATEKEY-029.
        raise KmsError(ErrorCode.LIMIT_EXCEEDED, "A key policy has at most 32 KB.")
