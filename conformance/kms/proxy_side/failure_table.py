"""What goes wrong with a proxy, and what KMS makes of it: the table, as literals.

After the table of the "Error codes" of the XKS proxy API specification, the page
"Troubleshooting external key stores" of the KMS Developer Guide and the descriptions
of ConnectionErrorCode in the KMS API Reference. A row is a scenario. Where the
documents differ, every documented exception and every documented text is in it; where
they are silent, only that the operation fails is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.probe_proxy.vocabulary import ListenerFault

from .attempts import KmsOperation

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.scripts import ScriptedPath

    from .attempts import Cause

__all__ = [
    "CERTIFICATES",
    "FAILURES",
    "Failure",
    "FailureCell",
    "failure_named",
    "reporting",
]

# Too late for everybody; KMS waits for 250 ms.
_LATE_MS = 600

_CREATE, _UPDATE = KmsOperation.CREATE, KmsOperation.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCell:
    """What one operation makes of a scenario."""

    accepted: tuple[str, ...] = ()
    """Exceptions; of ConnectCustomKeyStore, ConnectionErrorCodes. Any without one."""
    statement: str | None = None
    """The requirement that states this cell alone, if there is one."""


FailureCells = Mapping[KmsOperation, FailureCell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One scenario."""

    name: str
    statement: str
    cause: Cause | ListenerFault
    """A fault of the listener concerns everybody."""
    cells: FailureCells
    takes_time: bool = False
    """Whether KMS has to wait for it."""

    def documents(self, operation: KmsOperation) -> bool:
        """Whether an exception or code of the operation is documented."""
        cell = self.cells.get(operation)
        return cell is not None and bool(cell.accepted)


# -- how the proxy comes to do it -------------------------------------------------


def _error(name: str, status: int) -> Cause:
    return lambda proxy: proxy.failing(name, status)


def _late(proxy: ScriptedPath) -> AbstractContextManager[None]:
    return proxy.delaying(_LATE_MS)


def _not_json(proxy: ScriptedPath) -> AbstractContextManager[None]:
    return proxy.answering(200, b"this is not JSON", content_type="text/plain")


def reporting(*statuses: str) -> Cause:
    """One external key manager of each status, in the answer to GetHealthStatus."""
    managers = [
        {"id": f"manager-{number}", "model": "a model", "healthStatus": status}
        for number, status in enumerate(statuses)
    ]
    return lambda proxy: proxy.altering(
        lambda document: document.update(ekmFleetDetails=managers), operation="health"
    )


def _other_plaintext(proxy: ScriptedPath) -> AbstractContextManager[None]:
    def other(document: dict[str, object]) -> None:
        # As many bytes as before, and all of them zero.
        encoded = str(document["plaintext"])
        padding = encoded.count("=")
        document["plaintext"] = "A" * (len(encoded) - padding) + "=" * padding

    return proxy.altering(other, operation="decrypt")


# -- the columns ------------------------------------------------------------------


def _store(statement: str, *accepted: str) -> FailureCells:
    """CreateCustomKeyStore and UpdateCustomKeyStore, which map alike."""
    return {
        _CREATE: FailureCell(accepted=accepted, statement=statement),
        _UPDATE: FailureCell(accepted=accepted, statement="KMS-UPDATESTORE-009"),
    }


def _connect(statement: str, code: str) -> FailureCells:
    return {KmsOperation.CONNECT: FailureCell(accepted=(code,), statement=statement)}


def _create_key(statement: str, *accepted: str) -> FailureCells:
    cell = FailureCell(
        accepted=accepted or ("CustomKeyStoreInvalidStateException",),
        statement=statement,
    )
    return {KmsOperation.CREATE_KEY: cell}


def _fails(*operations: KmsOperation) -> FailureCells:
    """Nothing is documented but that they call the proxy, and fail with it."""
    return dict.fromkeys(operations, FailureCell())


