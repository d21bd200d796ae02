"""The exceptions of the KMS API: code, message, HTTP status.

Everything that decides a status lives in this file. A message goes to the caller, so it
never holds a secret, and never what a proxy said (KMS-RESP-005).
"""

from __future__ import annotations

import logging
from enum import StrEnum

__all__ = ["ConnectionErrorCode", "ErrorCode", "KmsError", "internal_error"]

_LOGGER = logging.getLogger("pytest_xks.kms")


class ErrorCode(StrEnum):
    """The error codes that an external key store or a KMS key in it can lead to."""

    CUSTOM_KEY_STORE_HAS_CMKS = "CustomKeyStoreHasCMKsException"
    CUSTOM_KEY_STORE_INVALID_STATE = "CustomKeyStoreInvalidStateException"
    CUSTOM_KEY_STORE_NAME_IN_USE = "CustomKeyStoreNameInUseException"
    CUSTOM_KEY_STORE_NOT_FOUND = "CustomKeyStoreNotFoundException"
    DISABLED = "DisabledException"
    DRY_RUN = "DryRunOperationException"
    INCORRECT_KEY = "IncorrectKeyException"
    INVALID_CIPHERTEXT = "InvalidCiphertextException"
    INVALID_KEY_USAGE = "InvalidKeyUsageException"
    INVALID_MARKER = "InvalidMarkerException"
    KMS_INTERNAL = "KMSInternalException"
    KMS_INVALID_STATE = "KMSInvalidStateException"
    LIMIT_EXCEEDED = "LimitExceededException"
    MALFORMED_POLICY_DOCUMENT = "MalformedPolicyDocumentException"
    NOT_FOUND = "NotFoundException"
    TAG = "TagException"
    UNSUPPORTED_OPERATION = "UnsupportedOperationException"
    XKS_KEY_ALREADY_IN_USE = "XksKeyAlreadyInUseException"
    XKS_KEY_INVALID_CONFIGURATION = "XksKeyInvalidConfigurationException"
    XKS_KEY_NOT_FOUND = "XksKeyNotFoundException"
    XKS_PROXY_INCORRECT_CREDENTIAL = (
        "XksProxyIncorrectAuthenticationCredentialException"
    )
    XKS_PROXY_INVALID_CONFIGURATION = "XksProxyInvalidConfigurationException"
    XKS_PROXY_INVALID_RESPONSE = "XksProxyInvalidResponseException"
    XKS_PROXY_URI_ENDPOINT_IN_USE = "XksProxyUriEndpointInUseException"
    XKS_PROXY_URI_IN_USE = "XksProxyUriInUseException"
    XKS_PROXY_URI_UNREACHABLE = "XksProxyUriUnreachableException"
    XKS_PROXY_VPC_ENDPOINT_SERVICE_IN_USE = "XksProxyVpcEndpointServiceInUseException"
    XKS_PROXY_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION = (
        "XksProxyVpcEndpointServiceInvalidConfigurationException"
    )
    XKS_PROXY_VPC_ENDPOINT_SERVICE_NOT_FOUND = (
        "XksProxyVpcEndpointServiceNotFoundException"
    )
    # Common errors of AWS, absent from the service model (KMS-AMB-056).
    SERIALIZATION = "SerializationException"
    THROTTLING = "ThrottlingException"
    VALIDATION = "ValidationException"


class ConnectionErrorCode(StrEnum):
    """Why a store is FAILED; the values that an external key store can have.

    KMS-CONNECT-016 to KMS-CONNECT-025.
    """

    INTERNAL_ERROR = "INTERNAL_ERROR"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    NETWORK_ERRORS = "NETWORK_ERRORS"
    XKS_PROXY_ACCESS_DENIED = "XKS_PROXY_ACCESS_DENIED"
    XKS_PROXY_INVALID_CONFIGURATION = "XKS_PROXY_INVALID_CONFIGURATION"
    XKS_PROXY_INVALID_RESPONSE = "XKS_PROXY_INVALID_RESPONSE"
    XKS_PROXY_INVALID_TLS_CONFIGURATION = "XKS_PROXY_INVALID_TLS_CONFIGURATION"
    XKS_PROXY_NOT_REACHABLE = "XKS_PROXY_NOT_REACHABLE"
    XKS_PROXY_TIMED_OUT = "XKS_PROXY_TIMED_OUT"
    XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION = (
        "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION"
    )
    XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"


# KMS-GEN-003: the shapes flagged as faults of the server; all others are the caller's.
_FAULTS = frozenset({ErrorCode.KMS_INTERNAL})


class KmsError(Exception):
    """An answer of the KMS API other than success.

    Args:
        code: the error code.
        message: goes to the caller as it is.
    """

    def __init__(self, code: ErrorCode | str, message: str) -> None:
        self.code = str(code)
        self.message = message
        super().__init__(f"{self.code}: {message}")

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return 500 if self.code in _FAULTS else 400


def internal_error(operation: str, error: Exception) -> KmsError:
    """The answer to a call that failed with anything else; the log has the rest.

    Args:
        operation: the operation.
        error: what was raised beneath. ``NotImplementedError`` is what moto raises for
            an operation that it does not have.
    """
    _LOGGER.error("%s: an internal error", operation, exc_info=error)
    message = f"An internal error: {type(error).__name__}. The log has the details."
    if isinstance(error, NotImplementedError):
        message = f"moto, which answers for standard keys, has no {operation}."
    return KmsError(ErrorCode.KMS_INTERNAL, message)
