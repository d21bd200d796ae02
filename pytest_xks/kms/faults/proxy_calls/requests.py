"""Faults of what KMS sends to the proxy."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Replace
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.proxy_calls.client import request_to_proxy, sign_for_proxy
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.proxy_calls.endpoint import ProxyEndpoint
    from pytest_xks.proxy_api.http import Request

    Document = dict[str, Any]
    Change = Callable[[Call, Document], object]

_WORK = frozenset({Operation.ENCRYPT, Operation.DECRYPT})
_EVERY = frozenset(Operation)
_ONE = "GenerateDataKeyWithoutPlaintext"
_USER_ID = "AIDACKCEVSQ6C2EXAMPLE"
_LONG = 1000
_VPC_ID = "vpc-0123456789abcdef0"


@dataclass(frozen=True, slots=True)
class _Edit:
    """A fault that edits documents before they are signed and sent."""

    name: str
    summary: str
    violates: tuple[str, ...]
    change: Change
    """Gets the call of the KMS API and the document, which it edits in place."""
    to: frozenset[Operation] = _EVERY
    during: frozenset[str] = frozenset()
    """The operations of the KMS API; all of them by default."""

    def build(self) -> Effects:
        """What takes the place of ``request_to_proxy``."""

        def send(proceed: Callable[..., Request], *parts: Any) -> Request:  # noqa: ANN401 - those of the step
            call, target, operation, external_key_id, document = parts
            metadata = dict(document["requestMetadata"])
            edited = {**document, "requestMetadata": metadata}
            during = self.during or {call.operation}
            if operation in self.to and call.operation in during:
                self.change(call, edited)
            return proceed(call, target, operation, external_key_id, edited)

        return Replace(request_to_proxy, send)


def _saying(**members: object) -> Change:
    """Put members into requestMetadata."""
    return lambda _, document: document["requestMetadata"].update(members)


def _without(member: str) -> Change:
    return lambda _, document: document.pop(member, None)


def _key_id_for_arn(_: Call, document: Document) -> None:
    metadata = document["requestMetadata"]
    metadata["kmsKeyArn"] = metadata["kmsKeyArn"].rpartition("/")[2]


def _other_request_id(call: Call, document: Document) -> None:
    document["requestMetadata"]["kmsRequestId"] = call.request_id[::-1]


def _encryption_context(call: Call, document: Document) -> None:
    document["encryptionContext"] = call.parameters.get("EncryptionContext", {})


def _blob(call: Call, document: Document) -> None:
    document["ciphertextBlob"] = call.text("CiphertextBlob")


def _url_safe(_: Call, document: Document) -> None:
    # The Base64 of a short one may have no character in which the two differ.
    text = document["plaintext"]
    if len(text) > _LONG:
        document["plaintext"] = text.replace("+", "-").replace("/", "_")


_EDITS = (
    _Edit(
        "key-id-for-kms-key-arn",
        "Names the KMS key by its key ID in kmsKeyArn of Decrypt.",
        ("KMS-WIRE-004",),
        _key_id_for_arn,
        _WORK,
        frozenset({"Decrypt"}),
    ),
    _Edit(
        "get-key-metadata-without-principal",
        "Leaves awsPrincipalArn of GetKeyMetadata empty.",
        ("KMS-WIRE-005",),
        _saying(awsPrincipalArn=""),
        frozenset({Operation.GET_KEY_METADATA}),
    ),
    _Edit(
        "get-health-status-without-request-id",
        "Leaves kmsRequestId of GetHealthStatus empty.",
        ("KMS-WIRE-006",),
        _saying(kmsRequestId=""),
        frozenset({Operation.GET_HEALTH_STATUS}),
    ),
    _Edit(
        "user-id-for-principal-arn",
        "Names the caller by a unique id in awsPrincipalArn.",
        ("KMS-WIRE-007",),
        _saying(awsPrincipalArn=_USER_ID),
        _WORK,
    ),
    _Edit(
        "source-vpc-without-vpc-endpoint",
        "Sends an awsSourceVpc with Encrypt and Decrypt, though no VPC is involved.",
        ("KMS-WIRE-008",),
        _saying(awsSourceVpc=_VPC_ID),
        _WORK,
    ),
    _Edit(
        "another-request-id-for-the-proxy",
        "Sends another kmsRequestId than the caller gets.",
        ("KMS-WIRE-009",),
        _other_request_id,
    ),
    _Edit(
        "one-request-id-for-all",
        "Sends the same kmsRequestId with every request.",
        ("KMS-WIRE-009",),
        _saying(kmsRequestId="00000000-0000-0000-0000-000000000000"),
    ),
    _Edit(
        "via-service-without-a-service",
        "Sends kmsViaService, though the caller called by itself.",
        ("KMS-WIRE-010",),
        _saying(kmsViaService="ec2.us-east-1.amazonaws.com"),
        _WORK,
    ),
    _Edit(
        "key-arn-in-get-key-metadata",
        "Sends a kmsKeyArn with GetKeyMetadata, where there is no KMS key yet.",
        ("KMS-WIRE-017",),
        _saying(kmsKeyArn="arn:aws:kms:us-east-1:111122223333:key/none"),
        frozenset({Operation.GET_KEY_METADATA}),
    ),
    _Edit(
        "encryption-context-for-the-proxy",
        "Sends the encryption context to the proxy as it is.",
        ("KMS-WIRE-018",),
        _encryption_context,
        _WORK,
    ),
    _Edit(
        "data-key-without-encryption-algorithm",
        f"Asks for {_ONE} without encryptionAlgorithm.",
        ("KMS-WIRE-012", "KMS-CRYPTO-001", "KMS-STATE-019"),
        _without("encryptionAlgorithm"),
        during=frozenset({_ONE}),
    ),
    _Edit(
        "null-for-no-ciphertext-metadata",
        "Sends null as ciphertextMetadata where there is none.",
        ("KMS-WIRE-013",),
        lambda _, document: document.setdefault("ciphertextMetadata", None),
        frozenset({Operation.DECRYPT}),
    ),
    _Edit(
        "long-data-key-in-url-safe-base64",
        f"Writes long data keys of {_ONE} in URL-safe Base64.",
        ("KMS-WIRE-014", "KMS-CRYPTO-001"),
        _url_safe,
        during=frozenset({_ONE}),
    ),
    _Edit(
        "data-key-asked-for-as-encrypt",
        "Sends kmsOperation Encrypt for GenerateDataKey.",
        ("KMS-CRYPTO-002", "KMS-WIRE-019"),
        _saying(kmsOperation="Encrypt"),
        _WORK,
        frozenset({"GenerateDataKey"}),
    ),
    _Edit(
        "metadata-asked-for-as-describe-key",
        "Sends kmsOperation DescribeKey with GetKeyMetadata for CreateKey.",
        ("KMS-WIRE-019",),
        _saying(kmsOperation="DescribeKey"),
        frozenset({Operation.GET_KEY_METADATA}),
    ),
    _Edit(
        "health-asked-for-as-health-check-of-connect",
        "Sends kmsOperation ConnectCustomKeyStore with GetHealthStatus for an update.",
        ("KMS-WIRE-019", "KMS-UPDATESTORE-008", "KMS-UPDATESTORE-016"),
        _saying(kmsOperation="ConnectCustomKeyStore"),
        frozenset({Operation.GET_HEALTH_STATUS}),
        frozenset({"UpdateCustomKeyStore"}),
    ),
    _Edit(
        "re-encrypt-asked-for-as-encrypt",
        "Sends kmsOperation Encrypt for the second half of ReEncrypt.",
        ("KMS-CRYPTO-003", "KMS-CRYPTO-027"),
        _saying(kmsOperation="Encrypt"),
        frozenset({Operation.ENCRYPT}),
        frozenset({"ReEncrypt"}),
    ),
    _Edit(
        "re-encrypt-with-two-request-ids",
        "Sends another kmsRequestId with the second half of ReEncrypt.",
        ("KMS-CRYPTO-004", "KMS-WIRE-009"),
        _other_request_id,
        frozenset({Operation.ENCRYPT}),
        frozenset({"ReEncrypt"}),
    ),
    _Edit(
        "re-encrypt-forgets-ciphertext-metadata",
        "Sends no ciphertextMetadata for the first half of ReEncrypt.",
        (
            "KMS-CRYPTO-001",
            "KMS-CRYPTO-013",
            "KMS-CRYPTO-014",
            "KMS-CRYPTO-027",
            "KMS-STATE-019",
        ),
        _without("ciphertextMetadata"),
        frozenset({Operation.DECRYPT}),
        frozenset({"ReEncrypt"}),
    ),
    _Edit(
        "ciphertext-blob-for-the-proxy",
        "Sends the whole ciphertext blob beside its fields.",
        ("KMS-CRYPTO-014", "KMS-WIRE-018"),
        _blob,
        frozenset({Operation.DECRYPT}),
    ),
)

for _edit in _EDITS:
    row(_edit.name, _edit.summary, _edit.build(), violates=_edit.violates)


# -- around the document ----------------------------------------------------------


def _sending(change: Callable[[Request], Request]) -> Effects:
    """Changes the request before it is signed."""

    def send(proceed: Callable[..., Request], *parts: object) -> Request:
        return change(proceed(*parts))

    return Replace(request_to_proxy, send)


@fault(violates=("KMS-WIRE-001",))
def requests_with_content_type_of_aws_json() -> Effects:
    """Sends Content-Type application/x-amz-json-1.1, as the KMS API has it."""

    def retype(request: Request) -> Request:
        host = ("Host", request.header("Host") or "")
        kind = ("Content-Type", "application/x-amz-json-1.1")
        return replace(request, headers=(host, kind))

    return _sending(retype)


@fault(violates=("KMS-WIRE-001",))
def requests_with_query_string() -> Effects:
    """Names the operation in a query string, too."""

    def query(request: Request) -> Request:
        operation = request.path.rpartition("/")[2]
        if operation not in {"encrypt", "decrypt"}:
            return request
        return replace(request, target=f"{request.target}?operation={operation}")

    return _sending(query)


@fault(violates=("KMS-WIRE-002",))
def signature_for_another_region() -> Effects:
    """Signs for the Region us-west-1, wherever the key store is."""

    def sign(
        proceed: Callable[..., Request],
        request: Request,
        target: ProxyEndpoint,
        now: datetime,
    ) -> Request:
        return proceed(request, replace(target, region="us-west-1"), now)

    return Replace(sign_for_proxy, sign)


_NOT_SERVED = ("KMS-CRYPTO-001", "KMS-STATE-019")
"""What a request for GenerateDataKeyWithoutPlaintext breaks that no proxy serves."""


def _signing_one(
    change: Callable[[ProxyEndpoint, datetime], tuple[ProxyEndpoint, datetime]],
) -> Effects:
    """Signs for another credential or time, for one operation only."""

    def sign(
        proceed: Callable[..., Request],
        request: Request,
        target: ProxyEndpoint,
        now: datetime,
    ) -> Request:
        metadata = json.loads(request.body)["requestMetadata"]
        if metadata["kmsOperation"] != _ONE:
            return proceed(request, target, now)
        return proceed(request, *change(target, now))

    return Replace(sign_for_proxy, sign)


@fault(violates=("KMS-WIRE-002", *_NOT_SERVED))
def data_key_signed_with_another_secret() -> Effects:
    """Signs the request for GenerateDataKeyWithoutPlaintext with a wrong secret."""

    def spoil(target: ProxyEndpoint, now: datetime) -> tuple[ProxyEndpoint, datetime]:
        wrong = replace(target.credential, secret_access_key="A" * 43)
        return replace(target, credential=wrong), now

    return _signing_one(spoil)


row(
    "data-key-dated-an-hour-ago",
    "Dates the request for GenerateDataKeyWithoutPlaintext an hour back.",
    _signing_one(lambda target, now: (target, now - timedelta(hours=1))),
    violates=("KMS-WIRE-003", *_NOT_SERVED),
)
