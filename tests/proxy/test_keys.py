"""External keys: what they encrypt, and what they refuse to be."""

from __future__ import annotations

import pytest

from pytest_xks.proxy.keys import CannotDecryptError, ExternalKey


def opened(key, sealed, *, aad=b"", metadata=b""):
    """Decrypt what ``seal`` returned."""
    iv, ciphertext, tag = sealed
    return key.open(
        initialization_vector=iv,
        ciphertext=ciphertext,
        authentication_tag=tag,
        authenticated_data=aad,
        ciphertext_metadata=metadata,
    )


@pytest.mark.parametrize("size", [12, 16])
def test_round_trip(size):
    """What a key seals it opens, with either size of initialization vector."""
    key = ExternalKey("key", initialization_vector_bytes=size)
    iv, ciphertext, tag = key.seal(b"plain", b"aad")

    assert (len(iv), len(ciphertext), len(tag)) == (size, 5, 16)
    assert opened(key, (iv, ciphertext, tag), aad=b"aad") == b"plain"


def test_earlier_version():
    """The metadata finds the version that encrypted, after any rotation."""
    key = ExternalKey("key")
    first, metadata = key.seal(b"plain", b""), key.ciphertext_metadata
    key.rotate()

    assert metadata == b"key_version=1"
    assert key.ciphertext_metadata == b"key_version=2"
    assert opened(key, first, metadata=metadata) == b"plain"


@pytest.mark.parametrize("metadata", [b"key_version=2", b"key_version=9", b"junk"])
def test_version_that_does_not_fit(metadata):
    """Another version, an unknown one, or none at all does not decrypt."""
    key = ExternalKey("key")
    key.rotate()
    sealed = key.seal(b"plain", b"")
    key.rotate()
    metadata = b"key_version=3" if metadata == b"key_version=2" else metadata

    with pytest.raises(CannotDecryptError):
        opened(key, sealed, metadata=metadata)


def test_another_key():
    """No key opens what another one sealed."""
    sealed = ExternalKey("one").seal(b"plain", b"")

    with pytest.raises(CannotDecryptError):
        opened(ExternalKey("two"), sealed)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"external_key_id": ""}, id="empty id"),
        pytest.param({"external_key_id": "a" * 129}, id="long id"),
        pytest.param({"external_key_id": "a/b"}, id="slash in the id"),
        pytest.param({"external_key_id": "a\n"}, id="newline in the id"),
        pytest.param(
            {"external_key_id": "a", "initialization_vector_bytes": 13}, id="odd IV"
        ),
        pytest.param({"external_key_id": "a", "status": "ASLEEP"}, id="odd status"),
    ],
)
def test_impossible_key(arguments):
    """A key that the specification does not allow cannot be made."""
    with pytest.raises(ValueError, match=r"."):
        ExternalKey(**arguments)


def test_repr_holds_no_material():
    """The repr of a key names it and shows none of its bytes."""
    assert repr(ExternalKey("key")) == (
        "ExternalKey('key', key_spec='AES_256', "
        "key_usage=('ENCRYPT', 'DECRYPT'), status='ENABLED')"
    )
