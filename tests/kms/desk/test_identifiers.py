"""Every operation of KMS, asked about a key by every form of identifier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from pytest_xks.proxy_api.encoding import encode_base64
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import System

MODEL = botocore.session.get_session().get_service_model("kms")
ACCOUNT, OTHER_ACCOUNT = "123456789012", "111122223333"
KEY_MEMBERS = {"KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"}
SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20261123/{}/kms/aws4_request, Signature=00"
TAKE_ALIASES = {
    name
    for name in MODEL.operation_names
    if (shape := MODEL.operation_model(name).input_shape)
    for member in KEY_MEMBERS - {"TargetKeyId"}
    if member in shape.members
    and "alias ARN" in shape.members[member].documentation.replace("Alias", "alias")
} | {"GenerateMac", "VerifyMac"}  # Their pages say it in other words.
CROSS_ACCOUNT = {
    name
    for name in MODEL.operation_names
    if "<b>Cross-account use</b>: Yes" in MODEL.operation_model(name).documentation
}
# What an operation takes besides the key, where a value of the right type is not one.
VALUES: dict[str, Any] = {
    "AliasName": "alias/new",
    "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    "GrantId": "0" * 64,
    "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/app",
    "KeySpec": "AES_256",
    "Policy": '{"Version":"2012-10-17","Statement":[]}',
    "PolicyName": "default",
    "PrimaryRegion": "eu-west-1",
    "ReplicaRegion": "eu-west-1",
    "TagKeys": ["t"],
    "Tags": [{"TagKey": "t", "TagValue": "v"}],
}
FORMS: dict[str, Callable[[str, str], str]] = {
    "key-id": lambda arn, _: arn.partition("/")[2],
    "key-arn": lambda arn, _: arn,
    "alias": lambda _, alias: alias,
    "alias-arn": lambda arn, alias: arn.partition("key/")[0] + alias,
}
WRONG_FORMS: dict[str, Callable[[str], str]] = {
    "arn-of-another-region": lambda arn: arn.replace("us-east-1", "eu-west-1"),
    "arn-of-another-account": lambda arn: arn.replace(ACCOUNT, OTHER_ACCOUNT),
    "arn-of-another-partition": lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"),
    "arn-of-another-service": lambda arn: arn.replace(":kms:", ":iam:"),
    "arn-of-another-resource": lambda arn: arn.replace(":key/", ":keys/"),
    "arn-with-a-tail": lambda arn: f"{arn}/x",
    "arn-cut-off": lambda arn: arn.rpartition(":")[0],
    "arn-of-no-alias": lambda arn: arn.partition("key/")[0] + "alias/none",
    "upper-case": lambda arn: arn.partition("/")[2].upper(),
    "upper-case-arn": lambda arn: arn.upper(),
    "mrk": lambda arn: f"mrk-{arn.partition('/')[2]}",
    "without-hyphens": lambda arn: arn.partition("/")[2].replace("-", ""),
    "space": lambda arn: f" {arn.partition('/')[2]}",
    "nobody-s-id": lambda _: "12345678-1234-1234-1234-123456789012",
    "no-id": lambda _: "fake-key-id",
    "no-alias": lambda _: "alias/none",
}


def value_of(shape: Any) -> Any:
    """A value of a type, with as few members as may be."""
    if shape.type_name == "structure":
        return {
            name: VALUES.get(name) or value_of(shape.members[name])
            for name in shape.required_members
        }
    if shape.type_name == "list":
        return [value_of(shape.member)]
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * shape.metadata.get("min", 1)
    return {"blob": "eA==", "integer": 7, "boolean": False}[shape.type_name]


def naming(operation: str, key_id: str, blob: str) -> dict[str, Any] | None:
    """A request that is right but for the key that it names; None if it names none."""
    shape = MODEL.operation_model(operation).input_shape
    if shape is None or not KEY_MEMBERS & set(shape.members):
        return None
    named = dict.fromkeys(KEY_MEMBERS & set(shape.members), key_id)
    parameters = value_of(shape) | named
    if operation in {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext"}:
        parameters["KeySpec"] = "AES_256"
    if operation == "CreateGrant":
        parameters |= {"GranteePrincipal": VALUES["GranteePrincipal"]}
        parameters["Operations"] = ["Encrypt"]
    if operation == "RetireGrant":
        parameters["GrantId"] = VALUES["GrantId"]
    if operation in {"Decrypt", "ReEncrypt"}:
        parameters["CiphertextBlob"] = blob
    return parameters


OPERATIONS = [
    name for name in MODEL.operation_names if naming(name, "x", "eA==") is not None
]


class Ask:
    """A key with an alias in an external key store, and requests about it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.arn = system.create_key()
        self.alias = "alias/mine"
        kms = system.kms
        kms.create_alias(AliasName=self.alias, TargetKeyId=self.arn)
        kms.create_alias(AliasName="alias/x", TargetKeyId=system.plain_key())
        kms.create_alias(AliasName="alias/new2", TargetKeyId=self.arn)
        blob = kms.encrypt(KeyId=self.arn, Plaintext=b"x")["CiphertextBlob"]
        self.blob = encode_base64(blob)

    def __call__(
        self, operation: str, parameters: Any, region: str = "us-east-1"
    ) -> tuple[int, dict[str, Any]]:
        """Send a request as any SDK would; status and document."""
        headers = (
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"TrentService.{operation}"),
            ("Authorization", SCOPE.format(region)),
        )
        body = json.dumps(parameters).encode()
        response = self.system.fake.handle(
            Request(method="POST", target="/", headers=headers, body=body)
        )
        assert response.header("x-amzn-RequestId")
        document = json.loads(response.body)
        return response.status, document or {}

    def everything(self) -> str:
        """All that there is to know of the key, and how often the proxy was asked."""
        region = self.system.fake._accounts.region(ACCOUNT, "us-east-1")
        key: Any = region.keys.find(self.arn)
        names = [
            self.system.kms.list_aliases(KeyId=self.arn)["Aliases"],
            self.system.kms.list_resource_tags(KeyId=self.arn)["Tags"],
            self.system.kms.list_grants(KeyId=self.arn)["Grants"],
        ]
        known = {name: str(value) for name, value in vars(key).items()}
        return repr((known, names, len(self.system.proxy.requests)))


