"""The five cryptographic operations: double encryption, and what the proxy gets."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.kms.models import kms_backends

from pytest_xks.kms.behaviour import WrongEncryptionContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import AssertKmsError, System

PLAINTEXT = b"a plaintext that nobody may see"
CONTEXT = {"project": "nile", "department": "marketing"}


class Wiretap:
    """A way to the proxy that keeps what goes out and may change what comes back."""

    def __init__(self, system: System) -> None:
        self._inner = system.proxy.transport
        self.documents: list[dict[str, Any]] = []
        system.fake.connect_to(system.endpoint, self)

    def send(self, request: Any, *, timeout_ms: float) -> Any:
        """Note the body, and pass the request on."""
        self.documents.append(json.loads(request.body))
        return self._inner.send(request, timeout_ms=timeout_ms)


def blob_of(system: System, key: str, **parameters: Any) -> bytes:
    """A ciphertext blob of a key."""
    return system.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT, **parameters)[
        "CiphertextBlob"
    ]


def second_store_key(system: System) -> str:
    """A key in another store, on an external key of the same id."""
    path = "/second/kms/xks/v1"
    system.proxy.add_store(path, credential=system.proxy.credential).add_key("usable")
    store_id = system.create_store(CustomKeyStoreName="second", XksProxyUriPath=path)
    system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    return system.create_key(store_id)


# -- there and back ---------------------------------------------------------------


@pytest.mark.parametrize("context", [{}, CONTEXT], ids=["no-context", "context"])
def test_encrypt_and_decrypt(system: System, context: dict[str, str]):
    """What was encrypted decrypts, with and without naming the key."""
    key = system.create_key()
    encrypted = system.kms.encrypt(
        KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=context
    )
    assert (key, "SYMMETRIC_DEFAULT") == (
        encrypted["KeyId"],
        encrypted["EncryptionAlgorithm"],
    )
    for name in ({}, {"KeyId": key}, {"KeyId": key.partition("/")[2]}):
        decrypted = system.kms.decrypt(
            CiphertextBlob=encrypted["CiphertextBlob"],
            EncryptionContext=context,
            **name,
        )
        assert (PLAINTEXT, key, "SYMMETRIC_DEFAULT") == (
            decrypted["Plaintext"],
            decrypted["KeyId"],
            decrypted["EncryptionAlgorithm"],
        )


@pytest.mark.parametrize("size", [1, 4096])
def test_sizes(local_system: System, size: int):
    """From one byte to 4096; the blob stays within 6144."""
    key = local_system.create_key()
    plaintext = bytes(size)
    blob = local_system.kms.encrypt(KeyId=key, Plaintext=plaintext)["CiphertextBlob"]
    assert len(blob) <= 6144
    assert plaintext == local_system.kms.decrypt(CiphertextBlob=blob)["Plaintext"]


def test_a_plaintext_that_is_too_long(local_system: System, assert_kms_error):
    """4097 bytes are refused before the proxy hears of them."""
    key = local_system.create_key()
    before = local_system.proxy.requests
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=bytes(4097)),
        "ValidationException",
    )
    assert before == local_system.proxy.requests


@pytest.mark.parametrize(
    ("parameters", "length"),
    [
        pytest.param({"KeySpec": "AES_256"}, 32, id="aes-256"),
        pytest.param({"KeySpec": "AES_128"}, 16, id="aes-128"),
        pytest.param({"NumberOfBytes": 1024}, 1024, id="1024-bytes"),
    ],
)
def test_data_keys(local_system: System, parameters: dict[str, Any], length: int):
    """KMS makes the data key; it comes back by Decrypt."""
    key = local_system.create_key()
    made = local_system.kms.generate_data_key(
        KeyId=key, EncryptionContext=CONTEXT, **parameters
    )
    assert (key, length) == (made["KeyId"], len(made["Plaintext"]))
    decrypted = local_system.kms.decrypt(
        CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT
    )
    assert made["Plaintext"] == decrypted["Plaintext"]


def test_data_key_without_plaintext(local_system: System):
    """It comes without the plaintext, which Decrypt has."""
    key = local_system.create_key()
    made = local_system.kms.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    )
    assert "Plaintext" not in made
    blob = made["CiphertextBlob"]
    assert 32 == len(local_system.kms.decrypt(CiphertextBlob=blob)["Plaintext"])


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="neither"),
        pytest.param({"KeySpec": "AES_256", "NumberOfBytes": 32}, id="both"),
        pytest.param({"NumberOfBytes": 1025}, id="too-many"),
        pytest.param({"KeySpec": "RSA_2048"}, id="no-data-key"),
    ],
)
def test_data_keys_that_make_no_sense(
    local_system: System, parameters: dict[str, Any], assert_kms_error: AssertKmsError
):
    """A spec or a number of bytes, and not too many of them."""
    key = local_system.create_key()
    assert_kms_error(
        lambda: local_system.kms.generate_data_key(KeyId=key, **parameters),
        "ValidationException",
    )


# -- double encryption ------------------------------------------------------------


def test_the_proxy_never_sees_the_plaintext(local_system: System):
    """What it gets is KMS's own ciphertext, another each time, within 4300 bytes."""
    key = local_system.create_key()
    tap = Wiretap(local_system)
    for _ in range(2):
        blob = local_system.kms.encrypt(KeyId=key, Plaintext=bytes(4096))[
            "CiphertextBlob"
        ]
        local_system.kms.decrypt(CiphertextBlob=blob)
    sent = [each for each in tap.documents if "plaintext" in each]
    inner = [base64.b64decode(each["plaintext"]) for each in sent]
    assert inner[0] != inner[1]
    assert all(bytes(64) not in each and len(each) <= 4300 for each in inner)


