"""What AWS was recorded to answer, and the fake answers.

``recorded.json`` says where the recordings come from. They were made with standard
keys; what is tried here is what a key in an external key store, or any request, meets.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import System

    Case = Callable[[Any, str, System], object]

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text("utf-8"))
ACCOUNT = "123456789012"
NOBODY = "12345678-1234-1234-1234-123456789012"
NOBODY_S_ARN = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{NOBODY}"
NOBODY_S_MRK = f"mrk-{'0' * 32}"
MAC = {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
SECRET = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"p"}
SIGNED = {
    "Message": b"m",
    "Signature": b"s",
    "SigningAlgorithm": "RSASSA_PSS_SHA_256",
}


def tag(name: str, value: str = "v") -> list[dict[str, str]]:
    """One tag."""
    return [{"TagKey": name, "TagValue": value}]


def tagged(given: list[dict[str, str]]) -> Case:
    """TagResource."""
    return lambda kms, key, _: kms.tag_resource(KeyId=key, Tags=given)


def created(**changes: Any) -> Case:
    """CreateKey in an external key store."""

    def create(kms: Any, _: str, system: System) -> object:
        (store,) = kms.describe_custom_key_stores()["CustomKeyStores"]
        return system.create_key(store["CustomKeyStoreId"], **changes)

    return create


def described(key_id: str) -> Case:
    """DescribeKey of something else than the key."""
    return lambda kms, _, __: kms.describe_key(KeyId=key_id)


def decrypted_with_another_key(kms: Any, key: str, system: System) -> object:
    """Decrypt, and the named key is not the blob's."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    return kms.decrypt(CiphertextBlob=blob, KeyId=system.plain_key())


