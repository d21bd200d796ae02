"""What certification asks of every target, be it a proxy or a KMS endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.certify.evidence.exchange import Exchange
    from pytest_xks.certify.report.document import TargetView

__all__ = ["Target", "Unsupported"]


class Target(Protocol):
    """A target under test, as its target file describes it."""

    @property
    def not_supported(self) -> frozenset[str]:
        """The capabilities that it declares as not supported."""

    @property
    def source(self) -> str:
        """Where the description comes from: a file name, or which of our own mocks."""

    @property
    def capabilities(self) -> Mapping[str, str]:
        """What a target of its kind may support, and what to add for each."""

    @property
    def commands(self) -> frozenset[str]:
        """The commands of the operator that it offers."""

    @property
    def claims(self) -> frozenset[str]:
        """What its operator claims of it, beyond what everybody has to keep."""

    def provides(self, capability: str) -> bool:
        """Whether the description has what ``capability`` needs."""

    def secrets(self) -> Iterable[str]:
        """What must never be shown."""

    def view(self) -> TargetView:
        """What ``report.json`` says of it."""

    def warnings(self) -> list[str]:
        """What a reader of the verdict should know about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """What a target does not support at all, as its answers before the run showed."""

    what: str
    """"external key stores"."""
    exchanges: tuple[Exchange, ...]
    """What it answered to each operation that was tried."""
