"""Before the suite: a user's mistake is one sentence, a missing subject one finding."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.kms_preflight import KmsPreflight, preflight_kms
from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy, Trick
from pytest_xks.certify.targets.kms_target import KmsTarget
from pytest_xks.certify.targets.own_mocks import served_fake_kms
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Response

SECRET = "Canary0Secret/That+NobodyMayEverSee0123456789="
LISTS = {"ListKeys": {"Keys": []}, "DescribeCustomKeyStores": {"CustomKeyStores": []}}


@pytest.fixture
def served():
    """A served fake KMS, its target and the probe_proxy."""
    with served_fake_kms() as parts:
        yield parts


@contextmanager
def emulator(answers, default=(500, "oops")):
    """A KMS endpoint that answers by the book: a document, a pair, or a function."""

    def handle(request, _peer):
        headers = {name.lower(): value for name, value in request.headers}
        operation = headers["x-amz-target"].rpartition(".")[2]
        answer = answers.get(operation, default)
        answer = answer(request) if callable(answer) else answer
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        if isinstance(content, Ending):
            return Delivery(response=Response(status=200), ending=content)
        text = content if isinstance(content, str) else json.dumps(content)
        return Delivery(response=Response(status=status, body=text.encode()))

    with HttpsServer(handle, context=None) as server:
        yield KmsTarget(
            endpoint_url=server.origin,
            access_key_id="AKIATESTTESTTESTTEST",
            secret_access_key=SECRET,
        )


def failure(code, message="It is so.", status=400):
    """An answer with an exception."""
    return status, {"__type": f"com.amazonaws#{code}", "message": message}


def refusal(target, probe_proxy):
    """The message with which the target is refused."""
    with pytest.raises(UsageProblem) as caught:
        preflight_kms(target, probe_proxy)
    message = str(caught.value)
    assert SECRET not in message
    return message


def findings(target, probe_proxy):
    """What is the matter with the whole of it."""
    tried = preflight_kms(target, probe_proxy)
    assert tried.unsupported is None
    return [finding.text for finding in tried.findings]


def test_good(served):
    """A fake KMS that finds the proxy passes, and nothing stays behind."""
    fake, target, probe_proxy = served

    assert KmsPreflight(target=target) == preflight_kms(target, probe_proxy)
    assert [] == fake.client().describe_custom_key_stores()["CustomKeyStores"]


def test_proxy_never_called(served):
    """An emulator that is led elsewhere is told apart, with what to do."""
    fake, target, probe_proxy = served
    with HttpsServer(lambda *_: Delivery(), context=None) as elsewhere:
        port = elsewhere.port
    fake.connect_to(f"*.xks.test:443:127.0.0.1:{port}")

    message = refusal(target, probe_proxy)

    assert f"never called the suite's proxy at port {probe_proxy.port}" in message
    assert "--connect-to" in message
    assert "XksProxyUriUnreachableException" in message


def test_certificate_refused(served):
    """So is one that connects and does not trust the certificate."""
    _, target, probe_proxy = served

    with probe_proxy.listening(Trick.CERTIFICATE_UNKNOWN_CA):
        message = refusal(target, probe_proxy)

    assert "does it refuse the certificate?" in message
    assert "--trust-ca" in message


def test_unhelpful_emulator(served, probe_proxy):
    """An emulator that creates stores without asking the proxy is for the suite."""
    _, target, _ = served
    answers = {
        **LISTS,
        "CreateCustomKeyStore": {"CustomKeyStoreId": "cks-1"},
        "DeleteCustomKeyStore": {},
    }
    with emulator(answers) as silent:
        told = findings(silent, probe_proxy)
    assert "The emulator never asks the proxy: it created a key store" in told[0]
    with emulator(LISTS) as broken:
        told = findings(broken, probe_proxy)
    (line,) = told
    assert "refuses every good external key store: CreateCustomKeyStore was" in line
    assert line.endswith("answered 500, and that is not JSON.")
    assert [] == findings(target, served[2])


def test_port_in_the_endpoint(served):
    """Where the template has a port and KMS refuses it, that is the mistake."""
    _, target, _ = served
    settings = replace(
        target.proxy, endpoint_template="https://{label}.localhost:{port}"
    )
    with ProbeProxy(settings) as other:
        message = refusal(replace(target, proxy=settings), other)

    assert "Remove the port from kms.proxy.endpoint_template" in message


def test_emulator_that_repeats_what_it_was_sent(probe_proxy):
    """No message has the secret of a key store."""

    def echo(request):
        return failure("XksProxyUriUnreachableException", request.body.decode()[-150:])

    with emulator({**LISTS, "CreateCustomKeyStore": echo}) as target:
        message = refusal(target, probe_proxy)

    assert "RawSecretAccessKey" in message
    assert not any(secret in message for secret in probe_proxy.secrets())


@pytest.mark.parametrize(
    ("delete", "calls"),
    [
        pytest.param({}, ["Delete"], id="at-once"),
        pytest.param(
            failure("CustomKeyStoreInvalidStateException"),
            ["Delete", "Disconnect", "Delete"],
            id="connected",
        ),
    ],
)
def test_clean_up(probe_proxy, delete, calls):
    """The key store that was tried out goes, even if it was connected."""
    asked = []

    def noted(answer):
        def handle(request):
            asked.append(request)
            return answer

        return handle

    answers = {
        **LISTS,
        "CreateCustomKeyStore": {"CustomKeyStoreId": "cks-1"},
        "DeleteCustomKeyStore": noted(delete),
        "DisconnectCustomKeyStore": noted({}),
    }
    with emulator(answers) as target:
        assert preflight_kms(target, probe_proxy).unsupported is None

    headers = (dict(request.headers) for request in asked)
    assert [f"TrentService.{verb}CustomKeyStore" for verb in calls] == [
        each["X-Amz-Target"] for each in headers
    ]


def test_no_room(probe_proxy):
    """A full account has no room for the suite."""
    answers = {**LISTS, "CreateCustomKeyStore": failure("LimitExceededException")}
    with emulator(answers) as target:
        assert "There is no room for a key store" in refusal(target, probe_proxy)


def test_dead_endpoint(probe_proxy):
    """A port on which nobody listens is out of reach."""
    with emulator({}) as target:
        pass

    assert f"{target.endpoint_url} cannot be reached" in refusal(target, probe_proxy)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        pytest.param((200, "<html>"), "no AWS JSON endpoint", id="html"),
        pytest.param((404, ""), "no AWS JSON endpoint", id="empty"),
        pytest.param((200, "[]"), "no AWS JSON endpoint", id="list"),
        pytest.param((200, {"hello": "world"}), "no KMS endpoint", id="other-json"),
        pytest.param(
            failure("UnknownOperationException"), "no KMS endpoint", id="other-service"
        ),
        pytest.param(
            failure("UnrecognizedClientException"), "refuses the credential", id="key"
        ),
        pytest.param(
            failure("InvalidSignatureException", status=403),
            "refuses the credential",
            id="secret",
        ),
        pytest.param((200, Ending.CLOSE), "cannot be reached", id="closes"),
        pytest.param((200, Ending.GARBAGE), "cannot be reached", id="no-http"),
    ],
)
def test_something_else_listens(probe_proxy, answer, named):
    """What is no KMS, or not ours to call, is named in one sentence."""
    with emulator({}, default=answer) as target:
        assert named in refusal(target, probe_proxy)


def test_https_endpoint_that_nobody_trusts(served):
    """A certificate that this machine does not trust is named as such."""
    _, target, probe_proxy = served
    url = f"https://127.0.0.1:{probe_proxy.port}"

    assert "kms.ca_bundle" in refusal(replace(target, endpoint_url=url), probe_proxy)


def test_https_endpoint_with_a_ca_bundle(probe_proxy, tmp_path):
    """What has a certificate of the target file's CA is spoken to."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(probe_proxy.ca_certificate)
    target = KmsTarget(
        endpoint_url=f"https://localhost:{probe_proxy.port}",
        secret_access_key=SECRET,
        ca_bundle=bundle,
    )

    assert "is no KMS endpoint" in refusal(target, probe_proxy)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["none", "text"])
