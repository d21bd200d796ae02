"""The five cryptographic operations: what they take, what they give, what they ask."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from ..client.cases import cases, own_key
from ..client.expect import (
    FAILS,
    REFUSED,
    SUCCEEDS,
    control,
    control_refused,
    expect,
    expect_member,
    expect_message,
    refused,
    success,
    violated,
)
from ..client.names import own_name
from .calls import (
    CRYPTO_OPERATIONS,
    asked,
    binary,
    decrypting_to,
    good_call,
    inner_ciphertext,
    opened,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner

BLOB_BYTES = 6144
PROXY_TAKES_BYTES = 4300

INCORRECT_KEY_MESSAGE = (
    "The key ID in the request does not identify a CMK that can perform this operation."
)


# -- the five, and what they ask --------------------------------------------------


@pytest.mark.requirement("KMS-CRYPTO-001")
@cases("operation", CRYPTO_OPERATIONS)
def test_operation(kms: KmsClient, key: Key, operation: str) -> None:
    """A key in an external key store does all five cryptographic operations."""
    success(kms.call(operation, **good_call(kms, operation, key)))


@pytest.mark.requirement("KMS-CRYPTO-002")
@pytest.mark.parametrize(
    ("operation", "asks_for"),
    [
        pytest.param(operation, "decrypt" if operation == "Decrypt" else "encrypt")
        for operation in CRYPTO_OPERATIONS
        if operation != "ReEncrypt"
    ],
)
def test_what_the_proxy_is_asked(
    kms: KmsClient, key: Key, operation: str, asks_for: str
) -> None:
    """Proxy Decrypt serves Decrypt, proxy Encrypt the other three.

    The request is for the external key of the KMS key, and kmsOperation names the
    operation of the KMS API. ReEncrypt has a requirement of its own.
    """
    parameters = good_call(kms, operation, key)
    with key.store.proxy.watching() as requests:
        reply = kms.call(operation, **parameters)
    control(reply)
    path = f"{key.store.proxy.uri_path}/keys/{key.external_key.id}/{asks_for}"
    for request in asked(requests()):
        name = request.request_metadata.get("kmsOperation")
        if (request.path, name) != (path, operation):
            violated(
                reply,
                f"a request to {path} with kmsOperation: {operation!r}",
                f"one to {request.path} with kmsOperation: {name!r:.80}",
            )


# -- how a key is named, and what comes back --------------------------------------

ENCRYPTED = {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
RE_ENCRYPTED = {
    "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
}


@pytest.mark.requirement("KMS-CRYPTO-006")
@cases(
    ("operation", "blobs", "values"),
    [
        pytest.param("Encrypt", {"CiphertextBlob"}, ENCRYPTED, id="Encrypt"),
        pytest.param("Decrypt", {"Plaintext"}, ENCRYPTED, id="Decrypt"),
        pytest.param("ReEncrypt", {"CiphertextBlob"}, RE_ENCRYPTED, id="ReEncrypt"),
        pytest.param(
            "GenerateDataKey", {"CiphertextBlob", "Plaintext"}, {}, id="GenerateDataKey"
        ),
        pytest.param(
            "GenerateDataKeyWithoutPlaintext",
            {"CiphertextBlob"},
            {},
            id="GenerateDataKeyWithoutPlaintext",
        ),
    ],
)
def test_members_of_the_answer(
    kms: KmsClient, key: Key, operation: str, blobs: set[str], values: Mapping[str, str]
) -> None:
    """The answer has the members that it has for any symmetric key.

    KeyId is the key ARN, also when the request named the key by its key ID.
    """
    parameters = good_call(kms, operation, key)
    named = "DestinationKeyId" if operation == "ReEncrypt" else "KeyId"
    reply = kms.call(operation, **{**parameters, named: key.key_id})
    document = control(reply)
    expect_member(reply, "KeyId", key.arn)
    if operation == "ReEncrypt":
        expect_member(reply, "SourceKeyId", key.arn)
    for member, value in values.items():
        expect_member(reply, member, value)
    for member in ("CiphertextBlob", "Plaintext"):
        if (member in blobs) is not bool(document.get(member)):
            violated(
                reply,
                f"{member} in the answer" if member in blobs else f"no {member}",
                reply.describe(),
            )


@pytest.mark.requirement("KMS-CRYPTO-006")
@cases("operation", CRYPTO_OPERATIONS)
@cases("name", ["key-id", "alias-name", "alias-arn"])
def test_names_of_a_key(
    kms: KmsClient, provisioner: Provisioner, key: Key, operation: str, name: str
) -> None:
    """A key is named by its key ID, its ARN, an alias or the ARN of an alias."""
    alias = f"alias/{own_name()}"
    provisioner.adopt_alias(alias)
    names = {
        "key-id": key.key_id,
        "alias-name": alias,
        "alias-arn": f"{key.arn.rpartition(':key/')[0]}:{alias}",
    }
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: by the key ARN", **parameters))
    members = {"KeyId", "SourceKeyId", "DestinationKeyId"} & parameters.keys()
    renamed = {**parameters, **dict.fromkeys(members, names[name])}
    if name == "key-id":
        success(kms.call(operation, **renamed))
        return
    control(
        kms.call(
            "CreateAlias",
            AliasName=alias,
            TargetKeyId=key.key_id,
            label="control: an alias",
        )
    )
    success(kms.call(operation, **renamed))


@pytest.mark.requirement("KMS-CRYPTO-015")
@cases(
    ("operation", "member", "answered"),
    [
        pytest.param("Decrypt", "KeyId", "KeyId", id="Decrypt"),
        pytest.param("ReEncrypt", "SourceKeyId", "SourceKeyId", id="ReEncrypt"),
    ],
)
def test_the_blob_names_the_key(
    kms: KmsClient, key: Key, operation: str, member: str, answered: str
) -> None:
    """A ciphertext blob decrypts without its key being named."""
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: the key is named", **parameters))
    del parameters[member]
    reply = kms.call(operation, **parameters)
    expect(reply, SUCCEEDS)
    expect_member(reply, answered, key.arn)


WRONG_KEY = [
    pytest.param("Decrypt", "KeyId", id="Decrypt"),
    pytest.param("ReEncrypt", "SourceKeyId", id="ReEncrypt"),
]


@pytest.mark.requirement("KMS-CRYPTO-016")
@cases(("operation", "member"), WRONG_KEY)
def test_another_key_is_named(
    kms: KmsClient, key: Key, other_key: Key, operation: str, member: str
) -> None:
    """A key that is named but is not the blob's is an IncorrectKeyException."""
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: the right key", **parameters))
    reply = kms.call(operation, **{**parameters, member: other_key.arn})
    expect(reply, refused("IncorrectKeyException"))


