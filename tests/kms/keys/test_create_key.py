"""CreateKey in an external key store, as AWS's page describes it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.kms.behaviour import (
    AccessDeniedAtCreateKey,
    UnsupportedOperationAtCreateKey,
)

if TYPE_CHECKING:
    from ..conftest import AssertKmsError, System

POLICY = json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": []})
TAG = {"TagKey": "Purpose", "TagValue": "Test"}


def keys_of(system: System) -> list[str]:
    """The ids of all KMS keys."""
    return [key["KeyId"] for key in system.kms.list_keys()["Keys"]]


def test_the_members_of_the_page(system: System):
    """CreateKey answers with exactly the members that AWS's page shows."""
    store_id = system.connected_store()
    metadata = system.kms.create_key(
        Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store_id, XksKeyId="usable"
    )["KeyMetadata"]
    assert metadata.pop("CreationDate")
    key_id = metadata.pop("KeyId")
    assert {
        "AWSAccountId": "123456789012",
        "Arn": f"arn:aws:kms:us-east-1:123456789012:key/{key_id}",
        "CustomKeyStoreId": store_id,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": "",
        "Enabled": True,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "KeyManager": "CUSTOMER",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": False,
        "Origin": "EXTERNAL_KEY_STORE",
        "XksKeyConfiguration": {"Id": "usable"},
    } == metadata


def test_describe_key_says_the_same(local_system: System):
    """DescribeKey has the same metadata, by whatever name, and asks no proxy."""
    store_id = local_system.connected_store()
    created = local_system.kms.create_key(
        Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store_id, XksKeyId="usable"
    )["KeyMetadata"]
    arn = created["Arn"]
    local_system.kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    before = local_system.proxy.requests
    names = [
        created["KeyId"],
        arn,
        "alias/mine",
        f"{arn.partition('key/')[0]}alias/mine",
    ]
    for name in names:
        assert created == local_system.kms.describe_key(KeyId=name)["KeyMetadata"]
    assert before == local_system.proxy.requests


def test_one_question_to_the_proxy(local_system: System):
    """GetKeyMetadata, with neither kmsKeyArn nor kmsViaService."""
    with local_system.fake.requests_from(via_service="ec2.us-east-1.amazonaws.com"):
        local_system.create_key()
    (entry,) = local_system.proxy.expect_requests("GetKeyMetadata", count=1)
    assert "usable" == entry.external_key_id
    metadata = dict(entry.request_metadata)
    assert metadata.pop("kmsRequestId")
    assert {
        "awsPrincipalArn": "arn:aws:sts::123456789012:user/moto",
        "kmsOperation": "CreateKey",
    } == metadata


def test_optional_parameters(local_system: System):
    """Policy, description and tags work as on any key."""
    key = local_system.create_key(Policy=POLICY, Description="mine", Tags=[TAG])
    kms = local_system.kms
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert POLICY == policy
    assert [TAG] == kms.list_resource_tags(KeyId=key)["Tags"]
    assert "mine" == kms.describe_key(KeyId=key)["KeyMetadata"]["Description"]


