"""What a failure of the proxy becomes: exception, message, ConnectionErrorCode.

One table, after "Error codes", KMS considerations, of the proxy API specification and
the troubleshooting page of the Developer Guide (KMS-FAIL-001 to KMS-FAIL-019). A row is
a scenario; its columns are the groups of operations, in which the same scenario has
different exceptions and the same message (KMS-FAIL-020).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.kms.behaviour import Messages, ProxyReliability
from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.desk.steps import step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.behaviour import Behaviour

__all__ = [
    "FAILURES",
    "Failure",
    "FailureScenario",
    "Group",
    "ProxyFailure",
    "connection_error_code",
    "kms_error",
    "message_of",
]


class Group(StrEnum):
    """The groups of operations that the table tells apart."""

    STORE = "Create/UpdateCustomKeyStore"
    CONNECT = "ConnectCustomKeyStore"
    CREATE_KEY = "CreateKey"
    CRYPTOGRAPHY = "cryptographic operations"


class FailureScenario(StrEnum):
    """What can go wrong between KMS and a proxy.

    The first twelve are the values of ``errorName``.
    """

    VALIDATION = "ValidationException"
    INVALID_STATE = "InvalidStateException"
    INVALID_CIPHERTEXT = "InvalidCiphertextException"
    INVALID_KEY_USAGE = "InvalidKeyUsageException"
    AUTHENTICATION_FAILED = "AuthenticationFailedException"
    ACCESS_DENIED = "AccessDeniedException"
    KEY_NOT_FOUND = "KeyNotFoundException"
    INVALID_URI_PATH = "InvalidUriPathException"
    THROTTLING = "ThrottlingException"
    INTERNAL = "InternalException"
    UNSUPPORTED_OPERATION = "UnsupportedOperationException"
    DEPENDENCY_TIMEOUT = "DependencyTimeoutException"
    NO_CONNECTION = "no TCP connection"
    NO_TLS = "no TLS connection"
    TIME_OUT = "no answer in time"
    MALFORMED = "malformed response"
    UNHEALTHY = "all external key managers unavailable"
    INVALID_INNER_CIPHERTEXT = "plaintext that KMS did not encrypt"
    NOT_CONNECTED = "custom key store not connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One row of the table."""

    statement: str
    """Its statement in the catalogue."""
    message: str
    """The specification's text."""
    guide: str = ""
    """The Developer Guide's text, where it is another."""
    store: ErrorCode | None = None
    connect: ConnectionErrorCode | None = None
    create_key: ErrorCode = ErrorCode.CUSTOM_KEY_STORE_INVALID_STATE
    cryptography: ErrorCode = ErrorCode.KMS_INVALID_STATE
    retryable: bool = False
    """In CloudWatch and in the proxy's reliability (KMS-FAIL-023, KMS-METRIC-009)."""
    exception_name: str = ""
    """ExceptionName in CloudWatch, where it is not the scenario's."""


_CANNOT_INTERPRET = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you "
    "see this error repeatedly, {} your external key store proxy administrator."
)
_REPORT = _CANNOT_INTERPRET.format("report it to")
_UNREACHABLE = "XksProxyUnreachableException"
_INVALID_RESPONSE = ErrorCode.XKS_PROXY_INVALID_RESPONSE
_Code = ConnectionErrorCode

