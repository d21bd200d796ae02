"""An exchange as the reports show it: readable, cut to size, free of secrets."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.redaction import without_signature
from pytest_xks.certify.evidence.reproduction import reproduction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_xks.certify.evidence.exchange import Exchange, Headers, Received
    from pytest_xks.certify.evidence.redaction import Redactor
    from pytest_xks.certify.report.document import Body, ExchangeView, ResponseView

__all__ = ["exchange_view"]

_BODY_SHOWN = 4096


def exchange_view(
    exchange: Exchange,
    *,
    shows_violation: bool,
    redactor: Redactor,
    earlier: Sequence[Exchange] = (),
) -> ExchangeView:
    """``exchange`` for a report.

    Args:
        exchange: as recorded.
        earlier: what was recorded before it.
        shows_violation: whether it is the one that a violation is about.
        redactor: knows the secrets of the target.
    """
    # Redacted before it is cut, quoted or encoded: half a secret is one, too.
    exchange = _without_secrets(exchange, redactor)
    earlier = [_without_secrets(each, redactor) for each in earlier]
    sent = exchange.body if exchange.raw is None else exchange.raw
    return {
        "label": exchange.label,
        "method": exchange.method,
        "url": exchange.url,
        "headers": _headers(exchange.headers),
        "body": _body(sent, sent[:_BODY_SHOWN]),
        "response": _response(exchange.received, redactor),
        "error": exchange.error,
        "duration_ms": round(exchange.milliseconds, 3),
        "shows_violation": shows_violation,
        "reproduce": reproduction(exchange, earlier),
    }


def _without_secrets(exchange: Exchange, redactor: Redactor) -> Exchange:
    """``exchange`` with no secret in what was sent."""

    def clean(other: Exchange | None) -> Exchange | None:
        return _without_secrets(other, redactor) if other else None

    return replace(
        exchange,
        body=redactor.raw(exchange.body),
        raw=None if exchange.raw is None else redactor.raw(exchange.raw),
        background=clean(exchange.background),
        after=clean(exchange.after),
    )


def _response(received: Received | None, redactor: Redactor) -> ResponseView | None:
    if received is None:
        return None
    return {
        "status": received.status,
        "reason": received.reason,
        "headers": _headers(received.headers),
        "body": _body(received.body, redactor.head(received.body, _BODY_SHOWN)),
    }


def _headers(headers: Headers) -> list[list[str]]:
    return [[name, without_signature(value)] for name, value in headers]


def _body(body: bytes, shown: bytes) -> Body:
    cut = len(body) > _BODY_SHOWN
    text = _text(shown, cut=cut)
    return {
        "encoding": "base64" if text is None else "utf-8",
        "content": base64.b64encode(shown).decode() if text is None else text,
        "bytes": len(body),
        "truncated": cut,
    }


def _text(content: bytes, *, cut: bool) -> str | None:
    """``content`` as text that a terminal can show; None if it is no such text."""
    try:
        # Cut within a character, the rest is still text.
        text = content.decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else None
