"""External keys: the AES-256 keys of the external key manager, and what they may do.

A key knows AES-GCM and its own versions; whether a request may use it is decided in
``core``. Key material never leaves this file.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from pytest_xks.proxy_api.errors import Operation
from pytest_xks.proxy_api.limits import (
    AUTHENTICATION_TAG_BYTES,
    INITIALIZATION_VECTOR_BYTES,
    KEY_SPEC_AES_256,
    is_external_key_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CannotDecryptError",
    "ExternalKey",
    "ExternalKeyProperties",
    "KeySpec",
    "KeyStatus",
    "KeyUsage",
]

_KEY_BYTES = 32
_VERSION = re.compile(rb"key_version=([1-9][0-9]{0,6})")


class KeyStatus(StrEnum):
    """The values of keyStatus ("GetKeyMetadata")."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class KeySpec(StrEnum):
    """The value of keySpec that KMS takes ("GetKeyMetadata"); any other is a string."""

    AES_256 = KEY_SPEC_AES_256


class KeyUsage(StrEnum):
    """The values of keyUsage that KMS looks for ("GetKeyMetadata")."""

    ENCRYPT = "ENCRYPT"
    DECRYPT = "DECRYPT"


class ExternalKeyProperties(TypedDict, total=False):
    """The properties of an external key, as keywords; see ``ExternalKey``."""

    key_spec: KeySpec | str
    key_usage: Iterable[str]
    status: KeyStatus | str
    versioned: bool
    initialization_vector_bytes: int


class CannotDecryptError(Exception):
    """The authentication tag does not fit, or no version of the key is meant."""


class _Version:
    """One version of the key material, ready for use."""

    def __init__(self, material: bytes) -> None:
        self.material = material
        self.aead = AESGCM(material)


class ExternalKey:
    """One key in the external key manager.

    Its attributes may be changed at any time, also while a proxy is serving it.

    Args:
        external_key_id: 1 to 128 characters out of letters, digits, ``-``, ``.``,
        ``_``.
        key_spec: what GetKeyMetadata reports; only ``AES_256`` can encrypt and decrypt.
        key_usage: what GetKeyMetadata reports; ``ENCRYPT`` and ``DECRYPT`` count.
        status: ``ENABLED`` or ``DISABLED``.
        versioned: whether Encrypt returns ciphertextMetadata that names the version of
            the key material, so that the key can be rotated.
        initialization_vector_bytes: 12 or 16 (before Base64).

    Raises:
        ValueError: an argument is out of bounds.
    """

    def __init__(  # noqa: PLR0913 - a key has that many properties
        self,
        external_key_id: str,
        *,
        key_spec: KeySpec | str = KeySpec.AES_256,
        key_usage: Iterable[str] = (KeyUsage.ENCRYPT, KeyUsage.DECRYPT),
        status: KeyStatus | str = KeyStatus.ENABLED,
        versioned: bool = True,
        initialization_vector_bytes: int = 12,
    ) -> None:
        if not is_external_key_id(external_key_id):
            raise ValueError(
                "an external key id has 1 to 128 characters out of letters, digits, "
                f"'-', '.' and '_': {external_key_id!r}"
            )
        if initialization_vector_bytes not in INITIALIZATION_VECTOR_BYTES:
            raise ValueError("initialization_vector_bytes must be 12 or 16")
        self.id = external_key_id
        self.key_spec = str(key_spec)
        self.key_usage = tuple(str(usage) for usage in key_usage)
        self.status = KeyStatus(status)
        self.versioned = versioned
        self.initialization_vector_bytes = initialization_vector_bytes
        self._versions = [_Version(os.urandom(_KEY_BYTES))]

    def __repr__(self) -> str:
        """The key without its material."""
        return (
            f"ExternalKey({self.id!r}, key_spec={self.key_spec!r}, "
            f"key_usage={self.key_usage!r}, status={self.status.value!r})"
        )

    @property
    def version(self) -> int:
        """The number of the version that encrypts; the first is 1."""
        return len(self._versions)

    @property
    def ciphertext_metadata(self) -> bytes | None:
        """What Encrypt hands out now to find the version again; None if unversioned."""
        return b"key_version=%d" % self.version if self.versioned else None

    def rotate(self) -> None:
        """Make a new version; earlier ciphertexts still decrypt if ``versioned``."""
        self._versions.append(_Version(os.urandom(_KEY_BYTES)))

    def disable(self) -> None:
        """Disable the key in the external key manager."""
        self.status = KeyStatus.DISABLED

    def enable(self) -> None:
        """Enable the key in the external key manager."""
        self.status = KeyStatus.ENABLED

    def supports(self, operation: Operation) -> bool:
        """Whether the key's type and usage allow an operation."""
        needed = _USAGE.get(operation)
        if needed is None:
            return True
        return self.key_spec == KeySpec.AES_256 and needed in self.key_usage

    def seal(
        self,
        plaintext: bytes,
        authenticated_data: bytes,
        *,
        initialization_vector: bytes | None = None,
    ) -> tuple[bytes, bytes, bytes]:
        """AES-GCM under the newest version.

        Args:
            plaintext: of any length.
            authenticated_data: the AAD input of AES-GCM.
            initialization_vector: a random one by default. Only a faulty proxy has
                another: to use one twice gives the plaintexts away.

        Returns:
            Initialization vector, ciphertext (as long as the plaintext), and the
            authentication tag of 16 bytes.
        """
        iv = initialization_vector or os.urandom(self.initialization_vector_bytes)
        sealed = self._versions[-1].aead.encrypt(iv, plaintext, authenticated_data)
        return (
            iv,
            sealed[:-AUTHENTICATION_TAG_BYTES],
            sealed[-AUTHENTICATION_TAG_BYTES:],
        )

    def open(
        self,
        *,
        initialization_vector: bytes,
        ciphertext: bytes,
        authentication_tag: bytes,
        authenticated_data: bytes,
        ciphertext_metadata: bytes,
    ) -> bytes:
        """The inverse of ``seal``, under the version that the metadata names.

        Raises:
            CannotDecryptError: nothing that this key encrypted.
        """
        version = self._version_for(ciphertext_metadata)
        try:
            return version.aead.decrypt(
                initialization_vector,
                ciphertext + authentication_tag,
                authenticated_data,
            )
        except InvalidTag:
            raise CannotDecryptError from None

    def open_unverified(
        self,
        *,
        initialization_vector: bytes,
        ciphertext: bytes,
        ciphertext_metadata: bytes,
    ) -> bytes:
        """Decrypt without looking at the tag, as only a faulty proxy does.

        Raises:
            CannotDecryptError: the metadata names no version.
        """
        version = self._version_for(ciphertext_metadata)
        mode = GCM(initialization_vector)
        return Cipher(AES256(version.material), mode).decryptor().update(ciphertext)

    def _version_for(self, ciphertext_metadata: bytes) -> _Version:
        # The metadata only chooses a version; the authentication tag vouches for it.
        match = _VERSION.fullmatch(ciphertext_metadata)
        number = int(match[1]) if match else 1
        if number > len(self._versions):
            raise CannotDecryptError
        return self._versions[number - 1]


_USAGE = {
    Operation.ENCRYPT: KeyUsage.ENCRYPT,
    Operation.DECRYPT: KeyUsage.DECRYPT,
}