def re_encrypted_from_another_key(kms: Any, key: str, system: System) -> object:
    """ReEncrypt, likewise."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    return kms.re_encrypt(
        CiphertextBlob=blob, SourceKeyId=system.plain_key(), DestinationKeyId=key
    )


def standard(kms: Any) -> str:
    """A standard key, to sign with."""
    made = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    return made["KeyMetadata"]["KeyId"]


def mac_generated(algorithm: str) -> Case:
    """GenerateMac, with a key that there cannot be."""
    return lambda kms, _, __: kms.generate_mac(
        KeyId="key_id", Message=b"m", MacAlgorithm=algorithm
    )


def mac_verified(algorithm: str) -> Case:
    """VerifyMac, likewise."""
    return lambda kms, _, __: kms.verify_mac(
        KeyId="key_id", Message=b"m", MacAlgorithm=algorithm, Mac=b"m"
    )


def with_another_context(kms: Any, key: str, system: System) -> object:
    """Decrypt without the context; what AWS says of keys of its own is a switch."""
    system.fake.behaviour.set_switch(
        "wrong_encryption_context", "InvalidCiphertextException"
    )
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})
    return kms.decrypt(CiphertextBlob=blob["CiphertextBlob"])


def with_a_disabled_key(kms: Any, key: str, _: System) -> object:
    """Encrypt; rotation, where it was recorded, needs a key of another origin."""
    kms.disable_key(KeyId=key)
    return kms.encrypt(KeyId=key, Plaintext=b"x")


MANY = [each for number in range(51) for each in tag(f"k{number}")]
CASES: dict[str, Case] = {
    "test_generate_random_invalid_number_of_bytes[None]: generate-random-exc": (
        lambda kms, _, __: kms.generate_random()
    ),
    "test_generate_random_invalid_number_of_bytes[0]: generate-random-exc": (
        lambda kms, _, __: kms.generate_random(NumberOfBytes=0)
    ),
    "test_generate_random_invalid_number_of_bytes[1025]: generate-random-exc": (
        lambda kms, _, __: kms.generate_random(NumberOfBytes=1025)
    ),
    "test_get_key_in_different_region: describe-key-diff-region-with-id": (
        lambda _, key, system: system.fake.client("eu-west-1").describe_key(
            KeyId=key.rpartition("/")[2]
        )
    ),
    "test_get_key_in_different_region: describe-key-diff-region-with-arn": (
        lambda _, key, system: system.fake.client("eu-west-1").describe_key(KeyId=key)
    ),
    "test_get_key_does_not_exist: describe-nonexistent-key-with-id": described(NOBODY),
    "test_get_key_does_not_exist: describe-nonexistent-with-arn": described(
        NOBODY_S_ARN
    ),
    "test_get_key_does_not_exist: describe-key-with-valid-id-mrk": described(
        NOBODY_S_MRK
    ),
    "test_get_key_invalid_uuid: describe-key-with-invalid-uuid": described(
        "fake-key-id"
    ),
    "test_get_key_invalid_uuid: describe-key-with-invalid-uuid-2": described(
        "134f2428cec14b25a1ae9048164dba47"
    ),
    "test_get_key_invalid_uuid: describe-key-with-invalid-uuid-mrk": described(
        "mrk-fake-key-id"
    ),
    "test_create_alias: create_alias": (
        lambda kms, key, _: kms.create_alias(AliasName="mine", TargetKeyId=key)
    ),
    "test_hmac_create_key_invalid_operations: create-hmac-key-invalid-spec": created(
        KeySpec="HMAC_random"
    ),
    "test_hmac_create_key_invalid_operations: create-hmac-key-invalid-key-usage": (
        created(KeyUsage="RANDOM")
    ),
    "test_hmac_create_key_invalid_operations: create-hmac-key-without-key-usage": (
        lambda kms, _, __: kms.create_key(KeySpec="HMAC_256")
    ),
    **{
        f"test_generate_and_verify_mac[HMAC_{bits}-HMAC_SHA_{bits}]: "
        "generate-mac-invalid-key-id": mac_generated(f"HMAC_SHA_{bits}")
        for bits in (224, 256, 384, 512)
    },
    **{
        f"test_generate_and_verify_mac[HMAC_{bits}-HMAC_SHA_{bits}]: "
        "verify-mac-invalid-key-id": mac_verified(f"HMAC_SHA_{bits}")
        for bits in (224, 256, 384, 512)
    },
    "test_invalid_generate_mac[HMAC_256-INVALID]: generate-mac": (
        lambda kms, key, _: kms.generate_mac(
            KeyId=key, Message=b"m", MacAlgorithm="INVALID"
        )
    ),
    "test_invalid_verify_mac[HMAC_256-INVALID-some important message]: verify-mac": (
        lambda kms, key, _: kms.verify_mac(
            KeyId=key, Message=b"m", Mac=b"m", MacAlgorithm="INVALID"
        )
    ),
    "test_error_messaging_for_invalid_keys: generate-mac-invalid-key-id": (
        lambda kms, key, _: kms.generate_mac(KeyId=key, **MAC)
    ),
    "test_error_messaging_for_invalid_keys: sign-invalid-key-id": (
        lambda kms, key, _: kms.sign(
            KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256"
        )
    ),
    "test_error_messaging_for_invalid_keys: encrypt-invalid-key-id": (
        lambda kms, _, __: kms.encrypt(KeyId=standard(kms), Plaintext=b"x")
    ),
    "test_error_messaging_for_invalid_keys: verify-invalid-key-id": (
        lambda kms, key, _: kms.verify(KeyId=key, **SIGNED)
    ),
    "test_error_messaging_for_invalid_keys: decrypt-invalid-key-id": (
        decrypted_with_another_key
    ),
    "test_re_encrypt_incorrect_source_key: incorrect-source-key": (
        re_encrypted_from_another_key
    ),
    "test_plaintext_size_for_encrypt: invalid-plaintext-size-encrypt": (
        lambda kms, key, _: kms.encrypt(KeyId=key, Plaintext=bytes(4097))
    ),
    "test_encrypt_decrypt_encryption_context: "
    "decrypt_response_with_invalid_ciphertext": (
        lambda kms, key, _: kms.decrypt(KeyId=key, CiphertextBlob=b"nonsense")
    ),
    "test_encrypt_decrypt_encryption_context: "
    "decrypt_response_without_encryption_context": with_another_context,
    "test_key_rotations_encryption_decryption: bad-ciphertext": (
        lambda kms, _, __: kms.decrypt(CiphertextBlob=b"nonsense")
    ),
    "test_replicate_key: describe-key-from-different-region": (
        lambda _, key, system: system.fake.client("ap-southeast-1").describe_key(
            KeyId=key.rpartition("/")[2]
        )
    ),
    "test_get_parameters_for_import_raises_for_non_external_kms_keys: "
    "get-import-parameters-error": (
        lambda kms, key, _: kms.get_parameters_for_import(
            KeyId=key,
            WrappingAlgorithm="RSAES_OAEP_SHA_256",
            WrappingKeySpec="RSA_2048",
        )
    ),
    "test_derive_shared_secret: response-invalid-key-usage": (
        lambda kms, _, __: kms.derive_shared_secret(KeyId=standard(kms), **SECRET)
    ),
    "test_rotate_key_on_demand_raises_error_given_key_is_disabled: error-response": (
        with_a_disabled_key
    ),
    "test_rotate_key_on_demand_raises_error_given_non_symmetric_key: error-response": (
        lambda kms, _, __: kms.rotate_key_on_demand(KeyId=standard(kms))
    ),
    "test_generate_data_key_pair_without_plaintext_dry_run: dryrun_exception": (
        lambda kms, key, _: kms.generate_data_key_without_plaintext(
            KeyId=key, KeySpec="AES_256", DryRun=True
        )
    ),
    "test_get_parameters_for_import: response-error": (
        lambda kms, key, _: kms.get_parameters_for_import(
            KeyId=key,
            WrappingAlgorithm="RSAES_OAEP_SHA_256",
            WrappingKeySpec="RSA_2048",
        )
    ),
    "test_derive_shared_secret: response-invalid-key": (
        lambda kms, key, _: kms.derive_shared_secret(KeyId=key, **SECRET)
    ),
    "test_derive_shared_secret: response-invalid-key-agreement-algo": (
        lambda kms, key, _: kms.derive_shared_secret(
            KeyId=key, KeyAgreementAlgorithm="INVALID", PublicKey=b"p"
        )
    ),
    "test_tag_key_with_duplicate_tag_keys_raises_error: duplicate-tag-keys": tagged(
        tag("k") + tag("k")
    ),
    "test_create_key_with_too_many_tags_raises_error: invalid-tag-key": created(
        Tags=MANY
    ),
    "test_tag_existing_key_with_invalid_tag_key: invalid-tag-key": tagged(tag("aws:k")),
    "test_key_with_long_tag_value_raises_error: too-long-tag-value": tagged(
        tag("k", "v" * 257)
    ),
    "test_create_key_with_invalid_tag_key[lowercase_prefix]: invalid-tag-key": created(
        Tags=tag("aws:k")
    ),
    "test_create_key_with_invalid_tag_key[uppercase_prefix]: invalid-tag-key": created(
        Tags=tag("AWS:k")
    ),
    "test_create_key_with_invalid_tag_key[too_long_key]: invalid-tag-key": created(
        Tags=tag("a" * 129)
    ),
    "test_rotate_key_on_demand_raises_error_given_key_that_does_not_exist: "
    "error-response": lambda kms, _, __: kms.rotate_key_on_demand(KeyId=NOBODY),
    "test_rotate_key_on_demand_raises_error_given_key_with_imported_key_material: "
    "error-response": lambda kms, key, _: kms.rotate_key_on_demand(KeyId=key),
    "test_generate_data_key_pair_dry_run: dryrun_exception": (
        lambda kms, key, _: kms.generate_data_key(
            KeyId=key, KeySpec="AES_256", DryRun=True
        )
    ),
}


def expected(text: str, key: str) -> str:
    """A recorded message with our values in the place of LocalStack's names."""
    arn = key
    if "<mrk" in text or "does not exist" in text:
        arn = NOBODY_S_ARN.replace(NOBODY, NOBODY_S_MRK if "<mrk" in text else NOBODY)
    if "<key-id:1>" in text:
        region = re.search(r":kms:([a-z0-9-]+):", text)
        arn = key.replace("us-east-1", region[1] if region else "eu-west-1")
    text = re.sub(r"'arn:<partition>:.*<key-id:1>'", f"'{arn}'", text)
    text = re.sub("<(mrk-)?key-arn>", arn, text)
    text = text.replace("<secondary-region>", "us-east-1")
    text = re.sub(r"usage is \w+_MAC", "usage is ENCRYPT_DECRYPT", text)
    return re.sub(r"origin is \w+", "origin is EXTERNAL_KEY_STORE", text)


def enumeration(text: str) -> tuple[str, set[str]]:
    """A message, and the values of an enumeration in it: AWS has no stated order."""
    head, _, values = text.partition("enum value set: [")
    return head, set(values.rstrip("]").split(", "))


def test_every_recorded_error_is_tried():
    """The file holds none that is not compared."""
    assert RECORDED["errors"].keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_as_recorded(local_system: System, name: str):
    """Code and message are AWS's own."""
    key = local_system.create_key()
    recorded = RECORDED["errors"][name]
    with pytest.raises(ClientError) as caught:
        CASES[name](lenient(local_system), key, local_system)
    error = caught.value.response["Error"]
    assert recorded["Code"] == error["Code"]
    keys = [each["KeyArn"] for each in local_system.kms.list_keys()["Keys"]]
    subject = next((arn for arn in keys if arn in error["Message"]), key)
    wanted, seen = (
        enumeration(text)
        for text in (expected(recorded["Message"], subject), error["Message"])
    )
    assert wanted[0] == seen[0]
    # Older and newer models know fewer and more values.
    assert wanted[1] & seen[1]


def lenient(system: System) -> Any:
    """A client that sends what its model forbids."""
    client: Any = system.fake.client()
    client._serializer = client._serializer._serializer
    return client
