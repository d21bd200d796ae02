"""Ciphertext blobs: what they hide, and those that KMS did not make."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..client.cases import cases
from ..client.expect import REFUSED, control, expect, violated
from ..client.judging import judge
from .calls import good_call, sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient

    Damage = Callable[[bytes], bytes]

LAYERS = 3
"""How many encodings around each other are taken off."""
_TOKEN = re.compile(rb"[A-Za-z0-9+/_=-]{16,}")


def _readings(blob: bytes) -> Iterator[bytes]:
    """The blob, and what texts in it decode to, and texts in that."""
    found = [blob]
    for _ in range(LAYERS):
        yield from found
        found = [d for each in found for t in _TOKEN.findall(each) for d in _decoded(t)]


def _decoded(text: bytes) -> Iterator[bytes]:
    """What a text is in hexadecimal digits, Base32 and Base64, where it is in it."""
    for decode in (binascii.unhexlify, _from_base32, _from_base64):
        with suppress(ValueError):
            yield decode(text.rstrip(b"="))


def _from_base32(text: bytes) -> bytes:
    return base64.b32decode(text + b"=" * (-len(text) % 8), casefold=True)


def _from_base64(text: bytes) -> bytes:
    digits = text.translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(digits + b"=" * (-len(digits) % 4))


def _holds(blob: bytes, plaintext: bytes) -> bool:
    return any(
        plaintext in reading or plaintext[::-1] in reading
        for reading in _readings(blob)
    )


@pytest.mark.requirement("KMS-CRYPTO-029")
@cases("operation", ["Encrypt", "GenerateDataKey", "ReEncrypt"])
def test_blob_hides_the_plaintext(kms: KmsClient, key: Key, operation: str) -> None:
    """The plaintext is not in the blob: not as it is, and in no common encoding."""
    plaintext = f"a plaintext {secrets.token_hex(16)}".encode()
    parameters = good_call(kms, operation, key)
    if operation == "ReEncrypt":
        parameters["CiphertextBlob"] = sealed(kms, key, plaintext)
    elif operation == "Encrypt":
        parameters["Plaintext"] = plaintext
    reply = kms.call(operation, **parameters)
    document = control(reply)
    if operation == "GenerateDataKey":
        plaintext = bytes(document.get("Plaintext") or b"")
    blob = bytes(document.get("CiphertextBlob") or b"")
    if plaintext and _holds(blob, plaintext):
        violated(
            reply,
            "a CiphertextBlob that does not hold the plaintext",
            "one that does: whoever has the blob can read it",
        )


def _flipped(eighth: int) -> Damage:
    """Turns one bit, that many eighths into the blob."""

    def flip(blob: bytes) -> bytes:
        place = (len(blob) - 1) * eighth // 8
        return blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]

    return flip


DAMAGES: dict[str, Damage] = {
    "the last byte missing": lambda blob: blob[:-1],
    "the second half missing": lambda blob: blob[: len(blob) // 2],
    "the first byte missing": lambda blob: blob[1:],
    "a byte more": lambda blob: blob + b"\0",
    "garbage": lambda blob: secrets.token_bytes(len(blob)),
    **{f"a bit turned after {n} eighths": _flipped(n) for n in range(9)},
}


@pytest.mark.requirement("KMS-CRYPTO-028")
@pytest.mark.parametrize("operation", ["Decrypt", "ReEncrypt"])
def test_damaged_blob(kms: KmsClient, key: Key, operation: str) -> None:
    """A blob that is cut, longer, altered or garbage is refused."""
    parameters = good_call(kms, operation, key)
    control(kms.call(operation, label="control: the blob", **parameters))
    blob = bytes(parameters["CiphertextBlob"])

    def probe(label: str, damage: Damage) -> None:
        damaged = {**parameters, "CiphertextBlob": damage(blob)}
        expect(kms.call(operation, label=f"probe: {label}", **damaged), REFUSED)

    judge(kms, {n: partial(probe, n, damage) for n, damage in DAMAGES.items()})
