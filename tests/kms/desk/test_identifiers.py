"""Every operation of KMS, asked about a key by every form of identifier."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from pytest_xks.proxy_api.encoding import encode_base64
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.kms.desk.trace import Trace
    from pytest_xks.kms.keys.key import XksKey

    from ..conftest import System

MODEL = botocore.session.get_session().get_service_model("kms")
ACCOUNT, OTHER_ACCOUNT = "123456789012", "111122223333"
KEY_MEMBERS = {"KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"}
SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20261123/{}/kms/aws4_request, Signature=00"
NAMING_NO_KEY = {
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateKey",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DisconnectCustomKeyStore",
    "GenerateRandom",
    "ListKeys",
    "ListRetirableGrants",
    "UpdateCustomKeyStore",
}
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
DIGITS = {ord(str(digit)): 0x0660 + digit for digit in range(10)}
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
    "new-line": lambda arn: f"{arn.partition('/')[2]}\n",
    "arn-and-new-line": lambda arn: f"{arn}\n",
    "nul": lambda arn: f"{arn.partition('/')[2]}\0",
    "digits-of-another-script": lambda arn: arn.partition("/")[2].translate(DIGITS),
    "arn-of-nothing": lambda arn: f"{arn.partition('/')[0]}/",
    "arn-of-key-and-alias": lambda arn: f"{arn.partition('/')[0]}/alias/mine",
    "arn-without-a-region": lambda arn: arn.replace("us-east-1", ""),
    "arn-without-an-account": lambda arn: arn.replace(ACCOUNT, ""),
    "arn-of-any-account": lambda arn: arn.replace(ACCOUNT, "*"),
    "id-as-an-alias": lambda arn: f"alias/{arn.partition('/')[2]}",
    "alias-in-capitals": lambda _: "alias/MINE",
    "alias-with-a-tail": lambda _: "alias/mine/",
    "alias-and-new-line": lambda _: "alias/mine\n",
    "alias-without-prefix": lambda _: "mine",
    "alias-arn-of-another-region": lambda arn: (
        arn.partition("key/")[0].replace("us-east-1", "eu-west-1") + "alias/mine"
    ),
    "alias-arn-of-another-account": lambda arn: (
        arn.partition("key/")[0].replace(ACCOUNT, OTHER_ACCOUNT) + "alias/mine"
    ),
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


def members_of(operation: str) -> set[str]:
    """The members of a request that name a key."""
    shape = MODEL.operation_model(operation).input_shape
    return KEY_MEMBERS & set(shape.members) if shape else set()


def naming(operation: str, key_id: str, blob: str) -> dict[str, Any]:
    """A request that is right but for the key that it names, if it names one."""
    shape = MODEL.operation_model(operation).input_shape
    named = dict.fromkeys(members_of(operation), key_id)
    parameters = (value_of(shape) if shape else {}) | named
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


OPERATIONS = [name for name in MODEL.operation_names if members_of(name)]


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
        is_body = isinstance(parameters, bytes)
        body = parameters if is_body else json.dumps(parameters).encode()
        response = self.system.fake.handle(
            Request(method="POST", target="/", headers=headers, body=body)
        )
        assert response.header("x-amzn-RequestId")
        document = json.loads(response.body)
        return response.status, document or {}

    def of_a_standard_key(self) -> Ask:
        """The same about a standard key."""
        other = copy.copy(self)
        other.arn = self.system.plain_key()
        self.system.kms.update_alias(AliasName=self.alias, TargetKeyId=other.arn)
        return other

    def keys_of_calls(self) -> list[list[XksKey]]:
        """A list that gets the keys in stores that each call has to do with."""
        desk, seen = self.system.fake._desk, []
        note = desk.note

        def noting(call: Any, trace: Trace, *rest: Any) -> None:
            seen.append(list(trace.keys))
            note(call, trace, *rest)

        desk.note = noting  # type: ignore[method-assign]
        return seen

    def everything(self) -> str:
        """All that there is to know of the key, and how often the proxy was asked."""
        region = self.system.fake._accounts.region(ACCOUNT, "us-east-1")
        key: Any = region.keys._backend.keys[self.arn.rpartition("/")[2]]  # type: ignore[attr-defined] # moto's
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
    others = set(MODEL.operation_names) - set(OPERATIONS)
    assert others <= NAMING_NO_KEY


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ["in-a-store", "standard"])
def test_a_wrong_identifier_means_no_key(ask: Ask, operation: str, kind: str):
    """It is refused as AWS refuses it, and changes nothing."""
    if kind == "standard":
        ask = ask.of_a_standard_key()
    before = ask.everything()
    for form, write in WRONG_FORMS.items():
        if (operation, kind) == ("GenerateDataKey", "standard") and (
            form.endswith("of-another-account")
        ):
            continue  # moto's own tests take a standard key so.
        parameters = naming(operation, write(ask.arn), ask.blob)
        status, document = ask(operation, parameters)
        seen = (form, status, document)
        codes = {"NotFoundException"}
        if operation in {"CreateAlias", "UpdateAlias"}:
            codes.add("ValidationException")
        assert status == 400, seen
        assert document["__type"] in codes, seen
    assert before == ask.everything()


@pytest.mark.parametrize("member", ["SourceKeyId", "DestinationKeyId"])
def test_one_wrong_identifier_of_two(ask: Ask, member: str):
    """The other one makes it no better."""
    before = ask.everything()
    for form, write in WRONG_FORMS.items():
        parameters = naming("ReEncrypt", ask.arn, ask.blob)
        status, document = ask("ReEncrypt", {**parameters, member: write(ask.arn)})
        assert (400, "NotFoundException") == (status, document["__type"]), form
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
@pytest.mark.parametrize("form", FORMS)
def test_a_key_of_another_account(
    ask: Ask, operation: str, form: str, monkeypatch: pytest.MonkeyPatch
):
    """What has no cross-account use is denied, and changes nothing."""
    before = ask.everything()
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    key_id = FORMS[form](ask.arn, ask.alias)
    status, document = ask(operation, naming(operation, key_id, ask.blob))
    alias = "alias" in form and operation not in TAKE_ALIASES
    if operation in CROSS_ACCOUNT and "arn" in form and not alias:
        assert document.get("__type") not in {"AccessDeniedException", "KeyError"}
        assert status < 500, document
        return
    seen = status, document["__type"]
    if "arn" not in form or alias:
        # Without an account it is one of the caller's, who has none such.
        assert seen in {(400, "NotFoundException"), (400, "ValidationException")}
    else:
        assert (400, "AccessDeniedException") == seen
        assert f"kms:{operation} on resource: {ask.arn}" in document["message"]
    monkeypatch.delenv("MOTO_ACCOUNT_ID")
    assert before == ask.everything()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_right_identifier_means_the_key(ask: Ask, operation: str):
    """Each form that an operation takes gets one and the same answer, ours."""
    seen, ours = {}, ask.keys_of_calls()
    for form, write in FORMS.items():
        parameters = naming(operation, write(ask.arn, ask.alias), ask.blob) or {}
        if operation == "CreateAlias":
            parameters["AliasName"] = f"alias/{form}"
        if operation == "ScheduleKeyDeletion" and seen:
            ask("CancelKeyDeletion", {"KeyId": ask.arn})
        ours.clear()
        status, document = ask(operation, parameters)
        assert status < 500, document
        if "alias" in form and operation not in TAKE_ALIASES:
            assert status == 400
            continue
        seen[form] = status, document.get("__type"), document.get("KeyId")
        assert {ask.arn} == {key.arn for key in ours.pop()}
    by_id = seen.pop("key-id")
    for answer in seen.values():
        assert by_id[:2] == answer[:2]
        assert ask.arn == (answer[2] or ask.arn)


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_members_of_other_types(ask: Ask, operation: str):
    """No value that JSON can have leads to anything but an error of KMS."""
    right = naming(operation, ask.arn, ask.blob)
    shape = MODEL.operation_model(operation).input_shape
    for member in shape.members if shape else ():
        for value in (None, 7, True, 1.5, "", [], [None], {}, {"a": None}, "x" * 9000):
            status, document = ask(operation, {**right, member: value})
            assert status < 500, (member, value, document)
            if status != 200:
                assert document["__type"].endswith("Exception")


# -- operations that name something else -------------------------------------------


@pytest.mark.parametrize("operation", sorted(NAMING_NO_KEY))
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[]", b"{", b"\xff", b'"x"'])
def test_any_body(ask: Ask, operation: str, body: bytes):
    """Whatever comes, the answer is a document of KMS, and the key stays."""
    before = ask.everything()
    status, document = ask(operation, body)
    assert status < 500, document
    if status != 200:
        assert document["__type"].endswith("Exception")
    assert before == ask.everything()


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.parametrize(
    "name",
    [
        *("mine", "alias/", "alias/MINE", "alias/mine/", "alias/mine\n", "alias/none"),
        f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/mine",
        f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/mine",
    ],
)
def test_an_alias_that_there_is_not(ask: Ask, name: str, region: str):
    """DeleteAlias and UpdateAlias take the name of an alias, and that of the Region."""
    before = ask.everything()
    for operation in ("DeleteAlias", "UpdateAlias"):
        parameters = {"AliasName": name, "TargetKeyId": ask.arn}
        status, document = ask(operation, parameters, region)
        assert status == 400, document
        codes = {"NotFoundException", "ValidationException"}
        assert document["__type"] in codes | {"InvalidAliasNameException"}
    assert before == ask.everything()


STORE_OPERATIONS = [
    *("ConnectCustomKeyStore", "DisconnectCustomKeyStore", "UpdateCustomKeyStore"),
    *("DeleteCustomKeyStore", "DescribeCustomKeyStores", "CreateKey", "GenerateRandom"),
]


@pytest.mark.parametrize("operation", STORE_OPERATIONS)
def test_a_store_that_there_is_not(ask: Ask, operation: str):
    """Nor is one found in another Region, or by its name, or with a tail."""
    (store,) = ask.system.kms.describe_custom_key_stores()["CustomKeyStores"]
    store_id, before = store["CustomKeyStoreId"], ask.everything()
    wrong = ["cks-1234567890abcdef0", f"{store_id}0", store_id.upper(), f"{store_id}\n"]
    asked = [(each, "us-east-1") for each in wrong] + [(store_id, "eu-west-1")]
    for each, region in [*asked, (store["CustomKeyStoreName"], "us-east-1")]:
        parameters = naming(operation, "", "") | {"CustomKeyStoreId": each}
        if operation == "CreateKey":
            parameters |= {"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "second"}
        if operation == "GenerateRandom":
            parameters["NumberOfBytes"] = 8
        status, document = ask(operation, parameters, region)
        seen = status, document.get("__type")
        assert (400, "CustomKeyStoreNotFoundException") == seen, (each, region)
    assert before == ask.everything()
    (after,) = ask.system.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert store == after
