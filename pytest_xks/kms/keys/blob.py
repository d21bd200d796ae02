"""The ciphertext blob: what KMS hands to callers and reads back from them.

AWS's format is proprietary. This one holds what the specification says it holds: every
field of the proxy's answer to Encrypt, and which KMS key it belongs to
(KMS-CRYPTO-013). A blob has one reading; anything else is not a blob of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Blob", "BlobError", "header_of", "is_blob"]

# 0x01 in front: never the beginning of moto's blobs, which is a key id in ASCII.
_MAGIC = b"\x01\x02xks\x01"


class BlobError(ValueError):
    """Bytes that are not a ciphertext blob of a KMS key in an external key store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A ciphertext blob, taken apart."""

    key_arn: str
    initialization_vector: bytes
    authentication_tag: bytes
    ciphertext_metadata: bytes | None
    ciphertext: bytes

    def to_bytes(self) -> bytes:
        """The blob as callers get it."""
        metadata = self.ciphertext_metadata
        return b"".join(
            (
                header_of(self.key_arn),
                _short(self.initialization_vector),
                _short(self.authentication_tag),
                # Absent and empty are two things: the proxy gets back what it gave.
                b"\x00" if metadata is None else b"\x01" + _short(metadata),
                self.ciphertext,
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Blob:
        """Take a blob apart.

        Raises:
            BlobError: it is not one.
        """
        if not is_blob(data):
            raise BlobError("it does not begin as a ciphertext blob does")
        reader = _Reader(data, len(_MAGIC))
        arn = reader.short()
        iv, tag = reader.short(), reader.short()
        flag = reader.take(1)
        metadata = reader.short() if flag == b"\x01" else None
        if flag not in {b"\x00", b"\x01"} or not arn.isascii():
            raise BlobError("it is corrupt")
        return cls(
            key_arn=arn.decode("ascii"),
            initialization_vector=iv,
            authentication_tag=tag,
            ciphertext_metadata=metadata,
            ciphertext=reader.rest(),
        )


def is_blob(data: bytes) -> bool:
    """Whether bytes begin as a ciphertext blob of ours."""
    return data.startswith(_MAGIC)


def header_of(key_arn: str) -> bytes:
    """The beginning of every blob of a KMS key; also part of its AAD."""
    return _MAGIC + _short(key_arn.encode("ascii"))


def _short(data: bytes) -> bytes:
    return len(data).to_bytes(1, "big") + data


class _Reader:
    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position

    def take(self, length: int) -> bytes:
        end = self._position + length
        taken = self._data[self._position : end]
        if len(taken) != length:
            raise BlobError("it is cut off")
        self._position = end
        return taken

    def short(self) -> bytes:
        return self.take(self.take(1)[0])

    def rest(self) -> bytes:
        rest = self._data[self._position :]
        if not rest:
            raise BlobError("it is cut off")
        return rest
