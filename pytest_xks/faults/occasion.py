"""What a fault may hit, and which of it somebody chose."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Filter", "Occasion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One request, or one call, that a fault may hit."""

    operation: str | None = None
    """None if it is none of the owner's operations."""
    key_stores: frozenset[str] = frozenset()
    """Whatever names the key stores that it has to do with: ids, names, URI paths."""
    external_key_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The occasions that a fault is meant for; all by default.

    Raises:
        TypeError: something that is no string, such as a key in place of its id.
    """

    operation: str | None = None
    key_store: str | None = None
    external_key_id: str | None = None

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a string, not {value!r:.60}")

    def given(self) -> dict[str, str]:
        """What was chosen, by its name."""
        values = {
            "operation": self.operation,
            "key_store": self.key_store,
            "external_key_id": self.external_key_id,
        }
        return {name: value for name, value in values.items() if value is not None}

    def admits(self, occasion: Occasion) -> bool:
        """Whether an occasion is one of those that are meant."""
        return (
            self.operation in {None, occasion.operation}
            and (self.key_store is None or self.key_store in occasion.key_stores)
            and (
                self.external_key_id is None
                or self.external_key_id in occasion.external_key_ids
            )
        )