def test_the_data_key_is_not_the_proxys_plaintext(local_system: System):
    """A data key is wrapped by KMS before the proxy wraps it."""
    key = local_system.create_key()
    tap = Wiretap(local_system)
    made = local_system.kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    (document,) = tap.documents
    assert made["Plaintext"] not in base64.b64decode(document["plaintext"])


def test_without_kms_own_material_nothing_decrypts(
    local_system: System, assert_kms_error
):
    """The external key alone is not enough."""
    key = local_system.create_key()
    blob = blob_of(local_system, key)
    keys = kms_backends["123456789012"]["us-east-1"].keys
    keys[key.partition("/")[2]].key_material = bytes(32)
    assert_kms_error(
        lambda: local_system.kms.decrypt(CiphertextBlob=blob),
        "KMSInvalidStateException",
        "The ciphertext that the external key store proxy submitted for decryption, or "
        "the encryption context, is corrupted, missing, or otherwise invalid.",
    )


def test_a_new_key_on_the_same_external_key_is_another_key(
    local_system: System, assert_kms_error
):
    """Two KMS keys never decrypt each other's ciphertexts."""
    key, other = local_system.create_key(), second_store_key(local_system)
    blob = blob_of(local_system, key)
    assert_kms_error(
        lambda: local_system.kms.decrypt(CiphertextBlob=blob, KeyId=other),
        "IncorrectKeyException",
    )
    forged = blob.replace(key.encode(), other.encode())
    assert_kms_error(
        lambda: local_system.kms.decrypt(CiphertextBlob=forged),
        "KMSInvalidStateException",
    )


@pytest.mark.parametrize("position", [-1, -40, 100, 110, 130])
def test_a_flipped_bit(local_system: System, position: int):
    """No part of a blob can be changed without notice."""
    key = local_system.create_key()
    blob = bytearray(blob_of(local_system, key))
    blob[position] ^= 1
    with pytest.raises(local_system.kms.exceptions.ClientError):
        local_system.kms.decrypt(CiphertextBlob=bytes(blob))