# AMBIGUOUS: for GetHealthStatus answered with InvalidStateException,
# AccessDeniedException or UnsupportedOperationException nothing says what
# Create/UpdateCustomKeyStore raise, nor (but for AccessDeniedException) what
# ConnectionErrorCode they give (KMS-AMB-014). Ours: an invalid response. A throttled,
# failing or refusing proxy at ConnectCustomKeyStore gets the code that belongs to its
# exception at creation (KMS-CONNECT-027).
FAILURES: Mapping[FailureScenario, Failure] = {
    FailureScenario.VALIDATION: Failure(
        statement="KMS-FAIL-001",
        message=_REPORT,
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_INVALID_RESPONSE,
    ),
    FailureScenario.INVALID_STATE: Failure(
        statement="KMS-FAIL-002",
        message=(
            "The external key associated with this KMS key in an external key store is "
            "not enabled in the external key manager. Enable the external key in the "
            "external key manager and retry the request."
        ),
        guide=(
            "The external key store proxy rejected the request because the external "
            "key is not enabled in the external key manager."
        ),
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_INVALID_RESPONSE,
        create_key=ErrorCode.XKS_KEY_INVALID_CONFIGURATION,
    ),
    FailureScenario.INVALID_CIPHERTEXT: Failure(
        statement="KMS-FAIL-003",
        message=(
            "The external key store proxy rejected the request because the specified "
            "ciphertext or encryption context is corrupted, missing, or otherwise "
            "invalid."
        ),
        guide=(
            "The external key store proxy rejected the request because the specified "
            "ciphertext or additional authenticated data is corrupted, missing, or "
            "otherwise invalid."
        ),
    ),
    FailureScenario.INVALID_INNER_CIPHERTEXT: Failure(
        statement="KMS-FAIL-004",
        message=(
            "The ciphertext that the external key store proxy submitted for "
            "decryption, or the encryption context, is corrupted, missing, or "
            "otherwise invalid."
        ),
    ),
    FailureScenario.INVALID_KEY_USAGE: Failure(
        statement="KMS-FAIL-005",
        message=(
            "The external key associated with this KMS key in an external key store "
            "does not support the requested operation. Enable the operation on the key "
            "in your external key manager, and try the request again."
        ),
        guide=(
            "The external key store proxy rejected the request because the external "
            "key does not support the requested operation."
        ),
        # The specification returns it for Encrypt and Decrypt only, and maps it for
        # CreateKey all the same (KMS-AMB-013).
        create_key=ErrorCode.XKS_KEY_INVALID_CONFIGURATION,
    ),
    FailureScenario.AUTHENTICATION_FAILED: Failure(
        statement="KMS-FAIL-006",
        message=(
            "The external key store proxy rejected the request because it could not "
            "authenticate AWS KMS. Verify the XKS proxy authentication credentials for "
            "your external key store and update if necessary."
        ),
        guide=(
            "The external key store proxy rejected the request because it could not "
            "authenticate AWS KMS. Verify the credentials for your external key store "
            "and update if necessary."
        ),
        store=ErrorCode.XKS_PROXY_INCORRECT_CREDENTIAL,
        connect=_Code.INVALID_CREDENTIALS,
    ),
    FailureScenario.ACCESS_DENIED: Failure(
        statement="KMS-FAIL-007",
        message=(
            "The external key store proxy denied access to the operation. Verify that "
            "the user and the external key are both authorized for this operation, and "
            "try the request again."
        ),
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_ACCESS_DENIED,
    ),
    FailureScenario.KEY_NOT_FOUND: Failure(
        statement="KMS-FAIL-008",
        message=(
            "The external key associated with this KMS key in an external key store "
            "was not found in its external key manager. If the external key ID "
            "associated with this KMS key is incorrect, create a new KMS key with the "
            "correct external key ID."
        ),
        guide=(
            "The external key store proxy rejected the request because it could not "
            "find the external key."
        ),
        create_key=ErrorCode.XKS_KEY_NOT_FOUND,
    ),
    FailureScenario.INVALID_URI_PATH: Failure(
        statement="KMS-FAIL-009",
        message=(
            "The external key store proxy rejected the request because of an invalid "
            "URI path. Verify the URI path for your external key store and update if "
            "necessary."
        ),
        store=ErrorCode.XKS_PROXY_INVALID_CONFIGURATION,
        connect=_Code.XKS_PROXY_INVALID_CONFIGURATION,
    ),
    FailureScenario.THROTTLING: Failure(
        statement="KMS-FAIL-010",
        message=(
            "The external key store proxy rejected the request due to a very high "
            "request rate. Reduce the frequency of your calls using KMS keys in this "
            "external key store."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_NOT_REACHABLE,
        retryable=True,
    ),
    FailureScenario.INTERNAL: Failure(
        statement="KMS-FAIL-011",
        message=(
            "The external key store proxy rejected the request because it cannot "
            "communicate with the external key manager. Verify that the external key "
            "store proxy configuration is correct and that the external key manager is "
            "available."
        ),
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_INVALID_RESPONSE,
        retryable=True,
    ),
    FailureScenario.UNSUPPORTED_OPERATION: Failure(
        statement="KMS-FAIL-012",
        message=(
            "The external key store proxy rejected the request because it does not "
            "support the requested operation. If you see this error repeatedly, report "
            "it to your external key store proxy administrator."
        ),
        guide=(
            "The external key store proxy rejected the request because it does not "
            "support the requested cryptographic operation."
        ),
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_INVALID_RESPONSE,
    ),
    FailureScenario.DEPENDENCY_TIMEOUT: Failure(
        statement="KMS-FAIL-013",
        message=(
            "The external key store proxy did not respond to the request in the time "
            "allotted. Retry the request. If you see this error repeatedly, report it "
            "to your external key store proxy administrator."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_TIMED_OUT,
        retryable=True,
    ),
    FailureScenario.NO_CONNECTION: Failure(
        statement="KMS-FAIL-014",
        message=(
            "AWS KMS cannot communicate with the external key store proxy. This might "
            "be a transient network issue. If you see this error repeatedly, verify "
            "that your external key store proxy is active and is connected to the "
            "network, and that its endpoint URI is correct in your external keystore."
        ),
        guide=(
            "AWS KMS cannot communicate with the external key store proxy. This might "
            "be a transient network issue. If you see this error repeatedly, verify "
            "that your external key store proxy is active and is connected to the "
            "network, and that its endpoint URI is correct in your external key store."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_NOT_REACHABLE,
        retryable=True,
        exception_name=_UNREACHABLE,
    ),
    FailureScenario.NO_TLS: Failure(
        statement="KMS-FAIL-015",
        message=(
            "AWS KMS cannot establish a TLS connection to the external key store "
            "proxy. Verify the TLS configuration, including its certificate."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_INVALID_TLS_CONFIGURATION,
        retryable=True,
        exception_name=_UNREACHABLE,
    ),
    FailureScenario.TIME_OUT: Failure(
        statement="KMS-FAIL-016",
        message=(
            "AWS KMS rejected the request because the external key store proxy did not "
            "respond in time. Retry the request. If you see this error repeatedly, "
            "report it to your external key store proxy administrator."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_TIMED_OUT,
        retryable=True,
        exception_name=_UNREACHABLE,
    ),
    FailureScenario.MALFORMED: Failure(
        statement="KMS-FAIL-017",
        message=_REPORT,
        guide=_CANNOT_INTERPRET.format("consult"),
        store=_INVALID_RESPONSE,
        connect=_Code.XKS_PROXY_INVALID_RESPONSE,
        # Not in the documents; the name of the exception that says the same.
        exception_name=str(_INVALID_RESPONSE),
    ),
    FailureScenario.UNHEALTHY: Failure(
        statement="KMS-FAIL-018",
        message=(
            "The external key store proxy is in an unhealthy state. If you see this "
            "message repeatedly, notify your external key store proxy administrator."
        ),
        store=ErrorCode.XKS_PROXY_URI_UNREACHABLE,
        connect=_Code.XKS_PROXY_NOT_REACHABLE,
    ),
    FailureScenario.NOT_CONNECTED: Failure(
        statement="KMS-FAIL-019",
        message=(
            "This KMS key is in a custom key store that is not connected to its "
            "external key store proxy. Connect the external key store and try the "
            "request again."
        ),
    ),
}


class ProxyFailure(Exception):  # noqa: N818 - as the specification speaks of failures
    """A call of the proxy came to nothing.

    Args:
        scenario: the row of the table.
        error_message: the proxy's errorMessage; for the logs of the account only.
    """

    def __init__(
        self, scenario: FailureScenario, error_message: str | None = None
    ) -> None:
        self.scenario = scenario
        self.error_message = error_message
        super().__init__(str(scenario))


@step
def kms_error(
    scenario: FailureScenario, group: Group, behaviour: Behaviour
) -> KmsError:
    """The exception that the caller of a KMS operation gets."""
    failure = FAILURES[scenario]
    code = _switched(scenario, group, behaviour) or _cell(failure, group)
    if code is None:
        # The scenario cannot occur in this group: an answer that makes no sense.
        return kms_error(FailureScenario.MALFORMED, group, behaviour)
    if code is ErrorCode.INVALID_CIPHERTEXT:
        # As recorded on AWS: it has no text.
        return KmsError(code, "")
    return KmsError(code, message_of(failure, behaviour))


def message_of(failure: Failure, behaviour: Behaviour) -> str:
    """The text of a failure, from the document that the behaviour chooses."""
    if behaviour.messages is Messages.DEVELOPER_GUIDE:
        return failure.guide or failure.message
    return failure.message


@step
def connection_error_code(scenario: FailureScenario) -> ConnectionErrorCode:
    """The ConnectionErrorCode of a store whose health check failed so."""
    code = FAILURES[scenario].connect
    return code or ConnectionErrorCode.XKS_PROXY_INVALID_RESPONSE


def _cell(failure: Failure, group: Group) -> ErrorCode | None:
    if group is Group.CREATE_KEY:
        return failure.create_key
    return failure.cryptography if group is Group.CRYPTOGRAPHY else failure.store


# AMBIGUOUS: the guide's rule has "500, 503 or a connection time-out" (KMS-RESP-003,
# KMS-AMB-004), and so not a proxy that cannot be connected to. Public reports show that
# failure, too, as a KMSInternalException: ours.
_BY_RELIABILITY = frozenset(
    {
        FailureScenario.INTERNAL,
        FailureScenario.DEPENDENCY_TIMEOUT,
        FailureScenario.NO_CONNECTION,
        FailureScenario.TIME_OUT,
    }
)


def _switched(
    scenario: FailureScenario, group: Group, behaviour: Behaviour
) -> ErrorCode | None:
    if group is Group.CRYPTOGRAPHY and scenario in _BY_RELIABILITY:
        reliable = behaviour.proxy_reliability is ProxyReliability.RELIABLE
        return ErrorCode.KMS_INTERNAL if reliable else None
    switch = _SWITCHES.get((scenario, group))
    return ErrorCode(getattr(behaviour, switch)) if switch else None


_SWITCHES: Mapping[tuple[FailureScenario, Group], str] = {
    (FailureScenario.ACCESS_DENIED, Group.CREATE_KEY): "access_denied_at_create_key",
    (FailureScenario.UNSUPPORTED_OPERATION, Group.CREATE_KEY): (
        "unsupported_operation_at_create_key"
    ),
    (FailureScenario.NO_TLS, Group.STORE): "tls_failure_at_create",
    (
        FailureScenario.INVALID_CIPHERTEXT,
        Group.CRYPTOGRAPHY,
    ): "wrong_encryption_context",
}
