"""Every size, count and pattern of the specification, under its section.

Sizes are bytes before Base64 unless a name says otherwise; lengths are characters.
"""

from __future__ import annotations

import re

__all__ = [
    "AAD_BYTES_TO_SUPPORT",
    "ACCESS_KEY_ID",
    "ARN_LENGTH_TO_SUPPORT",
    "AUTHENTICATION_TAG_BYTES",
    "CDIV_ALGORITHM",
    "CIPHERTEXT_METADATA_MAX_BYTES",
    "CLOCK_SKEW_SECONDS",
    "EKM_FLEET_DETAILS_MAX",
    "ENCRYPTION_ALGORITHM",
    "ERROR_MESSAGE",
    "EXTERNAL_KEY_ID",
    "INITIALIZATION_VECTOR_BYTES",
    "KEY_SPEC_AES_256",
    "KEY_USAGE_MAX",
    "PLAINTEXT_BYTES_TO_SUPPORT",
    "RESPONSE_DEADLINE_MS",
    "SECRET_ACCESS_KEY",
    "URI_MAX_LENGTH",
    "URI_PATH",
    "URI_PATH_MAX_LENGTH",
    "URI_PATH_SUFFIX",
    "is_access_key_id",
    "is_error_message",
    "is_external_key_id",
    "is_secret_access_key",
    "is_uri_path",
]

# "API content type", "API operations": the XksProxyUriPath.
URI_PATH_SUFFIX = "/kms/xks/v1"
URI_PATH_MAX_LENGTH = 128
URI_PATH = re.compile(r"(?:/[A-Za-z0-9/_-]+)?/kms/xks/v1")

# "API operations": "the length of an externalKeyId MUST NOT exceed 128 characters", and
# its alphabet.
EXTERNAL_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

# "API operations": "the total URI length MUST NOT exceed 256 characters".
URI_MAX_LENGTH = 256

# "API operations": "The XKS Proxy MUST support ARN lengths of up to 2048 characters."
ARN_LENGTH_TO_SUPPORT = 2048

# "Encrypt", plaintext; "Decrypt", ciphertext; both, additionalAuthenticatedData: what a
# proxy must be able to process. A proxy may accept more.
PLAINTEXT_BYTES_TO_SUPPORT = 4300
AAD_BYTES_TO_SUPPORT = 8192

# "Encrypt", response.
CIPHERTEXT_METADATA_MAX_BYTES = 20
INITIALIZATION_VECTOR_BYTES = frozenset({12, 16})
AUTHENTICATION_TAG_BYTES = 16

# "Encrypt", encryptionAlgorithm and ciphertextDataIntegrityValueAlgorithm.
ENCRYPTION_ALGORITHM = "AES_GCM"
CDIV_ALGORITHM = "SHA_256"

# "GetKeyMetadata", response.
KEY_SPEC_AES_256 = "AES_256"
KEY_USAGE_MAX = 10

# "GetHealthStatus", response.
EKM_FLEET_DETAILS_MAX = 10

# "GetKeyMetadata", KMS considerations: "If KMS does not receive a response from the XKS
# proxy for any API call within 250ms, KMS will time out".
RESPONSE_DEADLINE_MS = 250

# "Error codes": "MUST be less than 512 characters in length and only use printable
# ASCII characters, i.e. hex values 0x20 (space) through 0x7e (tilde)".
ERROR_MESSAGE = re.compile(r"[\x20-\x7e]{0,511}")

# Appendix A: the choice of access key id and secret access key; the length of the
# secret stands in "XKS proxy configuration in AWS KMS console".
ACCESS_KEY_ID = re.compile(r"[A-Z2-7]{20,30}")
SECRET_ACCESS_KEY = re.compile(r"[A-Za-z0-9/+=]{43,64}")

# Appendix A, task 4: "Any requests more than 5 minutes in the past (or future, due to
# clock drift) SHOULD fail authentication."
CLOCK_SKEW_SECONDS = 300


def is_uri_path(text: str) -> bool:
    """Whether ``text`` is a legal XksProxyUriPath ("API operations")."""
    return len(text) <= URI_PATH_MAX_LENGTH and URI_PATH.fullmatch(text) is not None


def is_external_key_id(text: str) -> bool:
    """Whether ``text`` is a legal externalKeyId ("API operations")."""
    return EXTERNAL_KEY_ID.fullmatch(text) is not None


def is_access_key_id(text: str) -> bool:
    """Whether ``text`` is a legal access key id (Appendix A)."""
    return ACCESS_KEY_ID.fullmatch(text) is not None


def is_secret_access_key(text: str) -> bool:
    """Whether ``text`` is a legal secret access key (Appendix A)."""
    return SECRET_ACCESS_KEY.fullmatch(text) is not None


def is_error_message(text: str) -> bool:
    """Whether ``text`` may go out as errorMessage ("Error codes")."""
    return ERROR_MESSAGE.fullmatch(text) is not None
