"""One story of a result: what one report tells, all of them tell, in the same order."""

from __future__ import annotations

import html
import itertools
import re
from typing import get_args, get_origin, get_type_hints, is_typeddict
from xml.etree import ElementTree as ET

import pytest

from pytest_xks.certify.report.document import CheckResult, RequirementResult
from pytest_xks.certify.report.output import render
from pytest_xks.certify.report.story import story

# What each format has to escape, in one word that is nowhere else.
NASTY = "<i>&*_`|'\"#"

# Members that the story leaves out: they sort results, or belong to a whole exchange,
# which report.html and report.json have.
LEFT_OUT = {"chapter", "since", "headers", "encoding", "status"}

STYLES = ["text", "html", "markdown", "junit"]


def filled(kind, numbers, told, name=""):
    """A value of a type with every member set, each text by a marker of its own."""
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        return {key: filled(hint, numbers, told, key) for key, hint in hints.items()}
    if get_origin(kind) is list:
        return [filled(get_args(kind)[0], numbers, told, name)]
    if kind in {bool, int, float}:
        return kind(7)
    if kind is not str:
        return filled(get_args(kind)[0], numbers, told, name)
    marker = f"{name}{next(numbers)}{NASTY}"
    if name not in LEFT_OUT:
        told.append(marker)
    return marker


def marked(status, level="MUST", *, with_response=True):
    """A result with every member set, and the markers that a report has to show."""
    numbers, told = itertools.count(100), []
    result = filled(RequirementResult, numbers, told)
    result |= {"status": status, "level": level, "chapter": "HTTP"}
    (check,) = result["checks"]
    check["status"] = status
    (exchange,) = check["exchanges"]
    # The same command stands with the check; and there is an answer or an error.
    missing = {exchange["reproduce"], *told_of(exchange, with_response=with_response)}
    for side in filter(None, (exchange, exchange["response"])):
        side["body"]["encoding"] = "utf-8"
        side["headers"] = [["Name", "value"]]
    missing.add(next(text for text in told if text.startswith("level")))
    return result, [text for text in told if text not in missing]


def told_of(exchange, *, with_response):
    """The markers that vanish from an exchange that ends in an answer, or in none."""
    if with_response:
        return {exchange["error"]}
    response, exchange["response"] = exchange["response"], None
    return {response["reason"], response["body"]["content"]}


def another_check(status):
    """A second check of the same requirement, and its markers."""
    told = []
    check = filled(CheckResult, itertools.count(500), told)
    check |= {"status": status, "exchanges": []}
    return check, [check["title"], check["id"], check["observed"]]


def plain(text, style):
    """What a reader sees of a report."""
    match style:
        case "html":
            return html.unescape(text)
        case "markdown":
            return re.sub(r"\\([\\`*_{}\[\]<>#|~!&])", r"\1", text)
        case "junit":
            root = ET.fromstring(text)  # noqa: S314 - our own document
            found = ([*node.attrib.values(), node.text or ""] for node in root.iter())
            return "\n".join(itertools.chain.from_iterable(found))
        case _:
            return text


def assert_told_in_order(result, text, style):
    """Every line of the story is there, one after the other."""
    seen, position = plain(text, style), 0
    for part in story(result):
        for line in part.lines:
            assert line in seen[position:], (part.label, line)
            position = seen.index(line, position)


@pytest.mark.parametrize("with_response", [True, False], ids=["answered", "unanswered"])
@pytest.mark.parametrize(
    ("status", "level"),
    [("failed", "MUST"), ("warning", "SHOULD"), ("warning", "MAY")],
    ids=["must", "should", "may"],
)
@pytest.mark.parametrize("style", STYLES)
def test_violation(failing, style, status, level, with_response):
    """A report drops no member of a violation, whatever its text is."""
    result, told = marked(status, level, with_response=with_response)
    check, told_of_check = another_check(status)
    result["checks"].append(check)
    failing["requirements"] = [result]

    text = render(failing, style)

    seen = plain(text, style)
    assert [m for m in [*told, *told_of_check] if m not in seen] == []
    assert_told_in_order(result, text, style)


