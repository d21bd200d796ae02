"""The proxy without its sockets: a request in, an answer out, a line in the log.

Written from the specification alone. Wherever that is silent or disagrees with itself,
this proxy deliberately does what the mock of the library does not; each place says
``ANOTHER READING``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import parameters
from .authentication import authenticate
from .call import Answer, Call
from .keys import ExternalKey, Sealed, Store
from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TextIO

    from .variant import Variant

__all__ = ["IndependentProxy"]

_Document = dict[str, Any]

_ROUTE = re.compile(
    r"(?P<uri_path>[A-Za-z0-9/_-]*/kms/xks/v1)/"
    r"(?:(?P<health>health)|keys/(?P<key_id>[A-Za-z0-9._-]{1,128})"
    r"/(?P<operation>metadata|encrypt|decrypt))"
)

_IV_LENGTHS = (12, 16)
_TAG_LENGTHS = (16,)
_METADATA_LENGTHS = range(21)
_TEXT_LENGTHS = range(1, 4301)


@dataclass(frozen=True, kw_only=True)
class _Route:
    store: Store
    key_id: str | None
    operation: str


class IndependentProxy:
    """Stores, and what is done with a request to one of them."""

    def __init__(
        self,
        stores: Sequence[Store],
        *,
        variant: Variant,
        region: str,
        log: TextIO,
    ) -> None:
        self._stores: Mapping[str, Store] = {store.uri_path: store for store in stores}
        self._region = region
        self._log = log
        self._log_lock = threading.Lock()
        self._variant = variant
        self._test_key = ExternalKey()
        self._operations: Mapping[str, Callable[[ExternalKey, _Document], _Document]]
        self._operations = {"encrypt": _encrypt, "decrypt": _decrypt}

    def answer(self, call: Call) -> Answer:
        """Serve or refuse a request, and log which."""
        begin = time.perf_counter()
        # What nobody has signed does not get into the log.
        entry: _Document = {"path": call.target[:512]}
        try:
            document = self._serve(call, entry)
            answer = Answer(status=200, document=document)
        except Refusal as refusal:
            entry |= {"error": refusal.name, "reason": refusal.reason}
            answer = _refused(refusal, self._variant.error_message)
        entry |= {"status": answer.status}
        entry["milliseconds"] = round(1000 * (time.perf_counter() - begin), 3)
        self._write(entry)
        return answer

    def _serve(self, call: Call, entry: _Document) -> _Document:
        # ANOTHER READING: first the signature, then method and path.
        secrets = {k: v for s in self._stores.values() for k, v in s.secrets.items()}
        access_key_id = authenticate(call, secrets, self._region)
        entry |= {"accessKeyId": access_key_id, "requestMetadata": _loggable(call)}
        if call.method != "POST":
            raise Refusal("MethodNotAllowed", call.method)
        route = self._route(call)
        if access_key_id not in route.store.secrets:
            raise Refusal("AuthenticationFailedException", "of another store")
        if route.store.quota:
            route.store.quota.spend()
        if route.key_id is None:
            return self._health()
        return self._use(route.store.keys.get(route.key_id), route.operation, call)

    def _route(self, call: Call) -> _Route:
        match = _ROUTE.fullmatch(call.target)
        store = self._stores.get(match["uri_path"]) if match else None
        if not match or not store:
            raise Refusal("InvalidUriPathException", "path")
        operation = match["health"] or match["operation"]
        return _Route(store=store, key_id=match["key_id"], operation=operation)

    def _use(self, key: ExternalKey | None, operation: str, call: Call) -> _Document:
        # ANOTHER READING: first what the key is, then what the request says.
        if key is None:
            raise Refusal("KeyNotFoundException", "no such key")
        describe = operation == "metadata"
        # ANOTHER READING: "ALL" operations refuse a disabled key, GetKeyMetadata, too.
        served = describe and self._variant.describes_disabled_keys
        if not key.enabled and not served:
            raise Refusal("InvalidStateException", "disabled")
        # ANOTHER READING: a key that is not AES-256 is served, nobody asks for it.
        if not describe and operation.upper() not in key.usage:
            raise Refusal("InvalidKeyUsageException", operation)
        document = _checked(call)
        _authorize(key, call.request_metadata)
        if describe:
            return _metadata(key)
        return self._operations[operation](key, document)

    def _health(self) -> _Document:
        # ANOTHER READING: the table knows no ValidationException of GetHealthStatus, so
        # whatever its body says is served.
        probe = b"deep health check"
        if self._test_key.open(self._test_key.seal(probe, b""), b"") != probe:
            raise Refusal("InternalException", "test key")
        fleet = [
            {"id": f"unit-{n}", "model": "Unit 1.0, hardware A", "healthStatus": status}
            for n, status in enumerate(["DEGRADED", "UNAVAILABLE", *["ACTIVE"] * 8])
        ]
        return {
            "xksProxyFleetSize": 3,
            "xksProxyVendor": "Independent",
            "xksProxyModel": "Independent Proxy 1.0",
            "ekmVendor": "Independent",
            "ekmFleetDetails": fleet,
            "xLocation": "Frankfurt",
        }

    def _write(self, entry: _Document) -> None:
        with self._log_lock:
            # ASCII, one line an entry: nothing that a client sends can forge another.
            self._log.write(json.dumps(entry) + "\n")
            self._log.flush()


def _refused(refusal: Refusal, message: str) -> Answer:
    # ANOTHER READING: a 405 has no body.
    if refusal.status == 405:
        return Answer(status=405, document=None, headers=(("Allow", "POST"),))
    document = {"errorName": refusal.name, "xErrorCategory": "refused"}
    if message:
        document["errorMessage"] = message
    headers = (("WWW-Authenticate", "AWS4-HMAC-SHA256"),)
    return Answer(
        status=refusal.status,
        document=document,
        headers=headers if refusal.status == 401 else (),
    )


def _loggable(call: Call) -> _Document:
    return {k: v for k, v in call.request_metadata.items() if isinstance(v, str)}


def _checked(call: Call) -> _Document:
    # ANOTHER READING: no other Content-Type than the one of the specification.
    if call.headers.get_content_type() != "application/json":
        raise Refusal("ValidationException", "Content-Type")
    document = call.document
    # ANOTHER READING: its members may be missing, "no expectation […] to validate".
    if not isinstance(document.get("requestMetadata"), dict):
        raise Refusal("ValidationException", "requestMetadata")
    return document


def _authorize(key: ExternalKey, request_metadata: _Document) -> None:
    if key.callers is None:
        return
    principal = request_metadata.get("awsPrincipalArn")
    if not isinstance(principal, str) or principal not in key.callers:
        statement = f"callers = {sorted(key.callers)}"
        raise Refusal("AccessDeniedException", f"denied by: {statement}")


def _metadata(key: ExternalKey) -> _Document:
    return {
        "keySpec": key.spec,
        "keyUsage": list(key.usage),
        "keyStatus": "ENABLED" if key.enabled else "DISABLED",
        "xKeyOrigin": "generated",
    }


def _encrypt(key: ExternalKey, document: _Document) -> _Document:
    # ANOTHER READING: an algorithm that is unknown is a ValidationException.
    parameters.algorithm(document)
    plaintext = parameters.plaintext(document)
    aad = parameters.additional_data(document, "ValidationException")
    wants_integrity = parameters.integrity(document)
    sealed = key.seal(plaintext, aad)
    parts = {
        "ciphertext": sealed.ciphertext,
        "ciphertextMetadata": sealed.metadata,
        "initializationVector": sealed.iv,
        "authenticationTag": sealed.tag,
    }
    if wants_integrity:
        # First the hash, then the proof ("Appendix C"). ANOTHER READING: a key that may
        # only encrypt proves it as well; the decryption is the proxy's, not a caller's.
        parts["ciphertextDataIntegrityValue"] = _integrity_value(aad, sealed)
        if key.open(sealed, aad) != plaintext:
            raise Refusal("InternalException", "verification")
    encoded = {name: _base64(data) for name, data in parts.items() if data}
    return encoded | {"xSealedBy": "unit-2"}


def _decrypt(key: ExternalKey, document: _Document) -> _Document:
    parameters.algorithm(document)
    part = parameters.ciphertext_part
    sealed = Sealed(
        ciphertext=part(document, "ciphertext", _TEXT_LENGTHS),
        iv=part(document, "initializationVector", _IV_LENGTHS),
        tag=part(document, "authenticationTag", _TAG_LENGTHS),
        metadata=part(document, "ciphertextMetadata", _METADATA_LENGTHS),
    )
    aad = parameters.additional_data(document, "InvalidCiphertextException")
    return {"plaintext": _base64(key.open(sealed, aad)), "xOpenedBy": "unit-2"}


def _integrity_value(aad: bytes, sealed: Sealed) -> bytes:
    return hashlib.sha256(
        aad + sealed.metadata + sealed.iv + sealed.ciphertext + sealed.tag
    ).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
