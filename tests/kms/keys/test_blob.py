"""The ciphertext blob: one reading, and nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.kms.keys.blob import Blob, BlobError, header_of, is_blob

ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

blobs = st.builds(
    Blob,
    key_arn=st.just(ARN),
    initialization_vector=st.binary(min_size=12, max_size=16),
    authentication_tag=st.binary(min_size=16, max_size=16),
    ciphertext_metadata=st.none() | st.binary(max_size=20),
    ciphertext=st.binary(min_size=1, max_size=100),
)


@given(blobs)
def test_there_and_back(blob: Blob):
    """What was put together comes apart again."""
    data = blob.to_bytes()
    assert blob == Blob.from_bytes(data)
    assert is_blob(data)
    assert data.startswith(header_of(ARN))


@given(blobs, st.data())
def test_a_beginning_is_no_blob(blob: Blob, data: st.DataObject):
    """Whatever is missing before the ciphertext, it is noticed."""
    whole = blob.to_bytes()
    length = data.draw(st.integers(0, len(whole) - len(blob.ciphertext)))
    with pytest.raises(BlobError):
        Blob.from_bytes(whole[:length])


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes):
    """Nothing but a BlobError comes of them."""
    for prefix in (b"", header_of(ARN)[:6]):
        try:
            blob = Blob.from_bytes(prefix + data)
        except BlobError:
            continue
        assert prefix + data == blob.to_bytes()
