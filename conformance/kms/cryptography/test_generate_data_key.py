"""GenerateDataKey and GenerateDataKeyWithoutPlaintext: data keys that KMS makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases, own_key
from ..client.expect import REFUSED, control, expect, violated
from .calls import opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient

BOTH = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext")


@pytest.mark.requirement("KMS-CRYPTO-011")
@cases("operation", BOTH)
@cases(
    ("length", "size"),
    [
        pytest.param({"KeySpec": "AES_256"}, 32, id="AES_256"),
        pytest.param({"KeySpec": "AES_128"}, 16, id="AES_128"),
        pytest.param({"NumberOfBytes": 1}, 1, id="1-byte"),
        pytest.param({"NumberOfBytes": 1024}, 1024, id="1024-bytes"),
    ],
)
def test_data_key(
    kms: KmsClient, key: Key, operation: str, length: Mapping[str, Any], size: int
) -> None:
    """A data key has the length asked for, and its blob decrypts to it."""
    reply = kms.call(operation, KeyId=key.arn, **length)
    document = control(reply)
    decrypted = control(opened(kms, key, document["CiphertextBlob"])).get("Plaintext")
    if len(decrypted or b"") != size:
        violated(
            reply,
            f"a data key of {size} bytes",
            f"one of {len(decrypted or b'')} bytes",
        )
    if operation == "GenerateDataKey" and document.get("Plaintext") != decrypted:
        violated(
            reply,
            "the same data key as Plaintext and in CiphertextBlob",
            "two data keys that differ",
        )


@pytest.mark.requirement("KMS-CRYPTO-011")
@cases("operation", BOTH)
def test_every_data_key_is_new(kms: KmsClient, key: Key, operation: str) -> None:
    """Two calls give two data keys."""
    made = []
    for _ in range(2):
        reply = kms.call(operation, KeyId=key.arn, KeySpec="AES_256")
        blob = control(reply)["CiphertextBlob"]
        made.append(control(opened(kms, key, blob)).get("Plaintext"))
    if made[0] == made[1]:
        violated(reply, "another data key", "the data key of the call before")


@pytest.mark.requirement("KMS-CRYPTO-011")
@cases("operation", BOTH)
@cases(
    "length",
    [
        pytest.param({}, id="neither"),
        pytest.param({"KeySpec": "AES_256", "NumberOfBytes": 32}, id="both"),
        pytest.param({"NumberOfBytes": 0}, id="0-bytes"),
        pytest.param({"NumberOfBytes": 1025}, id="1025-bytes"),
        pytest.param({"KeySpec": "AES_512"}, id="AES_512"),
    ],
)
def test_lengths_to_refuse(
    kms: KmsClient, key: Key, operation: str, length: Mapping[str, Any]
) -> None:
    """Exactly one of KeySpec and NumberOfBytes is given, and within its bounds."""
    control(
        kms.call(
            operation, KeyId=key.arn, KeySpec="AES_256", label="control: a good length"
        )
    )
    expect(kms.call(operation, KeyId=key.arn, **length), REFUSED)


@pytest.mark.requirement("KMS-CRYPTO-012")
@cases(
    ("status", "body"),
    [
        pytest.param(500, {"errorName": "InternalException"}, id="internal-exception"),
        pytest.param(200, {}, id="no-ciphertext"),
    ],
    key=own_key,
)
def test_no_data_key_without_its_ciphertext(
    kms: KmsClient, key: Key, status: int, body: Mapping[str, object]
) -> None:
    """Where the proxy did not encrypt the data key, nobody gets its plaintext."""
    parameters: dict[str, Any] = {"KeyId": key.arn, "KeySpec": "AES_256"}
    control(kms.call("GenerateDataKey", label="control: a good proxy", **parameters))
    with key.proxy.answering(status, body, operation="encrypt"):
        reply = kms.call("GenerateDataKey", **parameters)
    if reply.raw.get("Plaintext"):
        violated(reply, "no Plaintext in the answer", "a plaintext data key")