_KEY_STATE = FailureCell(accepted=("KMSInvalidStateException",))
_CRYPTOGRAPHY: FailureCells = {
    KmsOperation.ENCRYPT: _KEY_STATE,
    KmsOperation.DECRYPT: _KEY_STATE,
}

# The current guide: KMSInternalException for a highly reliable proxy (KMS-AMB-004).
_BY_RELIABILITY = FailureCell(
    accepted=("KMSInvalidStateException", "KMSInternalException")
)
_RELIABLE: FailureCells = {
    KmsOperation.ENCRYPT: _BY_RELIABILITY,
    KmsOperation.DECRYPT: _BY_RELIABILITY,
}


# -- the rows ---------------------------------------------------------------------

FAILURES = (
    Failure(
        name="ValidationException",
        statement="KMS-FAIL-001",
        cause=_error("ValidationException", 400),
        cells={
            **_store("KMS-CREATESTORE-036", "XksProxyInvalidResponseException"),
            **_fails(KmsOperation.CONNECT),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="InvalidStateException",
        statement="KMS-FAIL-002",
        cause=_error("InvalidStateException", 400),
        cells={
            # KMS-AMB-014.
            **_fails(_CREATE, _UPDATE, KmsOperation.CONNECT),
            **_create_key("KMS-CREATEKEY-024", "XksKeyInvalidConfigurationException"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="InvalidCiphertextException",
        statement="KMS-FAIL-003",
        cause=_error("InvalidCiphertextException", 400),
        cells={KmsOperation.DECRYPT: _KEY_STATE},
    ),
    Failure(
        name="another-plaintext",
        statement="KMS-FAIL-004",
        cause=_other_plaintext,
        cells={KmsOperation.DECRYPT: _KEY_STATE},
    ),
    Failure(
        name="InvalidKeyUsageException",
        statement="KMS-FAIL-005",
        cause=_error("InvalidKeyUsageException", 400),
        cells={
            **_create_key("KMS-CREATEKEY-025", "XksKeyInvalidConfigurationException"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="AuthenticationFailedException",
        statement="KMS-FAIL-006",
        cause=_error("AuthenticationFailedException", 401),
        cells={
            **_store(
                "KMS-CREATESTORE-033",
                "XksProxyIncorrectAuthenticationCredentialException",
            ),
            **_connect("KMS-CONNECT-016", "INVALID_CREDENTIALS"),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="AccessDeniedException",
        statement="KMS-FAIL-007",
        cause=_error("AccessDeniedException", 403),
        cells={
            # KMS-AMB-014.
            **_fails(_CREATE, _UPDATE),
            **_connect("KMS-CONNECT-017", "XKS_PROXY_ACCESS_DENIED"),
            # KMS-AMB-001.
            **_create_key(
                "KMS-CREATEKEY-027",
                "CustomKeyStoreInvalidStateException",
                "KMSInvalidStateException",
            ),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="KeyNotFoundException",
        statement="KMS-FAIL-008",
        cause=_error("KeyNotFoundException", 404),
        cells={
            **_create_key("KMS-CREATEKEY-023", "XksKeyNotFoundException"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="InvalidUriPathException",
        statement="KMS-FAIL-009",
        cause=_error("InvalidUriPathException", 404),
        cells={
            **_store("KMS-CREATESTORE-034", "XksProxyInvalidConfigurationException"),
            **_connect("KMS-CONNECT-018", "XKS_PROXY_INVALID_CONFIGURATION"),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="ThrottlingException",
        statement="KMS-FAIL-010",
        cause=_error("ThrottlingException", 429),
        cells={
            **_store("KMS-CREATESTORE-039", "XksProxyUriUnreachableException"),
            **_fails(KmsOperation.CONNECT),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="InternalException",
        statement="KMS-FAIL-011",
        cause=_error("InternalException", 500),
        cells={
            **_store("KMS-CREATESTORE-037", "XksProxyInvalidResponseException"),
            **_fails(KmsOperation.CONNECT),
            **_create_key("KMS-CREATEKEY-026"),
            **_RELIABLE,
        },
    ),
    Failure(
        name="UnsupportedOperationException",
        statement="KMS-FAIL-012",
        cause=_error("UnsupportedOperationException", 501),
        cells={
            # KMS-AMB-014.
            **_fails(_CREATE, _UPDATE, KmsOperation.CONNECT),
            # KMS-AMB-002.
            **_create_key(
                "KMS-CREATEKEY-028",
                "CustomKeyStoreInvalidStateException",
                "UnsupportedOperationException",
            ),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="DependencyTimeoutException",
        statement="KMS-FAIL-013",
        cause=_error("DependencyTimeoutException", 503),
        cells={
            **_store("KMS-CREATESTORE-038", "XksProxyUriUnreachableException"),
            **_connect("KMS-CONNECT-022", "XKS_PROXY_TIMED_OUT"),
            **_create_key("KMS-CREATEKEY-026"),
            **_RELIABLE,
        },
    ),
    Failure(
        name="no-tcp-connection",
        statement="KMS-FAIL-014",
        cause=ListenerFault.CONNECTION_REFUSED,
        cells={
            **_store("KMS-CREATESTORE-040", "XksProxyUriUnreachableException"),
            **_connect("KMS-CONNECT-021", "XKS_PROXY_NOT_REACHABLE"),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="no-tls-connection",
        statement="KMS-FAIL-015",
        cause=ListenerFault.CERTIFICATE_EXPIRED,
        cells={
            # KMS-AMB-011.
            **_store(
                "KMS-CREATESTORE-041",
                "XksProxyUriUnreachableException",
                "XksProxyInvalidConfigurationException",
            ),
            **_connect("KMS-CONNECT-019", "XKS_PROXY_INVALID_TLS_CONFIGURATION"),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="no-answer-in-time",
        statement="KMS-FAIL-016",
        cause=_late,
        takes_time=True,
        cells={
            **_store("KMS-CREATESTORE-042", "XksProxyUriUnreachableException"),
            **_connect("KMS-CONNECT-022", "XKS_PROXY_TIMED_OUT"),
            **_create_key("KMS-CREATEKEY-026"),
            **_RELIABLE,
        },
    ),
    Failure(
        name="malformed-answer",
        statement="KMS-FAIL-017",
        cause=_not_json,
        cells={
            **_store("KMS-CREATESTORE-035", "XksProxyInvalidResponseException"),
            **_connect("KMS-CONNECT-020", "XKS_PROXY_INVALID_RESPONSE"),
            **_create_key("KMS-CREATEKEY-026"),
            **_CRYPTOGRAPHY,
        },
    ),
    Failure(
        name="all-key-managers-unavailable",
        statement="KMS-FAIL-018",
        cause=reporting("UNAVAILABLE", "UNAVAILABLE"),
        cells={
            **_store("KMS-CREATESTORE-031", "XksProxyUriUnreachableException"),
            **_connect("KMS-CONNECT-021", "XKS_PROXY_NOT_REACHABLE"),
        },
    ),
)


def failure_named(name: str) -> Failure:
    """The row of a name."""
    return next(each for each in FAILURES if each.name == name)


_TLS = failure_named("no-tls-connection")

CERTIFICATES = tuple(
    Failure(
        name=fault.value,
        statement=_TLS.statement,
        cause=fault,
        cells={each: _TLS.cells[each] for each in (_CREATE, KmsOperation.CONNECT)},
    )
    for fault in (
        ListenerFault.CERTIFICATE_WRONG_HOST,
        ListenerFault.CERTIFICATE_UNKNOWN_CA,
        ListenerFault.CERTIFICATE_SELF_SIGNED,
    )
)
"""Other reasons for having no TLS connection."""
