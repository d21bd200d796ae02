"""Each limit on both of its sides, and each alphabet at its edges."""

from __future__ import annotations

import pytest

from pytest_xks.proxy_api import limits

# As long as the prefix may be for an XksProxyUriPath of 128 characters.
LONGEST_PREFIX = "/" + "p" * (128 - 1 - len("/kms/xks/v1"))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/kms/xks/v1", id="without a prefix"),
        pytest.param("/example/kms/xks/v1", id="with a prefix"),
        pytest.param(
            "/keystores/4a0d79d6-1d1b-49fd-9dbe-799cb9c0fb3f/kms/xks/v1",
            id="the specification's example",
        ),
        pytest.param("/aZ09/-_/kms/xks/v1", id="every kind of character"),
        pytest.param("/kms/xks/v1/kms/xks/v1", id="the suffix as a prefix"),
        pytest.param(f"{LONGEST_PREFIX}/kms/xks/v1", id="128 characters"),
    ],
)
def test_uri_path(path):
    """A legal XksProxyUriPath is accepted."""
    assert limits.is_uri_path(path)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("kms/xks/v1", id="no slash in front"),
        pytest.param("/kms/xks/v2", id="another version"),
        pytest.param("/kms/xks/v1/", id="a slash at the end"),
        pytest.param("/examplekms/xks/v1", id="suffix not of its own"),
        pytest.param("/exam.ple/kms/xks/v1", id="a period"),
        pytest.param("/exam%20ple/kms/xks/v1", id="an escape"),
        pytest.param("/exämple/kms/xks/v1", id="a letter outside ASCII"),
        pytest.param("/kms/xks/v1\n", id="a newline at the end"),
        pytest.param(f"{LONGEST_PREFIX}p/kms/xks/v1", id="129 characters"),
    ],
)
def test_uri_path_refused(path):
    """Anything else is not an XksProxyUriPath."""
    assert not limits.is_uri_path(path)


@pytest.mark.parametrize(
    "key_id",
    [
        pytest.param("a", id="one character"),
        pytest.param("k" * 128, id="128 characters"),
        pytest.param("Key.With_All-Chars.09", id="every kind of character"),
    ],
)
def test_external_key_id(key_id):
    """A legal externalKeyId is accepted."""
    assert limits.is_external_key_id(key_id)


@pytest.mark.parametrize(
    "key_id",
    [
        pytest.param("", id="empty"),
        pytest.param("k" * 129, id="129 characters"),
        pytest.param("a/b", id="a slash"),
        pytest.param("a b", id="a space"),
        pytest.param("a+b", id="a plus"),
        pytest.param("é", id="a letter outside ASCII"),
        pytest.param("٣", id="a digit outside ASCII"),
        pytest.param("key\n", id="a newline at the end"),
    ],
)
def test_external_key_id_refused(key_id):
    """Anything else is not an externalKeyId."""
    assert not limits.is_external_key_id(key_id)


@pytest.mark.parametrize(
    ("legal", "text"),
    [
        pytest.param(False, "A" * 19, id="19 characters"),
        pytest.param(True, "A" * 20, id="20 characters"),
        pytest.param(True, "Z" * 30, id="30 characters"),
        pytest.param(False, "A" * 31, id="31 characters"),
        pytest.param(True, "ABCDEFGHIJKLMNOPQRST234567", id="2 to 7"),
        pytest.param(False, "A" * 20 + "0", id="0"),
        pytest.param(False, "A" * 20 + "1", id="1"),
        pytest.param(False, "A" * 20 + "8", id="8"),
        pytest.param(False, "A" * 20 + "a", id="lower case"),
    ],
)
def test_access_key_id(legal, text):
    """20 to 30 characters of A to Z and 2 to 7 (Appendix A)."""
    assert legal == limits.is_access_key_id(text)


@pytest.mark.parametrize(
    ("legal", "text"),
    [
        pytest.param(False, "s" * 42, id="42 characters"),
        pytest.param(True, "s" * 43, id="43 characters"),
        pytest.param(True, "s" * 64, id="64 characters"),
        pytest.param(False, "s" * 65, id="65 characters"),
        pytest.param(True, "a" * 40 + "Z9/+=", id="every kind of character"),
        pytest.param(False, "s" * 43 + "-", id="URL-safe Base64"),
        pytest.param(False, "s" * 43 + " ", id="a space"),
    ],
)
def test_secret_access_key(legal, text):
    """43 to 64 characters of standard Base64 (console configuration)."""
    assert legal == limits.is_secret_access_key(text)


@pytest.mark.parametrize(
    ("legal", "text"),
    [
        pytest.param(True, "", id="empty"),
        pytest.param(True, "m" * 511, id="511 characters"),
        pytest.param(False, "m" * 512, id="512 characters"),
        pytest.param(False, "\x1f", id="0x1f"),
        pytest.param(True, " ", id="0x20"),
        pytest.param(True, "~", id="0x7e"),
        pytest.param(False, "\x7f", id="0x7f"),
        pytest.param(False, "two\nlines", id="a newline"),
        pytest.param(False, "café", id="outside ASCII"),
    ],
)
def test_error_message(legal, text):
    """Fewer than 512 printable ASCII characters ("Error codes")."""
    assert legal == limits.is_error_message(text)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (128, "URI_PATH_MAX_LENGTH"),
        (256, "URI_MAX_LENGTH"),
        (2048, "ARN_LENGTH_TO_SUPPORT"),
        (4300, "PLAINTEXT_BYTES_TO_SUPPORT"),
        (8192, "AAD_BYTES_TO_SUPPORT"),
        (20, "CIPHERTEXT_METADATA_MAX_BYTES"),
        ({12, 16}, "INITIALIZATION_VECTOR_BYTES"),
        (16, "AUTHENTICATION_TAG_BYTES"),
        (10, "KEY_USAGE_MAX"),
        (10, "EKM_FLEET_DETAILS_MAX"),
        (250, "RESPONSE_DEADLINE_MS"),
        (300, "CLOCK_SKEW_SECONDS"),
        ("AES_GCM", "ENCRYPTION_ALGORITHM"),
        ("SHA_256", "CDIV_ALGORITHM"),
        ("AES_256", "KEY_SPEC_AES_256"),
    ],
)
def test_value(value, name):
    """A number or name is the one that the specification gives."""
    assert value == getattr(limits, name)
