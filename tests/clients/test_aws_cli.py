"""The AWS CLI against ``pytest-xks serve``; `tox -e aws-cli` installs it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys

import pytest

_SECONDS = 60

# What the AWS page shows of the answer to create-key (KMS-CREATEKEY-032).
MEMBERS_OF_THE_PAGE = {
    "AWSAccountId",
    "Arn",
    "CreationDate",
    "CustomKeyStoreId",
    "CustomerMasterKeySpec",
    "Description",
    "Enabled",
    "EncryptionAlgorithms",
    "KeyId",
    "KeyManager",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "MultiRegion",
    "Origin",
    "XksKeyConfiguration",
}


class AwsKms:
    """``aws kms``, as its user types it."""

    def __init__(self, environment):
        self._environment = environment

    def run(self, *arguments):
        """The process, when it has ended."""
        return subprocess.run(
            ["aws", "kms", *arguments],  # noqa: S607 - the one that tox installed
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def __call__(self, *arguments):
        """What it prints, which is JSON."""
        result = self.run(*arguments)
        assert (0, "") == (result.returncode, result.stderr)
        return json.loads(result.stdout)

    def refusal(self, *arguments):
        """The exception that it prints, and its message."""
        result = self.run(*arguments)
        assert 0 != result.returncode
        assert "" == result.stdout
        found = re.search(
            r"\((\w+)\) when calling the \w+ operation: (.+)", result.stderr
        )
        return found.groups()


@pytest.fixture(scope="session")
def aws_kms(xks_server):
    """``aws kms`` with the environment of the server."""
    return AwsKms(xks_server.environment)


def create_key(store_id, external_key_id):
    """The command of the AWS page."""
    return (
        "create-key",
        *("--origin", "EXTERNAL_KEY_STORE"),
        *("--custom-key-store-id", store_id),
        *("--xks-key-id", external_key_id),
    )


@pytest.fixture
def key_id(aws_kms, xks_server):
    """A KMS key made by the CLI."""
    command = create_key(xks_server.custom_key_store_id, xks_server.spare_key())
    return aws_kms(*command)["KeyMetadata"]["KeyId"]


def test_create_key_prints_what_the_page_shows(aws_kms, xks_server):
    """Exactly the members of AWS's example, with its values."""
    store_id, external_key_id = xks_server.custom_key_store_id, xks_server.spare_key()

    answer = aws_kms(*create_key(store_id, external_key_id))

    metadata = answer["KeyMetadata"]
    assert {"KeyMetadata"} == answer.keys()
    assert MEMBERS_OF_THE_PAGE == metadata.keys()
    assert {
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
        "XksKeyConfiguration": {"Id": external_key_id},
    }.items() <= metadata.items()
    assert metadata["Arn"].endswith(f":key/{metadata['KeyId']}")


def test_describe_custom_key_stores(aws_kms, xks_server):
    """The store is there, connected."""
    answer = aws_kms(
        "describe-custom-key-stores",
        *("--custom-key-store-id", xks_server.custom_key_store_id),
    )
    (store,) = answer["CustomKeyStores"]
    assert "CONNECTED" == store["ConnectionState"]
    assert "EXTERNAL_KEY_STORE" == store["CustomKeyStoreType"]


def test_encrypt_and_decrypt(aws_kms, key_id, tmp_path):
    """A file goes there and back, with its encryption context."""
    plain, blob = tmp_path / "plain", tmp_path / "blob"
    plain.write_bytes(bytes(range(256)))
    context = ("--encryption-context", "project=nile")

    encrypted = aws_kms(
        "encrypt", "--key-id", key_id, "--plaintext", f"fileb://{plain}", *context
    )
    blob.write_bytes(base64.b64decode(encrypted["CiphertextBlob"]))
    decrypted = aws_kms("decrypt", "--ciphertext-blob", f"fileb://{blob}", *context)

    assert plain.read_bytes() == base64.b64decode(decrypted["Plaintext"])
    assert encrypted["KeyId"] == decrypted["KeyId"]
    assert plain.read_bytes() not in blob.read_bytes()


def test_generate_data_key(aws_kms, key_id, tmp_path):
    """A data key decrypts to its plaintext."""
    data_key = aws_kms("generate-data-key", "--key-id", key_id, "--key-spec", "AES_256")
    blob = tmp_path / "blob"
    blob.write_bytes(base64.b64decode(data_key["CiphertextBlob"]))

    decrypted = aws_kms("decrypt", "--ciphertext-blob", f"fileb://{blob}")

    assert 32 == len(base64.b64decode(data_key["Plaintext"]))
    assert data_key["Plaintext"] == decrypted["Plaintext"]


def test_disconnected_store(aws_kms, xks_server, tmp_path):
    """Neither is a key made in it nor one used; the CLI disconnected it."""
    store = xks_server.create_key_store()
    key = store.create_key(xks_server.spare_key())
    result = aws_kms.run(
        "disconnect-custom-key-store", "--custom-key-store-id", store.id
    )
    assert (0, "") == (result.returncode, result.stderr)
    plain = tmp_path / "plain"
    plain.write_bytes(b"x")

    name, _ = aws_kms.refusal(*create_key(store.id, xks_server.spare_key()))
    assert "CustomKeyStoreInvalidStateException" == name
    name, message = aws_kms.refusal(
        "encrypt", "--key-id", key.key_id, "--plaintext", f"fileb://{plain}"
    )
    assert "KMSInvalidStateException" == name
    assert key.arn in message


def test_unknown_external_key(aws_kms, xks_server):
    """There is no key under that id in the key manager."""
    command = create_key(xks_server.custom_key_store_id, "no-such-key")
    assert "XksKeyNotFoundException" == aws_kms.refusal(*command)[0]


def test_used_external_key(aws_kms, xks_server):
    """An external key serves one KMS key in a store."""
    command = create_key(xks_server.custom_key_store_id, xks_server.spare_key())
    aws_kms(*command)
    assert "XksKeyAlreadyInUseException" == aws_kms.refusal(*command)[0]


def test_the_lines_that_serve_prints(xks_server, tmp_path):
    """Everything that it prints for the AWS CLI works as it stands."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest_xks", "serve", "--until-end-of-input"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        printed = []
        for line in process.stdout:
            printed.append(line.strip())
            if "to stop" in line:
                break
        script = [
            line for line in printed if re.match(r"export AWS|aws|key=|printf", line)
        ]
        environment = {
            name: value
            for name, value in xks_server.environment.items()
            if not name.startswith(("AWS_ENDPOINT", "AWS_REGION"))
        }
        result = subprocess.run(
            ["/bin/sh", "-eu", "-c", "\n".join(script)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        process.stdin.close()

    assert (0, "") == (result.returncode, result.stderr)
    assert 7 == len(script)
    assert "CONNECTED" in result.stdout
    assert "hello" in result.stdout
    assert 2 == result.stdout.count('"CustomKeyStoreId": "cks-')
