"""What tags, policies, aliases, descriptions and grants of a key may be, and pages."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from freezegun import freeze_time
from moto.kms.models import KmsBackend

if TYPE_CHECKING:
    from ..conftest import AssertKmsError, System

WHO = "arn:aws:iam::123456789012:role/app"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def tags(*names: str, value: str = "v") -> list[dict[str, str]]:
    """Tags of these names."""
    return [{"TagKey": name, "TagValue": value} for name in names]


# -- tags --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(tags("k" * 129), "ValidationException", id="long-key"),
        pytest.param(tags("k", value="v" * 257), "ValidationException", id="value"),
        pytest.param(tags("k", "k"), "TagException", id="twice"),
        pytest.param(tags("aws:k"), "TagException", id="reserved"),
        pytest.param(tags("AWS:k"), "TagException", id="reserved-in-capitals"),
        pytest.param(tags(*map(str, range(51))), "TagException", id="too-many"),
    ],
)
def test_tags_that_are_refused(
    local_system: System, assert_kms_error: AssertKmsError, given: Any, code: str
):
    """CreateKey and TagResource have one rule, and one message."""
    store_id = local_system.connected_store()
    error = assert_kms_error(
        lambda: local_system.create_key(store_id, Tags=given), code
    )
    key = local_system.create_key(store_id)
    message = error.response["Error"]["Message"]
    assert_kms_error(
        lambda: local_system.kms.tag_resource(KeyId=key, Tags=given), code, message
    )
    assert [] == local_system.kms.list_resource_tags(KeyId=key)["Tags"]


def test_fifty_tags_in_all(local_system: System, assert_kms_error: AssertKmsError):
    """The tags that are there count, and a new value is no new tag."""
    key = local_system.create_key(Tags=tags(*map(str, range(50))))
    kms = local_system.kms
    assert_kms_error(
        lambda: kms.tag_resource(KeyId=key, Tags=tags("more")),
        "TagException",
        "Too many tags",
    )
    kms.tag_resource(KeyId=key, Tags=tags("0", value="new"))
    listed = kms.list_resource_tags(KeyId=key)["Tags"]
    assert {"TagKey": "0", "TagValue": "new"} in listed


# -- policies ----------------------------------------------------------------------


def test_the_policy_of_a_key(local_system: System):
    """Its name is default, with or without saying so, and what is put is got."""
    key, kms = local_system.create_key(), local_system.kms
    kms.put_key_policy(KeyId=key, Policy=POLICY)
    for name in ({}, {"PolicyName": "default"}):
        answer = kms.get_key_policy(KeyId=key, **name)
        assert (POLICY, "default") == (answer["Policy"], answer["PolicyName"])


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        pytest.param("text", "MalformedPolicyDocumentException", id="text"),
        pytest.param("[]", "MalformedPolicyDocumentException", id="list"),
        pytest.param("{}", "MalformedPolicyDocumentException", id="no-statement"),
        pytest.param(POLICY + " " * 33000, "LimitExceededException", id="long"),
    ],
)
def test_policies_that_are_refused(
    local_system: System, assert_kms_error: AssertKmsError, policy: str, code: str
):
    """The policy stays as it was."""
    key, kms = local_system.create_key(), local_system.kms
    before = kms.get_key_policy(KeyId=key)["Policy"]
    assert_kms_error(lambda: kms.put_key_policy(KeyId=key, Policy=policy), code)
    assert before == kms.get_key_policy(KeyId=key)["Policy"]


def test_a_policy_of_another_name(
    local_system: System, assert_kms_error: AssertKmsError
):
    """There is none."""
    key, kms = local_system.create_key(), local_system.kms
    assert_kms_error(
        lambda: kms.get_key_policy(KeyId=key, PolicyName="mine"), "NotFoundException"
    )
    assert_kms_error(
        lambda: kms.put_key_policy(KeyId=key, PolicyName="mine", Policy=POLICY),
        "NotFoundException",
    )


def test_the_policy_of_a_standard_key_has_a_default_name_too(local_system: System):
    """What moto asks for, and AWS does not."""
    key, kms = local_system.plain_key(), local_system.kms
    kms.put_key_policy(KeyId=key, Policy=POLICY)
    assert POLICY == kms.get_key_policy(KeyId=key)["Policy"]


# -- aliases, descriptions ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mine", "ValidationException"),
        ("alias/", "InvalidAliasNameException"),
        ("alias/aws/mine", "NotAuthorizedException"),
        ("alias/my key", "ValidationException"),
        ("alias/" + "a" * 251, "ValidationException"),
    ],
)
def test_aliases_that_are_refused(
    local_system: System, assert_kms_error: AssertKmsError, name: str, code: str
):
    """By CreateAlias and by UpdateAlias."""
    key, kms = local_system.create_key(), local_system.kms
    for call in (kms.create_alias, kms.update_alias):
        assert_kms_error(lambda: call(AliasName=name, TargetKeyId=key), code)  # noqa: B023
    assert [] == kms.list_aliases(KeyId=key)["Aliases"]


def test_an_alias_has_dates(local_system: System):
    """UpdateAlias changes one of them, and a new alias of the name has new ones."""
    store_id, kms = local_system.connected_store(), local_system.kms
    first = local_system.create_key(store_id)
    second = local_system.create_key(store_id, XksKeyId="second")
    clock = local_system.proxy.clock

    def dates(key: str) -> tuple[Any, Any]:
        (alias,) = kms.list_aliases(KeyId=key)["Aliases"]
        return alias["CreationDate"], alias["LastUpdatedDate"]

    kms.create_alias(AliasName="alias/a", TargetKeyId=first)
    created, updated = dates(first)
    assert created == updated
    clock.advance(milliseconds=60_000)
    kms.update_alias(AliasName="alias/a", TargetKeyId=second)
    assert created == dates(second)[0] < dates(second)[1]
    kms.delete_alias(AliasName="alias/a")
    kms.create_alias(AliasName="alias/a", TargetKeyId=first)
    assert created < dates(first)[0]


def test_a_description_that_is_too_long(
    local_system: System, assert_kms_error: AssertKmsError
):
    """8192 characters are the most."""
    key, kms = local_system.create_key(), local_system.kms
    kms.update_key_description(KeyId=key, Description="d" * 8192)
    assert_kms_error(
        lambda: kms.update_key_description(KeyId=key, Description="d" * 8193),
        "ValidationException",
    )


# -- grants ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Operations": ["Bogus"]}, id="unknown-operation"),
        pytest.param({"Operations": []}, id="no-operation"),
        pytest.param({"Operations": ["Sign"]}, id="operation-of-other-keys"),
        pytest.param({"Operations": ["CreateGrant"]}, id="nothing-but-create-grant"),
        pytest.param({"Name": "my grant"}, id="name"),
        pytest.param(
            {
                "Constraints": {
                    "EncryptionContextSubset": {"a": "b"},
                    "EncryptionContextEquals": {"a": "b"},
                }
            },
            id="two-constraints",
        ),
        pytest.param(
            {
                "Constraints": {
                    "EncryptionContextSubset": dict.fromkeys("123456789", "")
                }
            },
            id="nine-pairs",
        ),
        pytest.param(
            {"Constraints": {"EncryptionContextEquals": {"a": "b" * 385}}},
            id="long-value",
        ),
    ],
)
def test_grants_that_are_refused(
    local_system: System, assert_kms_error: AssertKmsError, changes: dict[str, Any]
):
    """Each is a ValidationException, and leaves no grant."""
    key, kms = local_system.create_key(), local_system.kms
    parameters = {"GranteePrincipal": WHO, "Operations": ["Decrypt"], **changes}
    assert_kms_error(
        lambda: kms.create_grant(KeyId=key, **parameters), "ValidationException"
    )
    assert [] == kms.list_grants(KeyId=key)["Grants"]


def test_a_grant_with_a_name_is_made_once(local_system: System):
    """A retry gets the same id and another token; other parameters another grant."""
    key, kms = local_system.create_key(), local_system.kms

    def grant(**changes: Any) -> Any:
        parameters = {"GranteePrincipal": WHO, "Operations": ["Decrypt"], **changes}
        return kms.create_grant(KeyId=key, **parameters)

    first, again = grant(Name="same"), grant(Name="same")
    assert first["GrantId"] == again["GrantId"]
    assert first["GrantToken"] != again["GrantToken"]
    assert first["GrantId"] != grant(Name="same", Operations=["Encrypt"])["GrantId"]
    assert grant()["GrantId"] != grant()["GrantId"]


def test_what_list_grants_says(local_system: System):
    """What was given, the key, the time and the account, and no more."""
    key, kms = local_system.create_key(), local_system.kms
    made = kms.create_grant(KeyId=key, GranteePrincipal=WHO, Operations=["Decrypt"])
    (entry,) = kms.list_grants(KeyId=key, GrantId=made["GrantId"])["Grants"]
    assert entry.pop("CreationDate")
    assert entry == {
        "GrantId": made["GrantId"],
        "GranteePrincipal": WHO,
        "IssuingAccount": "arn:aws:iam::123456789012:root",
        "KeyId": key,
        "Operations": ["Decrypt"],
    }
    others = kms.list_grants(KeyId=key, GranteePrincipal=f"{WHO}-other")
    assert [] == others["Grants"]


@pytest.mark.parametrize("kind", ["plain_key", "create_key"])
def test_retiring(local_system: System, assert_kms_error: AssertKmsError, kind: str):
    """By any of its tokens, or by its id and key; once."""
    kms = local_system.kms
    key = getattr(local_system, kind)()
    made = [
        kms.create_grant(
            KeyId=key, GranteePrincipal=WHO, RetiringPrincipal=WHO, Operations=[each]
        )
        for each in ("Encrypt", "Decrypt")
    ]
    listed = kms.list_retirable_grants(RetiringPrincipal=WHO)["Grants"]
    assert {each["GrantId"] for each in made} == {each["GrantId"] for each in listed}
    kms.retire_grant(GrantToken=made[0]["GrantToken"])
    assert_kms_error(
        lambda: kms.retire_grant(GrantToken=made[0]["GrantToken"]),
        "InvalidGrantTokenException",
    )
    kms.retire_grant(KeyId=key, GrantId=made[1]["GrantId"])
    assert [] == kms.list_grants(KeyId=key)["Grants"]
    for parameters in ({}, {"GrantId": "0" * 64}, {"KeyId": key}):
        assert_kms_error(
            lambda: kms.retire_grant(**parameters),  # noqa: B023
            "ValidationException",
        )


# -- pages -------------------------------------------------------------------------


def _aliases(kms: Any, key: str) -> None:
    for number in range(3):
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=key)


def _grants(kms: Any, key: str) -> None:
    for _ in range(3):
        kms.create_grant(
            KeyId=key,
            GranteePrincipal=WHO,
            RetiringPrincipal=WHO,
            Operations=["Decrypt"],
        )


LISTS: dict[str, tuple[str, Any, Any]] = {
    "list_aliases": ("Aliases", _aliases, lambda key: {"KeyId": key}),
    "list_grants": ("Grants", _grants, lambda key: {"KeyId": key}),
    "list_keys": (
        "Keys",
        lambda kms, _: [
            kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
            for _ in "12"
        ],
        lambda _: {},
    ),
    "list_resource_tags": (
        "Tags",
        lambda kms, key: kms.tag_resource(KeyId=key, Tags=tags(*"123")),
        lambda key: {"KeyId": key},
    ),
    "list_retirable_grants": (
        "Grants",
        _grants,
        lambda _: {"RetiringPrincipal": WHO},
    ),
}


@pytest.mark.parametrize("operation", LISTS)
def test_pages(local_system: System, assert_kms_error: AssertKmsError, operation: str):
    """A paginator sees each entry once, and a wrong marker is no page."""
    member, fill, parameters_of = LISTS[operation]
    key, kms = local_system.create_key(), local_system.kms
    fill(kms, key)
    assert_pages(getattr(kms, operation), member, parameters_of(key), assert_kms_error)


@pytest.mark.parametrize("clock", ["running", "stopped"])
@pytest.mark.skipif(
    not hasattr(KmsBackend, "rotate_key_on_demand"), reason="moto 5.0 cannot rotate"
)
def test_pages_of_rotations(
    local_system: System, assert_kms_error: AssertKmsError, clock: str
):
    """Likewise of a standard key, be it rotated twice at one moment."""
    kms, key = local_system.kms, local_system.plain_key()
    with freeze_time() if clock == "stopped" else nullcontext():
        for _ in range(3):
            kms.rotate_key_on_demand(KeyId=key)
        assert_pages(
            kms.list_key_rotations, "Rotations", {"KeyId": key}, assert_kms_error
        )


def assert_pages(
    call: Any, member: str, parameters: Any, assert_kms_error: AssertKmsError
) -> None:
    """Three entries come in pages of two and one."""
    whole = call(**parameters)
    assert whole["Truncated"] is False
    assert "NextMarker" not in whole
    pages, marker = [], {}
    while True:
        page = call(Limit=2, **parameters, **marker)
        pages.append(page[member])
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert [2, 1] == [len(page) for page in pages]
    assert whole[member] == [entry for page in pages for entry in page]
    assert_kms_error(
        lambda: call(Marker="nonsense", **parameters), "InvalidMarkerException"
    )


def test_list_keys_has_pages_of_a_hundred(local_system: System):
    """That is what comes without a Limit, so a program without a paginator notices."""
    local_system.create_key()
    region = local_system.fake._accounts.region("123456789012", "us-east-1")
    (first,) = local_system.kms.list_keys()["Keys"]
    keys = region.keys._backend.keys  # type: ignore[attr-defined] # moto's
    for number in range(100):
        other = type("Other", (), {"id": f"k{number}", "arn": "arn", "grants": {}})
        keys[f"k{number}"] = other
    page = local_system.kms.list_keys()
    assert (100, True) == (len(page["Keys"]), page["Truncated"])
    assert first in page["Keys"]
    with pytest.raises(ClientError, match="'1001' at 'limit'"):
        local_system.kms.list_keys(Limit=1001)
    with pytest.raises(ClientError, match="less than or equal to 100"):
        local_system.kms.list_aliases(Limit=101)
