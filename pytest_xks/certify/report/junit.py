"""``junit.xml``: one test case for each requirement, in a test suite for each chapter.

JUnit knows passed, failure, error and skipped. Only what makes the exit status 1 is a
failure; a warning passes, with its story in ``system-out``. What makes the verdict
incomplete is an error, so that a CI that reads nothing else is not misled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pytest_xks.certify.report.document import was_narrowed
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.certify.report.story import story
from pytest_xks.certify.report.summary import of_the_whole, verdict_line
from pytest_xks.certify.run.outcome import Level, Status
from pytest_xks.certify.run.verdict import is_failure, is_gap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.report.document import Document, RequirementResult

__all__ = ["render_junit"]


def render_junit(document: Document) -> str:
    """The content of ``junit.xml``."""
    root = Element("testsuites", name="pytest-xks")
    for chapter, title in document["chapters"].items():
        results = [r for r in document["requirements"] if r["chapter"] == chapter]
        if results:
            _suite(root, title, results, document)
    if any(_of_the_run(document)):
        _run(root, document)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    root.set("time", f"{document['duration_seconds']:.3f}")
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(
    root: Element, title: str, results: list[RequirementResult], document: Document
) -> None:
    suite = SubElement(root, "testsuite", name=quoted(title))
    suite.set("timestamp", document["started_at"])
    for result in results:
        _case(suite, result, document)
    _count(suite)


def _of_the_run(document: Document) -> Iterator[tuple[str, str]]:
    """What is to be said of the run as a whole, and as what."""
    lost = "lost" in document
    for line in of_the_whole(document):
        yield "error" if lost else "system-out", line
        lost = False
    for problem in document["problems"]:
        yield "error", problem


def _run(root: Element, document: Document) -> None:
    suite = SubElement(root, "testsuite", name="The run itself")
    for kind, text in _of_the_run(document):
        case = SubElement(suite, "testcase", name="run", classname="pytest-xks")
        told = SubElement(case, kind)
        if kind == "error":
            told.set("message", quoted(text))
            told.text = verdict_line(document)
        else:
            told.text = quoted(text)
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
        name=quoted(f"{result['id']} {result['level']} {result['title']}"),
        classname=f"{document['suite']['part']}.{result['chapter']}",
        time=f"{seconds:.3f}",
    )
    strict = document["configuration"]["strict"]
    level, status = Level(result["level"]), Status(result["status"])
    known = result["known_failure"]
    message = f"{status.value.replace('_', ' ')}: {result['text']}"
    told = _told(result)
    if is_failure(level, status, strict=strict) and known is None:
        SubElement(case, "failure", message=quoted(message)).text = told
    elif is_gap(level, status, strict=strict, narrowed=was_narrowed(document)):
        SubElement(case, "error", message=quoted(message)).text = told
    elif status in {Status.FAILED, Status.WARNING}:
        SubElement(case, "system-out").text = f"{quoted(message)}\n{told}"
    elif status is not Status.PASSED:
        SubElement(case, "skipped", message=quoted(message)).text = told


def _told(result: RequirementResult) -> str:
    """The story, a line for each line of a part."""
    parts = story(result)
    return "\n".join(
        f"{part.label}: {quoted(line)}" for part in parts for line in part.lines
    )
