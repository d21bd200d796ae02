"""What is refused of standard keys, where moto grants it: as recorded on AWS.

moto's own tests contradict the recordings here and there, and then win.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.keys.key import NamedKey

__all__ = ["check_creation", "check_standard"]

_SYMMETRIC = "SYMMETRIC_DEFAULT"
# What the values of KeySpec begin with but for the symmetric one.
_OF_OTHER_USAGES = ("ECC_", "HMAC_", "ML_", "RSA_", "SM2")
_ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
# API Reference, KeyUsage of each operation. Sign is not here: moto's tests have another
# exception.
_USAGES: Mapping[str, str] = {
    "Decapsulate": "ENCAPSULATE_DECAPSULATE",
    "Decrypt": _ENCRYPT_DECRYPT,
    "DeriveSharedSecret": "KEY_AGREEMENT",
    "Encapsulate": "ENCAPSULATE_DECAPSULATE",
    "Encrypt": _ENCRYPT_DECRYPT,
    "GenerateDataKey": _ENCRYPT_DECRYPT,
    "GenerateDataKeyPair": _ENCRYPT_DECRYPT,
    "GenerateDataKeyPairWithoutPlaintext": _ENCRYPT_DECRYPT,
    "GenerateDataKeyWithoutPlaintext": _ENCRYPT_DECRYPT,
    "GenerateMac": "GENERATE_VERIFY_MAC",
    "ReEncrypt": _ENCRYPT_DECRYPT,
    "Verify": "SIGN_VERIFY",
    "VerifyMac": "GENERATE_VERIFY_MAC",
}


def check_standard(named: NamedKey, operation: str) -> None:
    """Check that a standard key is of the kind that an operation needs.

    Raises:
        KmsError: InvalidKeyUsageException or UnsupportedOperationException.
    """
    if named.usage != _USAGES.get(operation, named.usage):
        raise KmsError(
            ErrorCode.INVALID_KEY_USAGE,
            f"{named.arn} key usage is {named.usage} which is not valid for "
            f"{operation}.",
        )
    if operation == "RotateKeyOnDemand" and named.spec != _SYMMETRIC:
        raise KmsError(ErrorCode.UNSUPPORTED_OPERATION, "")


def check_creation(call: Call) -> None:
    """Check that CreateKey says what a standard key is for.

    Raises:
        KmsError: ValidationException.
    """
    spec = call.text("KeySpec") or call.text("CustomerMasterKeySpec") or _SYMMETRIC
    if spec.startswith(_OF_OTHER_USAGES) and call.text("KeyUsage") is None:
        raise invalid(
            "You must specify a KeyUsage value for all KMS keys except for symmetric "
            "encryption keys."
        )
