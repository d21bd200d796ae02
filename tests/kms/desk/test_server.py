"""The KMS API over HTTP, for clients that are not boto3 in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pytest_xks.http.delivery import Delivery
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..conftest import Lab

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/{}/{}/aws4_request"


def post(
    lab: Lab,
    operation: str,
    document: Any,
    *,
    scope: str | None = SCOPE.format("us-east-1", "kms"),
) -> tuple[int, dict[str, Any]]:
    """Send a request as any SDK would; status and body."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = [
        ("Host", "127.0.0.1:4000"),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", f"TrentService.{operation}"),
    ]
    if scope:
        headers.append(("Authorization", scope))
    request = Request(method="POST", target="/", headers=tuple(headers), body=body)
    response = lab.fake.handle(request)
    return response.status, json.loads(response.body)


def test_a_request_of_any_sdk(inner_lab: Lab):
    """The fake is the same, whoever asks."""
    store_id = inner_lab.connected_store()
    status, document = post(
        inner_lab,
        "CreateKey",
        {
            "Origin": "EXTERNAL_KEY_STORE",
            "CustomKeyStoreId": store_id,
            "XksKeyId": "usable",
        },
    )
    assert 200 == status
    key = inner_lab.kms.list_keys()["Keys"][0]["KeyArn"]
    assert key == document["KeyMetadata"]["Arn"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda kms, _: kms.list_keys(), id="success-of-moto"),
        pytest.param(lambda kms, _: kms.describe_key(KeyId="none"), id="moto-s-error"),
        pytest.param(lambda kms, key: kms.describe_key(KeyId=key), id="our-success"),
        pytest.param(lambda kms, key: kms.get_public_key(KeyId=key), id="our-error"),
    ],
)
def test_every_answer_is_aws_json(inner_lab: Lab, call: Any):
    """The Content-Type is KMS's own, whoever answers."""
    key = inner_lab.create_key()
    try:
        response = call(inner_lab.kms, key)
    except ClientError as error:
        response = error.response
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert "application/x-amz-json-1.1" == headers["content-type"]


def test_the_scope_says_the_region(inner_lab: Lab):
    """A store of another Region is not there."""
    inner_lab.create_store()
    seen = [
        len(
            post(inner_lab, "DescribeCustomKeyStores", {}, scope=scope)[1][
                "CustomKeyStores"
            ]
        )
        for scope in (
            SCOPE.format("us-east-1", "kms"),
            SCOPE.format("eu-west-1", "kms"),
        )
    ]
    assert [1, 0] == seen


def test_an_unsigned_request_is_for_the_fake_s_region(inner_lab: Lab):
    """curl without a signature is welcome."""
    inner_lab.create_store()
    _, document = post(inner_lab, "DescribeCustomKeyStores", {}, scope=None)
    assert 1 == len(document["CustomKeyStores"])


WRONG_TYPES = {
    "store-name": ("CreateCustomKeyStore", {"CustomKeyStoreName": 7}),
    "null-name": ("CreateCustomKeyStore", {"CustomKeyStoreName": None}),
    "store-id": ("ConnectCustomKeyStore", {"CustomKeyStoreId": ["cks-1"]}),
    "no-store-id": ("DeleteCustomKeyStore", {}),
    "limit": ("DescribeCustomKeyStores", {"Limit": "1"}),
    "limit-true": ("DescribeCustomKeyStores", {"Limit": True}),
    "limit-zero": ("DescribeCustomKeyStores", {"Limit": 0}),
    "credential": (
        "UpdateCustomKeyStore",
        {"CustomKeyStoreId": "cks-1", "XksProxyAuthenticationCredential": "secret"},
    ),
    "half-a-credential": (
        "UpdateCustomKeyStore",
        {
            "CustomKeyStoreId": "cks-1",
            "XksProxyAuthenticationCredential": {"AccessKeyId": "A" * 20},
        },
    ),
    "tags": (
        "CreateKey",
        {"Origin": "EXTERNAL_KEY_STORE", "Tags": {"a": "b"}, "XksKeyId": "a"},
    ),
}


