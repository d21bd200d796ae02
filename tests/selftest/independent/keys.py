"""External keys and the key stores that hold them, each behind its own path prefix."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ExternalKey", "Quota", "Sealed", "Store"]

_TAG_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """What AES-GCM makes of a plaintext; ``metadata`` is authenticated with it."""

    ciphertext: bytes
    iv: bytes
    tag: bytes
    metadata: bytes


@dataclass(frozen=True, kw_only=True)
class ExternalKey:
    """A key of the external key manager."""

    usage: tuple[str, ...] = ("DECRYPT", "ENCRYPT")
    enabled: bool = True
    callers: frozenset[str] | None = None
    """The only principals that may use it; None: everybody."""
    length: int = 32
    iv_length: int = 16
    metadata_length: int = 0
    material: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        # An instance is frozen once it has its material.
        object.__setattr__(self, "material", os.urandom(self.length))

    @property
    def spec(self) -> str:
        """The keySpec of GetKeyMetadata."""
        return f"AES_{8 * self.length}"

    def seal(self, plaintext: bytes, aad: bytes) -> Sealed:
        """Encrypt, with a new IV."""
        iv, metadata = os.urandom(self.iv_length), os.urandom(self.metadata_length)
        sealed = AESGCM(self.material).encrypt(iv, plaintext, _bound(aad, metadata))
        return Sealed(
            ciphertext=sealed[:-_TAG_LENGTH],
            tag=sealed[-_TAG_LENGTH:],
            iv=iv,
            metadata=metadata,
        )

    def open(self, sealed: Sealed, aad: bytes) -> bytes:
        """Decrypt.

        Raises:
            Refusal: something is not as it was at encryption.
        """
        try:
            return AESGCM(self.material).decrypt(
                sealed.iv, sealed.ciphertext + sealed.tag, _bound(aad, sealed.metadata)
            )
        except InvalidTag:
            raise Refusal("InvalidCiphertextException", "tag") from None


def _bound(aad: bytes, metadata: bytes) -> bytes:
    """The AAD for the key manager, with lengths ("Encrypt", ciphertextMetadata)."""
    return b"".join(
        (len(aad).to_bytes(2, "big"), aad, len(metadata).to_bytes(1, "big"), metadata)
    )


class Quota:
    """A token bucket."""

    def __init__(self, burst: int, requests_per_second: float) -> None:
        self._burst = burst
        self._rate = requests_per_second
        self._tokens = float(burst)
        self._filled = time.monotonic()
        self._lock = threading.Lock()

    def spend(self) -> None:
        """Count a request.

        Raises:
            Refusal: there were too many.
        """
        with self._lock:
            now = time.monotonic()
            gained = (now - self._filled) * self._rate
            self._tokens, self._filled = min(self._burst, self._tokens + gained), now
            if self._tokens < 1:
                raise Refusal("ThrottlingException", "quota")
            self._tokens -= 1


@dataclass(frozen=True, kw_only=True)
class Store:
    """A path prefix: credentials, external keys and a quota of its own."""

    uri_path: str
    secrets: Mapping[str, str] = field(repr=False)
    """The secret access key of each access key id."""
    keys: Mapping[str, ExternalKey]
    quota: Quota | None = None
