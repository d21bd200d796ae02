"""Members of a request's body, taken out strictly.

A parameter that is wrong is a ValidationException, except that a part of a ciphertext
that is missing or malformed is an InvalidCiphertextException: "corrupted, missing, or
otherwise invalid" ("Error codes").
"""

from __future__ import annotations

import base64
import re
from typing import Any

from .refusal import Refusal

__all__ = ["additional_data", "algorithm", "ciphertext_part", "integrity", "plaintext"]

# Exactly what a proxy must be able to handle, and no byte more.
_MAX_TEXT = 4300
_MAX_AAD = 8192

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def plaintext(document: dict[str, Any]) -> bytes:
    """The plaintext, 1 to 4300 bytes.

    Raises:
        Refusal: it is missing, malformed, empty or too long.
    """
    data = _decoded(document, "plaintext", "ValidationException")
    if not data:
        raise Refusal("ValidationException", "plaintext is empty")
    return _at_most(_MAX_TEXT, data)


def ciphertext_part(
    document: dict[str, Any], name: str, lengths: range | tuple[int, ...]
) -> bytes:
    """A part of a ciphertext; one that may have length 0 may be absent, too.

    Raises:
        Refusal: it is missing, malformed, or of a length that it cannot have.
    """
    if name not in document and 0 in lengths:
        return b""
    data = _decoded(document, name, "InvalidCiphertextException")
    if name == "ciphertext":
        _at_most(_MAX_TEXT, data)
    if len(data) not in lengths:
        raise Refusal("InvalidCiphertextException", f"length of {name}")
    return data


def additional_data(document: dict[str, Any], name_of_error: str) -> bytes:
    """The additionalAuthenticatedData; absent is empty.

    Raises:
        Refusal: it is null, malformed or too long.
    """
    if "additionalAuthenticatedData" not in document:
        return b""
    data = _decoded(document, "additionalAuthenticatedData", name_of_error)
    return _at_most(_MAX_AAD, data)


def algorithm(document: dict[str, Any]) -> None:
    """Check the encryptionAlgorithm.

    Raises:
        Refusal: it is not AES_GCM.
    """
    if document.get("encryptionAlgorithm") != "AES_GCM":
        raise Refusal("ValidationException", "encryptionAlgorithm")


def integrity(document: dict[str, Any]) -> bool:
    """Whether a ciphertextDataIntegrityValue is asked for.

    Raises:
        Refusal: by another algorithm than SHA_256, or by null.
    """
    name = "ciphertextDataIntegrityValueAlgorithm"
    if document.get(name, "SHA_256") != "SHA_256":
        raise Refusal("ValidationException", name)
    return name in document


def _decoded(document: dict[str, Any], name: str, name_of_error: str) -> bytes:
    text = document.get(name)
    if not isinstance(text, str) or not _BASE64.fullmatch(text):
        raise Refusal(name_of_error, name)
    # Bits that the last character has to spare are ignored, as RFC 4648, section 3.5,
    # allows.
    return base64.b64decode(text)


def _at_most(limit: int, data: bytes) -> bytes:
    if len(data) > limit:
        raise Refusal("UnsupportedOperationException", f"more than {limit} bytes")
    return data
