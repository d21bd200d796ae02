"""The independent proxy really reads the specification in another way than our mock.

These are the readings that the suite must accept as well. If one of them turns into
what the mock does, the certification of this proxy proves less than it says.
"""

from __future__ import annotations

import http.client
import json
import re
import tomllib
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pytest_xks.http.contexts import client_context

from .independent.deployment import deployed
from .independent.variant import Variant

KEY = "/keys/7"
METADATA = {
    "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
    "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd",
    "kmsOperation": "Encrypt",
    "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
}
ENCRYPT = {
    "requestMetadata": METADATA,
    "plaintext": "SGVsbG8gV29ybGQh",
    "encryptionAlgorithm": "AES_GCM",
}
DECRYPT = {
    "requestMetadata": METADATA,
    "ciphertext": "ghxkK1txeDNn3q8Y",
    "initializationVector": "HMrlRw85cAJUd5Ax",
    "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
    "encryptionAlgorithm": "AES_GCM",
}
CDIV = {"ciphertextDataIntegrityValueAlgorithm": "SHA_256"}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """The target file's content, of a proxy that runs."""
    directory = tmp_path_factory.mktemp("proxy")
    variant = Variant(
        iv_length=16,
        metadata_length=0,
        describes_disabled_keys=False,
        error_message="",
        chunked=False,
    )
    with deployed(directory, variant) as target:
        described = tomllib.loads(target.read_text("utf-8"))["proxy"]
        yield described | {"ca": (directory / "ca.pem").read_bytes()}


def send(proxy, path, document, *, method="POST", headers=(), signed=True):
    """Send a request; return status, headers and body of the answer."""
    parts = urlsplit(proxy["endpoint"])
    path = proxy["uri_path"] + path
    request = AWSRequest(
        method=method,
        url=f"{proxy['endpoint']}{path}",
        headers={"Host": parts.netloc, "Content-Type": "application/json"}
        | dict(headers),
        data=json.dumps(document).encode(),
    )
    if signed:
        credential = Credentials(*proxy["credential"].values())
        SigV4Auth(credential, "kms-xks-proxy", proxy["region"]).add_auth(request)
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, context=client_context(proxy["ca"]), timeout=10
    )
    with closing(connection):
        connection.request(method, path, request.body, dict(request.headers.items()))
        response = connection.getresponse()
        return response.status, response.headers, response.read()


@pytest.mark.parametrize(
    ("path", "document", "expected"),
    [
        pytest.param("/health", {}, None, id="health-without-metadata"),
        pytest.param(
            f"{KEY}/encrypt",
            ENCRYPT | {"requestMetadata": {}},
            None,
            id="metadata-without-members",
        ),
        pytest.param(
            "/keys/only.encrypt/encrypt", ENCRYPT | CDIV, None, id="cdiv-encrypt-only"
        ),
        pytest.param("/keys/short/encrypt", ENCRYPT, None, id="aes-128"),
        pytest.param(
            "/keys/disabled/metadata",
            ENCRYPT,
            (400, "InvalidStateException"),
            id="disabled",
        ),
        pytest.param(
            f"{KEY}/encrypt",
            ENCRYPT | {"encryptionAlgorithm": "AES_CBC"},
            (400, "ValidationException"),
            id="unknown-algorithm",
        ),
        pytest.param(
            f"{KEY}/encrypt",
            ENCRYPT | {"plaintext": ""},
            (400, "ValidationException"),
            id="empty-plaintext",
        ),
        pytest.param(
            f"{KEY}/encrypt",
            ENCRYPT | {"additionalAuthenticatedData": None},
            (400, "ValidationException"),
            id="null",
        ),
        pytest.param(
            f"{KEY}/encrypt",
            ENCRYPT | {"plaintext": "A" * 5736},
            (501, "UnsupportedOperationException"),
            id="4302-bytes",
        ),
        pytest.param(
            f"{KEY}/decrypt",
            DECRYPT | {"authenticationTag": "AAAA"},
            (400, "InvalidCiphertextException"),
            id="short-tag",
        ),
        pytest.param(
            "/keys/none/encrypt",
            ENCRYPT | {"plaintext": 1},
            (404, "KeyNotFoundException"),
            id="key-before-parameters",
        ),
    ],
)
def test_reading(proxy, path, document, expected):
    """An ambiguous request is served, or refused with the other possible error.

    Each answer has a member of the proxy's own.
    """
    status, _, body = send(proxy, path, document)

    answer = json.loads(body)
    came = None if status == 200 else (status, answer["errorName"])
    assert expected == came
    assert "errorMessage" not in answer
    assert [name for name in answer if re.match("x[A-Z]", name)]


def test_other_content_type(proxy):
    """The rule about the Content-Type binds the proxy's callers."""
    status, _, body = send(
        proxy, f"{KEY}/encrypt", ENCRYPT, headers={"Content-Type": "text/plain"}.items()
    )

    assert (400, "ValidationException") == (status, json.loads(body)["errorName"])


def test_first_the_signature(proxy):
    """A GET that is not signed is not authenticated; a signed one is not allowed."""
    unsigned, _, _ = send(proxy, "/health", {}, method="GET", signed=False)
    signed, headers, body = send(proxy, "/health", {}, method="GET")

    assert (401, 405) == (unsigned, signed)
    assert ("POST", b"") == (headers["Allow"], body)


def test_pinned_region(proxy):
    """A signature for another Region is refused."""
    status, _, _ = send(proxy | {"region": "us-east-1"}, "/health", {})

    assert 401 == status


def test_form_of_a_ciphertext(proxy):
    """There is no ciphertextMetadata, and the IV has 16 bytes."""
    _, _, body = send(proxy, f"{KEY}/encrypt", ENCRYPT)

    answer = json.loads(body)
    assert 24 == len(answer["initializationVector"])
    assert "ciphertextMetadata" not in answer


def test_form_of_the_json(proxy):
    """Members are indented, and in an order that nobody would write."""
    _, _, body = send(proxy, "/health", {})

    names = list(json.loads(body))
    assert sorted(names, reverse=True) == names
    assert b"\n    " in body
