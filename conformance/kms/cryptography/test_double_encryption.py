"""Double encryption: KMS's own material inside, the external key outside.

The proxy is asked to encrypt what KMS has encrypted already. The ciphertext blob is put
together by KMS from the proxy's answer, and taken apart by KMS for Decrypt.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases, own_key
from ..client.expect import control, expect, refused, violated
from .calls import (
    answers_of,
    asked,
    binary,
    decrypting_to,
    good_call,
    inner_ciphertext,
    opened,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

_SECRET_BYTES = 64
_WINDOW = 16
_LAYERS = 3


# -- the proxy sees no plaintext --------------------------------------------------


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def _unbase64(text: str) -> bytes:
    """Either alphabet, with padding or without."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "==")


def _views(data: bytes, layers: int = _LAYERS) -> Iterator[bytes]:
    """Bytes, and what texts among them decode to, some layers deep."""
    yield data
    if layers == 0:
        return
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return
    for decode in (_unbase64, _unhex):
        try:
            decoded = decode(text)
        except ValueError:
            continue
        yield from _views(decoded, layers - 1)


def _texts(value: object) -> Iterator[str]:
    """Every text of a JSON document, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)


def _shows(request: ProxyRequest, secret: bytes) -> bool:
    """Whether a part of a secret is in a request, as it is or encoded."""
    try:
        document = json.loads(request.body)
    except ValueError:
        document = {}
    parts = [secret[i : i + _WINDOW] for i in range(len(secret) - _WINDOW + 1)]
    views = [request.body]
    for text in _texts(document):
        views.extend(_views(text.encode("utf-8", "surrogatepass")))
    return any(part in view for view in views for part in parts)


@pytest.mark.requirement("KMS-CRYPTO-008")
@pytest.mark.parametrize("operation", ["Encrypt", "GenerateDataKey", "ReEncrypt"])
def test_no_plaintext_to_the_proxy(kms: KmsClient, key: Key, operation: str) -> None:
    """The proxy never gets a caller's plaintext or a data key, nor 16 bytes of it."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    blob = sealed(kms, key, secret) if operation == "ReEncrypt" else None
    parameters = good_call(kms, operation, key, blob=blob)
    if operation == "Encrypt":
        parameters["Plaintext"] = secret
    with key.store.proxy.watching() as requests:
        reply = kms.call(operation, **parameters)
    document = control(reply)
    if operation == "GenerateDataKey":
        secret = document["Plaintext"]
    for request in asked(requests()):
        if _shows(request, secret):
            violated(
                reply,
                "a request to the proxy in which no part of the plaintext is found",
                f"a part of the plaintext in {request.operation}",
                note="Whoever runs the proxy can read it.",
            )


@pytest.mark.requirement("KMS-CRYPTO-010")
@cases("size", [1, 64], key=own_key)
def test_fresh_inner_encryption(kms: KmsClient, key: Key, size: int) -> None:
    """The same plaintext twice is two different inputs for the proxy."""
    plaintext = bytes(size)
    _, first = inner_ciphertext(kms, key, plaintext)
    with key.proxy.watching() as requests:
        reply = kms.call("Encrypt", KeyId=key.arn, Plaintext=plaintext)
    second = binary(asked(requests(), "encrypt")[-1].document, "plaintext")
    if first == second:
        violated(reply, "another plaintext for the proxy than before", "the same bytes")


# -- and back ---------------------------------------------------------------------


@pytest.mark.requirement("KMS-CRYPTO-009")
@cases("size", [1, 64, 4096], key=own_key)
def test_both_layers_come_off(kms: KmsClient, key: Key, size: int) -> None:
    """Decrypt gives the plaintext; what the proxy gave is still encrypted."""
    plaintext = secrets.token_bytes(size)
    blob = sealed(kms, key, plaintext)
    with answers_of(key.proxy, "decrypt") as answer:
        reply = opened(kms, key, blob)
    document = control(reply)
    if document.get("Plaintext") != plaintext:
        violated(reply, "the plaintext that was encrypted", "another one")
    if binary(answer(), "plaintext") == plaintext:
        violated(
            reply,
            "an inner ciphertext from the proxy, which KMS decrypts",
            "the plaintext itself from the proxy",
        )


