"""Steps of the rules in the words of faults: fail, or do the same but for one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from pytest_xks.proxy.faults.catalogue import Effect
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.messages import RequestMetadata

Document = dict[str, object]

__all__ = [
    "anything_goes",
    "before_document",
    "before_metadata",
    "fails_internally",
    "invalid",
]


def anything_goes(*_: object) -> None:
    """Check nothing."""


def fails_internally() -> NoReturn:
    """Fail as a proxy with a defect does.

    Raises:
        XksError: InternalException.
    """
    raise XksError(ErrorName.INTERNAL)


def invalid(reason: str) -> NoReturn:
    """Refuse a request that a good proxy would serve.

    Raises:
        XksError: ValidationException.
    """
    raise XksError(ErrorName.VALIDATION, reason)


def before_document(check: Callable[[bytes], None]) -> Effect:
    """A proxy that looks at the body of a request before it reads it."""

    def change(rules: Rules) -> Rules:
        def parse(body: bytes) -> Document:
            check(body)
            return rules.parse_document(body)

        return replace(rules, parse_document=parse)

    return Effect(rules=change)


def before_metadata(check: Callable[[Document, Document], None]) -> Effect:
    """A proxy that looks at a request's document and requestMetadata beforehand."""

    def change(rules: Rules) -> Rules:
        def parse(document: Document, operation: Operation) -> RequestMetadata:
            metadata = document.get("requestMetadata")
            check(document, metadata if isinstance(metadata, dict) else {})
            return rules.parse_metadata(document, operation)

        return replace(rules, parse_metadata=parse)

    return Effect(rules=change)