@pytest.mark.requirement("KMS-CRYPTO-026")
@cases(("operation", "member"), WRONG_KEY)
def test_message_of_another_key(
    kms: KmsClient, key: Key, other_key: Key, operation: str, member: str
) -> None:
    """The message says that the key ID does not identify a key that can do it."""
    parameters = good_call(kms, operation, key)
    reply = kms.call(operation, **{**parameters, member: other_key.arn})
    expect_message(control_refused(reply), INCORRECT_KEY_MESSAGE)


@pytest.mark.requirement("KMS-CRYPTO-017")
def test_material_of_another_key(kms: KmsClient, key: Key, other_key: Key) -> None:
    """What one KMS key encrypted is nothing to another, even behind one external key.

    Two KMS keys with the same external key get the same bytes from it. So the proxy
    answers Decrypt of one key's blob with what the other key had it encrypt.
    """
    _, foreign = inner_ciphertext(kms, key)
    proxy = other_key.proxy
    blob = sealed(kms, other_key)
    control(opened(kms, other_key, blob, label="control: its own ciphertext"))
    with decrypting_to(proxy, foreign):
        reply = opened(kms, other_key, blob, label="probe: the other key's ciphertext")
    # Which error it is, is KMS-CRYPTO-024's to judge.
    expect(reply, FAILS, note="It gives the plaintext of the other key away.")


# -- sizes ------------------------------------------------------------------------


