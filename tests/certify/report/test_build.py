"""The document is complete, legal by its schema, and free of secrets."""

from __future__ import annotations

import base64
import copy
import html
import json

import jsonschema
import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.json import load_report, load_schema, render_json
from pytest_xks.certify.report.output import RENDERERS, render
from pytest_xks.certify.report.schema import first_violation

from ..conftest import CANARY, SPELLINGS


def test_schema_is_a_schema():
    """The schema that is shipped is one."""
    jsonschema.Draft202012Validator.check_schema(load_schema())


def test_result_is_legal(failing, certify):
    """Results of all kinds are legal by the schema, by anybody's validator."""
    validator = jsonschema.Draft202012Validator(load_schema())
    passing = certify(
        {"XKS-HTTP-001": "MUST"}, '@requirement("XKS-HTTP-001")\ndef test_one(): pass'
    )
    for document in (failing, passing):
        saved = json.loads(render_json(document))
        validator.validate(saved)
        assert first_violation(saved, load_schema()) is None


EMULATOR = """
    @requirement("KMS-GEN-001")
    def test_emulator(request):
        secret = request.config.stash[PROBE_PROXY].open_store().credential[
            "RawSecretAccessKey"
        ]
        recorder_of(request.node).add(Exchange(
            url="http://kms.example:5599/",
            headers=(("X-Amz-Target", "TrentService.CreateCustomKeyStore"),
                     ("Content-Type", "application/x-amz-json-1.1"),
                     ("Content-Length", "1")),
            body=secret.encode() + BODY,
            signing=Signing(region="eu-west-1", service="kms"),
            received=Received(status=400, body=("a " + secret).encode()),
        ))
        raise Violation(expected="200", observed="it says " + secret)
"""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('b"plain"', id="plain"),
        pytest.param('"\u00fc".encode()', id="base64"),
        pytest.param('b"long" * 100_000', id="long"),
    ],
)
def test_result_of_an_emulator(certify, kms_target, probe_proxy, body):
    """It is legal, and has neither the target's secret nor one made in the run."""
    document = certify(
        {"KMS-GEN-001": "INFO"},
        EMULATOR.replace("BODY", body),
        kms=kms_target,
        probe_proxy=probe_proxy,
    )
    saved = json.loads(render_json(document))

    jsonschema.Draft202012Validator(load_schema()).validate(saved)
    assert first_violation(saved, load_schema()) is None
    (check,) = document["requirements"][0]["checks"]
    assert "--aws-sigv4 aws:amz:eu-west-1:kms" in check["reproduce"]
    assert '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"' in check["reproduce"]
    (secret,) = probe_proxy.secrets()
    for form in (secret, base64.b64encode(secret.encode()).decode()[:40], CANARY):
        assert form not in render(document, "text")
        assert not any(form in renderer(document) for renderer in RENDERERS.values())


def test_beginning_of_the_document(failing):
    """The first members are those that the design promises, in that order."""
    expected = [
        "schema_version",
        "suite",
        "target",
        "verdict",
        "summary",
        "requirements",
    ]
    assert expected == list(failing)[:6]
    assert {"name", "version", "specification_version"} <= failing["suite"].keys()


def test_summary(failing):
    """The summary counts by level and status."""
    assert 1 == failing["summary"]["MUST"]["failed"]
    assert 1 == failing["summary"]["MUST"]["error"]
    assert 1 == failing["summary"]["MUST"]["not_testable"]
    assert 1 == failing["summary"]["SHOULD"]["warning"]
    assert len(failing["requirements"]) == sum(
        sum(row.values()) for row in failing["summary"].values()
    )


def test_failure_tells_everything(failing):
    """A failure has what was sent, accepted and came, a line to repeat it, explain."""
    result = failing["requirements"][0]
    (check,) = result["checks"]
    (exchange,) = check["exchanges"]

    assert "pytest-xks explain XKS-HTTP-001" == result["explain"]
    assert ["200", "201"] == check["expected"]
    assert exchange["shows_violation"]
    assert check["reproduce"] == exchange["reproduce"]
    assert "--aws-sigv4" in check["reproduce"]
    assert 418 == exchange["response"]["status"]


