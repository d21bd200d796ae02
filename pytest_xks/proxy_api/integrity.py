"""What binds the parts of a ciphertext together: the framed AAD, and the CDIV.

All values are bytes before Base64.
"""

from __future__ import annotations

import hashlib

__all__ = ["authenticated_data", "ciphertext_data_integrity_value"]


def authenticated_data(
    additional_authenticated_data: bytes, ciphertext_metadata: bytes
) -> bytes:
    """The AAD input of AES-GCM in the external key manager.

    "Encrypt", ciphertextMetadata: "The AAD input for the external key manager should be
    computed as (2-byte length, before Base64 encoding, of additionalAuthenticatedData
    in big-endian format || additionalAuthenticatedData || 1-byte length, before Base64
    encoding, of ciphertextMetadata || ciphertextMetadata)". An absent value is an empty
    one, of length zero.

    Raises:
        OverflowError: more than 65535 bytes of additionalAuthenticatedData, or more
            than 255 bytes of ciphertextMetadata, whose length has no room.
    """
    return b"".join(
        (
            len(additional_authenticated_data).to_bytes(2, "big"),
            additional_authenticated_data,
            len(ciphertext_metadata).to_bytes(1, "big"),
            ciphertext_metadata,
        )
    )


def ciphertext_data_integrity_value(
    *,
    additional_authenticated_data: bytes,
    ciphertext_metadata: bytes,
    initialization_vector: bytes,
    ciphertext: bytes,
    authentication_tag: bytes,
) -> bytes:
    """The SHA-256 over the parts of an Encrypt response, 32 bytes (Appendix C).

    No lengths go in: the CDIV protects "against non-malicious bit flips". An absent
    value is an empty one.
    """
    digest = hashlib.sha256(additional_authenticated_data)
    digest.update(ciphertext_metadata)
    digest.update(initialization_vector)
    digest.update(ciphertext)
    digest.update(authentication_tag)
    return digest.digest()
