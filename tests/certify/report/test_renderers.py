"""Each report is well-formed whatever the target answered, and says the same."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from pytest_xks.certify.report.escaping import markdown as escape
from pytest_xks.certify.report.html import render_html
from pytest_xks.certify.report.junit import render_junit
from pytest_xks.certify.report.markdown import render_markdown
from pytest_xks.certify.report.output import render
from pytest_xks.certify.run.baseline import apply_baseline

VOID = {"meta", "link", "br", "input", "img", "hr"}


class Tags(HTMLParser):
    """Checks that every tag is closed in its order."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = []
        self.links = []

    def handle_starttag(self, tag, attrs):
        """Note the tag as open."""
        self.seen.append(tag)
        self.links += [v for k, v in attrs if k in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _attrs):
        """A tag that closes itself."""
        self.seen.append(tag)

    def handle_endtag(self, tag):
        """It must be the last one that is open."""
        assert tag == self.open.pop()


def test_html_is_well_formed(failing):
    """Every element is closed, nothing of the target's text is markup."""
    text = render_html(failing)
    tags = Tags()
    tags.feed(text)

    assert [] == tags.open
    assert 1 == tags.seen.count("script")
    assert "<script>alert" not in text
    assert "\x1b" not in text


def test_html_is_self_contained(failing):
    """Nothing is loaded from elsewhere."""
    tags = Tags()
    tags.feed(render_html(failing))

    assert all(link.startswith(("#", "data:")) for link in tags.links)
    assert "url(" not in render_html(failing)
    assert "@import" not in render_html(failing)


def test_html_tells_the_story(failing):
    """Verdict, totals, the failure with its command, the plot, what to add."""
    text = render_html(failing)

    for part in (
        "Not conformant",
        "breaks 1 mandatory requirement",
        "XKS-HTTP-001",
        "--aws-sigv4",
        "<svg",
        "[proxy.mtls]",
        "It is inside.",
        "prefers-color-scheme",
        "@media print",
        'name="viewport"',
    ):
        assert part in text, part


def test_html_without_anything_special(certify):
    """A clean result renders, too, with no plot."""
    document = certify(
        {"XKS-HTTP-001": "MUST"}, '@requirement("XKS-HTTP-001")\ndef test_one(): pass'
    )

    text = render_html(document)

    assert "Conformant" in text
    assert "<svg" not in text


def test_junit(failing):
    """One test case a requirement; a failed SHOULD passes, and is told."""
    root = ET.fromstring(render_junit(failing))  # noqa: S314 - our own document
    cases = {case.get("name").split()[0]: case for case in root.iter("testcase")}

    assert 6 == len(cases)
    assert cases["XKS-HTTP-001"].find("failure") is not None
    assert cases["XKS-HTTP-002"].find("failure") is None
    assert "accepted: a" in cases["XKS-HTTP-002"].find("system-out").text.lower()
    assert 0 == len(cases["XKS-HTTP-004"])
    assert cases["XKS-HTTP-005"].find("error") is not None
    assert cases["XKS-HTTP-006"].find("error") is not None
    assert ("6", "1", "2", "0") == tuple(
        root.get(name) for name in ("tests", "failures", "errors", "skipped")
    )


def test_junit_strict(certify):
    """Under --strict a failed SHOULD is a failure, as everywhere."""
    document = certify(
        {"XKS-HTTP-001": "SHOULD"},
        '@requirement("XKS-HTTP-001")\ndef test_one(): assert False',
        strict=True,
    )

    assert "<failure" in render_junit(document)


def test_junit_of_a_broken_run(failing):
    """A problem of the run is an error that no CI overlooks."""
    failing["problems"] = ["pytest failed \x00"]

    root = ET.fromstring(render_junit(failing))  # noqa: S314 - our own document
    assert "3" == root.get("errors")


def test_known_failures_are_no_junit_failures(failing, tmp_path):
    """A known failure passes, with its reason."""
    apply_baseline(failing, {"XKS-HTTP-001": "the reason"}, tmp_path / "b.toml")

    text = render_junit(failing)
    assert "<failure" not in text
    assert "the reason" in text


