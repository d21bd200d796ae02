"""How a check says what it found: it returns, or it raises one of the three below.

======================  ====================================================
returns                 the requirement holds
``Violation``           the target breaks the requirement
``NotTestable``         something is missing; ``add`` says what would help
``NotApplicable``       the target declares the capability as not supported
any other exception     the check itself is broken: status "error"
======================  ====================================================

Whether a violation is a failure or a warning is decided by the requirement's level, in
``verdict``, never here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.evidence.exchange import Exchange

__all__ = ["Level", "NotApplicable", "NotTestable", "Status", "Violation"]


class Level(StrEnum):
    """How strongly the specification binds (RFC 2119), and one level below that."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    INFO = "INFO"
    """Informational: what AWS does not state as a rule, or where it contradicts itself.
    A deviation is listed and never counts."""


class Status(StrEnum):
    """What became of a check, and of a requirement; the names of ``report.json``."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    NOT_TESTABLE = "not_testable"
    NOT_APPLICABLE = "not_applicable"
    DISABLED = "disabled"
    ERROR = "error"


class Violation(AssertionError):  # noqa: N818 - an outcome, not a program error
    """The target breaks the requirement.

    Args:
        expected: every outcome that would have been accepted, one phrase each.
        observed: what was observed instead.
        note: what an attacker or a user loses by it, or another remark.
        exchange: the exchange that shows it; without one, the last recorded one.
    """

    def __init__(
        self,
        *,
        expected: str | Iterable[str],
        observed: str,
        note: str = "",
        exchange: Exchange | None = None,
    ) -> None:
        self.expected = (expected,) if isinstance(expected, str) else tuple(expected)
        self.observed = observed
        self.note = note
        self.exchange = exchange
        super().__init__(f"accepted: {' | '.join(self.expected)}; observed: {observed}")


class NotTestable(Exception):  # noqa: N818 - an outcome, not a program error
    """The requirement applies, but the check could not judge it.

    Args:
        reason: what is missing, or which positive control failed.
        add: what to put into the target file so that the check can run.
    """

    def __init__(self, reason: str, *, add: str = "") -> None:
        self.reason = reason
        self.add = add
        super().__init__(f"{reason} {add}".strip())


class NotApplicable(Exception):  # noqa: N818 - an outcome, not a program error
    """The target lists the capability in ``not_supported``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
