"""What AWS was recorded to answer where it grants the request, and the fake answers.

See ``test_recorded.py``. Every member is there and no other, but for what AWS documents
to be otherwise for a key in an external key store.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import System

    Case = Callable[[System], object]

FILE = Path(__file__).with_name("recorded.json")
RECORDED = json.loads(FILE.read_text("utf-8"))["answers"]
CONTEXT = {"context-key": "context-value"}
# A key in an external key store has no key material (KMS-CREATEKEY-034), and says where
# its own lies (KMS-CREATEKEY-031).
NOT_OURS = {"CurrentKeyMaterialId", "KeyMaterialId"}
OURS = {"CustomKeyStoreId", "XksKeyConfiguration"}


def tags(**given: str) -> list[dict[str, str]]:
    """Tags as AWS writes them."""
    return [{"TagKey": name, "TagValue": value} for name, value in given.items()]


THREE = {"tag1": "value1", "tag2": "value2", "tag3": "value3"}


def tagged(*changes: Callable[[Any, str], object], **given: str) -> Case:
    """ListResourceTags of a key that was tagged, and changed then."""

    def listed(system: System) -> object:
        key = system.create_key()
        system.kms.tag_resource(KeyId=key, Tags=tags(**given))
        for change in changes:
            change(system.kms, key)
        return system.kms.list_resource_tags(KeyId=key)["Tags"]

    return listed


def created_with_tags(*untagged: str) -> Case:
    """ListResourceTags of a key that was created with tags."""

    def listed(system: System) -> object:
        key = system.create_key(Tags=tags(tag1="value1", tag2="value2"))
        if untagged:
            system.kms.untag_resource(KeyId=key, TagKeys=[*untagged])
        return system.kms.list_resource_tags(KeyId=key)["Tags"]

    return listed


def untagged(*names: str) -> Callable[[Any, str], object]:
    """UntagResource."""
    return lambda kms, key: kms.untag_resource(KeyId=key, TagKeys=[*names])


def retagged(**given: str) -> Callable[[Any, str], object]:
    """TagResource, with new values and new tags."""
    return lambda kms, key: kms.tag_resource(KeyId=key, Tags=tags(**given))


def created(description: str) -> Case:
    """CreateKey."""

    def create(system: System) -> object:
        store = system.connected_store()
        return system.kms.create_key(
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=store,
            XksKeyId="usable",
            Description=description,
        )["KeyMetadata"]

    return create


def described(description: str, write: Callable[[Any, str], str]) -> Case:
    """DescribeKey, by one form of identifier."""

    def describe(system: System) -> object:
        arn = system.create_key(Description=description)
        answer = system.kms.describe_key(KeyId=write(system.kms, arn))
        del answer["ResponseMetadata"]
        return answer

    return describe


def alias_arn(kms: Any, arn: str) -> str:
    """The ARN of a new alias of the key."""
    kms.create_alias(AliasName="alias/recorded", TargetKeyId=arn)
    return f"{arn.partition('key/')[0]}alias/recorded"


def random_bytes(number: int) -> Case:
    """GenerateRandom: how many bytes came."""
    return lambda system: len(
        system.kms.generate_random(NumberOfBytes=number)["Plaintext"]
    )


def encrypted(system: System) -> Any:
    """Encrypt."""
    return system.kms.encrypt(
        KeyId=system.create_key(), Plaintext=b"x", EncryptionContext=CONTEXT
    )


def decrypted(system: System) -> object:
    """Decrypt, with the context."""
    return system.kms.decrypt(
        CiphertextBlob=encrypted(system)["CiphertextBlob"], EncryptionContext=CONTEXT
    )


def re_encrypted(system: System) -> object:
    """ReEncrypt to the same key."""
    answer = encrypted(system)
    return system.kms.re_encrypt(
        CiphertextBlob=answer["CiphertextBlob"],
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=answer["KeyId"],
    )


CASES: dict[str, Case] = {
    **{
        f"test_generate_random[{number}]: result_length": random_bytes(number)
        for number in (1, 12, 44, 91, 1024)
    },
    "test_create_key: describe-key": lambda system: described(
        "test key 123", lambda _, arn: arn
    )(system)["KeyMetadata"],
    "test_get_key_in_different_region: describe-key-same-specific-region-with-id": (
        described("test key 123", lambda _, arn: arn.rpartition("/")[2])
    ),
    "test_get_key_in_different_region: describe-key-same-specific-region-with-arn": (
        described("test key 123", lambda _, arn: arn)
    ),
    "test_generate_data_key: generate-data-key-result": lambda system: (
        system.kms.generate_data_key(KeyId=system.create_key(), KeySpec="AES_256")
    ),
    "test_generate_data_key_without_plaintext: generate-data-key-without-plaintext": (
        lambda system: system.kms.generate_data_key_without_plaintext(
            KeyId=system.create_key(), KeySpec="AES_256"
        )
    ),
    "test_encrypt_decrypt_encryption_context: encrypt_response": encrypted,
    "test_encrypt_decrypt_encryption_context: "
    "decrypt_response_with_encryption_context": decrypted,
    "test_non_multi_region_keys_should_not_have_multi_region_properties: "
    "non_multi_region_keys_should_not_have_multi_region_properties": created(
        "test non multi region key"
    ),
    "test_tag_existing_key_and_untag: list-resource-tags": tagged(
        tag1="value1", tag2="value2"
    ),
    "test_tag_existing_key_and_untag: list-resource-tags-after-all-untagged": tagged(
        untagged("tag1", "tag2"), tag1="value1", tag2="value2"
    ),
    "test_create_key_with_tag_and_untag: list-resource-tags": created_with_tags(),
    "test_create_key_with_tag_and_untag: list-resource-tags-after-all-untagged": (
        created_with_tags("tag1", "tag2")
    ),
    "test_untag_key_partially: list-resource-tags": tagged(**THREE),
    "test_untag_key_partially: list-resource-tags-after-partially-untagged": tagged(
        untagged("tag2"), **THREE
    ),
    "test_update_and_add_tags_on_tagged_key: list-resource-tags": tagged(**THREE),
    "test_update_and_add_tags_on_tagged_key: list-resource-tags-after-tags-updated": (
        tagged(
            retagged(tag2="updated_value2", tag4="value4", tag5="value5"),
            **THREE,
        )
    ),
    "test_re_encrypt[SYMMETRIC_DEFAULT-SYMMETRIC_DEFAULT]: test_re_encrypt": (
        re_encrypted
    ),
    "test_describe_with_alias_arn: created-key": created("test - description"),
    "test_describe_with_alias_arn: describe-key": described(
        "test - description", alias_arn
    ),
}


def test_every_recorded_answer_is_tried():
    """The file holds none that is not compared."""
    assert RECORDED.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_as_recorded(local_system: System, name: str):
    """The same members, and what is no placeholder has the same value."""
    assert_alike(RECORDED[name], CASES[name](local_system))


def assert_alike(recorded: Any, ours: Any) -> None:
    """Compare what is no placeholder, however deep."""
    if isinstance(recorded, list):
        assert sorted(map(str, recorded)) == sorted(map(str, ours))
        return
    if not isinstance(recorded, dict):
        assert recorded == ours
        return
    assert recorded.keys() - NOT_OURS == ours.keys() - OURS - {"ResponseMetadata"}
    for name in recorded.keys() - NOT_OURS:
        if name == "Origin":
            assert ours[name] == "EXTERNAL_KEY_STORE"
        elif not is_placeholder(recorded[name]):
            assert_alike(recorded[name], ours[name])
    for name in {"KeyId", "SourceKeyId"} & recorded.keys() - {"Arn"}:
        assert "Arn" in recorded or ours[name].startswith("arn:aws:kms:")


def is_placeholder(value: object) -> bool:
    """LocalStack writes one for what is another value each time."""
    return isinstance(value, str) and (
        "<" in value
        or value in {"111111111111", "datetime", "ciphertext-blob", "plaintext"}
    )