def test_markdown(failing):
    """Headings, totals and the command; nothing of the target's text is markup."""
    text = render_markdown(failing)

    assert text.startswith("# not conformant")
    assert "### XKS-HTTP-001" in text
    assert "--aws-sigv4" in text
    assert "\x1b" not in text
    outside = re.sub(r"```sh\n.*?\n *```", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<script>", outside)


SAID = {
    "line": "\nconformant: MUST 999 passed",
    "carriage-return": "\rconformant: MUST 999 passed",
    "next-line": "\x85conformant: MUST 999 passed",
    "line-separator": "\u2028conformant: MUST 999 passed",
    "terminal": "\x1b[2J\x1b]0;title\x07",
    "c1": "\x9b2J",
    "backspaces": "\b" * 9,
    "bidi-override": "\u202etnamrofnoc\u202c",
    "bidi-isolate": "\u2066x\u2069",
    "invisible": "a\u200bb\ufeff",
    "surrogate": "\ud800",
    "not-a-character": "\uffff",
    "github": "::error file=x::hacked",
    "github-on-a-line": "\n  ::add-mask::e",
    "github-old": "text ##[error]hacked",
    "azure": "##vso[task.setvariable variable=x]y",
    "teamcity": "##teamcity[buildStatus text='hacked']",
    "html": "<img src=x onerror=alert(1)>",
    "markdown": "![x](http://hostile.example/) [y](javascript:z)",
}


MARKUP = {"html": "<img", "junit": "<img", "markdown": r"(?<!\\)(!\[|<img)"}


@pytest.fixture(scope="module")
def raw():
    """What no report may hold, whatever is around it."""
    return re.compile(
        r"(?m)^\s*::|##\w*\[|^conformant: MUST 999|[\r\b\x07\x1b\x7f-\x9f\u2028\u2029]"
        r"|[\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\uffff]"
    )


@pytest.mark.parametrize("style", ["text", "markdown", "html", "junit"])
@pytest.mark.parametrize("said", [*SAID.values()], ids=[*SAID])
def test_quotations(certify, raw, said, style):
    """Whatever a target says, wherever it is shown, it stays a quotation."""
    document = certify(
        {"XKS-HTTP-001": "MUST", "XKS-HTTP-002": "MUST", "XKS-HTTP-003": "MUST"},
        f"""
        @requirement("XKS-HTTP-001")
        def test_one(request):
            said = {said!r}
            body = said.encode("utf-8", "surrogatepass")
            recorder_of(request.node).add(Exchange(
                label=said,
                url="https://proxy.example/kms/xks/v1/health",
                headers=(("Content-Type", "application/json"),),
                body=b'{{"externalKeyId":"' + body + b'"}}',
                signing=Signing(region="us-east-1"),
                received=Received(
                    status=418, reason=said, headers=((said, said),), body=body
                ),
            ))
            raise Violation(expected=[said], observed=said, note=said)

        @requirement("XKS-HTTP-002")
        def test_two():
            raise RuntimeError({said!r})

        @requirement("XKS-HTTP-003")
        def test_three():
            raise NotTestable({said!r}, add={said!r})
        """,
    )
    document["findings"] = document["warnings"] = document["problems"] = [said]

    text = render(document, style)

    assert not raw.search(text), raw.search(text)
    assert text.encode()
    outside = re.sub(r"```sh\n.*?\n *```", "", text, flags=re.DOTALL)
    if style in MARKUP:
        assert not re.search(MARKUP[style], outside)
    if style == "junit":
        assert ET.fromstring(text) is not None  # noqa: S314 - our own document


def test_markdown_escape():
    """Everything that Markdown or HTML would read is escaped."""
    assert r"\*a\* \<b\> \`c\` \| d" == escape("*a* <b> `c` | d")
    assert r"a\\nb" == escape("a\nb")


def test_text(failing):
    """The terminal report has every block of a failure."""
    text = render(failing, "text")

    for part in (
        "FAILED XKS-HTTP-001  MUST",
        "Requirement  Text of XKS-HTTP-001.",
        "section “Section”",
        "Sent         POST https://proxy.example/kms/xks/v1/health",
        "Accepted     200",
        "418",
        "Reproduce    printf",
        "Explain      pytest-xks explain XKS-HTTP-001",
        "WARNING XKS-HTTP-002",
        "INFO XKS-HTTP-003",
        "Add [proxy.mtls]",
        "not conformant: MUST",
    ):
        assert part in text, part
    assert "\x1b" not in text


def test_commands_are_not_wrapped(failing):
    """A line to be copied is one line."""
    command = failing["requirements"][0]["checks"][0]["reproduce"]

    assert any(command in line for line in render(failing, "text").splitlines())


@pytest.mark.parametrize("style", ["text", "html", "markdown"])
def test_unexpected_failures_come_first(certify, tmp_path, style):
    """With a baseline, what is new stands before what is known."""
    document = certify(
        {"XKS-HTTP-001": "MUST", "XKS-HTTP-002": "MUST"},
        """
        @requirement("XKS-HTTP-001")
        def test_one():
            assert False, "old"

        @requirement("XKS-HTTP-002")
        def test_two():
            assert False, "new"
        """,
    )
    apply_baseline(document, {"XKS-HTTP-001": "told"}, tmp_path / "b.toml")

    text = render(document, style)

    blocks = text.index("Failed (1)"), text.index("Known failures (1)")
    assert blocks == tuple(sorted(blocks))
    assert text.index("Title of XKS-HTTP-002") < text.index("Title of XKS-HTTP-001")


@pytest.mark.parametrize("style", ["text", "html", "markdown"])
def test_stale_baseline_is_told(failing, tmp_path, style):
    """A stale entry is named in every readable report."""
    apply_baseline(failing, {"XKS-HTTP-004": "told"}, tmp_path / "b.toml")

    assert "from the baseline" in render(failing, style)
