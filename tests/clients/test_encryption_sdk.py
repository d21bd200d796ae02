"""The AWS Encryption SDK on an XKS key of ``pytest-xks serve``.

`tox -e sdk-encryption` installs it.
"""

from __future__ import annotations

from contextlib import contextmanager

import aws_encryption_sdk
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_cryptographic_material_providers.smithygenerated.aws_cryptography_materialproviders.errors import (  # noqa: E501 - its own name
    ComAmazonawsKms,
)
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError

CONTEXT = {"project": "nile", "department": "marketing"}
PLAINTEXT = bytes(range(256)) * 40


@pytest.fixture
def sdk():
    """The SDK with its strictest policy."""
    return aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    )


def keyring_on(key, kms):
    """A KMS keyring on one KMS key."""
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    wanted = CreateAwsKmsKeyringInput(kms_key_id=key.arn, kms_client=kms)
    return providers.create_aws_kms_keyring(input=wanted)


def test_round_trip(sdk, xks_server):
    """What a keyring on an XKS key encrypts it decrypts, with its context."""
    kms, store = xks_server.client(), xks_server.create_key_store()
    keyring = keyring_on(store.create_key(xks_server.spare_key()), kms)

    message, _ = sdk.encrypt(
        source=PLAINTEXT, keyring=keyring, encryption_context=CONTEXT
    )
    decrypted, header = sdk.decrypt(
        source=message, keyring=keyring, encryption_context=CONTEXT
    )

    assert PLAINTEXT == decrypted
    assert PLAINTEXT not in message
    assert CONTEXT.items() <= header.encryption_context.items()


def test_another_key_does_not_decrypt(sdk, xks_server):
    """Not even one in the same store."""
    kms, store = xks_server.client(), xks_server.create_key_store()
    mine, other = (
        keyring_on(store.create_key(xks_server.spare_key()), kms) for _ in range(2)
    )
    message, _ = sdk.encrypt(source=b"x", keyring=mine)

    with pytest.raises(AWSEncryptionSDKClientError):
        sdk.decrypt(source=message, keyring=other)


def test_disconnected_store(sdk, xks_server):
    """Every use is a KMSInvalidStateException of KMS, until the store is back."""
    kms, store = xks_server.client(), xks_server.create_key_store()
    key = store.create_key(xks_server.spare_key())
    keyring = keyring_on(key, kms)
    message, _ = sdk.encrypt(source=b"x", keyring=keyring)
    store.disconnect()

    # The SDK keeps the message of the exception, and not its name.
    with exceptions_of(kms) as names:
        with pytest.raises(ComAmazonawsKms, match=f"{key.arn} is unavailable"):
            sdk.encrypt(source=b"x", keyring=keyring)
        with pytest.raises(AWSEncryptionSDKClientError):
            sdk.decrypt(source=message, keyring=keyring)
    store.connect()

    assert ["KMSInvalidStateException"] * 2 == names
    assert b"x" == sdk.decrypt(source=message, keyring=keyring)[0]


@contextmanager
def exceptions_of(kms):
    """The names of the exceptions that a boto3 client gets."""
    names = []

    def note(parsed, **_):
        names.append(parsed.get("Error", {}).get("Code"))

    kms.meta.events.register("after-call.kms", note)
    yield names
    kms.meta.events.unregister("after-call.kms", note)