@pytest.mark.parametrize("status", ["error", "not_testable", "not_applicable"])
@pytest.mark.parametrize("style", STYLES)
def test_gap(failing, style, status):
    """What was not verified has its reason, and what to do, in every report."""
    result, _ = marked(status)
    (check,) = result["checks"]
    failing["requirements"] = [result]

    text = render(failing, style)

    seen = plain(text, style)
    for member in (result["id"], result["title"], check["reason"], check["add"]):
        assert member in seen
    assert_told_in_order(result, text, style)


@pytest.mark.parametrize("style", STYLES)
def test_without_a_check(failing, style):
    """A requirement for which no check delivered a result says so everywhere."""
    result, _ = marked("error")
    result["checks"] = []
    failing["requirements"] = [result]

    assert "No check delivered a result." in render(failing, style)


@pytest.mark.parametrize("style", [s for s in STYLES if s != "junit"])
@pytest.mark.parametrize(
    ("asked", "because"),
    [
        pytest.param({"only": ["XKS-ENC"]}, "--only", id="only"),
        pytest.param({"fail_fast": True}, "--fail-fast", id="fail-fast"),
        pytest.param({"pytest_args": ["-x"]}, "arguments of pytest", id="pytest"),
    ],
)
def test_left_out(failing, style, asked, because):
    """What options left out is one line, and not a list."""
    left = [marked("disabled")[0] for _ in range(3)]
    failing["requirements"] = left
    failing["configuration"] |= asked

    seen = plain(render(failing, style), style)

    assert f"3 requirements did not run ({because})." in seen


@pytest.mark.parametrize("style", STYLES)
def test_whole_first(failing, style):
    """What is the matter with the whole stands before any requirement."""
    failing["findings"] = ["Encrypt is answered 500."]
    exchange = failing["requirements"][0]["checks"][0]["exchanges"][0]
    failing["lost"] = {
        "what": "stopped answering",
        "at": "2026-11-28T14:00:00+00:00",
        "exchange": exchange,
    }

    seen = plain(render(failing, style), style)

    lost = "The target stopped answering at 2026-11-28T14:00:00+00:00, after this"
    assert lost in seen
    assert "Encrypt is answered 500." in seen
    if style in {"text", "markdown"}:
        assert seen.index(lost) < seen.index("XKS-HTTP-001")


@pytest.mark.parametrize("style", ["html", "junit"])
def test_no_text_becomes_markup(failing, style):
    """A text of the target's choice is never an element of the page."""
    failing["requirements"] = [marked("failed")[0]]

    assert "<i>" not in render(failing, style)


def test_no_text_becomes_markdown(failing):
    """Outside of code, nothing is read as HTML; code ends where it should."""
    result, _ = marked("failed")
    failing["requirements"] = [result]

    text = render(failing, "markdown")
    code = re.findall(r"^  (`{3,})sh\n(.*?)\n  \1$", text, re.MULTILINE | re.DOTALL)

    (check,) = result["checks"]
    assert [f"  {check['reproduce']}", f"  {result['explain']}"] == [c for _, c in code]
    outside = re.sub(r"  (`{3,})sh\n.*?\n  \1\n", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<i>", outside)


def test_green_has_no_story():
    """There is nothing to tell of what passed."""
    assert story(marked("passed")[0]) == []


def test_first_check_is_the_one_to_repeat():
    """The check with the shortest command is told in full, any other in a line."""
    result, _ = marked("failed")
    longer, _ = another_check("failed")
    longer["reproduce"] += "x" * 100
    result["checks"].insert(0, longer)

    told = {part.label: part.lines for part in story(result)}

    shorter = result["checks"][1]
    assert (shorter["reproduce"],) == told["Reproduce"]
    assert told["Also failed"] == (
        f"{longer['title']} ({longer['id']}): {longer['observed']}",
    )
