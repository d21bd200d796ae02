"""What the machine asks of every target, whatever it is: a proxy or a KMS endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.certify.report.document import TargetView

__all__ = ["Target"]


class Target(Protocol):
    """A target under test, as its target file describes it."""

    @property
    def not_supported(self) -> frozenset[str]:
        """The capabilities that it declares to lack."""

    @property
    def source(self) -> str:
        """Where the description comes from: a file name, or what is embedded."""

    @property
    def capabilities(self) -> Mapping[str, str]:
        """What a target of its kind may lack, and what to add for each."""

    def provides(self, capability: str) -> bool:
        """Whether the description has what ``capability`` needs."""

    def secrets(self) -> Iterable[str]:
        """What must never be shown."""

    def view(self) -> TargetView:
        """What ``report.json`` says of it."""

    def warnings(self) -> list[str]:
        """What a reader of the verdict should know about it."""