@pytest.mark.parametrize("length", [1, 6, 7, 50, 100, 112])
def test_a_blob_that_is_cut_off(local_system: System, length: int, assert_kms_error):
    """What KMS cannot read never reaches the proxy."""
    key = local_system.create_key()
    blob = blob_of(local_system, key)[:length]
    before = local_system.proxy.requests
    assert_kms_error(
        lambda: local_system.kms.decrypt(CiphertextBlob=blob, KeyId=key),
        "InvalidCiphertextException",
    )
    assert before == local_system.proxy.requests


def test_the_key_manager_may_rotate(local_system: System):
    """The blob keeps ciphertextMetadata, so the old version is found again."""
    key = local_system.create_key()
    blob = blob_of(local_system, key)
    local_system.proxy.keys["usable"].rotate()
    assert PLAINTEXT == local_system.kms.decrypt(CiphertextBlob=blob)["Plaintext"]


def test_a_proxy_without_ciphertext_metadata(local_system: System):
    """It is optional, and not sent back where there was none."""
    local_system.proxy.add_key("bare", versioned=False, initialization_vector_bytes=16)
    key = local_system.create_key(XksKeyId="bare")
    blob = blob_of(local_system, key)
    tap = Wiretap(local_system)
    assert PLAINTEXT == local_system.kms.decrypt(CiphertextBlob=blob)["Plaintext"]
    assert "ciphertextMetadata" not in tap.documents[0]


# -- encryption context -----------------------------------------------------------


def test_the_order_of_pairs_does_not_matter(local_system: System):
    """The context is a map."""
    key = local_system.create_key()
    blob = blob_of(local_system, key, EncryptionContext=CONTEXT)
    reversed_context = dict(reversed(CONTEXT.items()))
    decrypted = local_system.kms.decrypt(
        CiphertextBlob=blob, EncryptionContext=reversed_context
    )
    assert PLAINTEXT == decrypted["Plaintext"]


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="missing"),
        pytest.param({"project": "nile"}, id="part"),
        pytest.param({**CONTEXT, "more": ""}, id="more"),
        pytest.param({"Project": "nile", "department": "marketing"}, id="case"),
        pytest.param({"projectn": "ile", "department": "marketing"}, id="shifted"),
    ],
)
def test_another_context(
    local_system: System, context: dict[str, str], assert_kms_error: AssertKmsError
):
    """It must match exactly; the proxy is the one that notices."""
    key = local_system.create_key()
    blob = blob_of(local_system, key, EncryptionContext=CONTEXT)

    def decrypt() -> None:
        local_system.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)

    assert_kms_error(
        decrypt,
        "KMSInvalidStateException",
        "The external key store proxy rejected the request because the specified "
        "ciphertext or encryption context is corrupted, missing, or otherwise invalid.",
    )
    switch = WrongEncryptionContext.INVALID_CIPHERTEXT
    local_system.fake.behaviour.wrong_encryption_context = switch
    assert_kms_error(decrypt, "InvalidCiphertextException")


@pytest.mark.parametrize("size", [10, 7_000, 20_000])
def test_the_aad_fits(local_system: System, size: int):
    """However long the context, the proxy gets at most 8192 bytes, and always some."""
    key = local_system.create_key()
    context = {"long": "x" * size}
    tap = Wiretap(local_system)
    blob = blob_of(local_system, key, EncryptionContext=context)
    decrypted = local_system.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert PLAINTEXT == decrypted["Plaintext"]
    aads = [
        base64.b64decode(each["additionalAuthenticatedData"]) for each in tap.documents
    ]
    assert aads[0] == aads[1]
    assert 0 < len(aads[0]) <= 8192


# -- ReEncrypt --------------------------------------------------------------------

RE_ENCRYPTIONS = {
    "out-of-a-store": (True, False, ["Decrypt"]),
    "into-a-store": (False, True, ["Encrypt"]),
    "between-stores": (True, True, ["Decrypt", "Encrypt"]),
}


