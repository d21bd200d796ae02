"""Request bodies as KMS sends them, and what Encrypt returned, ready to be altered.

Bodies are plain dicts, so that a check can take any of them apart.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = [
    "AAD",
    "ALICE",
    "ALL_OPERATIONS",
    "CRYPTOGRAPHIC_OPERATIONS",
    "KEY_ARN",
    "KEY_OPERATIONS",
    "PLAINTEXT",
    "Body",
    "ProxyOperation",
    "Sealed",
    "b64",
    "encrypt_body",
    "flip",
    "read_json",
    "read_leniently",
    "request_metadata",
    "to_json",
]

Body = dict[str, object]

PLAINTEXT = b"a plaintext of thirty-two bytes!"
AAD = b"project=nile,department=marketing"
ALICE = "arn:aws:iam::111122223333:user/Alice"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class ProxyOperation(StrEnum):
    """The four operations; the value is the end of the path."""

    GET_KEY_METADATA = "metadata"
    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    GET_HEALTH_STATUS = "health"

    @property
    def title(self) -> str:  # type: ignore[override] # AWS's name of it, no method of str
        """AWS's name of the operation."""
        return _TITLES[self]


_TITLES = {
    ProxyOperation.GET_KEY_METADATA: "GetKeyMetadata",
    ProxyOperation.ENCRYPT: "Encrypt",
    ProxyOperation.DECRYPT: "Decrypt",
    ProxyOperation.GET_HEALTH_STATUS: "GetHealthStatus",
}

CRYPTOGRAPHIC_OPERATIONS = (ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT)
KEY_OPERATIONS = (ProxyOperation.GET_KEY_METADATA, *CRYPTOGRAPHIC_OPERATIONS)
ALL_OPERATIONS = (*KEY_OPERATIONS, ProxyOperation.GET_HEALTH_STATUS)

_KMS_OPERATIONS = {
    ProxyOperation.GET_KEY_METADATA: "CreateKey",
    ProxyOperation.ENCRYPT: "GenerateDataKey",
    ProxyOperation.DECRYPT: "Decrypt",
    ProxyOperation.GET_HEALTH_STATUS: "KmsHealthCheck",
}


def b64(data: bytes) -> str:
    """Standard Base64."""
    return base64.b64encode(data).decode("ascii")


def read_leniently(text: str) -> bytes:
    """Base64 as KMS reads it: of either alphabet, padded or not, on several lines.

    How it should have been written is for XKS-ENC-002 and XKS-DEC-003 to say.

    Raises:
        ValueError: it is no Base64.
    """
    standard = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4))


def read_json(data: bytes) -> Body | None:
    """The JSON object in some bytes; None if they hold none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def flip(data: bytes, position: int = 0, *, bit: int = 0) -> bytes:
    """The bytes with one bit changed; of no bytes, one that is not there."""
    if not data:
        return b"\x01"
    position %= len(data)
    changed = bytes([data[position] ^ (1 << bit)])
    return data[:position] + changed + data[position + 1 :]


def to_json(body: object) -> bytes:
    """JSON on one line, in UTF-8."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def request_metadata(operation: ProxyOperation, **changes: object) -> Body:
    """The requestMetadata of an operation.

    Args:
        operation: whose; it decides which members are REQUIRED.
        changes: members to replace or add; None leaves one out.
    """
    metadata: Body = {
        "kmsOperation": _KMS_OPERATIONS[operation],
        "kmsRequestId": str(uuid.uuid4()),
    }
    if operation in KEY_OPERATIONS:
        metadata["awsPrincipalArn"] = ALICE
    if operation in CRYPTOGRAPHIC_OPERATIONS:
        metadata |= {"kmsKeyArn": KEY_ARN, "kmsViaService": "ebs"}
    metadata |= changes
    return {name: value for name, value in metadata.items() if value is not None}


def encrypt_body(
    plaintext: bytes,
    *,
    aad: bytes | None = None,
    cdiv: bool = False,
    metadata: Body | None = None,
) -> Body:
    """The body of an Encrypt request.

    Args:
        plaintext: what to encrypt.
        aad: the additional authenticated data; None leaves the member out.
        cdiv: whether to ask for the ciphertext data integrity value.
        metadata: the requestMetadata, where they matter.
    """
    body: Body = {
        "requestMetadata": metadata or request_metadata(ProxyOperation.ENCRYPT),
        "plaintext": b64(plaintext),
        "encryptionAlgorithm": "AES_GCM",
    }
    if aad is not None:
        body["additionalAuthenticatedData"] = b64(aad)
    if cdiv:
        body["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256"
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What Encrypt returned, and what it was given; immutable.

    It was read leniently, and goes back as KMS would send it.
    """

    plaintext: bytes = field(repr=False)
    aad: bytes | None
    ciphertext: bytes
    initialization_vector: bytes
    authentication_tag: bytes
    ciphertext_metadata: bytes | None = None
    """None if the proxy returned none."""

    def altered(self, **parts: bytes | None) -> Sealed:
        """A copy with some of its parts replaced.

        Args:
            parts: aad, ciphertext, initialization_vector, authentication_tag,
                ciphertext_metadata; None leaves an OPTIONAL one out.
        """
        return replace(self, **parts)  # type: ignore[arg-type] # the names decide

    def body(self, *, metadata: Body | None = None) -> Body:
        """The body of the Decrypt request."""
        body: Body = {
            "requestMetadata": metadata or request_metadata(ProxyOperation.DECRYPT),
            "ciphertext": b64(self.ciphertext),
            "encryptionAlgorithm": "AES_GCM",
            "initializationVector": b64(self.initialization_vector),
            "authenticationTag": b64(self.authentication_tag),
        }
        if self.ciphertext_metadata is not None:
            body["ciphertextMetadata"] = b64(self.ciphertext_metadata)
        if self.aad is not None:
            body["additionalAuthenticatedData"] = b64(self.aad)
        return body
