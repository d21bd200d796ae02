"""The framed AAD and the CDIV, against the specification's own example."""

from __future__ import annotations

import base64
import hashlib

import pytest

from pytest_xks.proxy_api.integrity import (
    authenticated_data,
    ciphertext_data_integrity_value,
)

# Appendix C: the 86 bytes, part by part.
EXAMPLE = {
    "additional_authenticated_data": bytes.fromhex(
        "70 72 6f 6a 65 63 74 3d  6e 69 6c 65 2c 64 65 70"
        "61 72 74 6d 65 6e 74 3d  6d 61 72 6b 65 74 69 6e"
        "67"
    ),
    "ciphertext_metadata": bytes.fromhex("6b 65 79 5f 76 65 72 73  69 6f 6e 3d 31"),
    "initialization_vector": bytes.fromhex("1c ca e5 47 0f 39 70 02  54 77 90 31"),
    "ciphertext": bytes.fromhex("82 1c 64 2b 5b 71 78 33  67 de af 18"),
    "authentication_tag": bytes.fromhex(
        "bc 1c 4d da 77 07 d6 81  24 47 c5 95 5e 99 b2 61"
    ),
}


def test_cdiv_of_the_specification():
    """The CDIV of Appendix C's example is the one that Appendix C prints."""
    cdiv = ciphertext_data_integrity_value(**EXAMPLE)

    assert (
        cdiv.hex() == "a8703f2260bd8791ec2d15ea0b23e65a0631eedcf2a13a65cc82db3f47cf5ec7"
    )
    assert base64.b64encode(cdiv) == b"qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="


def test_cdiv_without_optional_parts():
    """An absent AAD or ciphertextMetadata counts as the empty string."""
    bare = EXAMPLE | {"additional_authenticated_data": b"", "ciphertext_metadata": b""}
    rest = (
        EXAMPLE["initialization_vector"]
        + EXAMPLE["ciphertext"]
        + EXAMPLE["authentication_tag"]
    )

    assert hashlib.sha256(rest).digest() == ciphertext_data_integrity_value(**bare)


@pytest.mark.parametrize("part", EXAMPLE)
def test_cdiv_covers_every_part(part):
    """A flipped bit anywhere changes the CDIV."""
    flipped = bytes([EXAMPLE[part][0] ^ 1]) + EXAMPLE[part][1:]

    assert ciphertext_data_integrity_value(
        **EXAMPLE
    ) != ciphertext_data_integrity_value(**EXAMPLE | {part: flipped})


@pytest.mark.parametrize(
    ("framed", "aad", "metadata"),
    [
        pytest.param("0000 00", "", "", id="both absent"),
        pytest.param("0003 616263 00", "616263", "", id="no metadata"),
        pytest.param("0000 02 6b76", "", "6b76", id="no AAD"),
        pytest.param("0003 616263 02 6b76", "616263", "6b76", id="both"),
        pytest.param("0100" + "00" * 256 + "00", "00" * 256, "", id="big-endian"),
        pytest.param("0000 14" + "ff" * 20, "", "ff" * 20, id="longest metadata"),
    ],
)
def test_framed_aad(framed, aad, metadata):
    """2-byte length, AAD, 1-byte length, ciphertextMetadata ("Encrypt")."""
    assert bytes.fromhex(framed) == authenticated_data(
        bytes.fromhex(aad), bytes.fromhex(metadata)
    )


def test_framing_tells_aad_from_metadata():
    """Metadata handed in as AAD makes another input: the specification's attack."""
    assert authenticated_data(b"", b"key_version=1") != authenticated_data(
        b"key_version=1", b""
    )


def test_aad_of_8192_bytes_fits():
    """The AAD that every proxy has to support has room in its length."""
    assert authenticated_data(bytes(8192), b"")[:2] == b"\x20\x00"


@pytest.mark.parametrize(
    ("aad", "metadata"),
    [
        pytest.param(65536, 0, id="AAD of 65536 bytes"),
        pytest.param(0, 256, id="metadata of 256 bytes"),
    ],
)
def test_lengths_without_room(aad, metadata):
    """A length that has no room is an error, never a length cut short."""
    with pytest.raises(OverflowError):
        authenticated_data(bytes(aad), bytes(metadata))
