"""The four operations, on one key that would be in a hardware security module."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

KEY_ID = "master"
LONGEST_AAD = 65_535
VECTOR_BYTES, TAG_BYTES = 12, 16

Document = dict[str, object]


class Appliance:
    """One key behind one path.

    Args:
        uri_path: the XksProxyUriPath.
        credential: ``id:secret``.
        operated_in: where a file is for whatever the operator does.
        wrong: the mistake to make.
    """

    def __init__(
        self, uri_path: str, credential: str, *, operated_in: Path, wrong: str
    ) -> None:
        self.gcm = AESGCM(AESGCM.generate_key(256))
        self.operated_in, self.wrong = operated_in, wrong
        self.first = credential
        self.credentials: dict[str, str] = {}
        key = f"{uri_path}/keys/{KEY_ID}"
        self.keys = f"{uri_path}/keys/"
        self.paths = {
            f"{uri_path}/health": self.health,
            f"{key}/metadata": self.metadata,
            f"{key}/encrypt": self.encrypt,
            f"{key}/decrypt": self.decrypt,
        }

    def is_operated(self, name: str) -> bool:
        """Whether the operator has done something."""
        return (self.operated_in / name).exists()

    def load_credentials(self) -> None:
        """The credential, and the one that the operator has added."""
        pairs = [self.first]
        if self.is_operated("credential"):
            pairs.append((self.operated_in / "credential").read_text().strip())
        self.credentials = dict(pair.split(":", 1) for pair in pairs if ":" in pair)

    def answer(self, path: str, body: bytes) -> tuple[Document, Document]:
        """The request and the response.

        Raises:
            Refusal: there is none.
        """
        if path not in self.paths:
            key, _, operation = path.removeprefix(self.keys).partition("/")
            if (
                path.startswith(self.keys)
                and key != KEY_ID
                and operation
                in (
                    "metadata",
                    "encrypt",
                    "decrypt",
                )
            ):
                raise Refusal("KeyNotFoundException", "There is no such key.")
            raise Refusal("InvalidUriPathException", "There is no such path.")
        document = parsed(body)
        if not path.endswith("/health") and self.is_operated("store-disabled"):
            raise Refusal("InvalidStateException", "The key store is disabled.")
        return document, self.paths[path](document)

    def health(self, _: Document) -> Document:
        """A deep check: the key manager has to work."""
        if self.wrong != "shallow-health":
            self.reach_key_manager()
        return {
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "Example",
            "xksProxyModel": "Appliance 1.0",
            "ekmVendor": "Example",
            "ekmFleetDetails": [
                {"id": "hsm", "model": "Soft 1.0", "healthStatus": "ACTIVE"}
            ],
        }

    def metadata(self, _: Document) -> Document:
        """What the key is."""
        disabled = self.is_operated("key-disabled")
        return {
            "keySpec": "AES_256",
            "keyUsage": ["ENCRYPT", "DECRYPT"],
            "keyStatus": "DISABLED" if disabled else "ENABLED",
        }

    def encrypt(self, document: Document) -> Document:
        """Encrypt, and vouch for it if that is asked for."""
        aad = self.ready(document)
        plaintext = required(document, "plaintext")
        algorithm = document.get("ciphertextDataIntegrityValueAlgorithm")
        if algorithm is not None and algorithm != "SHA_256":
            raise Refusal("ValidationException", "Only SHA_256 is supported.")
        vector = os.urandom(VECTOR_BYTES)
        both = self.gcm.encrypt(vector, plaintext, aad)
        ciphertext, tag = both[:-TAG_BYTES], both[-TAG_BYTES:]
        response: Document = {
            "ciphertext": b64(ciphertext),
            "initializationVector": b64(vector),
            "authenticationTag": b64(tag),
        }
        if algorithm:
            # The value first, then the test decryption (Appendix C).
            value = hashlib.sha256(aad + vector + ciphertext + tag).digest()
            if self.gcm.decrypt(vector, both, aad) != plaintext:
                raise Refusal("InternalException", "The ciphertext does not decrypt.")
            response["ciphertextDataIntegrityValue"] = b64(value)
        return response

    def decrypt(self, document: Document) -> Document:
        """Decrypt, if nothing was altered."""
        aad = self.ready(document)
        ciphertext = required(document, "ciphertext")
        vector = required(document, "initializationVector")
        tag = required(document, "authenticationTag")
        if (
            len(vector) != 12
            or len(tag) != TAG_BYTES
            or optional(document, "ciphertextMetadata")
        ):
            raise Refusal("InvalidCiphertextException", "A part is none of ours.")
        try:
            return {"plaintext": b64(self.gcm.decrypt(vector, ciphertext + tag, aad))}
        except InvalidTag:
            raise Refusal("InvalidCiphertextException", "It is corrupted.") from None

    def ready(self, document: Document) -> bytes:
        """The additional authenticated data of a request that can be served."""
        if document.get("encryptionAlgorithm") != "AES_GCM":
            raise Refusal("ValidationException", "Only AES_GCM is supported.")
        aad = optional(document, "additionalAuthenticatedData")
        if len(aad) > LONGEST_AAD:
            raise Refusal("UnsupportedOperationException", "There is too much of it.")
        if self.is_operated("key-disabled"):
            raise Refusal("InvalidStateException", "The key is disabled.")
        self.reach_key_manager()
        return aad

    def reach_key_manager(self) -> None:
        """Return if the key manager works.

        Raises:
            Refusal: it fails, or does not answer in time.
        """
        if self.is_operated("key-manager-stalled"):
            raise Refusal("DependencyTimeoutException", "The key manager is late.")
        if self.is_operated("key-manager-broken"):
            raise Refusal("InternalException", "The key manager has failed.")


def parsed(body: bytes) -> Document:
    """The body as a JSON object with requestMetadata."""
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refusal("ValidationException", "The body is malformed.")
    if not isinstance(document.get("requestMetadata"), dict):
        raise Refusal("ValidationException", "requestMetadata is missing.")
    return document


def no_constant(name: str) -> None:
    """Python reads NaN; JSON has no such thing."""
    raise ValueError(name)


def required(document: Document, name: str) -> bytes:
    """A member in Base64."""
    if not isinstance(document.get(name), str):
        raise Refusal("ValidationException", f"{name} is missing.")
    return optional(document, name)


def optional(document: Document, name: str) -> bytes:
    """A member in Base64, or nothing."""
    text = document.get(name)
    if text is None:
        return b""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    # Python takes bits that no byte has.
    if data is None or b64(data) != text:
        raise Refusal("ValidationException", f"{name} is no Base64.")
    return data


def b64(data: bytes) -> str:
    """Standard Base64."""
    return base64.b64encode(data).decode()
