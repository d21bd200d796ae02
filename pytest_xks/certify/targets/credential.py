"""The SigV4 credential of a target: the suite's own type, unrelated to our mocks."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Credential"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A SigV4 credential of an XKS proxy, unrelated to IAM's (Appendix A)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
