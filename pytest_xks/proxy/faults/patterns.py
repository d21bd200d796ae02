"""What many faults share: replacing a step, or doing the same but for one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from pytest_xks.faults import Replace
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect
    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy_api.http import Request, Response
    from pytest_xks.proxy_api.messages import RequestMetadata

Document = dict[str, object]

__all__ = [
    "anything_goes",
    "before_document",
    "before_metadata",
    "delivered",
    "fails_internally",
    "instead",
    "invalid",
    "responded",
]


def instead(step: str, function: Callable[..., object]) -> Replace:
    """A proxy that takes another step, without a look at the right one."""
    return Replace(step, lambda _proceed, *arguments: function(*arguments))


def delivered(change: Callable[[Delivery, Request], Delivery]) -> Replace:
    """A proxy that changes how every answer travels."""

    def deliver(
        proceed: Callable[..., Delivery], response: Response, request: Request
    ) -> Delivery:
        return change(proceed(response, request), request)

    return Replace("deliver", deliver)


def responded(change: Callable[[Response], Response]) -> Replace:
    """A proxy that changes every response."""
    return delivered(
        lambda delivery, _: replace(delivery, response=change(delivery.response))
    )


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

    def parse(proceed: Callable[..., Document], body: bytes) -> Document:
        check(body)
        return proceed(body)

    return Replace("parse_document", parse)


def before_metadata(check: Callable[[Document, Document], None]) -> Effect:
    """A proxy that looks at a request's document and requestMetadata beforehand."""

    def parse(
        proceed: Callable[..., RequestMetadata],
        document: Document,
        operation: Operation,
    ) -> RequestMetadata:
        metadata = document.get("requestMetadata")
        check(document, metadata if isinstance(metadata, dict) else {})
        return proceed(document, operation)

    return Replace("parse_metadata", parse)
