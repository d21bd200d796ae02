"""Requests as no SDK sends them: bodies, types, constraints of the service model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.kms.desk.constraints import constraints_of
from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.desk.operation_names import OPERATION_NAMES
from pytest_xks.kms.desk.validation import examined, present, refusal
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from ..conftest import System

PREFIX = "1 validation error detected: "


def post(
    system: System, body: bytes, kind: str = "application/x-amz-json-1.1"
) -> tuple[int, dict[str, Any]]:
    """Send a body to DescribeKey; status and document."""
    headers = (("Content-Type", kind), ("X-Amz-Target", "TrentService.DescribeKey"))
    response = system.fake.handle(
        Request(method="POST", target="/", headers=headers, body=body)
    )
    assert response.header("x-amzn-RequestId")
    return response.status, json.loads(response.body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"x"', id="text"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"{}{}", id="two"),
        pytest.param(b'{"KeyId": NaN}', id="nan"),
        pytest.param(b'{"KeyId": "\xff"}', id="no-utf-8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"KeyId=alias%2Fa", id="form"),
    ],
)
def test_a_body_that_is_no_json_object(local_system: System, body: bytes):
    """It is a SerializationException of AWS JSON."""
    status, document = post(local_system, body)
    assert (400, "SerializationException") == (status, document["__type"])


@pytest.mark.parametrize("body", [b"", b"{}", b'{"KeyId": null}'])
def test_a_member_that_is_not_there(local_system: System, body: bytes):
    """An empty body is an empty object, and a null an absent member."""
    status, document = post(local_system, body)
    assert (400, "ValidationException") == (status, document["__type"])
    where = "Value null at 'keyId' failed to satisfy constraint: "
    assert f"{PREFIX}{where}Member must not be null" == document["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_other_content_types(local_system: System, kind: str):
    """The answer is AWS JSON whatever the request says that it is."""
    status, document = post(local_system, b'{"KeyId": "alias/none"}', kind)
    assert 400 == status
    # moto's HTTP layer takes the body of a form away.
    assert document["__type"] in {"NotFoundException", "ValidationException"}


@pytest.mark.parametrize("operation", OPERATION_NAMES)
def test_every_operation_of_the_installed_model_compiles(operation: str):
    """The constraints of each can be read; older models lack some operations."""
    constraints = constraints_of(operation)
    assert constraints is None or set(constraints.required) <= set(constraints.checks)


def refused(operation: str, **parameters: Any) -> str:
    """The message that refuses a request."""
    violations = examined(operation, present(operation, parameters)).violations
    assert violations
    error = refusal(violations)
    assert "ValidationException" == error.code
    return error.message


def test_several_errors_are_counted():
    """One message names them all."""
    message = refused("CreateAlias", AliasName="my alias", TargetKeyId="x" * 2049)
    assert message.startswith("2 validation errors detected: Value 'my alias' at ")
    assert "; Value 'xxx" in message


def test_sensitive_values_are_left_out():
    """A message never repeats a credential."""
    message = refused(
        "UpdateCustomKeyStore",
        CustomKeyStoreId="cks-1",
        XksProxyAuthenticationCredential={
            "AccessKeyId": "small",
            "RawSecretAccessKey": "secret!",
        },
    )
    assert "small" not in message
    assert "secret!" not in message
    assert "'xksProxyAuthenticationCredential.rawSecretAccessKey'" in message


def test_a_member_within_a_member():
    """A list counts from one, and a null in it is an absent member."""
    message = refused("TagResource", KeyId="x", Tags=[{"TagKey": None}])
    assert "Value null at 'tags.1.member.tagKey'" in message
    message = refused("TagResource", KeyId="x", Tags=[None])
    assert "Value null at 'tags.1.member'" in message


def test_the_end_of_a_line_is_no_end_of_a_text():
    """A pattern is that of the whole text."""
    assert "pattern" in refused("CreateAlias", AliasName="alias/a\n", TargetKeyId="x")


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("Encrypt", {"KeyId": "x", "Plaintext": "no base64"}),
        ("Encrypt", {"KeyId": "x", "Plaintext": "eA==", "EncryptionContext": []}),
        ("ListKeys", {"Limit": True}),
        ("ListKeys", {"Limit": "1"}),
        ("Encrypt", {"KeyId": "x", "Plaintext": "eA==", "DryRun": "true"}),
        ("ImportKeyMaterial", {"KeyId": "x", "ValidTo": "tomorrow"}),
    ],
)
def test_a_value_of_another_type(operation: str, parameters: dict[str, Any]):
    """It is a SerializationException, whatever else is wrong."""
    with pytest.raises(KmsError, match="SerializationException"):
        examined(operation, parameters)


def test_a_member_that_the_model_does_not_have():
    """It is ignored, as AWS ignores it."""
    assert not examined("ListKeys", {"Coffee": 1}).violations
