"""DryRun: the answer is an exception, and nothing has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import AssertKmsError, System

MODEL = botocore.session.get_session().get_service_model("kms")
DRY = "DryRunOperationException"
USAGE = "InvalidKeyUsageException"
ORIGIN = "UnsupportedOperationException"
WHO = "arn:aws:iam::123456789012:role/app"
PAIR = {"KeyPairSpec": "RSA_2048"}
SIGNING = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
MAC = {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
# What each operation with a dry run takes besides the key, and what it ends in.
OPERATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "CreateGrant": ({"GranteePrincipal": WHO, "Operations": ["Encrypt"]}, DRY),
    "Decapsulate": (
        {"SharedSecretCiphertextBlob": b"k", "EncapsulationAlgorithm": ""},
        USAGE,
    ),
    "Decrypt": ({}, DRY),
    "DeriveSharedSecret": (
        {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"p"},
        USAGE,
    ),
    "Encapsulate": ({"EncapsulationAlgorithm": ""}, USAGE),
    "Encrypt": ({"Plaintext": b"x"}, DRY),
    "GenerateDataKey": ({"KeySpec": "AES_256"}, DRY),
    "GenerateDataKeyPair": (PAIR, ORIGIN),
    "GenerateDataKeyPairWithoutPlaintext": (PAIR, ORIGIN),
    "GenerateDataKeyWithoutPlaintext": ({"KeySpec": "AES_256"}, DRY),
    "GenerateMac": (MAC, USAGE),
    "ReEncrypt": ({}, DRY),
    "RetireGrant": ({}, DRY),
    "RevokeGrant": ({}, DRY),
    "Sign": (SIGNING, USAGE),
    "Verify": ({**SIGNING, "Signature": b"s"}, USAGE),
    "VerifyMac": ({**MAC, "Mac": b"m"}, USAGE),
}


GRANTED = [name for name, (_, code) in OPERATIONS.items() if code == DRY]


def members_of(operation: str) -> dict[str, Any]:
    """The members that an operation takes; none if the model does not know it."""
    if operation not in MODEL.operation_names:
        return {}
    return MODEL.operation_model(operation).input_shape.members


def method(kms: Any, operation: str) -> Callable[..., Any]:
    """The method of a client."""
    names = {api: name for name, api in kms.meta.method_to_api_mapping.items()}
    return getattr(kms, names[operation])


def parameters_of(kms: Any, key: str, operation: str) -> dict[str, Any]:
    """A request that would succeed, if the key could do it."""
    given, _ = OPERATIONS[operation]
    members = members_of(operation)
    parameters = {"KeyId": key, **given, "DryRun": True}
    if "EncapsulationAlgorithm" in given:
        parameters["EncapsulationAlgorithm"] = members["EncapsulationAlgorithm"].enum[0]
    if "CiphertextBlob" in members:
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        parameters["CiphertextBlob"] = blob
    if operation == "ReEncrypt":
        parameters["DestinationKeyId"] = parameters.pop("KeyId")
    if "GrantId" in members:
        grant = kms.create_grant(
            KeyId=key, GranteePrincipal=WHO, Operations=["Encrypt"]
        )
        parameters["GrantId"] = grant["GrantId"]
    return parameters


def test_every_operation_is_here():
    """Those of the installed model that have a dry run."""
    dry = {name for name in MODEL.operation_names if "DryRun" in members_of(name)}
    assert dry <= OPERATIONS.keys()


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if members_of(name)])
def test_a_key_in_a_store(
    local_system: System, assert_kms_error: AssertKmsError, operation: str
):
    """What would succeed has not happened, and the proxy was not asked."""
    kms, key = local_system.kms, local_system.create_key()
    parameters = parameters_of(kms, key, operation)
    grants = kms.list_grants(KeyId=key)["Grants"]
    asked = len(local_system.proxy.requests)
    _, code = OPERATIONS[operation]
    assert_kms_error(lambda: method(kms, operation)(**parameters), code)
    assert grants == kms.list_grants(KeyId=key)["Grants"]
    assert asked == len(local_system.proxy.requests)


@pytest.mark.parametrize(
    "operation", [o for o, (_, c) in OPERATIONS.items() if c is DRY]
)
def test_a_standard_key(
    local_system: System, assert_kms_error: AssertKmsError, operation: str
):
    """Nor has it with a standard key: moto does not know of dry runs."""
    kms, key = local_system.kms, local_system.plain_key()
    parameters = parameters_of(kms, key, operation)
    grants = kms.list_grants(KeyId=key)["Grants"]
    assert_kms_error(lambda: method(kms, operation)(**parameters), DRY)
    assert grants == kms.list_grants(KeyId=key)["Grants"]


def test_a_disabled_key(local_system: System, assert_kms_error: AssertKmsError):
    """A request that would fail does so."""
    kms, key = local_system.kms, local_system.create_key()
    kms.disable_key(KeyId=key)
    assert_kms_error(
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
        "DisabledException",
    )


# -- DryRunModifiers ---------------------------------------------------------------

ignoring = pytest.mark.skipif(
    "DryRunModifiers" not in members_of("Decrypt"), reason="the model has no modifiers"
)
IGNORING = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}


def asking(operation: str, key: str, **parameters: Any) -> Callable[[Any], object]:
    """Decrypt, or ReEncrypt to the same key."""
    if operation == "Decrypt":
        return lambda kms: kms.decrypt(KeyId=key, **parameters)
    return lambda kms: kms.re_encrypt(
        SourceKeyId=key, DestinationKeyId=key, **parameters
    )


@ignoring
@pytest.mark.parametrize("operation", ["Decrypt", "ReEncrypt"])
@pytest.mark.parametrize("blob", [{}, {"CiphertextBlob": b"nonsense"}])
def test_the_ciphertext_is_ignored(
    local_system: System,
    assert_kms_error: AssertKmsError,
    operation: str,
    blob: dict[str, bytes],
):
    """It may be absent, or anything; for whatever key."""
    kms = local_system.kms
    for key in (local_system.plain_key(), local_system.create_key()):
        ask = asking(operation, key, **IGNORING, **blob)
        assert_kms_error(lambda: ask(kms), DRY)  # noqa: B023 - called at once
    kms.disable_key(KeyId=key)
    assert_kms_error(lambda: ask(kms), "DisabledException")
    assert "Decrypt" not in {each.operation for each in local_system.proxy.requests}


@ignoring
@pytest.mark.parametrize("operation", ["Decrypt", "ReEncrypt"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"DryRun": True},
        {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]},
        {"DryRun": False, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]},
        {"DryRun": True, "DryRunModifiers": []},
    ],
)
def test_a_ciphertext_is_required(
    local_system: System,
    assert_kms_error: AssertKmsError,
    operation: str,
    parameters: dict[str, Any],
):
    """In all other cases."""
    for key in (local_system.plain_key(), local_system.create_key()):
        error = assert_kms_error(
            lambda: asking(operation, key, **parameters)(local_system.kms),  # noqa: B023 - called at once
            "ValidationException",
        )
        assert "'ciphertextBlob'" in error.response["Error"]["Message"]


@ignoring
def test_a_key_is_required(local_system: System, assert_kms_error: AssertKmsError):
    """Where the ciphertext does not say which one."""
    kms, key = local_system.kms, local_system.create_key()
    error = assert_kms_error(lambda: kms.decrypt(**IGNORING), "ValidationException")
    assert "'keyId'" in error.response["Error"]["Message"]
    error = assert_kms_error(
        lambda: kms.re_encrypt(DestinationKeyId=key, **IGNORING), "ValidationException"
    )
    assert "'sourceKeyId'" in error.response["Error"]["Message"]
