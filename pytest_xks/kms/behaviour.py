"""Switches for the places where AWS contradicts itself, or says nothing.

Each attribute is one switch. Its default is the catalogue's reading; the statement that
tells of the contradiction stands beside its type.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.kms.switch import Choice, Number, Switch, no_such

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AccessDeniedAtCreateKey",
    "Behaviour",
    "ConnectAgain",
    "HealthCheckAtUpdate",
    "Messages",
    "MissingPrincipalAtConnect",
    "PendingDeletion",
    "ProxyReliability",
    "SharedPrivateDnsName",
    "Timeouts",
    "TlsFailureAtCreate",
    "UnavailableMessage",
    "UnsupportedOperationAtCreateKey",
    "UpdateWhileConnected",
    "VpcAcceptanceRequired",
    "WrongEncryptionContext",
]


class Messages(StrEnum):
    """Which document the messages of exceptions come from (KMS-AMB-003)."""

    SPECIFICATION = "specification"
    DEVELOPER_GUIDE = "developer-guide"


class ProxyReliability(StrEnum):
    """How reliable KMS takes the proxy to be (KMS-RESP-003, KMS-AMB-004)."""

    UNRELIABLE = "unreliable"
    """500, 503, time-outs and a proxy that cannot be reached are a
    KMSInvalidStateException, as ever."""
    RELIABLE = "reliable"
    """They are a KMSInternalException, which SDKs retry."""


class AccessDeniedAtCreateKey(StrEnum):
    """CreateKey, and the proxy answers AccessDeniedException (KMS-AMB-001)."""

    CUSTOM_KEY_STORE_INVALID_STATE = "CustomKeyStoreInvalidStateException"
    KMS_INVALID_STATE = "KMSInvalidStateException"


class UnsupportedOperationAtCreateKey(StrEnum):
    """CreateKey, and the proxy answers UnsupportedOperationException (KMS-AMB-002)."""

    CUSTOM_KEY_STORE_INVALID_STATE = "CustomKeyStoreInvalidStateException"
    UNSUPPORTED_OPERATION = "UnsupportedOperationException"


class TlsFailureAtCreate(StrEnum):
    """Create/UpdateCustomKeyStore without a TLS session (KMS-AMB-011)."""

    URI_UNREACHABLE = "XksProxyUriUnreachableException"
    INVALID_CONFIGURATION = "XksProxyInvalidConfigurationException"


class Timeouts(StrEnum):
    """What KMS does about a network time-out (KMS-RESP-002, KMS-AMB-005)."""

    RETRY_ONCE = "retry-once"
    FAIL = "fail"


class UnavailableMessage(StrEnum):
    """What a cryptographic operation says of an unavailable key (KMS-AMB-006)."""

    BY_STATE = "by-state"
    """Of a DISCONNECTED store the key-state text, else the specification's."""
    KEY_STATE = "key-state"
    SPECIFICATION = "specification"


class PendingDeletion(StrEnum):
    """A cryptographic operation on a key pending deletion (KMS-AMB-007)."""

    KMS_INVALID_STATE = "KMSInvalidStateException"
    DISABLED = "DisabledException"


class WrongEncryptionContext(StrEnum):
    """Decrypt, and the proxy answers InvalidCiphertextException (KMS-AMB-008)."""

    KMS_INVALID_STATE = "KMSInvalidStateException"
    INVALID_CIPHERTEXT = "InvalidCiphertextException"


class UpdateWhileConnected(StrEnum):
    """What UpdateCustomKeyStore may change while CONNECTED (KMS-AMB-018)."""

    NAME_CREDENTIAL_PATH = "name-credential-path"
    NAME = "name"


class ConnectAgain(StrEnum):
    """ConnectCustomKeyStore while CONNECTED or CONNECTING (KMS-AMB-020)."""

    IGNORED = "ignored"
    REFUSED = "refused"


class HealthCheckAtUpdate(StrEnum):
    """When UpdateCustomKeyStore asks the proxy (KMS-AMB-021, KMS-AMB-022)."""

    IF_THE_PROXY_CHANGES = "if-the-proxy-changes"
    """Unless only the name changes, or a VPC store is DISCONNECTED."""
    ALWAYS = "always"


