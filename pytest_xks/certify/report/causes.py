"""Which failures are one: grouped by what came, the one that means most first.

A framework that answers 422 where 400 is asked for fails every requirement that names
an error; it has one defect. Failures to which the same came are put under the one that
explains most, and are listed as hidden by it: a guess, and told as one.

What weighs most is what a user of the proxy loses by it: who is served that should not
be, then what can be forged, then what leaks, then what does not work at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import Level, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.certify.report.document import RequirementResult

__all__ = ["causes"]

_VIOLATED = frozenset({Status.FAILED, Status.WARNING})

# What came, as far as it tells of a cause: a status that no error of the API has, or a
# failure of the server; a body that is none; wrong bytes; no answer. That two requests
# got the same good error in the place of two others tells of nothing.
_CAME = (
    re.compile(r"\b((?:3|4(?!0[01345]|13|29)|5)[0-9]{2} [A-Z][A-Za-z]+)\b"),
    re.compile(r"\b[2-5][0-9]{2} (with a body that is no JSON object)"),
    re.compile(r"\b[3-5][0-9]{2} (without a body)\b"),
    re.compile(r"\b[0-9]+ (other bytes)\b"),
    re.compile(r"\b(no answer in [0-9]+ ms|no answer)\b"),
    re.compile(r"\b(no connection)\b", re.IGNORECASE),
)

# What binds every answer.
_OF_ALL = re.compile(r"XKS-HTTP-00[12]|XKS-ERR-001")
_SERVED = re.compile(r"\b2[0-9]{2}\b")
_ACCESS = re.compile(r"XKS-(AUTH|AUTHZ|MTLS)-|XKS-URI-00[89]")
# In this order: what can be forged or read; what leaks; what has to work before
# anything else can; what binds every answer; the form of a success; errors; the rest.
_WEIGHTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"XKS-DEC-0(05|08|09|1[1-8])|XKS-ENC-01[56]",
        r"XKS-LOG-00[1-39]|XKS-ERR-017",
        r"XKS-(ENC|DEC|HEALTH|AUTH)-001|XKS-GKM-00[1-9]|XKS-MTLS-001",
        r"XKS-HTTP-00[12]|XKS-ERR-001|XKS-ENC-002|XKS-DEC-003",
        r"XKS-(ENC|DEC|CDIV|GKM|HEALTH)-",
        r"XKS-(AUTH|AUTHZ|ERR|URI|META)-",
    )
)


def causes(results: Iterable[RequirementResult]) -> list[list[str]]:
    """The ids of what is violated, in groups; the first of each explains the others.

    Args:
        results: of the requirements, in the order of the catalogue.
    """
    violated = [result for result in results if result["status"] in _VIOLATED]
    groups: dict[str, list[RequirementResult]] = {}
    for result in violated:
        groups.setdefault(_came(result) or result["id"], []).append(result)
    ordered = [_led(sorted(group, key=_weight)) for group in groups.values()]
    ordered.sort(key=lambda group: _weight(group[0]))
    return [[result["id"] for result in group] for group in ordered]


def _led(group: list[RequirementResult]) -> list[RequirementResult]:
    """Of two, the one that names what was to come leads the one that binds all."""
    if len(group) == 2 and _OF_ALL.match(group[0]["id"]):
        return group[::-1]
    return group


def _weight(result: RequirementResult) -> tuple[bool, int]:
    """What comes first: a MUST before anything else, then by what it means."""
    requirement_id = result["id"]
    is_must = result["level"] == Level.MUST
    if _ACCESS.match(requirement_id) and _SERVED.search(_observed(result)):
        return not is_must, -1
    matching = (n for n, weight in enumerate(_WEIGHTS) if weight.match(requirement_id))
    return not is_must, next(matching, len(_WEIGHTS))


def _came(result: RequirementResult) -> str:
    """What came, in the words of which a cause is told; empty if they tell of none."""
    observed = _observed(result)
    found = (pattern.search(observed) for pattern in _CAME)
    return next((match[1] for match in found if match), "")


def _observed(result: RequirementResult) -> str:
    checks = (c for c in result["checks"] if c["status"] in _VIOLATED)
    return next((c["observed"] for c in checks), "")
