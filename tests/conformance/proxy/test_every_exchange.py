"""What the rules for every exchange object to, and what they let pass."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from pytest_xks.conformance.proxy.passive import answers, keys, secrets
from pytest_xks.conformance.proxy.passive.forms import forms
from pytest_xks.conformance.proxy.passive.observation import Observation, Where
from pytest_xks.conformance.proxy.passive.rule import Evidence

from pytest_xks.certify.evidence.exchange import Exchange, Received
from pytest_xks.certify.evidence.recorder import Recorder, RunRecorder
from pytest_xks.certify.run.outcome import NotTestable, Violation
from pytest_xks.certify.targets.credential import Credential

PATH = "/kms/xks/v1"
WHERE = Where({PATH}, {"https://proxy.example"})
JSON = (("Content-Type", "application/json"),)


def sent(body, status=200, answer=None, path="/health", **changes):
    """An exchange: a request with this body, and its answer."""
    headers = (("Host", changes.pop("host", "proxy.example")), *JSON)
    content = answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode()
    given = {
        "url": f"https://proxy.example{PATH}{path}",
        "headers": headers,
        "body": body if isinstance(body, bytes) else json.dumps(body).encode(),
        "received": Received(
            status=status, headers=changes.pop("answer_headers", JSON), body=content
        ),
    }
    return Exchange(**(given | changes))


def complaints(rule, *exchanges):
    """What a rule says of a run of these exchanges."""
    recorder = RunRecorder()
    recorder.append(recorder.keep(exchange)[1] for exchange in exchanges)
    seen = [Observation(recorded, WHERE) for recorded in recorder.recorded]
    return [text for _, text in rule.complaints(o for o in seen if rule.about(o))]


def b64(data):
    """Base64 as text."""
    return base64.b64encode(data).decode()


def encrypted(plaintext, vector, *, aad=b"", metadata=b"", key="one", ciphertext=b"c"):
    """A served Encrypt."""
    return sent(
        {"plaintext": b64(plaintext), "additionalAuthenticatedData": b64(aad)},
        path=f"/keys/{key}/encrypt",
        answer={
            "ciphertext": b64(ciphertext),
            "initializationVector": b64(vector),
            "authenticationTag": b64(b"t" * 16),
            "ciphertextMetadata": b64(metadata),
        },
    )


HTML = (("Content-Type", "text/html"),)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"method": "GET"}, id="another-method"),
        pytest.param({"raw": b"x"}, id="no-http"),
        pytest.param({"host": "elsewhere.example"}, id="another-host"),
        pytest.param({"url": f"http://proxy.example{PATH}/health"}, id="without-tls"),
        pytest.param({"path": "/nowhere"}, id="another-path"),
        pytest.param({"path": "/keys/a%20b/encrypt"}, id="an-illegal-key-id"),
        pytest.param({"body": b"[" * 200}, id="nested"),
        pytest.param({"body": b'{"plaintext":"%s"}' % (b"A" * 5740)}, id="too-large"),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_what_kms_would_not_send_may_be_answered_in_html(changes, status):
    """A load balancer may refuse it, with whatever body."""
    exchange = sent(
        **({"body": {}, "status": status, "answer_headers": HTML} | changes)
    )

    assert complaints(answers.SUCCESS_IS_JSON, exchange) == []
    assert complaints(answers.ERROR_IS_JSON, exchange) == []
    assert complaints(answers.ERROR_IS_OF_THE_TABLE, exchange) == []


@pytest.mark.parametrize(
    "body", [{"plaintext": "A" * 5736}, {"x": "a" * 4096}, b"no JSON", b""]
)
def test_what_kms_could_send_is_answered_in_json(body):
    """Of every size that has to be served, and valid or not."""
    exchange = sent(body, status=400, answer=b"<html>", answer_headers=HTML)

    assert complaints(answers.ERROR_IS_JSON, exchange)
    assert complaints(answers.ERROR_IS_OF_THE_TABLE, exchange)


@pytest.mark.parametrize(
    ("path", "error", "objected"),
    [
        ("/health", "KeyNotFoundException", True),
        ("/health", "AccessDeniedException", True),
        ("/health", "ValidationException", False),
        ("/health", "InvalidStateException", False),
        ("/keys/k/encrypt", "InvalidCiphertextException", True),
        ("/keys/k/decrypt", "InvalidCiphertextException", False),
        ("/keys/k/metadata", "InvalidKeyUsageException", True),
        ("/keys/k/metadata", "AccessDeniedException", False),
    ],
)
def test_error_of_its_operation(path, error, objected):
    """The last column of the table; GetHealthStatus may find a request invalid."""
    exchange = sent({}, status=400, answer={"errorName": error}, path=path)

    assert bool(complaints(answers.ERROR_IS_OF_ITS_OPERATION, exchange)) is objected


@pytest.mark.parametrize(
    ("body", "objected"),
    [
        (b'{"a":1}', False),
        (b' {"a":[1e5,"\\ud800"]}\r\n', False),
        (b"", False),
        (b'\xef\xbb\xbf{"a":1}', True),
        (b'{"a":1}{"a":1}', True),
        (b'{"a":NaN}', True),
        (b'{"a":"\xff"}', True),
        (b'{"a":"\n"}', True),
        ('{"a":1}'.encode("utf-16"), True),
    ],
)
def test_json_is_one_text(body, objected):
    """RFC 8259: in UTF-8, without a mark, a NaN, or anything behind it."""
    assert bool(complaints(answers.JSON_IS_JSON, sent({}, answer=body))) is objected


def test_text_is_no_json():
    """What does not say that it is JSON is for another rule."""
    exchange = sent({}, answer=b"OK", answer_headers=HTML)

    assert complaints(answers.JSON_IS_JSON, exchange) == []


def test_members_twice():
    """At any depth."""
    assert complaints(
        answers.MEMBERS_ARE_UNIQUE, sent({}, answer=b'{"a":[{"b":1,"b":2}]}')
    )
    assert not complaints(
        answers.MEMBERS_ARE_UNIQUE, sent({}, answer=b'[{"a":1},{"a":1}]')
    )


@pytest.mark.parametrize(
    ("headers", "objected"),
    [
        ((("X-Request-Id", "a b\tc\xe9"),), False),
        ((("XKS-Injected", "1"),), True),
        ((("X-Request-Id", "a\rb"),), True),
        ((("X-Request-Id", "a\x00b"),), True),
    ],
)
def test_headers(headers, objected):
    """A tab and a letter outside ASCII are legal; other control bytes are not."""
    exchange = sent({}, answer_headers=(*JSON, *headers))

    assert bool(complaints(answers.HEADERS_ARE_CLEAN, exchange)) is objected


def test_what_no_request_had_asked_for():
    """What came on the connection counts, unless the request was no HTTP."""
    assert complaints(answers.NOTHING_IS_UNASKED, sent({}, unasked=b"HTTP/1.1 200"))
    assert not complaints(answers.NOTHING_IS_UNASKED, sent({}, unasked=b"x", raw=b"x"))


def test_one_vector_for_two_inputs():
    """Another plaintext or another AAD, also an empty one, is another input."""
    one = encrypted(b"one", b"v" * 12)

    for other in (
        encrypted(b"two", b"v" * 12),
        encrypted(b"one", b"v" * 12, aad=b"a"),
    ):
        assert complaints(keys.VECTOR_IS_NEW, one, other)
        assert complaints(keys.VECTOR_IS_NEW_UNDER_EVERY_METADATA, one, other)


def test_one_vector_for_one_input():
    """Twice the same ciphertext gives nothing away; other keys have other vectors."""
    exchanges = [
        encrypted(b"one", b"v" * 12),
        encrypted(b"one", b"v" * 12),
        encrypted(b"two", b"v" * 12, key="two"),
        encrypted(b"two", b"w" * 12),
    ]

    assert complaints(keys.VECTOR_IS_NEW, *exchanges) == []
    assert complaints(keys.VECTOR_IS_NEW_UNDER_EVERY_METADATA, *exchanges) == []


def test_one_vector_under_two_metadata():
    """ciphertextMetadata may name another key: a doubt, and not a proof."""
    exchanges = [
        encrypted(b"one", b"v" * 12, metadata=b"1"),
        encrypted(b"two", b"v" * 12, metadata=b"2"),
    ]

    assert complaints(keys.VECTOR_IS_NEW, *exchanges) == []
    assert complaints(keys.VECTOR_IS_NEW_UNDER_EVERY_METADATA, *exchanges)


def decrypted(plaintext, vector, ciphertext=b"c"):
    """A served Decrypt of what ``encrypted`` returned."""
    return sent(
        {
            "ciphertext": b64(ciphertext),
            "initializationVector": b64(vector),
            "authenticationTag": b64(b"t" * 16),
        },
        path="/keys/one/decrypt",
        answer={"plaintext": b64(plaintext)},
    )


def test_plaintext_of_another():
    """A Decrypt that gives back what another Encrypt was given is objected to."""
    exchanges = [encrypted(b"one", b"v" * 12), encrypted(b"two", b"w" * 12)]
    right, wrong = decrypted(b"one", b"v" * 12), decrypted(b"two", b"v" * 12)
    unknown = decrypted(b"any", b"x" * 12)

    assert complaints(keys.PLAINTEXT_IS_ITS_OWN, *exchanges, right, unknown) == []
    assert complaints(keys.PLAINTEXT_IS_ITS_OWN, *exchanges, wrong)


SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY00"


def shown_in(text):
    """An error that says so."""
    return sent({}, status=400, answer={"errorName": "X", "errorMessage": text})


@pytest.mark.parametrize("form", [text for _, text in forms(SECRET.encode())])
def test_secret_in_an_answer(form):
    """A secret access key is found in any of its forms."""
    credential = Credential(access_key_id="AKID", secret_access_key=SECRET)
    target = SimpleNamespace(credentials=lambda: [("", credential)])
    rule = secrets.no_secret_is_shown(target)

    assert complaints(rule, shown_in(f"<{form.decode()}>"))
    assert complaints(rule, shown_in("Forbidden.")) == []


def test_plaintext_in_an_answer():
    """One of the run in an error, or beside what Encrypt and Decrypt return."""
    given = encrypted(b"the plaintext of somebody", b"v" * 12)
    own = decrypted(b"the plaintext of somebody", b"v" * 12)

    assert complaints(secrets.NO_PLAINTEXT_IS_SHOWN, given, own) == []
    shown = shown_in("the plaintext of somebody")
    assert complaints(secrets.NO_PLAINTEXT_IS_SHOWN, given, shown)
    assert complaints(secrets.NO_PLAINTEXT_IS_SHOWN, shown, given)


def test_short_plaintext_in_an_answer():
    """A few bytes, or zeros, stand in an answer by chance."""
    given = [encrypted(b"x", b"v" * 12), encrypted(bytes(64), b"w" * 12)]

    assert not complaints(secrets.NO_PLAINTEXT_IS_SHOWN, *given, shown_in("x" * 9))


def evidence_of(*exchanges):
    """The evidence of a run, and somebody who sends nothing."""
    run = RunRecorder()
    recorder = Recorder(run)
    for exchange in exchanges:
        recorder.add(exchange)
    proxy = SimpleNamespace(recorder=Recorder(run), side_by_side=lambda _: [])
    return Evidence(run, WHERE), proxy


def test_a_violation_counts_and_shows_the_first():
    """It names the first exchange, and how many of how many break the rule."""
    bad = sent({}, answer=b"\xef\xbb\xbf{}")
    evidence, proxy = evidence_of(sent({}), bad, bad)
    rule = answers.MEMBERS_ARE_UNIQUE

    evidence.judge(proxy, rule)
    twice = sent({}, answer=b'{"a":1,"a":1}', label="probe: twice")
    evidence, proxy = evidence_of(sent({}), twice, twice)
    with pytest.raises(Violation, match=r"^.*twice: two members 'a' \(2 of 3") as found:
        evidence.judge(proxy, rule)

    assert found.value.exchange.key == proxy.recorder.recorded[0].key


def test_a_run_that_saw_nothing():
    """Nothing seen is nothing shown, and not a pass."""
    evidence, proxy = evidence_of()

    with pytest.raises(NotTestable):
        evidence.judge(proxy, replace(keys.PLAINTEXT_IS_ITS_OWN, sample=None))