@pytest.mark.parametrize(
    ("from_store", "to_store", "calls"),
    [pytest.param(*case, id=name) for name, case in RE_ENCRYPTIONS.items()],
)
def test_re_encrypt(system: System, from_store: bool, to_store: bool, calls: list[str]):  # noqa: FBT001 - a case
    """Only the sides that are in a store make a call, and both calls are one's own."""
    source = system.create_key() if from_store else system.plain_key()
    destination = second_store_key(system) if to_store else system.plain_key()
    blob = blob_of(system, source, EncryptionContext={"a": "1"})
    before = len(system.proxy.requests)
    answer = system.kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=destination,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (source, destination) == (answer["SourceKeyId"], answer["KeyId"])
    entries = system.proxy.requests[before:]
    assert calls == [entry.operation for entry in entries]
    metadata = [entry.request_metadata for entry in entries]
    assert {"ReEncrypt"} == {each["kmsOperation"] for each in metadata}
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert {request_id} == {each["kmsRequestId"] for each in metadata}
    keys = [
        key for key, ours in ((source, from_store), (destination, to_store)) if ours
    ]
    assert keys == [each["kmsKeyArn"] for each in metadata]
    decrypted = system.kms.decrypt(
        CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"b": "2"}
    )
    assert PLAINTEXT == decrypted["Plaintext"]


def test_re_encrypt_within_plain_keys_is_motos(local_system: System):
    """The fake has nothing to do with it."""
    source, destination = local_system.plain_key(), local_system.plain_key()
    blob = blob_of(local_system, source)
    answer = local_system.kms.re_encrypt(
        CiphertextBlob=blob, DestinationKeyId=destination
    )
    assert destination == answer["KeyId"]


def test_a_plain_blob_and_a_key_in_a_store(local_system: System, assert_kms_error):
    """A key that did not encrypt is the wrong key, either way round."""
    ours, plain = local_system.create_key(), local_system.plain_key()
    for blob, key in (
        (blob_of(local_system, plain), ours),
        (blob_of(local_system, ours), plain),
    ):
        assert_kms_error(
            lambda blob=blob, key=key: local_system.kms.decrypt(
                CiphertextBlob=blob, KeyId=key
            ),
            "IncorrectKeyException",
        )


def test_re_encrypt_into_an_unknown_key(local_system: System, assert_kms_error):
    """It is not found, and nothing is decrypted in vain for a caller."""
    blob = blob_of(local_system, local_system.create_key())
    for unknown in ("12345678-1234-1234-1234-123456789012", "alias/unknown"):
        assert_kms_error(
            lambda unknown=unknown: local_system.kms.re_encrypt(
                CiphertextBlob=blob, DestinationKeyId=unknown
            ),
            "NotFoundException",
        )


# -- requestMetadata --------------------------------------------------------------


def test_request_metadata(local_system: System):
    """Principal, key ARN, operation, request id, VPC, VPC endpoint, via-service."""
    key = local_system.create_key()
    with local_system.fake.requests_from(
        principal_arn="arn:aws:iam::123456789012:user/Alice",
        source_vpc="vpc-1234567890abcdef0",
        source_vpce="vpce-1234567890abcdef0",
        via_service="ec2.us-east-1.amazonaws.com",
    ):
        answer = local_system.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)
    assert {
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "awsSourceVpc": "vpc-1234567890abcdef0",
        "awsSourceVpce": "vpce-1234567890abcdef0",
        "kmsKeyArn": key,
        "kmsOperation": "Encrypt",
        "kmsRequestId": answer["ResponseMetadata"]["RequestId"],
        "kmsViaService": "ec2.us-east-1.amazonaws.com",
    } == local_system.proxy.requests[-1].request_metadata


def test_nothing_is_said_of_a_vpc_that_is_not_there(local_system: System):
    """The optional members are left out."""
    local_system.kms.encrypt(KeyId=local_system.create_key(), Plaintext=PLAINTEXT)
    metadata = local_system.proxy.requests[-1].request_metadata
    assert {"awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"} == set(
        metadata
    )


