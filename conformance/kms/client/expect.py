"""What a check accepts of a KMS endpoint, and the helpers that raise otherwise.

``certify.run.judgement`` says what an ``Outcome`` is. A *control* is a call that has
to succeed before a refusal means anything; if it does not, nothing can be concluded.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pytest_xks.certify.run.judgement import Outcome as OutcomeOf
from pytest_xks.certify.run.judgement import expect, violated
from pytest_xks.certify.run.outcome import NotTestable

from .reply import KmsReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FAILS",
    "REFUSED",
    "SUCCEEDS",
    "VALIDATION",
    "Outcome",
    "control",
    "control_refused",
    "expect",
    "expect_member",
    "expect_message",
    "is_recent",
    "refused",
    "require_asked",
    "success",
    "violated",
]

_CLOCKS_DIFFER = timedelta(minutes=10)

Outcome: TypeAlias = OutcomeOf[KmsReply]


class _Asked(Protocol):
    """A proxy, a key store of it, or an external key in that."""

    @property
    def requests(self) -> Sequence[object]:
        """What it was asked so far."""


def require_asked(proxy: _Asked) -> None:
    """The proxy was asked something before.

    Raises:
        NotTestable: it never was, so that it is not asked now proves nothing.
    """
    if not proxy.requests:
        raise NotTestable("The endpoint has asked the proxy nothing at all so far.")


def refused(*codes: str) -> Outcome:
    """An error of one of these codes, whatever its message."""
    return Outcome(" or ".join(codes), lambda reply: reply.code in set(codes))


SUCCEEDS = Outcome("success", lambda reply: reply.succeeded)

FAILS = Outcome("any error", lambda reply: reply.code is not None)
"""For what must not succeed, where not even the kind of error is documented."""

REFUSED = Outcome(
    "an error that is the caller's (HTTP 400)",
    lambda reply: reply.code is not None and 400 <= (reply.status or 0) < 500,
)
"""For what must fail, where no document names the exception.

That the status is 400, and none from 401, is a requirement of its own (KMS-GEN-003).
"""

# Not in the service model, but what AWS answers to input that breaks it (KMS-GEN-011).
VALIDATION = refused("ValidationException")


def success(reply: KmsReply) -> Mapping[str, Any]:
    """The document of a call that has to succeed.

    Raises:
        Violation: it did not.
    """
    expect(reply, SUCCEEDS)
    return reply.document


def control(reply: KmsReply) -> Mapping[str, Any]:
    """The document of a call without the defect that a check is about.

    Raises:
        NotTestable: it did not succeed, so a refusal of the probe would mean nothing.
    """
    if reply.succeeded:
        return reply.document
    label = reply.exchange.label or "the control call"
    raise NotTestable(
        f"A call that has to succeed did not ({label}): {reply.describe()}."
    )


def control_refused(reply: KmsReply) -> KmsReply:
    """A reply that has to be a refusal before its details mean anything.

    Raises:
        NotTestable: it is none; that is for another check to report.
    """
    if reply.code is not None:
        return reply
    raise NotTestable(
        f"This was not refused ({reply.exchange.label}): {reply.describe()}."
    )


def expect_member(reply: KmsReply, name: str, value: object) -> None:
    """A member of a success has a value.

    Raises:
        Violation: another value, or none.
    """
    found = success(reply).get(name)
    if found != value:
        violated(reply, f"{name}: {value!r}", f"{name}: {found!r}")


def is_recent(moment: datetime) -> bool:
    """Whether it is now, give or take what clocks of two machines may differ."""
    return abs(datetime.now(UTC) - moment) < _CLOCKS_DIFFER


def expect_message(reply: KmsReply, *accepted: str) -> None:
    """The message is one of the documented texts (KMS-AMB-003).

    ``<...>`` in a text stands for anything. Case and white space do not count.

    Raises:
        Violation: another text.
    """
    if not any(_fits(text, reply.message) for text in accepted):
        violated(
            reply,
            (f"the message {text!r}" for text in accepted),
            f"the message {reply.message[:400]!r}",
        )


def _fits(text: str, message: str) -> bool:
    parts = (re.escape(_plain(part)) for part in re.split(r"<[^>]*>", text))
    return re.fullmatch(".*".join(parts), _plain(message), re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
