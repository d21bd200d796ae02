"""What checks can ask of the probe proxy, in words that are the suite's own.

Nothing here comes from the mock proxy or from the listener that carry it out: the suite
must not take what it expects from what it judges.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConnectionEnd", "ExternalKey", "KeyProperties", "ListenerFault"]


class ConnectionEnd(StrEnum):
    """How a connection ends in place of an answer."""

    CLOSE = "close"
    """In an orderly way, without a byte of a response."""
    RESET = "reset"
    """With a TCP RST, without a byte of a response."""


class ListenerFault(StrEnum):
    """What keeps KMS from connecting to the proxy."""

    CONNECTION_REFUSED = "connection-refused"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_WRONG_HOST = "certificate-wrong-host"
    CERTIFICATE_UNKNOWN_CA = "certificate-unknown-ca"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed"


class KeyProperties(TypedDict, total=False):
    """What is special about an external key."""

    key_spec: str
    """``AES_256`` by default."""
    key_usage: Iterable[str]
    """``ENCRYPT`` and ``DECRYPT`` by default."""
    status: str
    """``ENABLED`` by default; or ``DISABLED``."""
    versioned: bool
    """Whether Encrypt returns ciphertextMetadata; True by default."""
    initialization_vector_bytes: int
    """12 by default; or 16."""


class ExternalKey(Protocol):
    """A key in the external key manager behind the probe proxy."""

    @property
    def id(self) -> str:
        """The external key id, which CreateKey takes as XksKeyId."""

    def enable(self) -> None:
        """Enable the key in the external key manager."""

    def disable(self) -> None:
        """Disable the key in the external key manager."""
