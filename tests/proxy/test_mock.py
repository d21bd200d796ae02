"""The mock proxy as its users hold it."""

from __future__ import annotations

import json

import pytest
import requests
import responses

from pytest_xks.proxy.mock import MockXksProxy
from pytest_xks.proxy_api.sigv4 import Credential

ENCRYPT = {"plaintext": "SGVsbG8gV29ybGQh", "encryptionAlgorithm": "AES_GCM"}


def test_https_answers_like_the_in_process_transport(proxy):
    """Opening the port changes the way to the proxy, not its answers."""
    in_process = proxy.call("GetKeyMetadata", "usable")
    proxy.start_https()
    over_https = proxy.call("GetKeyMetadata", "usable")

    assert proxy.endpoint.startswith("https://localhost:")
    assert (over_https.status, over_https.body) == (in_process.status, in_process.body)


def test_stop_closes_the_port_and_nothing_else(proxy):
    """After ``stop`` the proxy answers in-process again, with its journal whole."""
    proxy.start_https()
    bundle = proxy.ca_bundle
    proxy.call("GetHealthStatus")
    proxy.stop()
    proxy.call("GetHealthStatus")

    assert not bundle.exists()
    assert len(proxy.requests) == 2


def test_ca_bundle_without_https(proxy):
    """In-process there is no certificate, and the error says what to call."""
    with pytest.raises(RuntimeError, match=r"start_https\(\)"):
        _ = proxy.ca_bundle


def test_expected_requests(proxy):
    """``expect_requests`` returns what matched."""
    proxy.call("Encrypt", "usable", ENCRYPT)
    proxy.call("GetHealthStatus")

    (entry,) = proxy.expect_requests("Encrypt", count=1, kmsOperation="Encrypt")

    assert (entry.status, entry.external_key_id) == (200, "usable")


def test_expectation_that_fails(proxy):
    """The message lists what was expected and what came instead."""
    proxy.call("Encrypt", "usable", ENCRYPT)

    with pytest.raises(AssertionError) as caught:
        proxy.expect_requests("Decrypt", count=2, kmsOperation="ReEncrypt")

    assert str(caught.value).splitlines() == [
        (
            "expected exactly 2 Decrypt with kmsOperation=ReEncrypt, "
            "the XKS proxy answered 0."
        ),
        "It was asked for:",
        "  Encrypt usable for Encrypt -> 200",
    ]


@responses.activate
def test_mount_answers_requests(proxy):
    """What ``requests`` sends to the proxy's URL is answered without a socket."""
    proxy.mount(responses.mock)

    answer = requests.get(f"{proxy.endpoint}{proxy.uri_path}/health", timeout=5)

    assert answer.status_code == 405
    assert proxy.requests[-1].method == "GET"


@responses.activate
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("silence", requests.ReadTimeout),
        ("connection-refused", requests.ConnectionError),
        ("connection-reset", requests.ConnectionError),
        ("certificate-expired", requests.exceptions.SSLError),
    ],
)
def test_mount_raises_what_requests_would(proxy, fault, error):
    """A fault of the wire reaches the user of ``requests`` as its own exception."""
    proxy.mount(responses.mock)
    proxy.fault(fault)

    with pytest.raises(error):
        requests.post(f"{proxy.endpoint}{proxy.uri_path}/health", timeout=5)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"uri_path": "/kms/xks/v2"}, id="another version"),
        pytest.param({"uri_path": "kms/xks/v1"}, id="no slash"),
        pytest.param({"uri_path": "/" + "p" * 118 + "/kms/xks/v1"}, id="too long"),
        pytest.param({"uri_path": "/a.b/kms/xks/v1"}, id="a period"),
        pytest.param({"credential": Credential("SHORT", "s" * 43)}, id="short id"),
        pytest.param({"credential": Credential("A" * 20, "short")}, id="short secret"),
    ],
)
def test_what_kms_would_not_accept(arguments):
    """A proxy that KMS could not be configured for cannot be made by mistake."""
    with pytest.raises(ValueError, match=r"."):
        MockXksProxy(**arguments)


def test_error_about_a_credential_does_not_repeat_it():
    """The message says what a secret looks like, not what this one is."""
    with pytest.raises(ValueError, match="43 to 64") as caught:
        MockXksProxy(credential=Credential("A" * 20, "hunter2"))

    assert "hunter2" not in str(caught.value)


def test_store_or_key_that_is_there_already(proxy):
    """Nothing is replaced silently."""
    with pytest.raises(ValueError, match="already"):
        proxy.add_store(proxy.uri_path)
    with pytest.raises(ValueError, match="already"):
        proxy.add_key("usable")


def test_secrets_stay_out_of_reprs(proxy):
    """No repr shows the secret access key."""
    shown = repr(proxy) + repr(proxy.credential) + repr(proxy.store)

    assert proxy.credential.secret_access_key not in shown


def test_answer_is_json(proxy):
    """A new key is there at once, with the attributes it was given."""
    proxy.add_key("signing", key_usage=["SIGN"], key_spec="RSA_2048")

    document = json.loads(proxy.call("GetKeyMetadata", "signing").body)

    assert document == {
        "keySpec": "RSA_2048",
        "keyUsage": ["SIGN"],
        "keyStatus": "ENABLED",
    }
