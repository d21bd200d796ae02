"""The SigV4 credential of a target: the suite's own type, unrelated to our mocks."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Credential"]


# With dataclass's own equality, pytest shows both secrets where two are not equal.
@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """A SigV4 credential of an XKS proxy, unrelated to IAM's (Appendix A)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str]:
        return self.access_key_id, self.secret_access_key
