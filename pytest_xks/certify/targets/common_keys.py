"""What the target files of proxies and of KMS emulators have in common."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.toml.reading import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.certify.targets.kms_target import KmsTarget
    from pytest_xks.certify.targets.proxy_target import ProxyTarget
    from pytest_xks.certify.targets.target import Target
    from pytest_xks.certify.toml.reading import Table

__all__ = [
    "REGION",
    "check_contradictions",
    "declared_lacking",
    "is_region",
    "take_not_supported",
]

T = TypeVar("T", "ProxyTarget", "KmsTarget")

REGION = "the name of a Region, such as us-east-1"


def is_region(text: str) -> bool:
    """Whether ``text`` could name a Region."""
    return re.fullmatch(r"[a-z0-9-]{1,64}", text) is not None


def take_not_supported(table: Table, capabilities: Mapping[str, str]) -> frozenset[str]:
    """The capabilities that the target declares as not supported.

    Args:
        table: the table with ``not_supported``.
        capabilities: those that a target may have.

    Raises:
        UsageProblem: one of them is unknown.
    """
    names = table.texts("not_supported")
    for name in names:
        if name not in capabilities:
            raise table.problem(
                "not_supported",
                f"lists an unknown capability: {name[:64]!a}.",
                closest(name, capabilities),
            )
    return frozenset(names)


def check_contradictions(target: Target, table: Table) -> None:
    """Refuse a target that declares as not supported what it provides.

    Raises:
        UsageProblem: it does.
    """
    for capability in sorted(target.not_supported):
        if target.provides(capability):
            raise table.problem(
                "not_supported",
                f'lists "{capability}", but the file provides it.',
                "Remove one of the two.",
            )


def declared_lacking(target: T, names: Iterable[str]) -> T:
    """``target`` with what ``--not-supported`` declares, beside what its file does.

    Args:
        target: the target as described.
        names: capabilities.

    Raises:
        UsageProblem: one of them is unknown, or the target provides it.
    """
    lacking = frozenset(names)
    for name in sorted(lacking - target.capabilities.keys()):
        raise UsageProblem(
            f"--not-supported: {name[:64]!a} is no capability.",
            closest(name, target.capabilities),
        )
    declared = replace(target, not_supported=target.not_supported | lacking)
    for name in sorted(filter(declared.provides, lacking)):
        raise UsageProblem(
            f"--not-supported: the target provides {name}.", "Remove one of the two."
        )
    return declared