def test_latencies(failing):
    """Measurements become a distribution of bounded size."""
    (latency,) = failing["latencies"]

    assert 899 == latency["count"]
    assert (0.333, 150.0, 299.667) == (
        latency["minimum"],
        latency["median"],
        latency["maximum"],
    )
    assert 500 == len(latency["values"])
    assert latency["values"] == sorted(latency["values"])


@pytest.mark.parametrize("name", [*RENDERERS, "text"])
def test_canary(failing, name):
    """No report has the secret, whole or cut, nor a signature."""
    text = render(failing, "text") if name == "text" else RENDERERS[name](failing)

    assert CANARY not in text
    assert CANARY[:12] not in text
    assert "a" * 64 not in text


@pytest.fixture
def echoing(certify):
    """A result in which the target says the secret everywhere, in every spelling."""
    said = [f"({n}) {spelling}" for n, spelling in enumerate(SPELLINGS.values())]
    return certify(
        {"XKS-HTTP-001": "MUST", "XKS-HTTP-002": "MUST"},
        f"""
        @requirement("XKS-HTTP-001")
        @pytest.mark.parametrize("said", {said!r})
        def test_one(request, said):
            recorder = recorder_of(request.node)
            recorder.add(Exchange(
                label=said,
                url="https://proxy.example/kms/xks/v1/health?" + said,
                body=said.encode(),
                received=Received(
                    status=418,
                    reason=said,
                    headers=(("X-Echo", said),),
                    body=said.encode(),
                ),
            ))
            recorder.add(Exchange(url="https://proxy.example/", error=said))
            raise Violation(expected=[said], observed=said, note=said)

        @requirement("XKS-HTTP-002")
        @pytest.mark.parametrize("said", {said!r})
        def test_two(said):
            raise RuntimeError(said)
        """,
    )


@pytest.mark.parametrize("name", [*RENDERERS, "text"])
def test_canary_in_every_spelling(echoing, name):
    """Whatever a target makes of the secret, no report repeats it."""
    text = render(echoing, "text") if name == "text" else RENDERERS[name](echoing)
    # What our own escaping has added must not hide it from this test.
    texts = [text, html.unescape(text), text.replace("\\\\", "\\")]

    assert "[redacted]" in text.replace("\\", "")
    for spelling in SPELLINGS.values():
        assert not any(spelling in each for each in texts)
        assert json.dumps(spelling)[1:-1] not in text


def test_saved_result_renders_as_the_fresh_one(failing, tmp_path):
    """What is loaded is what was saved, so every report comes out the same."""
    file = tmp_path / "report.json"
    file.write_text(render_json(failing))
    loaded = load_report(file)

    assert failing == loaded
    for renderer in RENDERERS.values():
        assert renderer(failing) == renderer(loaded)


MUTATIONS = {
    "wrong-version": lambda d: d.update(schema_version="9"),
    "no-verdict": lambda d: d.pop("verdict"),
    "other-verdict": lambda d: d.update(verdict="great"),
    "extra-member": lambda d: d.update(extra=1),
    "requirements-object": lambda d: d.update(requirements={}),
    "requirement-null": lambda d: d["requirements"].append(None),
    "target-of-no-kind": lambda d: d["target"].pop("endpoint"),
    "illegal-id": lambda d: d["requirements"][0].update(id="<b>"),
    "status": lambda d: d["requirements"][0].update(status="green"),
    "boolean-count": lambda d: d["summary"]["MUST"].update(passed=True),
    "negative": lambda d: d.update(duration_seconds=-1),
    "response": lambda d: d["requirements"][0]["checks"][0]["exchanges"][0].update(
        response=1
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_other_documents_are_refused(failing, tmp_path, name):
    """Ours refuses what a real validator refuses, with a message."""
    document = copy.deepcopy(failing)
    MUTATIONS[name](document)
    file = tmp_path / "report.json"
    file.write_text(json.dumps(document))

    assert not jsonschema.Draft202012Validator(load_schema()).is_valid(document)
    with pytest.raises(UsageProblem, match=r"report\.json: not a report"):
        load_report(file)


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "[" * 100_000, "null"])
def test_no_report_at_all(tmp_path, text):
    """Any other file is refused, too."""
    file = tmp_path / "report.json"
    file.write_text(text)

    with pytest.raises(UsageProblem, match=r"report\.json"):
        load_report(file)
