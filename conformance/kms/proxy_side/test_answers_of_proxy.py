"""What the proxy answers, in time or late, well-formed or not, and how KMS takes it."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotApplicable

from ..client.cases import cases
from ..client.expect import (
    FAILS,
    SUCCEEDS,
    control,
    control_refused,
    expect,
    refused,
    violated,
)
from .attempts import PLAINTEXT, KmsOperation, attempt, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from .attempts import Cause

    Document = dict[str, Any]

_CREATE, _CREATE_KEY, _ENCRYPT = (
    KmsOperation.CREATE,
    KmsOperation.CREATE_KEY,
    KmsOperation.ENCRYPT,
)
_GENERIC = {
    _CREATE: "XksProxyInvalidResponseException",
    _CREATE_KEY: "CustomKeyStoreInvalidStateException",
    _ENCRYPT: "KMSInvalidStateException",
}
"""The exceptions that go with "AWS KMS cannot interpret the response"."""

# KMS waits for 250 ms. Nearer to them, the machine's own pauses would count.
_IN_TIME_MS = 100
_TOO_LATE_MS = 350

_MARKER = "what-the-proxy-says-about-it"


# -- time -------------------------------------------------------------------------


@pytest.mark.requirement("KMS-RESP-001")
def test_answer_in_time(kms: KmsClient, provisioner: Provisioner) -> None:
    """An answer after 100 ms is in time."""
    reply = attempt(
        kms, provisioner, _ENCRYPT, lambda proxy: proxy.delaying(_IN_TIME_MS)
    )
    expect(reply, SUCCEEDS)


@pytest.mark.requirement("KMS-RESP-001")
def test_late_answer(kms: KmsClient, provisioner: Provisioner) -> None:
    """An answer after 350 ms is too late, even if KMS asks once more."""
    reply = attempt(
        kms, provisioner, _ENCRYPT, lambda proxy: proxy.delaying(_TOO_LATE_MS)
    )
    expect(reply, FAILS)


# -- errors -----------------------------------------------------------------------


@pytest.mark.requirement("KMS-RESP-004")
@cases(
    ("operation", "name", "status", "code"),
    [
        pytest.param(
            _CREATE,
            "AuthenticationFailedException",
            404,
            "XksProxyIncorrectAuthenticationCredentialException",
            id="authentication-failed-404",
        ),
        pytest.param(
            _CREATE,
            "InvalidUriPathException",
            400,
            "XksProxyInvalidConfigurationException",
            id="invalid-uri-path-400",
        ),
        pytest.param(
            _CREATE_KEY,
            "KeyNotFoundException",
            400,
            "XksKeyNotFoundException",
            id="key-not-found-400",
        ),
        pytest.param(
            _CREATE_KEY,
            "InvalidStateException",
            404,
            "XksKeyInvalidConfigurationException",
            id="invalid-state-404",
        ),
    ],
    stores=1,
)
def test_error_name_decides(  # noqa: PLR0913, PLR0917 - the columns of the table
    kms: KmsClient,
    provisioner: Provisioner,
    operation: KmsOperation,
    name: str,
    status: int,
    code: str,
) -> None:
    """The errorName selects the exception, whatever the HTTP status."""
    reply = attempt(
        kms, provisioner, operation, lambda proxy: proxy.failing(name, status)
    )
    expect(reply, refused(code))


@pytest.mark.requirement("KMS-RESP-005")
@cases("operation", [_CREATE, _CREATE_KEY, _ENCRYPT], stores=1)
def test_error_message_is_kept(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation
) -> None:
    """What the proxy says in errorMessage does not reach the caller."""
    reply = attempt(
        kms,
        provisioner,
        operation,
        lambda proxy: proxy.failing(
            "AuthenticationFailedException", 401, message=_MARKER
        ),
    )
    received = control_refused(reply).exchange.received
    if received is not None and _MARKER.encode() in received.body:
        violated(reply, "an exception without the proxy's errorMessage")


@pytest.mark.requirement("KMS-RESP-015")
@cases(
    "message",
    [
        pytest.param("x" * 600, id="600-characters"),
        pytest.param("no\tsuch key \N{SNOWMAN}", id="not-printable-ascii"),
    ],
)
def test_illegal_error_message(
    kms: KmsClient, provisioner: Provisioner, message: str
) -> None:
    """An errorMessage too long, or of other characters, does not hide the errorName."""
    reply = attempt(
        kms,
        provisioner,
        _CREATE_KEY,
        lambda proxy: proxy.failing("KeyNotFoundException", 404, message=message),
    )
    expect(reply, refused("XksKeyNotFoundException"))


# -- what cannot be interpreted ---------------------------------------------------


@pytest.mark.requirement("KMS-RESP-006")
@cases("operation", _GENERIC, stores=1)
@cases(
    ("status", "body"),
    [
        pytest.param(502, b"<html><h1>Bad Gateway</h1></html>", id="502-with-html"),
        pytest.param(200, b"", id="200-without-a-body"),
        pytest.param(200, b'{"keySpec": "AES_2', id="200-with-half-a-body"),
        pytest.param(200, b'["AES_256"]', id="200-with-a-list"),
    ],
)
def test_malformed_answer(
    kms: KmsClient,
    provisioner: Provisioner,
    operation: KmsOperation,
    status: int,
    body: bytes,
) -> None:
    """An answer that KMS cannot interpret has one exception for each operation."""
    reply = attempt(
        kms, provisioner, operation, lambda proxy: proxy.answering(status, body)
    )
    expect(reply, refused(_GENERIC[operation]))


@pytest.mark.requirement("KMS-RESP-007")
@cases("operation", _GENERIC, stores=1)
def test_unknown_error_name(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation
) -> None:
    """An errorName that the specification does not have is a malformed answer."""
    reply = attempt(
        kms, provisioner, operation, lambda proxy: proxy.failing("TeapotException", 418)
    )
    expect(reply, refused(_GENERIC[operation]))


# -- Encrypt and Decrypt ----------------------------------------------------------


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(document: Mapping[str, Any], member: str) -> bytes:
    return base64.b64decode(document.get(member) or "")


def _sealing(change: Callable[[Document], object]) -> Cause:
    """Changes the answer to Encrypt, and has its integrity value say so."""

    def reseal(document: Document, request: Mapping[str, Any]) -> None:
        change(document)
        if "ciphertextDataIntegrityValue" not in document:
            return
        parts = (
            _decoded(request, "additionalAuthenticatedData"),
            _decoded(document, "ciphertextMetadata"),
            _decoded(document, "initializationVector"),
            _decoded(document, "ciphertext"),
            _decoded(document, "authenticationTag"),
        )
        digest = hashlib.sha256(b"".join(parts)).digest()
        document["ciphertextDataIntegrityValue"] = _encoded(digest)

    return lambda proxy: proxy.rewriting(reseal, operation="encrypt")


def _with(member: str, data: bytes) -> Callable[[Document], object]:
    return lambda document: document.update({member: _encoded(data)})


@pytest.mark.requirement("KMS-RESP-008")
def test_ciphertext_metadata_too_long(kms: KmsClient, provisioner: Provisioner) -> None:
    """A ciphertextMetadata of 20 bytes is accepted, and one of 21 is not."""
    longest = _sealing(_with("ciphertextMetadata", b"m" * 20))
    control(attempt(kms, provisioner, _ENCRYPT, longest))
    too_long = _sealing(_with("ciphertextMetadata", b"m" * 21))
    expect(attempt(kms, provisioner, _ENCRYPT, too_long), FAILS)


def _corrupting(member: str) -> Callable[[Document], object]:
    def corrupt(document: Document) -> None:
        data = _decoded(document, member)
        document[member] = _encoded(bytes([data[0] ^ 1]) + data[1:])

    return corrupt


@pytest.mark.requirement("KMS-RESP-009")
@cases(
    "change",
    [
        pytest.param(
            lambda document: document.pop("ciphertextDataIntegrityValue", None),
            id="missing",
        ),
        pytest.param(_corrupting("ciphertextDataIntegrityValue"), id="another-value"),
        pytest.param(_corrupting("ciphertextMetadata"), id="another-metadata"),
        pytest.param(_corrupting("initializationVector"), id="another-iv"),
        pytest.param(_corrupting("ciphertext"), id="another-ciphertext"),
        pytest.param(_corrupting("authenticationTag"), id="another-tag"),
    ],
)
def test_ciphertext_data_integrity_value(
    kms: KmsClient,
    provisioner: Provisioner,
    change: Callable[[Document], object],
) -> None:
    """Encrypt fails unless the integrity value fits, if KMS asked for one."""
    prepared = prepare(kms, provisioner, _ENCRYPT)
    with (
        prepared.about.watching() as asked,
        prepared.about.altering(change, operation="encrypt"),
    ):
        reply = prepared.probe()
    wanted = "ciphertextDataIntegrityValueAlgorithm"
    if not any(wanted in request.document for request in asked()):
        raise NotApplicable("The endpoint asks for no ciphertextDataIntegrityValue.")
    expect(reply, FAILS)


@pytest.mark.requirement("KMS-RESP-011")
@cases(
    "change",
    [
        pytest.param(_with("ciphertext", b"c" * 8), id="short-ciphertext"),
        pytest.param(_with("initializationVector", b"i" * 13), id="13-byte-iv"),
        pytest.param(_with("authenticationTag", b"t" * 12), id="12-byte-tag"),
    ],
)
def test_lengths_of_encrypt_answer(
    kms: KmsClient, provisioner: Provisioner, change: Callable[[Document], object]
) -> None:
    """Ciphertext, IV and tag of a length that the specification rules out are refused.

    The integrity value fits what is answered.
    """
    control(attempt(kms, provisioner, _ENCRYPT, _sealing(lambda _: None)))
    expect(attempt(kms, provisioner, _ENCRYPT, _sealing(change)), FAILS)


@pytest.mark.requirement("KMS-RESP-011")
@cases("member", ["ciphertext", "initializationVector", "authenticationTag"])
def test_incomplete_encrypt_answer(
    kms: KmsClient, provisioner: Provisioner, member: str
) -> None:
    """An answer to Encrypt without ciphertext, IV or tag is refused."""
    without = _sealing(lambda document: document.pop(member))
    expect(attempt(kms, provisioner, _ENCRYPT, without), FAILS)


@pytest.mark.requirement("KMS-RESP-016")
def test_initialization_vector_of_16_bytes(
    kms: KmsClient, provisioner: Provisioner, store: KeyStore
) -> None:
    """An IV of 16 bytes is as good as one of 12."""
    key = provisioner.make_key(kms, store, initialization_vector_bytes=16)
    reply = kms.call("Encrypt", KeyId=key.key_id, Plaintext=PLAINTEXT)
    expect(reply, SUCCEEDS)
    blob = reply.document.get("CiphertextBlob")
    expect(kms.call("Decrypt", KeyId=key.key_id, CiphertextBlob=blob), SUCCEEDS)


def _lengthen(document: Document) -> None:
    document["plaintext"] = _encoded(_decoded(document, "plaintext") + b"more")


@pytest.mark.requirement("KMS-RESP-012")
@cases(
    "change",
    [
        pytest.param(lambda document: document.pop("plaintext"), id="missing"),
        pytest.param(_lengthen, id="too-long"),
    ],
)
def test_plaintext_of_decrypt_answer(
    kms: KmsClient, provisioner: Provisioner, change: Callable[[Document], object]
) -> None:
    """The plaintext of an answer to Decrypt is there, and as long as the ciphertext."""
    reply = attempt(
        kms,
        provisioner,
        KmsOperation.DECRYPT,
        lambda proxy: proxy.altering(change, operation="decrypt"),
    )
    expect(reply, FAILS)


# -- GetKeyMetadata and GetHealthStatus -------------------------------------------

_USAGES = ["ENCRYPT", "DECRYPT", "SIGN", "VERIFY", "WRAP", "UNWRAP", "DERIVE"]
_USAGES += ["GENERATE", "MAC", "EXPORT"]
_MANAGER = {"id": "manager-1", "model": "a model", "healthStatus": "ACTIVE"}


@pytest.mark.requirement("KMS-RESP-013")
@cases(
    "defect",
    [
        pytest.param({"keySpec": None}, id="no-key-spec"),
        pytest.param({"keyUsage": None}, id="no-key-usage"),
        pytest.param({"keyStatus": None}, id="no-key-status"),
        pytest.param({"keyUsage": [*_USAGES, "ATTEST"]}, id="eleven-key-usages"),
        pytest.param({"keyUsage": "ENCRYPT, DECRYPT"}, id="key-usage-as-text"),
        pytest.param({"keyStatus": "RETIRED"}, id="unknown-key-status"),
    ],
)
def test_illegal_key_metadata(
    kms: KmsClient, provisioner: Provisioner, defect: Mapping[str, object]
) -> None:
    """An answer to GetKeyMetadata that breaks its schema creates no KMS key."""
    control(
        attempt(kms, provisioner, _CREATE_KEY, _reporting("metadata", keyUsage=_USAGES))
    )
    reply = attempt(kms, provisioner, _CREATE_KEY, _reporting("metadata", **defect))
    expect(reply, FAILS)


@pytest.mark.requirement("KMS-RESP-014")
@cases(
    "defect",
    [
        pytest.param({"xksProxyFleetSize": None}, id="no-fleet-size"),
        pytest.param({"xksProxyFleetSize": 0}, id="fleet-of-none"),
        pytest.param({"xksProxyVendor": None}, id="no-proxy-vendor"),
        pytest.param({"xksProxyModel": None}, id="no-proxy-model"),
        pytest.param({"ekmVendor": None}, id="no-key-manager-vendor"),
        pytest.param({"ekmFleetDetails": None}, id="no-fleet-details"),
        pytest.param({"ekmFleetDetails": []}, id="no-key-manager"),
        pytest.param({"ekmFleetDetails": [_MANAGER] * 11}, id="eleven-key-managers"),
        pytest.param(
            {"ekmFleetDetails": [{**_MANAGER, "healthStatus": "FINE"}]},
            id="unknown-health-status",
        ),
    ],
    stores=1,
)
def test_illegal_health_status(
    kms: KmsClient, provisioner: Provisioner, defect: Mapping[str, object]
) -> None:
    """An answer to GetHealthStatus that breaks its schema creates no key store."""
    reply = attempt(kms, provisioner, _CREATE, _reporting("health", **defect))
    expect(reply, FAILS)


def _reporting(proxy_operation: str, **members: object) -> Cause:
    """Changes members of the answer; None leaves one out."""

    def change(document: Document) -> None:
        document.update(members)
        for member in [name for name, value in members.items() if value is None]:
            del document[member]

    return lambda proxy: proxy.altering(change, operation=proxy_operation)
