"""``junit.xml``: one test case for each requirement, in a test suite for each chapter.

JUnit knows passed, failure, error and skipped. Only what makes the exit status 1 is a
failure; a warning passes, with its story in ``system-out``. What makes the verdict
incomplete is an error, so that a CI that reads nothing else is not misled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pytest_xks.certify.report.wording import came, sent, verdict_line
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.verdict import is_failure, is_gap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.report.document import (
        CheckResult,
        Document,
        RequirementResult,
    )

__all__ = ["render_junit"]

# XML 1.0 has no way to write these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(document: Document) -> str:
    """The content of ``junit.xml``."""
    root = Element("testsuites", name="pytest-xks")
    for chapter, title in document["chapters"].items():
        results = [r for r in document["requirements"] if r["chapter"] == chapter]
        if results:
            _suite(root, title, results, document)
    if document["problems"]:
        _problems(root, document)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    root.set("time", f"{document['duration_seconds']:.3f}")
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(
    root: Element, title: str, results: list[RequirementResult], document: Document
) -> None:
    suite = SubElement(root, "testsuite", name=_xml(title))
    suite.set("timestamp", document["started_at"])
    for result in results:
        _case(suite, result, document)
    _count(suite)


def _problems(root: Element, document: Document) -> None:
    suite = SubElement(root, "testsuite", name="The run itself")
    for problem in document["problems"]:
        case = SubElement(suite, "testcase", name="run", classname="pytest-xks")
        SubElement(case, "error", message=_xml(problem)).text = verdict_line(document)
    _count(suite)


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _case(suite: Element, result: RequirementResult, document: Document) -> None:
    seconds = sum(check["duration_ms"] for check in result["checks"]) / 1000
    case = SubElement(
        suite,
        "testcase",
        name=_xml(f"{result['id']} {result['level']} {result['title']}"),
        classname=f"{document['suite']['part']}.{result['chapter']}",
        time=f"{seconds:.3f}",
    )
    strict = document["configuration"]["strict"]
    level, status = Level(result["level"]), Status(result["status"])
    known = result["known_failure"]
    message = f"{status.value.replace('_', ' ')}: {result['text']}"
    story = _xml("\n".join(_story(result)))
    if is_failure(level, status, strict=strict) and known is None:
        SubElement(case, "failure", message=_xml(message)).text = story
    elif is_gap(level, status, strict=strict):
        SubElement(case, "error", message=_xml(message)).text = story
    elif status in {Status.FAILED, Status.WARNING}:
        told = f"Known failure: {known}\n" if known is not None else ""
        SubElement(case, "system-out").text = _xml(f"{told}{message}\n") + story
    elif status is not Status.PASSED:
        SubElement(case, "skipped", message=_xml(message)).text = story


def _story(result: RequirementResult) -> Iterator[str]:
    yield f"Source: {result['source']}"
    for check in result["checks"]:
        if check["status"] != Status.PASSED:
            yield from _check(check)
    yield f"Explain: {result['explain']}"


def _check(check: CheckResult) -> Iterator[str]:
    yield f"Check: {check['title']} ({check['id']})"
    for name, value in (
        ("Reason", check["reason"]),
        ("Add", check["add"]),
        ("Came", check["observed"]),
        ("Note", check["note"]),
    ):
        if value:
            yield f"{name}: {value}"
    for accepted in check["expected"]:
        yield f"Accepted: {accepted}"
    for exchange in check["exchanges"]:
        if exchange["shows_violation"]:
            yield from (f"Sent: {line}" for line in sent(exchange))
            yield from (f"Came: {line}" for line in came(exchange))
    if check["reproduce"]:
        yield f"Reproduce: {check['reproduce']}"


def _xml(text: str) -> str:
    return _NOT_XML.sub(lambda m: m[0].encode("unicode_escape").decode(), text)