@pytest.fixture
def ask(local_system: System) -> Ask:
    """A key, and requests about it."""
    return Ask(local_system)


def test_the_model_is_covered():
    """Every operation that names a key is asked."""
    assert len(OPERATIONS) > 40


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_identifier_means_no_key(ask: Ask, operation: str):
    """It is refused as AWS refuses it, and changes nothing."""
    before = ask.everything()
    for form, write in WRONG_FORMS.items():
        parameters = naming(operation, write(ask.arn), ask.blob)
        status, document = ask(operation, parameters)
        seen = (form, status, document)
        codes = {"NotFoundException"}
        if operation in {"CreateAlias", "UpdateAlias"}:
            codes.add("ValidationException")
        assert status == 400, seen
        assert document["__type"] in codes, seen
    assert before == ask.everything()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_is_not_known_in_another_region(ask: Ask, operation: str):
    """Neither by its id nor by its ARN nor by its alias."""
    before = ask.everything()
    for write in FORMS.values():
        parameters = naming(operation, write(ask.arn, ask.alias), ask.blob)
        status, document = ask(operation, parameters, "eu-west-1")
        assert status == 400, document
        assert document["__type"] in {"NotFoundException", "ValidationException"}
    assert before == ask.everything()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_of_another_account(
    ask: Ask, operation: str, monkeypatch: pytest.MonkeyPatch
):
    """What has no cross-account use is denied, and changes nothing."""
    before = ask.everything()
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    status, document = ask(operation, naming(operation, ask.arn, ask.blob))
    if operation in CROSS_ACCOUNT:
        assert document.get("__type") not in {"AccessDeniedException", "KeyError"}
        assert status < 500, document
        return
    assert (400, "AccessDeniedException") == (status, document["__type"])
    assert f"kms:{operation} on resource: {ask.arn}" in document["message"]
    monkeypatch.delenv("MOTO_ACCOUNT_ID")
    assert before == ask.everything()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_right_identifier_means_the_key(ask: Ask, operation: str):
    """Each form that an operation takes gets one and the same answer."""
    seen = {}
    for form, write in FORMS.items():
        parameters = naming(operation, write(ask.arn, ask.alias), ask.blob) or {}
        if operation == "CreateAlias":
            parameters["AliasName"] = f"alias/{form}"
        if operation == "ScheduleKeyDeletion" and seen:
            ask("CancelKeyDeletion", {"KeyId": ask.arn})
        status, document = ask(operation, parameters)
        assert status < 500, document
        if "alias" in form and operation not in TAKE_ALIASES:
            assert status == 400
            continue
        seen[form] = status, document.get("__type"), document.get("KeyId")
    by_id = seen.pop("key-id")
    for answer in seen.values():
        assert by_id[:2] == answer[:2]
        assert ask.arn == (answer[2] or ask.arn)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_members_of_other_types(ask: Ask, operation: str):
    """No value that JSON can have leads to anything but an error of KMS."""
    right = naming(operation, ask.arn, ask.blob)
    assert right is not None
    for member in right:
        for value in (None, 7, True, 1.5, "", [], [None], {}, {"a": None}, "x" * 9000):
            status, document = ask(operation, {**right, member: value})
            assert status < 500, (member, value, document)
            if status != 200:
                assert document["__type"].endswith("Exception")