def test_unusable_ca_bundle(kms_target, probe_proxy, tmp_path, content):
    """A bundle that holds no certificate is named by its key."""
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    target = replace(kms_target, endpoint_url="https://kms.example", ca_bundle=bundle)

    assert "kms.ca_bundle" in refusal(target, probe_proxy)


@pytest.mark.parametrize(
    "default",
    [
        pytest.param((500, "<html>oops</html>"), id="html"),
        pytest.param(failure("UnknownOperationException"), id="unknown"),
        pytest.param(failure("NotImplemented", status=501), id="not-implemented"),
        pytest.param(failure("KMSInternalException", status=500), id="internal"),
        pytest.param((200, {}), id="accepts-anything"),
        pytest.param((200, Ending.CLOSE), id="drops-the-connection"),
    ],
)
def test_no_external_key_stores(probe_proxy, default):
    """An emulator without the operations is a finding that lists its answers."""
    created = {"KeyMetadata": {"KeyId": "a-key"}}
    with emulator({"ListKeys": {"Keys": []}, "CreateKey": created}, default) as target:
        unsupported = preflight_kms(target, probe_proxy).unsupported

    assert "external key stores" == unsupported.what
    assert [
        "DescribeCustomKeyStores",
        "CreateCustomKeyStore",
        "ConnectCustomKeyStore",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
        "DeleteCustomKeyStore",
        "CreateKey",
    ] == [exchange.label for exchange in unsupported.exchanges]


def test_one_operation_is_enough(probe_proxy):
    """Where one of the operations is there, the suite says what is missing."""
    answers = {
        "ListKeys": {"Keys": []},
        "DeleteCustomKeyStore": failure("CustomKeyStoreNotFoundException"),
    }
    with emulator(answers) as target:
        assert preflight_kms(target, probe_proxy).unsupported is None
