"""What readable reports say around the single results: target, verdict, headings.

What they say of one requirement is in ``story``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.certify.report.document import UNSUPPORTED_CHECK
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.verdict import is_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_xks.certify.report.document import (
        Document,
        ExchangeView,
        RequirementResult,
    )

__all__ = [
    "answered",
    "attention",
    "certified",
    "failed_ids",
    "first_lines",
    "hidden_by",
    "hint",
    "levels",
    "listed",
    "not_run",
    "of_the_whole",
    "target_address",
    "unsupported_title",
    "verdict_line",
    "verdict_sentence",
]

_HINT = (
    "Add what is missing to the target file; what the target does not have, list in "
    "not_supported."
)

# What is listed with its reason, under which heading.
_LISTED: Mapping[Status, str] = {
    Status.ERROR: "Errors of the suite; please report them",
    Status.NOT_TESTABLE: "Not testable",
    Status.NOT_APPLICABLE: "Not applicable",
}

# A deviation at these levels is information, whatever was asked for.
_INFORMATION = {Level.MAY, Level.INFO}

_ANSWER_SHOWN = 160
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL | re.IGNORECASE)


def certified(document: Document) -> Iterator[tuple[str, str]]:
    """What was certified, by what and when, as pairs of a name and a value."""
    suite, target = document["suite"], document["target"]
    yield "Suite", f"{suite['name']} {suite['version']}"
    yield "Standard", f"{suite['specification']} {suite['specification_version']}"
    if catalogue := suite.get("catalogue_version"):
        yield "Catalogue", catalogue
    yield "Target", f"{target_address(document)} ({target['source']})"
    yield from _of_emulator(document)
    yield "Region", target["region"]
    if target["not_supported"]:
        yield "Unsupported", ", ".join(target["not_supported"])
    yield "When", f"{document['started_at']}, {document['duration_seconds']:.1f} s"


def _of_emulator(document: Document) -> Iterator[tuple[str, str]]:
    target = document["target"]
    if "proxy_endpoint_template" in target:
        yield "XKS proxy", f"{target['proxy_endpoint_template']} (the suite's own)"


def target_address(document: Document) -> str:
    """Where the target is."""
    target = document["target"]
    if "endpoint_url" in target:
        return target["endpoint_url"]
    return f"{target['endpoint']}{target['uri_path']}"


def first_lines(document: Document) -> Iterator[str]:
    """The cause: what is the matter with the whole, or the failure that means most."""
    whole = list(of_the_whole(document))
    yield from whole or _first_cause(document)


def of_the_whole(document: Document) -> Iterator[str]:
    """What is the matter with the whole of the target, a sentence each."""
    if lost := document.get("lost"):
        exchange = lost["exchange"]
        label = f" ({exchange['label']})" if exchange["label"] else ""
        yield (
            f"The target {lost['what']} at {lost['at']}, after this request: "
            f"{exchange['method']} {exchange['url']}{label}"
        )
    yield from document.get("findings", ())
    if title := unsupported_title(document):
        yield title


def _first_cause(document: Document) -> Iterator[str]:
    """The failure that means most, and what it explains."""
    failed = {r["id"]: r for r in failures(document)}
    for group in document.get("causes", ()):
        if result := failed.get(group[0]):
            observed = next(
                (c["observed"] for c in result["checks"] if c["observed"]), ""
            )
            explains = len([i for i in group[1:] if i in failed])
            also = f" (and {explains} more like it)" if explains else ""
            yield f"{result['id']} {result['title']}: {_cut(observed)}{also}"
            return


def _cut(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _ANSWER_SHOWN else f"{line[:_ANSWER_SHOWN]}…"


def failures(document: Document) -> list[RequirementResult]:
    """What makes the target not conformant and is not known, causes first."""
    strict = document["configuration"]["strict"]
    return [
        result
        for result in _by_cause(document)
        if result["known_failure"] is None
        and is_failure(Level(result["level"]), Status(result["status"]), strict=strict)
    ]


def failed_ids(document: Document) -> str:
    """The ids of what failed, in the order of the catalogue, on one line."""
    failed = {r["id"] for r in failures(document)}
    return ", ".join(r["id"] for r in document["requirements"] if r["id"] in failed)


def hidden_by(
    document: Document, results: Sequence[RequirementResult]
) -> Mapping[str, str]:
    """Which of ``results`` another of them probably explains, and which does."""
    shown = {result["id"] for result in results}
    return {
        hidden: group[0]
        for group in document.get("causes", ())
        for hidden in group[1:]
        if group[0] in shown and hidden in shown
    }


def _by_cause(document: Document) -> list[RequirementResult]:
    """All results, what is violated in the order of causes, and first."""
    order = [i for group in document.get("causes", ()) for i in group]
    place = {requirement_id: n for n, requirement_id in enumerate(order)}
    return sorted(_tried(document), key=lambda r: place.get(r["id"], len(place)))


def levels(document: Document) -> list[Level]:
    """The levels at which there is a requirement with a check."""
    return [level for level in Level if any(document["summary"][level].values())]


def verdict_line(document: Document) -> str:
    """The verdict, and the counts behind it, in one line."""
    parts = [
        f"{level.value} {_counts(document['summary'][level])}"
        for level in levels(document)
    ]
    verdict = document["verdict"]
    if unsupported := document.get("lacking"):
        verdict += f", no {unsupported['what']}"
    if declared := len(document["target"]["not_supported"]):
        verdict += f", {declared} {_plural('capability', declared)} declared as lacking"
    if lost := document.get("lost"):
        verdict += f", the target {lost['what']} at {lost['at']}"
    baseline = document.get("baseline")
    if baseline and baseline["known"] and not baseline["unexpected"]:
        verdict += ", with known failures only"
    if baseline and (baseline["stale"] or baseline["unknown"]):
        verdict += ", with a stale baseline"
    return f"{verdict}: {'; '.join(parts)}"


def _plural(noun: str, number: int) -> str:
    if number == 1:
        return noun
    return f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"


def verdict_sentence(document: Document) -> str:
    """The verdict for somebody who has never seen one."""
    suite, must = document["suite"], document["summary"][Level.MUST]
    standard = f"{suite['specification']} {suite['specification_version']}"
    if unsupported := document.get("lacking"):
        return (
            f"The target has no {unsupported['what']}: it knows none of the "
            "operations, so nothing else was tried."
        )
    if document["verdict"] == "conformant":
        return (
            f"The target meets every mandatory requirement of the {standard} that "
            "applies to it and can be observed from outside "
            f"({must['passed']} verified)."
        )
    if document["verdict"] == "partial":
        return (
            "Nothing is said of the target as a whole: options of this run left "
            f"requirements of the {standard} out. Of the mandatory ones, "
            f"{must['passed']} were verified, {must['failed']} failed and "
            f"{must['disabled']} were left out."
        )
    if document["verdict"] == "incomplete":
        missing = sum(must[s] for s in ("not_testable", "disabled", "error"))
        return (
            "Nothing mandatory that was checked failed, but there is no verdict yet: "
            f"{missing} mandatory requirements of the {standard} were not verified."
        )
    if not must["failed"]:
        return (
            f"The target breaks recommendations of the {standard}, which count here "
            "because of --strict."
        )
    return (
        f"The target breaks {must['failed']} mandatory requirements of the {standard}."
    )


def _counts(counts: dict[str, int]) -> str:
    found = [f"{n} {status.replace('_', ' ')}" for status, n in counts.items() if n]
    return ", ".join(found)


def attention(document: Document) -> Iterator[tuple[str, list[RequirementResult]]]:
    """Violated requirements in blocks with headings, the most urgent first."""
    results = _by_cause(document)
    known = [r for r in results if _is_violated(r) and r["known_failure"] is not None]
    fresh = [r for r in results if _is_violated(r) and r["known_failure"] is None]
    failed = {r["id"] for r in failures(document)}
    blocks = (
        ("Failed", [r for r in fresh if r["id"] in failed]),
        ("Warnings", [r for r in fresh if _is_should(r) and r["id"] not in failed]),
        ("For information", [r for r in fresh if r["level"] in _INFORMATION]),
        ("Known failures", known),
    )
    for title, block in blocks:
        if block:
            yield f"{title} ({len(block)})", block


def listed(
    document: Document,
) -> Iterator[tuple[Status, str, list[RequirementResult]]]:
    """Status, heading and requirements of what was not verified."""
    results = _tried(document)
    for status, title in _LISTED.items():
        chosen = [r for r in results if r["status"] == status]
        # What the user can do something about is not mixed with what he cannot.
        for block in (
            [r for r in chosen if not hint(r)],
            [r for r in chosen if hint(r)],
        ):
            if block:
                yield status, f"{title} ({len(block)})", block


def hint(result: RequirementResult) -> str:
    """What to do so that it can be tested, if the target file is what lacks."""
    lacks = result["status"] == Status.NOT_TESTABLE and any(
        check["add"] for check in result["checks"]
    )
    return _HINT if lacks else ""


def not_run(document: Document) -> str:
    """How many requirements were not verified because the run was cut, and why."""
    number = sum(r["status"] == Status.DISABLED for r in document["requirements"])
    if not number:
        return ""
    asked = document["configuration"]
    lost = document.get("lost")
    reasons = {
        "--only": asked["only"],
        "--skip": asked["skip"],
        "--fail-fast": asked["fail_fast"],
        "arguments of pytest": asked["pytest_args"],
        f"the target {lost['what']}" if lost else "": lost,
        "the run was interrupted": document["interrupted"],
    }
    because = ", ".join(reason for reason, holds in reasons.items() if holds)
    because = f" ({because})" if because else ""
    return f"{number} {_plural('requirement', number)} did not run{because}."


def _tried(document: Document) -> list[RequirementResult]:
    """All results but those for which ``unsupported_title`` speaks."""
    return [
        result
        for result in document["requirements"]
        if not any(check["id"] == UNSUPPORTED_CHECK for check in result["checks"])
    ]


def unsupported_title(document: Document) -> str:
    """The heading over what the target does not support at all, or nothing."""
    unsupported = document.get("lacking")
    if unsupported is None:
        return ""
    failed = sum(r["status"] == Status.FAILED for r in document["requirements"])
    return f"No {unsupported['what']}: {failed} requirements failed untried"


def answered(document: Document) -> Iterator[tuple[str, str]]:
    """What a target without the operations answered, by operation."""
    unsupported = document.get("lacking")
    for exchange in unsupported["exchanges"] if unsupported else ():
        yield exchange["label"], _in_short(exchange)


def _is_violated(result: RequirementResult) -> bool:
    return result["status"] in {Status.FAILED, Status.WARNING}


def _is_should(result: RequirementResult) -> bool:
    return result["status"] == Status.WARNING and result["level"] not in _INFORMATION


def _in_short(exchange: ExchangeView) -> str:
    """Status and body on one line; of a page in HTML, its title."""
    response = exchange["response"]
    if response is None:
        return f"no answer: {exchange['error']}"
    status, content = str(response["status"]), response["body"]["content"]
    if content.lstrip().startswith("<"):
        title = _TITLE.search(content)
        content = title[1].removeprefix(status) if title else "a page in HTML"
    return _cut(f"{status} {content}")
