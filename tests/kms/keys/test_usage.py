"""GetKeyLastUsage: the last cryptographic operation that succeeded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import AssertKmsError, System

MODEL = botocore.session.get_session().get_service_model("kms")

pytestmark = pytest.mark.skipif(
    "GetKeyLastUsage" not in MODEL.operation_names, reason="the model does not have it"
)


def last_usage(system: System, key: str) -> dict[str, Any]:
    """What is known of a key."""
    return system.kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]


def decrypted(kms: Any, key: str) -> Any:
    """Decrypt what was encrypted."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    return kms.decrypt(CiphertextBlob=blob)


def re_encrypted(kms: Any, key: str) -> Any:
    """ReEncrypt to the same key."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    return kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key)


USES: dict[str, Callable[[Any, str], Any]] = {
    "Decrypt": decrypted,
    "Encrypt": lambda kms, key: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "GenerateDataKey": lambda kms, key: kms.generate_data_key(
        KeyId=key, KeySpec="AES_256"
    ),
    "GenerateDataKeyWithoutPlaintext": lambda kms, key: (
        kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    ),
    "ReEncrypt": re_encrypted,
}


def test_a_key_that_was_never_used(local_system: System):
    """An empty object, and tracked since it was created."""
    key = local_system.create_key()
    known = local_system.kms.get_key_last_usage(KeyId=key)
    created = local_system.kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    assert (key, {}) == (known["KeyId"], known["KeyLastUsage"])
    assert created == known["KeyCreationDate"] == known["TrackingStartDate"]


@pytest.mark.parametrize("operation", USES)
def test_every_use_is_noted(local_system: System, operation: str):
    """Which, when, under what request id, and which event of CloudTrail tells of it."""
    key = local_system.create_key()
    local_system.proxy.clock.advance(milliseconds=60_000)
    answer = USES[operation](local_system.kms, key)
    noted = last_usage(local_system, key)
    request_id = answer["ResponseMetadata"]["RequestId"]
    (event,) = (
        each
        for each in local_system.fake.cloudtrail
        if each.get("requestID") == request_id
    )
    assert operation == noted["Operation"]
    assert request_id == noted["KmsRequestId"]
    assert event["eventID"] == noted["CloudTrailEventId"]
    age = local_system.proxy.clock.now() - noted["Timestamp"]
    assert abs(age) < timedelta(seconds=1)


def test_re_encrypt_uses_two_keys(local_system: System):
    """Both are told of it."""
    kms, store = local_system.kms, local_system.connected_store()
    source = local_system.create_key(store)
    destination = local_system.create_key(store, XksKeyId="second")
    blob = kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    assert "ReEncrypt" == last_usage(local_system, source)["Operation"]
    assert "ReEncrypt" == last_usage(local_system, destination)["Operation"]


def test_only_success_counts(local_system: System, assert_kms_error: AssertKmsError):
    """Neither a failure of the proxy nor a dry run nor what is no cryptography."""
    kms, key = local_system.kms, local_system.create_key()
    with local_system.proxy.fault("InternalException"):
        assert_kms_error(
            lambda: kms.encrypt(KeyId=key, Plaintext=b"x"), "KMSInvalidStateException"
        )
    assert_kms_error(
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
        "DryRunOperationException",
    )
    kms.describe_key(KeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "t", "TagValue": "v"}])
    assert {} == last_usage(local_system, key)
