"""What differs between two proxies that are both correct."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Choices that the specification leaves to a proxy."""

    iv_length: int
    metadata_length: int
    """Bytes of ciphertextMetadata; 0: there is none."""
    describes_disabled_keys: bool
    """GetKeyMetadata of a disabled key says so; or it is refused, as others are."""
    error_message: str
    """The errorMessage of every refusal; empty: there is none."""
    chunked: bool
    """Whether answers are sent in chunks."""