@pytest.mark.requirement("KMS-CRYPTO-018")
@cases("size", [1, 4096], key=own_key)
def test_sizes_of_plaintexts(kms: KmsClient, key: Key, size: int) -> None:
    """From 1 to 4096 bytes can be encrypted; the blob has 6144 at most.

    What the proxy gets is 4300 bytes at most, for no proxy has to take more.
    """
    control(kms.call("Encrypt", **good_call(kms, "Encrypt", key)))
    plaintext = secrets.token_bytes(size)
    with key.proxy.watching() as requests:
        reply = kms.call("Encrypt", KeyId=key.arn, Plaintext=plaintext)
    # First of all: a proxy may refuse more, and that is not its fault.
    for request in asked(requests(), "encrypt"):
        inner = binary(request.document, "plaintext") or b""
        if len(inner) > PROXY_TAKES_BYTES:
            violated(
                reply,
                f"at most {PROXY_TAKES_BYTES} bytes to the proxy",
                f"{len(inner)} bytes",
            )
    blob = success(reply).get("CiphertextBlob") or b""
    if not 1 <= len(blob) <= BLOB_BYTES:
        violated(
            reply, f"a CiphertextBlob of 1 to {BLOB_BYTES} bytes", f"{len(blob)} bytes"
        )
    control(opened(kms, key, blob, label="control: decrypt"))


@pytest.mark.requirement("KMS-CRYPTO-018")
@cases("size", [0, 4097])
def test_sizes_of_plaintexts_to_refuse(kms: KmsClient, key: Key, size: int) -> None:
    """No bytes, and 4097, cannot be encrypted."""
    parameters = good_call(kms, "Encrypt", key)
    control(kms.call("Encrypt", label="control: a good size", **parameters))
    expect(kms.call("Encrypt", **{**parameters, "Plaintext": bytes(size)}), REFUSED)


@pytest.mark.requirement("KMS-CRYPTO-018")
@cases("operation", ["Decrypt", "ReEncrypt"])
@cases("size", [0, 6145])
def test_sizes_of_blobs_to_refuse(
    kms: KmsClient, key: Key, operation: str, size: int
) -> None:
    """A CiphertextBlob of no bytes, or of 6145, is refused.

    The long one is a good blob with something after it.
    """
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: a good blob", **parameters))
    blob = (parameters["CiphertextBlob"] + bytes(BLOB_BYTES))[:size]
    expect(kms.call(operation, **{**parameters, "CiphertextBlob": blob}), REFUSED)


# -- what is not said -------------------------------------------------------------


@pytest.mark.requirement("KMS-CRYPTO-023")
@cases(
    "damage",
    [
        pytest.param(lambda blob: blob[:1], id="first-byte"),
        pytest.param(lambda blob: blob[: len(blob) // 8], id="beginning"),
        pytest.param(lambda blob: bytes(len(blob)), id="zeros"),
    ],
    key=own_key,
)
def test_unreadable_blob(
    kms: KmsClient, key: Key, damage: Callable[[bytes], bytes]
) -> None:
    """A blob that KMS cannot read is an InvalidCiphertextException, with no request."""
    blob = sealed(kms, key)
    control(opened(kms, key, blob, label="control: the whole blob"))
    with key.proxy.watching() as requests:
        reply = opened(kms, key, damage(blob))
    expect(reply, refused("InvalidCiphertextException"))
    if any(request.operation == "decrypt" for request in requests()):
        violated(reply, "no request to the proxy", "the proxy was asked to decrypt")


@pytest.mark.requirement("KMS-CRYPTO-025")
@cases("operation", CRYPTO_OPERATIONS, key=own_key)
def test_dry_run(kms: KmsClient, key: Key, operation: str) -> None:
    """A dry run ends in DryRunOperationException and does not ask the proxy."""
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: no dry run", **parameters))
    with key.proxy.watching() as requests:
        reply = kms.call(operation, **parameters, DryRun=True)
    expect(reply, refused("DryRunOperationException"))
    if any(request.operation in {"encrypt", "decrypt"} for request in requests()):
        violated(reply, "no request to the proxy", "the proxy was asked")
