"""Bytes of a run in bounded memory: what exceeds the bound goes to a temporary file."""

from __future__ import annotations

import hashlib
import threading
import weakref
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile

__all__ = ["Digest", "Place", "Spool"]

_IN_MEMORY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Digest:
    """What is known of bytes without reading them."""

    length: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """The digest of some bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a spool keeps some bytes."""

    offset: int
    length: int


class Spool:
    """Keeps bytes until the run is over; any thread may call.

    The file has no name, and ends with the spool.

    Args:
        in_memory_bytes: how much is kept in memory before a file is made.
    """

    def __init__(self, in_memory_bytes: int = _IN_MEMORY_BYTES) -> None:
        self._file = SpooledTemporaryFile(max_size=in_memory_bytes)  # noqa: SIM115 - the finalizer closes it
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    def keep(self, data: bytes) -> Place:
        """Keep bytes."""
        with self._lock:
            offset = self._file.seek(0, 2)
            self._file.write(data)
        return Place(offset, len(data))

    def read(self, place: Place) -> bytes:
        """What was kept at a place."""
        with self._lock:
            self._file.seek(place.offset)
            return self._file.read(place.length)
