"""What keys in external key stores cannot do, and external key stores neither.

The control is another operation on the same key. That a key of another kind has the
operation would be none: an endpoint without it may refuse it here all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases
from ..client.expect import REFUSED, control, expect, refused
from ..client.key_operations import OPERATIONS
from .states import KeyState

if TYPE_CHECKING:
    from ..client.expect import Outcome
    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from .states import States

UNKNOWN_STORE = "cks-00000000000000000"
TAGS = [{"TagKey": "Project", "TagValue": "Alpha"}]
USES = ["Sign", "Verify", "GenerateMac", "VerifyMac", "DeriveSharedSecret"]
UNSUPPORTED = refused("UnsupportedOperationException")
OTHER_USAGE = refused("InvalidKeyUsageException")


def _expect_refused(states: States, operation: str, accepted: Outcome) -> None:
    """An operation on an enabled key is refused; that the key works is the control."""
    subject = states.subject(KeyState.ENABLED)
    for good in ("DescribeKey", "GenerateDataKey"):
        control(states.call(OPERATIONS[good], subject, f"control: {good}"))
    expect(states.call(OPERATIONS[operation], subject), accepted)


@pytest.mark.requirement("KMS-UNSUP-001")
@cases("operation", ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"])
def test_data_key_pairs(states: States, operation: str) -> None:
    """No data key pairs are made under the key: UnsupportedOperationException."""
    _expect_refused(states, operation, UNSUPPORTED)


@pytest.mark.requirement("KMS-UNSUP-002")
def test_random_of_an_external_key_store(kms: KmsClient, store: KeyStore) -> None:
    """An external key store makes no random bytes: UnsupportedOperationException."""
    control(kms.call("GenerateRandom", NumberOfBytes=32, label="control: no store"))
    reply = kms.call("GenerateRandom", NumberOfBytes=32, CustomKeyStoreId=store.id)
    expect(reply, UNSUPPORTED)


@pytest.mark.requirement("KMS-UNSUP-003")
def test_random_of_an_unknown_store(kms: KmsClient) -> None:
    """GenerateRandom with the id of no store: CustomKeyStoreNotFoundException."""
    control(kms.call("GenerateRandom", NumberOfBytes=32, label="control: no store"))
    reply = kms.call("GenerateRandom", NumberOfBytes=32, CustomKeyStoreId=UNKNOWN_STORE)
    expect(reply, refused("CustomKeyStoreNotFoundException"))


@pytest.mark.requirement("KMS-UNSUP-004")
@cases(
    "operation",
    [
        "EnableKeyRotation",
        "DisableKeyRotation",
        "GetKeyRotationStatus",
        "RotateKeyOnDemand",
        "ListKeyRotations",
    ],
)
def test_rotation(states: States, operation: str) -> None:
    """The key has no rotation, not even a status: UnsupportedOperationException."""
    _expect_refused(states, operation, UNSUPPORTED)


@pytest.mark.requirement("KMS-UNSUP-005")
@cases(
    "operation",
    ["GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"],
)
def test_import(states: States, operation: str) -> None:
    """No key material is imported: UnsupportedOperationException."""
    _expect_refused(states, operation, UNSUPPORTED)


@pytest.mark.requirement("KMS-UNSUP-006")
@cases("operation", ["ReplicateKey", "UpdatePrimaryRegion"])
def test_other_regions(states: States, operation: str) -> None:
    """The key is never multi-Region: UnsupportedOperationException."""
    _expect_refused(states, operation, UNSUPPORTED)


@pytest.mark.requirement("KMS-UNSUP-007")
@cases("operation", USES)
def test_other_usages(states: States, operation: str) -> None:
    """The key only encrypts and decrypts: InvalidKeyUsageException."""
    _expect_refused(states, operation, OTHER_USAGE)


@pytest.mark.requirement("KMS-CRYPTO-001")
@cases("operation", USES)
def test_no_other_use(states: States, operation: str) -> None:
    """The key does not sign, make MACs or derive secrets, whatever the exception."""
    _expect_refused(states, operation, REFUSED)


@pytest.mark.requirement("KMS-CREATEKEY-007")
@cases("operation", ["ReplicateKey", "UpdatePrimaryRegion"])
def test_no_multi_region_key(states: States, operation: str) -> None:
    """The key gets no replica and no other primary Region, whatever the exception."""
    _expect_refused(states, operation, REFUSED)


@pytest.mark.requirement("KMS-CREATEKEY-009")
def test_no_asymmetric_key(states: States) -> None:
    """The key has no public key to give, whatever the exception."""
    _expect_refused(states, "GetPublicKey", REFUSED)


@pytest.mark.requirement("KMS-UNSUP-008")
def test_public_key(states: States) -> None:
    """The key has no public key.

    UnsupportedOperationException or InvalidKeyUsageException.
    """
    either = refused("UnsupportedOperationException", "InvalidKeyUsageException")
    _expect_refused(states, "GetPublicKey", either)


@pytest.mark.requirement("KMS-UNSUP-009")
@cases("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_algorithm_of_encrypt(kms: KmsClient, key: Key, algorithm: str) -> None:
    """Encrypt has no algorithm but SYMMETRIC_DEFAULT: InvalidKeyUsageException."""
    given: dict[str, Any] = {"KeyId": key.key_id, "Plaintext": b"Ten Tokens"}
    good = {**given, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    control(kms.call("Encrypt", label="control: SYMMETRIC_DEFAULT", **good))
    expect(kms.call("Encrypt", EncryptionAlgorithm=algorithm, **given), OTHER_USAGE)


@pytest.mark.requirement("KMS-UNSUP-009")
@cases("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_algorithm_of_decrypt(kms: KmsClient, key: Key, algorithm: str) -> None:
    """Decrypt has no algorithm but SYMMETRIC_DEFAULT: InvalidKeyUsageException."""
    encrypted = kms.call(
        "Encrypt", KeyId=key.key_id, Plaintext=b"Ten Tokens", label="control: encrypt"
    )
    given: dict[str, Any] = {
        "KeyId": key.key_id,
        "CiphertextBlob": control(encrypted)["CiphertextBlob"],
    }
    good = {**given, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    control(kms.call("Decrypt", label="control: SYMMETRIC_DEFAULT", **good))
    expect(kms.call("Decrypt", EncryptionAlgorithm=algorithm, **given), OTHER_USAGE)


@pytest.mark.requirement("KMS-UNSUP-010")
def test_tags_for_a_store(kms: KmsClient, key: Key) -> None:
    """A custom key store cannot be tagged: its id is no key's."""
    control(kms.call("TagResource", KeyId=key.key_id, Tags=TAGS, label="control: tag"))
    kms.call("UntagResource", KeyId=key.key_id, TagKeys=["Project"])
    expect(kms.call("TagResource", KeyId=key.store.id, Tags=TAGS), REFUSED)


@pytest.mark.requirement("KMS-UNSUP-010")
def test_alias_of_a_store(kms: KmsClient, key: Key, alias: str) -> None:
    """A custom key store can have no alias: its id is no key's."""
    good = kms.call("CreateAlias", AliasName=alias, TargetKeyId=key.key_id)
    control(good)
    control(kms.call("DeleteAlias", AliasName=alias, label="control: delete it"))
    expect(kms.call("CreateAlias", AliasName=alias, TargetKeyId=key.store.id), REFUSED)