def test_the_principal_is_whom_sts_takes_it_for(local_system: System):
    """An IAM user and an assumed role are told to the proxy as STS tells them."""
    fake = local_system.fake
    key = local_system.create_key()
    iam, sts = fake.client(service="iam"), fake.client(service="sts")
    iam.create_user(UserName="Alice")
    user = iam.create_access_key(UserName="Alice")["AccessKey"]
    role = sts.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/Tester", RoleSessionName="session"
    )["Credentials"]
    for credentials, principal in (
        (user, "arn:aws:iam::123456789012:user/Alice"),
        (role, "arn:aws:sts::123456789012:assumed-role/Tester/session"),
    ):
        client = fake.client(
            access_key_id=credentials["AccessKeyId"],
            secret_access_key=credentials["SecretAccessKey"],
        )
        client.encrypt(KeyId=key, Plaintext=PLAINTEXT)
        metadata = local_system.proxy.requests[-1].request_metadata
        assert principal == metadata["awsPrincipalArn"]


def test_a_key_of_another_account(local_system: System, monkeypatch):
    """It can be used by its ARN; of the caller's VPC the owner hears nothing."""
    key = local_system.create_key()
    local_system.plain_key()
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    with local_system.fake.requests_from(source_vpc="vpc-1234567890abcdef0"):
        blob = blob_of(local_system, key)
    metadata = local_system.proxy.requests[-1].request_metadata
    assert "awsSourceVpc" not in metadata
    assert "arn:aws:sts::111122223333:user/moto" == metadata["awsPrincipalArn"]
    assert PLAINTEXT == local_system.kms.decrypt(CiphertextBlob=blob)["Plaintext"]


# -- what is refused --------------------------------------------------------------


def of_each_operation(system: System, **parameters: Any) -> list[Callable[[], object]]:
    """Calls of all five operations, which would succeed without ``parameters``."""
    key = system.create_key()
    blob = blob_of(system, key)
    kms = system.kms
    return [
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", **parameters),
        lambda: kms.decrypt(CiphertextBlob=blob, **parameters),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", **parameters),
        lambda: kms.generate_data_key_without_plaintext(
            KeyId=key, KeySpec="AES_256", **parameters
        ),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, **parameters),
    ]


def test_dry_runs_ask_nobody(local_system: System, assert_kms_error):
    """Every operation says that it would have succeeded."""
    calls = of_each_operation(local_system, DryRun=True)
    before = local_system.proxy.requests
    for call in calls:
        assert_kms_error(call, "DryRunOperationException")
    assert before == local_system.proxy.requests


def test_other_algorithms(local_system: System, assert_kms_error):
    """A symmetric key does not know RSA."""
    key = local_system.create_key()
    blob = blob_of(local_system, key)
    rsa = "RSAES_OAEP_SHA_256"
    kms = local_system.kms
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm=rsa),
        lambda: kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm=rsa),
        lambda: kms.re_encrypt(
            CiphertextBlob=blob, DestinationKeyId=key, SourceEncryptionAlgorithm=rsa
        ),
        lambda: kms.re_encrypt(
            CiphertextBlob=blob,
            DestinationKeyId=key,
            DestinationEncryptionAlgorithm=rsa,
        ),
    ):
        assert_kms_error(call, "InvalidKeyUsageException")


def test_attestation_is_out_of_scope(local_system: System, assert_kms_error):
    """Nothing is documented about enclaves and external key stores."""
    key = local_system.create_key()
    recipient = {
        "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "AttestationDocument": b"document",
    }
    assert_kms_error(
        lambda: local_system.kms.generate_data_key(
            KeyId=key, KeySpec="AES_256", Recipient=recipient
        ),
        "UnsupportedOperationException",
    )


def test_an_alias_leads_to_the_key(local_system: System):
    """It can be moved between a key in a store and a standard key."""
    key, plain = local_system.create_key(), local_system.plain_key()
    kms = local_system.kms
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    assert key == kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["KeyId"]
    kms.update_alias(AliasName="alias/mine", TargetKeyId=plain)
    assert plain == kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["KeyId"]
    kms.update_alias(AliasName="alias/mine", TargetKeyId=key)
    assert key == kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["KeyId"]
