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

    from ..conftest import System

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/{}/{}/aws4_request"


def post(
    system: System,
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
    response = system.fake.handle(request)
    return response.status, json.loads(response.body)


def test_a_request_of_any_sdk(local_system: System):
    """The fake is the same, whoever asks."""
    store_id = local_system.connected_store()
    status, document = post(
        local_system,
        "CreateKey",
        {
            "Origin": "EXTERNAL_KEY_STORE",
            "CustomKeyStoreId": store_id,
            "XksKeyId": "usable",
        },
    )
    assert 200 == status
    key = local_system.kms.list_keys()["Keys"][0]["KeyArn"]
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
def test_every_answer_is_aws_json(local_system: System, call: Any):
    """The Content-Type is KMS's own, whoever answers."""
    key = local_system.create_key()
    try:
        response = call(local_system.kms, key)
    except ClientError as error:
        response = error.response
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert "application/x-amz-json-1.1" == headers["content-type"]


def test_the_scope_says_the_region(local_system: System):
    """A store of another Region is not there."""
    local_system.create_store()
    seen = [
        len(
            post(local_system, "DescribeCustomKeyStores", {}, scope=scope)[1][
                "CustomKeyStores"
            ]
        )
        for scope in (
            SCOPE.format("us-east-1", "kms"),
            SCOPE.format("eu-west-1", "kms"),
        )
    ]
    assert [1, 0] == seen


def test_an_unsigned_request_is_for_the_fake_s_region(local_system: System):
    """curl without a signature is welcome."""
    local_system.create_store()
    _, document = post(local_system, "DescribeCustomKeyStores", {}, scope=None)
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
def test_hostile_input(local_system: System, operation: str, document: dict[str, Any]):
    """Types that botocore would never send get an error, and no traceback."""
    status, answer = post(local_system, operation, document)
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
def test_hostile_plaintexts(local_system: System, document: dict[str, Any]):
    """Likewise for what is to be encrypted."""
    key = local_system.create_key()
    status, answer = post(local_system, "Encrypt", {"KeyId": key, **document})
    if status != 200:
        assert answer["__type"] in {"SerializationException", "ValidationException"}


def test_an_empty_service_name_clears_it(local_system: System):
    """botocore refuses the empty string; the API's text asks for it."""
    service = local_system.fake.add_vpc_endpoint_service("xks-proxy.test")
    store_id = local_system.create_store(
        XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
        XksProxyVpcEndpointServiceName=service.name,
    )
    status, answer = post(
        local_system,
        "UpdateCustomKeyStore",
        {
            "CustomKeyStoreId": store_id,
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": local_system.endpoint,
            "XksProxyVpcEndpointServiceName": "",
        },
    )
    assert (200, {}) == (status, answer)


def test_not_json(local_system: System):
    """It is refused as AWS refuses it."""
    status, answer = post(local_system, "ListKeys", b"{")
    assert (400, "SerializationException") == (status, answer["__type"])


def test_an_operation_that_there_is_not(local_system: System):
    """moto does not know it; the client gets to know that."""
    status, answer = post(local_system, "MakeCoffee", {})
    assert (400, "UnknownOperationException") == (status, answer["__type"])


def test_a_request_to_nobody(local_system: System):
    """Without a credential scope and a target nobody is meant."""
    response = local_system.fake.handle(Request(method="GET", target="/"))
    assert 400 == response.status
    assert b"MissingAuthenticationToken" in response.body


@pytest.fixture
def url(local_system: System) -> Iterator[str]:
    """The fake behind a real HTTP server."""
    server = HttpsServer(
        lambda request, _peer: Delivery(response=local_system.fake.handle(request)),
        context=None,
    )
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def test_over_a_real_socket(local_system: System, url: str):
    """A client with an endpoint_url does what a client in-process does."""
    arn = local_system.create_key()
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
