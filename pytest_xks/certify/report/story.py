"""The story of one requirement that is not green: labelled parts in a fixed order.

Text, HTML, Markdown and JUnit lay these parts out and add nothing of their own, so what
one report tells, all of them tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_xks.certify.report.document import (
        Body,
        CheckResult,
        ExchangeView,
        RequirementResult,
    )

__all__ = ["Part", "check_parts", "story", "violated_checks"]

_VIOLATED = frozenset({Status.FAILED, Status.WARNING})
_NO_RESULT = "No check delivered a result."
_BODY_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a story."""

    label: str
    lines: tuple[str, ...]
    """What it says; a line may hold the line breaks of a body."""
    is_command: bool = False
    """Whether a reader will want to copy it into a shell."""


def story(result: RequirementResult) -> list[Part]:
    """Everything that there is to tell of a requirement; empty if it is green."""
    if result["status"] in _VIOLATED:
        return list(_told(_violation(result)))
    if result["status"] == Status.PASSED:
        return []
    return list(_told(_gap(result)))


def check_parts(check: CheckResult) -> list[Part]:
    """What one check found."""
    return list(_told(_check(check)))


def violated_checks(result: RequirementResult) -> list[CheckResult]:
    """The checks that found a violation, that with the shortest command first."""
    found = [c for c in result["checks"] if c["status"] in _VIOLATED]
    return sorted(found, key=lambda c: (not c["reproduce"], len(c["reproduce"])))


def _violation(result: RequirementResult) -> Iterator[Part]:
    yield Part("Requirement", (result["text"],))
    yield Part("Source", (f"section “{result['source']}”",))
    yield Part("Also allowed", (result["accepts"],))
    checks = violated_checks(result)
    for check in checks[:1]:
        yield from _check(check)
    others = (f"{_name(check)}: {check['observed']}" for check in checks[1:])
    yield Part("Also failed", tuple(others))
    yield Part("Known issue", (result["known_failure"] or "",))
    yield Part("Explain", (result["explain"],), is_command=True)


def _gap(result: RequirementResult) -> Iterator[Part]:
    decisive = [c for c in result["checks"] if c["status"] == result["status"]]
    if result["status"] == Status.ERROR:
        yield Part("Check", tuple(_name(check) for check in decisive))
    # Each reason once: a hundred parametrised checks may have the same.
    reasons = dict.fromkeys(map(_reason, decisive))
    yield Part("Reason", tuple(reasons) if result["checks"] else (_NO_RESULT,))


def _check(check: CheckResult) -> Iterator[Part]:
    culprit = next((e for e in check["exchanges"] if e["shows_violation"]), None)
    yield Part("Check", (_name(check),))
    yield Part("Sent", tuple(_sent(culprit)) if culprit else ())
    yield Part("Accepted", tuple(check["expected"]))
    received = _received(culprit) if culprit else ()
    yield Part("Observed", (check["observed"], *received))
    yield Part("Note", (check["note"],))
    yield Part("Reason", (_reason(check),))
    yield Part("Reproduce", (check["reproduce"],), is_command=True)


def _told(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts that say something."""
    for part in parts:
        if lines := tuple(filter(None, part.lines)):
            yield Part(part.label, lines, part.is_command)


def _name(check: CheckResult) -> str:
    return f"{check['title']} ({check['id']})"


def _reason(check: CheckResult) -> str:
    """Why it could not judge, and what to do about it."""
    return f"{check['reason']} {check['add']}".strip()


def _sent(exchange: ExchangeView) -> Iterator[str]:
    label = f" ({exchange['label']})" if exchange["label"] else ""
    yield f"{exchange['method']} {exchange['url']}{label}"
    yield _body(exchange["body"])


def _received(exchange: ExchangeView) -> Iterator[str]:
    response = exchange["response"]
    milliseconds = f"after {exchange['duration_ms']:.0f} ms"
    if response is None:
        yield f"no response: {exchange['error'] or 'unknown'}, {milliseconds}"
        return
    yield f"{response['status']} {response['reason']}".strip() + f", {milliseconds}"
    yield _body(response["body"])


def _body(body: Body) -> str:
    if not body["bytes"]:
        return ""
    content = body["content"]
    more = len(content) > _BODY_SHOWN or body["truncated"]
    ending = f"… ({body['bytes']} bytes)" if more else ""
    prefix = "" if body["encoding"] == "utf-8" else "Base64 of: "
    return f"{prefix}{content[:_BODY_SHOWN]}{ending}"