@pytest.mark.parametrize(
    ("operation", "document"),
    [pytest.param(*case, id=name) for name, case in WRONG_TYPES.items()],
)
def test_hostile_input(inner_lab: Lab, operation: str, document: dict[str, Any]):
    """Types that botocore would never send get an error, and no traceback."""
    status, answer = post(inner_lab, operation, document)
    assert 400 == status
    assert answer["__type"] in {"SerializationException", "ValidationException"}
    assert "secret" not in answer["message"]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"Plaintext": 7}, id="number"),
        pytest.param({"Plaintext": "%%%"}, id="no-base64"),
        pytest.param({"Plaintext": ""}, id="empty"),
        pytest.param({}, id="missing"),
        pytest.param({"Plaintext": "eA==", "EncryptionContext": []}, id="context"),
        pytest.param({"Plaintext": "eA==", "EncryptionContext": {"a": 1}}, id="values"),
        pytest.param(
            {"Plaintext": "eA==", "EncryptionContext": {"a": "\ud800"}},
            id="surrogate-is-fine",
        ),
    ],
)
def test_hostile_plaintexts(inner_lab: Lab, document: dict[str, Any]):
    """Likewise for what is to be encrypted."""
    key = inner_lab.create_key()
    status, answer = post(inner_lab, "Encrypt", {"KeyId": key, **document})
    if status != 200:
        assert answer["__type"] in {"SerializationException", "ValidationException"}


def test_an_empty_service_name_clears_it(inner_lab: Lab):
    """botocore refuses the empty string; the API's text asks for it."""
    service = inner_lab.fake.add_vpc_endpoint_service("xks-proxy.test")
    store_id = inner_lab.create_store(
        XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
        XksProxyVpcEndpointServiceName=service.name,
    )
    status, answer = post(
        inner_lab,
        "UpdateCustomKeyStore",
        {
            "CustomKeyStoreId": store_id,
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": inner_lab.endpoint,
            "XksProxyVpcEndpointServiceName": "",
        },
    )
    assert (200, {}) == (status, answer)


def test_not_json(inner_lab: Lab):
    """It is refused as AWS refuses it."""
    status, answer = post(inner_lab, "ListKeys", b"{")
    assert (400, "SerializationException") == (status, answer["__type"])


def test_an_operation_that_there_is_not(inner_lab: Lab):
    """moto does not know it; the client gets to know that."""
    status, answer = post(inner_lab, "MakeCoffee", {})
    assert (400, "UnknownOperationException") == (status, answer["__type"])


def test_a_request_to_nobody(inner_lab: Lab):
    """Without a credential scope and a target nobody is meant."""
    response = inner_lab.fake.handle(Request(method="GET", target="/"))
    assert 400 == response.status
    assert b"MissingAuthenticationToken" in response.body


@pytest.fixture
def url(inner_lab: Lab) -> Iterator[str]:
    """The fake behind a real HTTP server."""
    server = HttpsServer(
        lambda request, _peer: Delivery(response=inner_lab.fake.handle(request)),
        context=None,
    )
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def test_over_a_real_socket(inner_lab: Lab, url: str):
    """A client with an endpoint_url does what a client in-process does."""
    arn = inner_lab.create_key()
    # moto leads boto3 of this process to itself; only what it does not know goes out.
    client = boto3.client(
        "kms",
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "legacy", "total_max_attempts": 1}),
    )
    blob = client.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert b"x" == client.decrypt(CiphertextBlob=blob)["Plaintext"]
    with pytest.raises(ClientError) as caught:
        client.get_key_rotation_status(KeyId=arn)
    assert "UnsupportedOperationException" == caught.value.response["Error"]["Code"]
    client.close()
