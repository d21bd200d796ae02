"""Variables that people set for their own work, and that botocore reads."""

from __future__ import annotations

_FAR = "http://192.0.2.1:8"

VALID = [
    {},
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_ENDPOINT_URL": "https://kms.far.example"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    {"AWS_ENDPOINT_URL_KMS": "https://kms.far.example/"},
    {"AWS_CONFIG_FILE": "config", "AWS_PROFILE": "far"},
    {"AWS_CONFIG_FILE": "config", "AWS_PROFILE": "role"},
    {"HTTP_PROXY": _FAR, "HTTPS_PROXY": _FAR, "https_proxy": _FAR},
    {"AWS_CA_BUNDLE": "no-such-file"},
    {"REQUESTS_CA_BUNDLE": "no-such-file"},
    {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "9"},
    {"AWS_DEFAULTS_MODE": "auto"},
    {"AWS_STS_REGIONAL_ENDPOINTS": "regional"},
    {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"},
    {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"},
]
"""Each alone has values that botocore takes."""

INVALID = [
    {"AWS_CA_BUNDLE": ""},
    {"AWS_CONFIG_FILE": "config"},
    {"AWS_PROFILE": "no-such-profile"},
    {"AWS_RETRY_MODE": "no-such-mode"},
    {"AWS_MAX_ATTEMPTS": "many"},
    {"AWS_DEFAULTS_MODE": "no-such-mode"},
    {"AWS_STS_REGIONAL_ENDPOINTS": "no-such-value"},
    {"AWS_REQUEST_CHECKSUM_CALCULATION": "no-such-value"},
    {"AWS_RESPONSE_CHECKSUM_VALIDATION": "no-such-value"},
    {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "no-such-value"},
    {"AWS_ENDPOINT_URL": "no url"},
    {"AWS_USE_FIPS_ENDPOINT": "perhaps"},
]
"""Each alone has a value that botocore may refuse."""