def test_the_default_policy(local_system: System):
    """Without a policy a key has the one that standard keys have."""
    policies = [
        local_system.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        for key in (local_system.create_key(), local_system.plain_key())
    ]
    assert policies[0] == policies[1]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"XksKeyId": None}, "ValidationException", id="no-external-key"),
        pytest.param({"CustomKeyStoreId": None}, "ValidationException", id="no-store"),
        pytest.param({"Origin": None}, "ValidationException", id="default-origin"),
        pytest.param({"Origin": "EXTERNAL"}, "ValidationException", id="imported"),
        pytest.param(
            {"Origin": "AWS_CLOUDHSM", "XksKeyId": None},
            "ValidationException",
            id="cloudhsm-key-in-external-store",
        ),
        pytest.param({"XksKeyId": "with space"}, "ValidationException", id="bad-id"),
        pytest.param({"XksKeyId": "x" * 129}, "ValidationException", id="long-id"),
        pytest.param(
            {"KeySpec": "RSA_2048"}, "UnsupportedOperationException", id="rsa"
        ),
        pytest.param(
            {"CustomerMasterKeySpec": "HMAC_256"},
            "UnsupportedOperationException",
            id="hmac",
        ),
        pytest.param(
            {"KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", id="signing"
        ),
        pytest.param(
            {"MultiRegion": True}, "UnsupportedOperationException", id="multi-region"
        ),
        pytest.param(
            {"Policy": "{"}, "MalformedPolicyDocumentException", id="broken-policy"
        ),
        pytest.param(
            {"Policy": '{"Statement": "%s"}' % ("x" * 32768)},
            "LimitExceededException",
            id="long-policy",
        ),
        pytest.param({"Tags": [TAG, TAG]}, "TagException", id="tag-twice"),
        pytest.param(
            {"Tags": [{"TagKey": "aws:x", "TagValue": ""}]},
            "TagException",
            id="reserved-tag",
        ),
        pytest.param(
            {"Description": "x" * 8193}, "ValidationException", id="long-text"
        ),
    ],
)
def test_what_is_refused(
    local_system: System,
    changes: dict[str, Any],
    code: str,
    assert_kms_error: AssertKmsError,
):
    """A refused request leaves no key, and the proxy hears nothing of it."""
    store_id = local_system.connected_store()
    before = local_system.proxy.requests
    parameters = {
        "Origin": "EXTERNAL_KEY_STORE",
        "CustomKeyStoreId": store_id,
        "XksKeyId": "usable",
        **changes,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    assert_kms_error(lambda: local_system.kms.create_key(**given), code)
    assert [] == keys_of(local_system)
    assert before == local_system.proxy.requests


def test_a_failure_reserves_nothing(local_system: System, assert_kms_error):
    """After a failure there is no key, and the external key can still be used."""
    store_id = local_system.connected_store()
    with local_system.proxy.fault("InternalException"):
        assert_kms_error(
            lambda: local_system.create_key(store_id),
            "CustomKeyStoreInvalidStateException",
        )
    assert [] == keys_of(local_system)
    assert local_system.create_key(store_id)


def test_more_usages_than_needed(local_system: System):
    """An external key may be able to do more."""
    local_system.proxy.add_key("able", key_usage=["WRAP", "DECRYPT", "SIGN", "ENCRYPT"])
    assert local_system.create_key(XksKeyId="able")


def test_an_external_key_serves_one_key_per_store(
    local_system: System, assert_kms_error
):
    """It is in use while its KMS key exists, also pending; then it is free again."""
    store_id = local_system.connected_store()
    key = local_system.create_key(store_id)
    local_system.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert_kms_error(
        lambda: local_system.create_key(store_id), "XksKeyAlreadyInUseException"
    )
    week = timedelta(days=7) / timedelta(milliseconds=1)
    local_system.proxy.clock.advance(milliseconds=week)
    assert local_system.create_key(store_id)
    assert_kms_error(
        lambda: local_system.kms.describe_key(KeyId=key), "NotFoundException"
    )


def test_the_same_external_key_in_two_stores(local_system: System):
    """What is in use is in use in its store only."""
    path = "/second/kms/xks/v1"
    second = local_system.proxy.add_store(
        path, credential=local_system.proxy.credential
    )
    second.add_key("usable")
    local_system.create_key()
    store_id = local_system.create_store(CustomKeyStoreName="b", XksProxyUriPath=path)
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert local_system.create_key(store_id)


def test_an_external_key_is_reserved_meanwhile(local_system: System, assert_kms_error):
    """Of two requests at once for one external key, one succeeds."""
    store_id = local_system.connected_store()
    asked, go_on = threading.Event(), threading.Event()
    inner = local_system.proxy.transport

    class Slow:
        """A way to the proxy that waits."""

        def send(self, request: Any, *, timeout_ms: float) -> Any:
            """Wait, then send."""
            asked.set()
            assert go_on.wait(10)
            return inner.send(request, timeout_ms=timeout_ms)

    local_system.fake.connect_to(local_system.endpoint, Slow())
    made: list[str] = []
    other = local_system.fake.client()
    parameters = {
        "Origin": "EXTERNAL_KEY_STORE",
        "CustomKeyStoreId": store_id,
        "XksKeyId": "usable",
    }
    thread = threading.Thread(
        target=lambda: made.append(
            other.create_key(**parameters)["KeyMetadata"]["KeyId"]
        )
    )
    thread.start()
    assert asked.wait(10)
    assert_kms_error(
        lambda: local_system.create_key(store_id), "XksKeyAlreadyInUseException"
    )
    go_on.set()
    thread.join(10)
    assert made == keys_of(local_system)


@pytest.mark.parametrize(
    ("fault", "switch", "value"),
    [
        pytest.param(
            "AccessDeniedException",
            "access_denied_at_create_key",
            AccessDeniedAtCreateKey.KMS_INVALID_STATE,
            id="access-denied",
        ),
        pytest.param(
            "UnsupportedOperationException",
            "unsupported_operation_at_create_key",
            UnsupportedOperationAtCreateKey.UNSUPPORTED_OPERATION,
            id="unsupported-operation",
        ),
    ],
)
def test_switches(
    local_system: System, fault: str, switch: str, value: str, assert_kms_error
):
    """Where two documents disagree, a switch has the other exception."""
    setattr(local_system.fake.behaviour, switch, value)
    store_id = local_system.connected_store()
    local_system.proxy.fault(fault)
    assert_kms_error(lambda: local_system.create_key(store_id), str(value))


def test_an_external_key_is_never_touched(local_system: System):
    """Disabling, enabling and deleting a KMS key is no business of the proxy."""
    key = local_system.create_key()
    before = local_system.proxy.requests
    local_system.kms.disable_key(KeyId=key)
    local_system.kms.enable_key(KeyId=key)
    local_system.kms.schedule_key_deletion(KeyId=key)
    local_system.kms.cancel_key_deletion(KeyId=key)
    assert before == local_system.proxy.requests
