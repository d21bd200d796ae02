"""What a check accepts of a proxy, and the helpers that raise otherwise.

``certify.run.judgement`` says what an ``Outcome`` is. A *control* is a request that has
to succeed before a refusal means anything; if it does not, nothing can be concluded.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias

from pytest_xks.certify.run.judgement import Outcome as OutcomeOf
from pytest_xks.certify.run.judgement import expect, violated
from pytest_xks.certify.run.outcome import NotTestable

from .answer import ProxyAnswer
from .bodies import read_leniently

__all__ = [
    "ANYTHING",
    "ANY_ANSWER",
    "ERRORS",
    "NOT_SERVED",
    "REFUSED",
    "SERVED",
    "Outcome",
    "base64_of",
    "bytes_of",
    "control",
    "error",
    "errors",
    "expect",
    "member_of",
    "plaintext_is",
    "status",
    "success",
    "violated",
]

Outcome: TypeAlias = OutcomeOf[ProxyAnswer]

# "Error codes": the HTTP status of every error name.
ERRORS = {
    "ValidationException": 400,
    "InvalidStateException": 400,
    "InvalidCiphertextException": 400,
    "InvalidKeyUsageException": 400,
    "AuthenticationFailedException": 401,
    "AccessDeniedException": 403,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    "ThrottlingException": 429,
    "InternalException": 500,
    "UnsupportedOperationException": 501,
    "DependencyTimeoutException": 503,
}


def error(name: str) -> Outcome:
    """The error of that name, with the status that the table gives it."""
    code = ERRORS[name]
    return Outcome(
        f"{code} {name}",
        lambda answer: answer.status == code and answer.error_name == name,
    )


def errors(*names: str) -> tuple[Outcome, ...]:
    """Any of several errors."""
    return tuple(error(name) for name in names)


def status(*codes: int) -> Outcome:
    """An HTTP status, whatever the body."""
    return Outcome(
        " or ".join(map(str, codes)), lambda answer: answer.status in set(codes)
    )


SERVED = Outcome(
    "200 with a JSON object",
    lambda answer: answer.status == 200 and answer.document is not None,
)

NOT_SERVED = Outcome(
    "an error, or the end of the connection",
    lambda answer: (answer.status or 599) >= 400,
)


ANYTHING = Outcome("anything", lambda _: True)

ANY_ANSWER = Outcome("an answer", lambda answer: answer.status is not None)

REFUSED = Outcome(
    "a refusal (any 4xx but 429)",
    lambda answer: 400 <= (answer.status or 0) < 500 and answer.status != 429,
)
"""Whatever the shape of its body: that is for the chapter on errors."""


def success(answer: ProxyAnswer) -> dict[str, object]:
    """The document of a request that has to be served.

    Raises:
        Violation: it was not.
    """
    expect(answer, SERVED)
    return answer.document or {}


def control(answer: ProxyAnswer) -> dict[str, object]:
    """The document of a request without the defect that a check is about.

    Raises:
        NotTestable: it was not served, so a refusal of the probe would mean nothing.
    """
    if SERVED.accepts(answer):
        return answer.document or {}
    label = answer.exchange.label or "the control request"
    raise NotTestable(
        f"A request that has to succeed did not ({label}): {answer.describe()}."
    )


def member_of(answer: ProxyAnswer, name: str) -> str:
    """A member that has to be a string.

    Raises:
        Violation: it is missing, or something else.
    """
    value = (answer.document or {}).get(name)
    if not isinstance(value, str):
        kind = "missing" if value is None else type(value).__name__
        violated(answer, f"{name}, a string", f"{name} is {kind}")
    return value


# What explains that a member is missing or unreadable, where it is none of Encrypt's.
_EXPLAINED_BY = {"plaintext": ("XKS-DEC-001", "XKS-DEC-003")}


def bytes_of(answer: ProxyAnswer, name: str) -> bytes:
    """A member in Base64, to look at its bytes; how it is written does not matter here.

    Raises:
        NotTestable: there are no bytes to look at; names the requirement that says so.
    """
    text = (answer.document or {}).get(name)
    presence, form = _EXPLAINED_BY.get(name, ("XKS-ENC-001", "XKS-ENC-002"))
    if not isinstance(text, str):
        raise NotTestable(f"The answer has no {name} (see {presence}).")
    try:
        return read_leniently(text)
    except ValueError:
        raise NotTestable(f"{name} is no Base64 (see {form}).") from None


def plaintext_is(answer: ProxyAnswer, plaintext: bytes) -> None:
    """Decrypt gave back a plaintext.

    Raises:
        Violation: it gave something else.
    """
    success(answer)
    text = member_of(answer, "plaintext")
    try:
        found = read_leniently(text)
    except ValueError:
        violated(answer, "plaintext in Base64", f"plaintext: {text[:60]!r}")
    if found != plaintext:
        violated(
            answer,
            f"the {len(plaintext)} bytes that were encrypted",
            f"{len(found)} other bytes",
            note="What was encrypted cannot be recovered.",
        )


def base64_of(answer: ProxyAnswer, name: str) -> bytes:
    """A member that has to be standard Base64.

    Raises:
        Violation: it is missing or anything else.
    """
    text = member_of(answer, name)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        violated(answer, f"{name} in standard, padded Base64", f"{name}: {text[:60]!r}")
    return data
