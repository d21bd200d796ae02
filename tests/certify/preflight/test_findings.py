"""What is the matter with the whole of a proxy is said in one line, before the run."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.proxy_preflight import preflight_proxy
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.certify.targets.proxy_target import Endpoint


@pytest.fixture
def proxy():
    """A running proxy and its target."""
    with served_mock_proxy() as pair:
        yield pair


@contextmanager
def answering(respond):
    """A server that answers as ``respond(path, headers)`` says: status and document."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.rfile.read(length)
            status, document = respond(self.path, self.headers)
            body = document if isinstance(document, bytes) else json.dumps(document)
            data = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Endpoint(scheme="http", host="127.0.0.1", port=server.server_port)
        finally:
            server.shutdown()
            thread.join()


HEALTHY = 200, {}
KEY = {"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED"}
REFUSED = 401, {"errorName": "AuthenticationFailedException"}


@pytest.mark.parametrize(
    ("fault", "options", "finding"),
    [
        pytest.param(
            "key-status-active", {}, "says keyStatus 'ACTIVE', not ENABLED", id="status"
        ),
        pytest.param(
            "key-usage-in-lower-case", {}, "without ENCRYPT and DECRYPT", id="usage"
        ),
        pytest.param(
            "InternalException",
            {"operation": "Encrypt"},
            "Encrypt with the usable key 'foo' is answered 500 InternalException, "
            "while GetHealthStatus is answered 200; is its key manager down?",
            id="key-manager-down",
        ),
        pytest.param(
            "InternalException",
            {"operation": "Decrypt"},
            "Decrypt with the usable key 'foo' is answered 500 InternalException",
            id="decrypt",
        ),
        pytest.param(
            "decrypt-flips-a-bit",
            {},
            "does not return what was encrypted",
            id="garbled",
        ),
        pytest.param(
            "AccessDeniedException",
            {"operation": "GetHealthStatus"},
            "GetHealthStatus is answered 403 AccessDeniedException: it is refused",
            id="health-refused",
        ),
    ],
)
def test_finding(proxy, fault, options, finding):
    """The proxy is there, and the run goes on; its defect is told first."""
    reference, target = proxy
    with reference.proxy.fault(fault, **options):
        found = preflight_proxy(target)

    assert found.target == target
    assert 1 == len([each for each in found.findings if finding in each.text])


def test_key_spec(target):
    """AWS's sample, built with optimisation, says RSA_0 of every key."""

    def respond(path, _):
        return (200, KEY | {"keySpec": "RSA_0"}) if path.endswith("data") else HEALTHY

    with answering(respond) as endpoint:
        found = preflight_proxy(replace(target, endpoint=endpoint))

    assert (
        "The metadata of the usable key 'foo' says keySpec 'RSA_0', not AES_256: KMS "
        "would refuse to use it."
    ) == found.findings[0].text


def refusal(target):
    """The message with which the target is refused."""
    with pytest.raises(UsageProblem) as caught:
        preflight_proxy(target)
    message = str(caught.value)
    assert not any(secret in message for secret in target.secrets())
    return message


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway(target, status):
    """An error page of a gateway is not taken for the proxy's."""
    with answering(lambda *_: (status, b"<html>Bad Gateway</html>")) as endpoint:
        message = refusal(replace(target, endpoint=endpoint))

    assert (
        f"answers {status}: the gateway there answers, the proxy behind it" in message
    )


def test_proxy_that_waits_for_its_key_manager(target):
    """A 503 of the proxy's own is no gateway's, and the suite's affair."""
    late = 503, {"errorName": "DependencyTimeoutException"}
    with answering(lambda *_: late) as endpoint:
        found = preflight_proxy(replace(target, endpoint=endpoint))

    assert "503 DependencyTimeoutException" in found.findings[0].text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((404, {"errorName": "InvalidUriPathException"}), id="error-name"),
        pytest.param((404, b"404 page not found"), id="text"),
    ],
)
def test_wrong_path(target, answer):
    """A path at which there is no proxy is the target file's mistake."""
    with answering(lambda *_: answer) as endpoint:
        message = refusal(replace(target, endpoint=endpoint))

    assert "has no XKS proxy at '/kms/xks/v1'" in message
    assert "proxy.uri_path" in message


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((418, {"errorName": "KeyNotFoundException"}), id="teapot"),
        pytest.param((418, b"no such key"), id="as-for-any-unknown-key"),
    ],
)
def test_unknown_key_whatever_the_status(target, answer):
    """A key that is not there is named, in whatever way the proxy says so."""

    def respond(path, _):
        return HEALTHY if path.endswith("/health") else answer

    with answering(respond) as endpoint:
        message = refusal(replace(target, endpoint=endpoint))

    assert "does not know: proxy.keys.usable = 'foo' (418" in message


def test_refused_for_another_reason(target):
    """A proxy that refuses every caller does not lack the key."""

    def respond(path, _):
        denied = 403, {"errorName": "AccessDeniedException"}
        return HEALTHY if path.endswith("/health") else denied

    with answering(respond) as endpoint:
        found = preflight_proxy(replace(target, endpoint=endpoint))

    assert (
        "GetKeyMetadata of the usable key 'foo' is answered 403"
        in found.findings[0].text
    )


def test_host_without_the_port(target):
    """A gateway that drops the port is found out, and no credential is suspected."""

    def respond(_, headers):
        return HEALTHY if ":" not in headers["Host"] else REFUSED

    with answering(respond) as endpoint:
        message = refusal(replace(target, endpoint=endpoint))

    assert f"verifies '127.0.0.1' where '{endpoint.authority}' was signed" in message
    assert "$http_host" in message
    assert "credential" not in message


@pytest.mark.parametrize("body", [REFUSED[1], b"Unauthorized"], ids=["json", "text"])
def test_refused_signature(target, body):
    """What was signed is shown, to debug the verification of the proxy with."""
    with answering(lambda *_: (401, body)) as endpoint:
        message = refusal(replace(target, endpoint=endpoint))

    assert message.splitlines()[0].startswith(
        f"{endpoint.url} refuses the credential: it answers 401"
    )
    assert "Canonical request:\n    POST\n    /kms/xks/v1/health\n" in message
    assert "String to sign:\n    AWS4-HMAC-SHA256\n" in message