@pytest.mark.requirement("KMS-CRYPTO-024")
@cases("operation", ["Decrypt", "ReEncrypt"], key=own_key)
@cases(
    "change",
    [
        pytest.param(lambda inner: _flip(inner, 0), id="first-byte"),
        pytest.param(lambda inner: _flip(inner, len(inner) // 2), id="middle-byte"),
        pytest.param(lambda inner: _flip(inner, len(inner) - 1), id="last-byte"),
        pytest.param(lambda inner: secrets.token_bytes(len(inner)), id="random"),
    ],
)
def test_inner_layer_does_not_fit(
    kms: KmsClient, key: Key, operation: str, change: Callable[[bytes], bytes]
) -> None:
    """Other bytes from the proxy than KMS gave it are a KMSInvalidStateException.

    They are as many, so nothing else is wrong with the proxy's answer.
    """
    blob, inner = inner_ciphertext(kms, key, secrets.token_bytes(_SECRET_BYTES))
    parameters = good_call(kms, operation, key, blob=blob)
    control(kms.call(operation, label="control: a good proxy", **parameters))
    with decrypting_to(key.proxy, change(inner)):
        reply = kms.call(operation, **parameters)
    expect(reply, refused("KMSInvalidStateException"))


def _flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0x01
    return bytes(changed)


# -- the ciphertext blob ----------------------------------------------------------

EMBEDDED = (
    "ciphertext",
    "initializationVector",
    "authenticationTag",
    "ciphertextMetadata",
)

EXTERNAL_KEYS = [
    pytest.param({}, id="ciphertext-metadata"),
    pytest.param(
        {"versioned": False, "initialization_vector_bytes": 16},
        id="no-ciphertext-metadata-and-16-byte-iv",
    ),
]


@pytest.mark.requirement("KMS-CRYPTO-013", "KMS-CRYPTO-014")
@cases("operation", ["Decrypt", "ReEncrypt"])
@cases("properties", EXTERNAL_KEYS)
def test_blob_embeds_the_answer(
    kms: KmsClient,
    provisioner: Provisioner,
    operation: str,
    properties: Mapping[str, Any],
) -> None:
    """What the proxy answered to Encrypt is what it gets for Decrypt.

    Ciphertext, initialization vector, authentication tag, and ciphertextMetadata if
    there was one.
    """
    key = provisioner.own_key(kms, **properties)
    with answers_of(key.proxy, "encrypt") as answer:
        blob = sealed(kms, key)
    answered = answer()
    reply, request = _decrypting_request(kms, key, operation, blob)
    for name in EMBEDDED:
        was, now = binary(answered, name), binary(request.document, name)
        if was != now:
            violated(
                reply,
                f"{name} as the proxy answered it" if was else f"no {name}",
                f"another {name}" if now else f"no {name}",
            )


@pytest.mark.requirement("KMS-CRYPTO-014")
@cases("operation", ["Decrypt", "ReEncrypt"], key=own_key)
def test_blob_stays_inside(kms: KmsClient, key: Key, operation: str) -> None:
    """The proxy never gets the ciphertext blob itself."""
    blob = sealed(kms, key)
    reply, request = _decrypting_request(kms, key, operation, blob)
    texts = _texts(request.document)
    if any(blob in view for text in texts for view in _views(text.encode())):
        violated(reply, "the fields that the blob embeds", "the whole blob")


def _decrypting_request(
    kms: KmsClient, key: Key, operation: str, blob: bytes
) -> tuple[KmsReply, ProxyRequest]:
    """What the proxy is asked for a blob, whether it can do it or not."""
    parameters = good_call(kms, operation, key, blob=blob)
    with key.proxy.watching() as requests:
        reply = kms.call(operation, **parameters)
    request = asked(requests(), "decrypt")[-1]
    if not request.document:
        raise NotTestable("The proxy got no JSON object for Decrypt.")
    return reply, request
