"""One call of the KMS API, as the operations see it, and where it came from."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CRYPTO_OPERATIONS", "Call", "Origin", "new_request_id"]

CRYPTO_OPERATIONS = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncrypt",
    }
)
"""KMS-CRYPTO-001: exactly these work with keys in external key stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """From where callers call; becomes requestMetadata (KMS-WIRE-007 to 010)."""

    principal_arn: str | None = None
    """The caller; by default whom moto's STS takes the access key to belong to."""
    source_vpc: str | None = None
    """The VPC, if the request came through a VPC endpoint."""
    source_vpce: str | None = None
    """The VPC endpoint, likewise."""
    via_service: str | None = None
    """The AWS service that called KMS, e.g. ``ec2.us-east-1.amazonaws.com``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the KMS API, authenticated and read."""

    operation: str
    parameters: Mapping[str, object] = field(repr=False)
    blobs: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The parameters of type blob, decoded."""
    account_id: str
    """The caller's account."""
    region: str
    request_id: str
    """In the response's header, in CloudTrail, and what the proxy gets as kmsRequestId
    (KMS-WIRE-009)."""
    principal_arn: str
    origin: Origin = Origin()
    access_key_id: str = ""
    user_agent: str = ""

    def text(self, member: str) -> str | None:
        """A parameter of type string; None if it is absent."""
        value = self.parameters.get(member)
        return value if isinstance(value, str) else None


def new_request_id() -> str:
    """A request id as AWS's look."""
    return str(uuid.uuid4())