class SharedPrivateDnsName(StrEnum):
    """Two VPC stores of one private DNS name (KMS-AMB-039)."""

    URI_ENDPOINT_IN_USE = "XksProxyUriEndpointInUseException"
    VPC_ENDPOINT_SERVICE_IN_USE = "XksProxyVpcEndpointServiceInUseException"


class VpcAcceptanceRequired(StrEnum):
    """A VPC endpoint service that requires acceptance (KMS-AMB-040)."""

    VPC_ENDPOINT_SERVICE = "XksProxyVpcEndpointServiceInvalidConfigurationException"
    PROXY = "XksProxyInvalidConfigurationException"


class MissingPrincipalAtConnect(StrEnum):
    """KMS is not an allowed principal of the VPC endpoint service (KMS-AMB-041)."""

    NOT_FOUND = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"
    INVALID_CONFIGURATION = "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION"


class Behaviour:
    """How the fake KMS reads AWS's documents; may be changed at any time.

    A switch takes a member of its enum or that member's text, and a number where it is
    one: ``behaviour.timeouts = "fail"``. Anything else is a ValueError that lists what
    is allowed, and an attribute that is no switch an AttributeError that lists those
    that are.

    Args:
        switches: switches by name.
    """

    messages = Choice(Messages.SPECIFICATION)
    proxy_reliability = Choice(ProxyReliability.UNRELIABLE)
    access_denied_at_create_key = Choice(
        AccessDeniedAtCreateKey.CUSTOM_KEY_STORE_INVALID_STATE
    )
    unsupported_operation_at_create_key = Choice(
        UnsupportedOperationAtCreateKey.CUSTOM_KEY_STORE_INVALID_STATE
    )
    tls_failure_at_create = Choice(TlsFailureAtCreate.URI_UNREACHABLE)
    timeouts = Choice(Timeouts.RETRY_ONCE)
    unavailable_message = Choice(UnavailableMessage.BY_STATE)
    pending_deletion = Choice(PendingDeletion.KMS_INVALID_STATE)
    wrong_encryption_context = Choice(WrongEncryptionContext.KMS_INVALID_STATE)
    update_while_connected = Choice(UpdateWhileConnected.NAME_CREDENTIAL_PATH)
    connect_again = Choice(ConnectAgain.IGNORED)
    health_check_at_update = Choice(HealthCheckAtUpdate.IF_THE_PROXY_CHANGES)
    shared_private_dns_name = Choice(SharedPrivateDnsName.URI_ENDPOINT_IN_USE)
    vpc_acceptance_required = Choice(VpcAcceptanceRequired.VPC_ENDPOINT_SERVICE)
    missing_principal_at_connect = Choice(MissingPrincipalAtConnect.NOT_FOUND)
    connecting_seconds = Number(0.0)
    """How long a store is CONNECTING; AWS takes about 300 (KMS-CONNECT-003)."""
    disconnecting_seconds = Number(0.0)
    """How long a store is DISCONNECTING; AWS takes about 300 (KMS-DISCONNECT-004)."""
    custom_key_stores = Number(10)
    """How many an account may have in a Region (KMS-QUOTA-001, KMS-AMB-053)."""
    requests_per_second = Number(1800.0)
    """Cryptographic operations a second in one store (KMS-QUOTA-003)."""

    def __init__(self, **switches: float | str) -> None:
        for name, value in switches.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        """The switches that have been set."""
        given = ", ".join(f"{name}={str(v)!r}" for name, v in vars(self).items())
        return f"Behaviour({given})"

    def set_switch(self, name: str, value: str) -> None:
        """Set a switch by its name and its value in text.

        Args:
            name: the name of a switch; dashes count as underscores.
            value: one of the values of its type, or a number.

        Raises:
            ValueError: no such switch or value; the message lists what there is.
        """
        attribute = name.replace("-", "_")
        if attribute not in self.switches():
            raise ValueError(no_such("switch", name, self.switches()))
        setattr(self, attribute, value)

    @classmethod
    def switches(cls) -> Mapping[str, type]:
        """The type of each switch by its name: a ``StrEnum``, int or float."""
        return {
            name: switch.kind
            for name, switch in vars(cls).items()
            if isinstance(switch, Switch)
        }

    # Type checkers know the attributes that there are, and must not see these two.
    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            if name not in self.switches():
                raise AttributeError(no_such("switch", name, self.switches()))
            super().__setattr__(name, value)

        def __getattr__(self, name: str) -> object:
            raise AttributeError(no_such("switch", name, self.switches()))
