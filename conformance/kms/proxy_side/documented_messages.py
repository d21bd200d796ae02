"""What AWS has an exception say when a proxy fails: every documented text.

By the name of the scenario in ``failure_table``. The first is the specification's, the
others are the KMS Developer Guide's and the KMS API Reference's (KMS-AMB-003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEY_UNAVAILABLE", "MESSAGES", "NOT_CONNECTED"]

_REPORT = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you "
    "see this error repeatedly, report it to your external key store proxy "
    "administrator."
)
_CONSULT = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you "
    "see this error repeatedly, consult your external key store proxy administrator."
)

MESSAGES: Mapping[str, tuple[str, ...]] = {
    "ValidationException": (_REPORT, _CONSULT),
    "InvalidStateException": (
        (
            "The external key associated with this KMS key in an external key store is "
            "not enabled in the external key manager. Enable the external key in the "
            "external key manager and retry the request."
        ),
        (
            "The external key store proxy rejected the request because the external "
            "key is not enabled in the external key manager."
        ),
    ),
    "InvalidCiphertextException": (
        (
            "The external key store proxy rejected the request because the specified "
            "ciphertext or encryption context is corrupted, missing, or otherwise "
            "invalid."
        ),
        (
            "The external key store proxy rejected the request because the specified "
            "ciphertext or additional authenticated data is corrupted, missing, or "
            "otherwise invalid."
        ),
    ),
    "another-plaintext": (
        (
            "The ciphertext that the external key store proxy submitted for "
            "decryption, or the encryption context, is corrupted, missing, or "
            "otherwise invalid."
        ),
    ),
    "InvalidKeyUsageException": (
        (
            "The external key associated with this KMS key in an external key store "
            "does not support the requested operation. Enable the operation on the key "
            "in your external key manager, and try the request again."
        ),
        (
            "The external key store proxy rejected the request because the external "
            "key does not support the requested operation."
        ),
    ),
    "AuthenticationFailedException": (
        (
            "The external key store proxy rejected the request because it could not "
            "authenticate AWS KMS. Verify the XKS proxy authentication credentials for "
            "your external key store and update if necessary."
        ),
        (
            "The external key store proxy rejected the request because it could not "
            "authenticate AWS KMS. Verify the credentials for your external key store "
            "and update if necessary."
        ),
    ),
    "AccessDeniedException": (
        (
            "The external key store proxy denied access to the operation. Verify that "
            "the user and the external key are both authorized for this operation, and "
            "try the request again."
        ),
    ),
    "KeyNotFoundException": (
        (
            "The external key associated with this KMS key in an external key store "
            "was not found in its external key manager. If the external key ID "
            "associated with this KMS key is incorrect, create a new KMS key with the "
            "correct external key ID."
        ),
        (
            "The external key store proxy rejected the request because it could not "
            "find the external key."
        ),
    ),
    "InvalidUriPathException": (
        (
            "The external key store proxy rejected the request because of an invalid "
            "URI path. Verify the URI path for your external key store and update if "
            "necessary."
        ),
    ),
    "ThrottlingException": (
        (
            "The external key store proxy rejected the request due to a very high "
            "request rate. Reduce the frequency of your calls using KMS keys in this "
            "external key store."
        ),
    ),
    "InternalException": (
        (
            "The external key store proxy rejected the request because it cannot "
            "communicate with the external key manager. Verify that the external key "
            "store proxy configuration is correct and that the external key manager is "
            "available."
        ),
    ),
    "UnsupportedOperationException": (
        (
            "The external key store proxy rejected the request because it does not "
            "support the requested operation. If you see this error repeatedly, report "
            "it to your external key store proxy administrator."
        ),
        (
            "The external key store proxy rejected the request because it does not "
            "support the requested cryptographic operation."
        ),
    ),
    "DependencyTimeoutException": (
        (
            "The external key store proxy did not respond to the request in the time "
            "allotted. Retry the request. If you see this error repeatedly, report it "
            "to your external key store proxy administrator."
        ),
    ),
    "no-tcp-connection": (
        (
            "AWS KMS cannot communicate with the external key store proxy. This might "
            "be a transient network issue. If you see this error repeatedly, verify "
            "that your external key store proxy is active and is connected to the "
            "network, and that its endpoint URI is correct in your external keystore."
        ),
        (
            "AWS KMS cannot communicate with the external key store proxy. This might "
            "be a transient network issue. If you see this error repeatedly, verify "
            "that your external key store proxy is active and is connected to the "
            "network, and that its endpoint URI is correct in your external key store."
        ),
        (
            "AWS KMS cannot communicate with the external key store proxy. Verify that "
            "your external key store proxy is active and is connected to the network, "
            "and that its URI path and endpoint URI or VPC service name are correct in "
            "your external key store."
        ),
    ),
    "no-tls-connection": (
        (
            "AWS KMS cannot establish a TLS connection to the external key store "
            "proxy. Verify the TLS configuration, including its certificate."
        ),
    ),
    "no-answer-in-time": (
        (
            "AWS KMS rejected the request because the external key store proxy did not "
            "respond in time. Retry the request. If you see this error repeatedly, "
            "report it to your external key store proxy administrator."
        ),
    ),
    "malformed-answer": (_REPORT, _CONSULT),
    "all-key-managers-unavailable": (
        (
            "The external key store proxy is in an unhealthy state. If you see this "
            "message repeatedly, notify your external key store proxy administrator."
        ),
    ),
}

NOT_CONNECTED = (
    "This KMS key is in a custom key store that is not connected to its external key "
    "store proxy. Connect the external key store and try the request again."
)
"""Of a store that is not connected (KMS-FAIL-019)."""

KEY_UNAVAILABLE = "<key ARN> is unavailable."
"""Of a KMS key in such a store, alternatively (KMS-AMB-006)."""
