"""Faults of reading a request: paths, JSON, requestMetadata, and refusing too much."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import (
    before_document,
    before_metadata,
    fails_internally,
    instead,
    invalid,
)
from pytest_xks.proxy.keys import ExternalKey
from pytest_xks.proxy.rules import respond_error
from pytest_xks.proxy_api.encoding import DecodingError, decode_json
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
    )
    from pytest_xks.proxy_api.uri import Route

Document = dict[str, object]


# -- paths ----------------------------------------------------------------------------


def _routing(change: Callable[[Route | None, str], Route | None]) -> Effect:
    """A proxy that changes its mind about a path."""
    return Replace("parse_path", lambda proceed, path: change(proceed(path), path))


@fault(violates=("XKS-URI-002",))
def rejects_period_in_key_id() -> Effect:
    """Knows no external key id with a period in it."""

    def change(route: Route | None, _: str) -> Route | None:
        return None if route and "." in (route.external_key_id or "") else route

    return _routing(change)


@fault(violates=("XKS-URI-003",))
def rejects_long_key_ids() -> Effect:
    """Knows no external key id of more than 64 characters."""

    def change(route: Route | None, _: str) -> Route | None:
        return None if route and len(route.external_key_id or "") > 64 else route

    return _routing(change)


@fault(violates=("XKS-URI-005",))
def illegal_key_id_as_500() -> Effect:
    """Fails internally on an external key id that the specification does not allow."""

    def change(route: Route | None, path: str) -> Route | None:
        if route is None and re.search("/keys/.+/(encrypt|decrypt|metadata)$", path):
            fails_internally()
        return route

    return _routing(change)


@fault(violates=("XKS-URI-010",))
def normalizes_slashes() -> Effects:
    """Takes doubled slashes for one and ignores a trailing one."""

    def normal(path: str) -> str:
        return re.sub("/+", "/", path).rstrip("/")

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError:
            plain = replace(request, target=normal(request.target))
            return proceed(plain, secrets, now)

    return (
        Replace("parse_path", lambda proceed, path: proceed(normal(path))),
        Replace("authenticate", authenticate),
    )


@fault(violates=("XKS-HTTP-005",))
def get_as_404() -> Effect:
    """Answers GET with 404 InvalidUriPathException."""
    error = XksError(ErrorName.INVALID_URI_PATH)
    return instead("refuse_method", lambda _: respond_error(error))


row(
    "serves-get",
    "Answers GET as if it were POST.",
    Replace("allows_method", lambda proceed, name: name == "GET" or proceed(name)),
    violates=("XKS-HTTP-005",),
)


# -- keys and stores ------------------------------------------------------------------


@fault(violates=("XKS-URI-009",))
def serves_keys_of_another_store() -> Effect:
    """Looks an external key up in every key store that has been used so far."""
    seen: list[ProxyKeyStore] = []

    def find_key(
        proceed: Callable[..., ExternalKey], store: ProxyKeyStore, external_key_id: str
    ) -> ExternalKey:
        if store not in seen:
            seen.append(store)
        for each in (store, *seen):
            if external_key_id in each.keys:
                return each.keys[external_key_id]
        return proceed(store, external_key_id)

    return Replace("find_key", find_key)


@fault(violates=("XKS-URI-001",))
def ignores_external_key_id() -> Effects:
    """Has one key material for all external keys."""
    shared = ExternalKey("shared")

    def seal(
        proceed: Callable[..., EncryptResult],
        _: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        return proceed(shared, parameters, rules)

    def open_(
        proceed: Callable[..., bytes],
        _: ExternalKey,
        parameters: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        return proceed(shared, parameters, rules)

    return (Replace("seal", seal), Replace("open", open_))


# -- JSON -----------------------------------------------------------------------------


# An opaque kmsRequestId may need an escape.
@fault(violates=("XKS-HTTP-006", "XKS-META-003"))
def rejects_escaped_json() -> Effect:
    """Refuses a JSON text with an escape or a line break in it."""

    def check(body: bytes) -> None:
        if b"\\" in body or b"\n" in body:
            invalid("The JSON is not plain.")

    return before_document(check)


def _undecodable_as_500(part: str) -> Callable[[bytes], None]:
    def check(body: bytes) -> None:
        try:
            decode_json(body)
        except DecodingError as error:
            if part in str(error):
                fails_internally()

    return check


row(
    "duplicate-members-as-500",
    "Fails internally on a JSON object with two members of one name.",
    before_document(_undecodable_as_500("two members")),
    violates=("XKS-ERR-019",),
)


@fault(violates=("XKS-ERR-020",))
def deep_nesting_as_500() -> Effect:
    """Fails internally on deeply nested JSON."""

    def check(body: bytes) -> None:
        if body.count(b"[") > 50 or body.count(b"{") > 50:
            fails_internally()

    return before_document(check)


# -- requestMetadata ------------------------------------------------------------------


def _texts(metadata: Document) -> list[str]:
    return [value for value in metadata.values() if isinstance(value, str)]


@fault(violates=("XKS-META-001",))
def rejects_long_arns() -> Effect:
    """Refuses ARNs of more than 1024 characters."""

    def check(_: Document, metadata: Document) -> None:
        if any(len(text) > 1024 for text in _texts(metadata)):
            invalid("An ARN is too long.")

    return before_metadata(check)


_KMS_OPERATIONS = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "CreateKey",
        "DescribeKey",
        "CreateCustomKeyStore",
        "ConnectCustomKeyStore",
        "UpdateCustomKeyStore",
        "KmsHealthCheck",
    }
)


@fault(violates=("XKS-META-002",))
def rejects_unknown_kms_operation() -> Effect:
    """Refuses a kmsOperation that it does not know."""

    def check(_: Document, metadata: Document) -> None:
        name = metadata.get("kmsOperation")
        if isinstance(name, str) and name not in _KMS_OPERATIONS:
            invalid("The kmsOperation is unknown.")

    return before_metadata(check)


@fault(violates=("XKS-META-003",))
def requires_uuid_as_request_id() -> Effect:
    """Refuses a kmsRequestId that is no UUID."""
    uuid = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

    def check(_: Document, metadata: Document) -> None:
        text = metadata.get("kmsRequestId")
        if isinstance(text, str) and not uuid.fullmatch(text):
            invalid("The kmsRequestId is no UUID.")

    return before_metadata(check)


@fault(violates=("XKS-META-004",))
def rejects_source_vpc() -> Effect:
    """Refuses awsSourceVpc and awsSourceVpce."""

    def check(_: Document, metadata: Document) -> None:
        if {"awsSourceVpc", "awsSourceVpce"} & metadata.keys():
            invalid("awsSourceVpc is not expected.")

    return before_metadata(check)


@fault(violates=("XKS-META-005",))
def requires_via_service() -> Effect:
    """Refuses Encrypt and Decrypt without kmsViaService."""

    def check(document: Document, metadata: Document) -> None:
        if "encryptionAlgorithm" in document and "kmsViaService" not in metadata:
            invalid("kmsViaService is missing.")

    return before_metadata(check)


_METADATA = frozenset(
    {
        "awsPrincipalArn",
        "awsSourceVpc",
        "awsSourceVpce",
        "kmsKeyArn",
        "kmsOperation",
        "kmsRequestId",
        "kmsViaService",
    }
)
_MEMBERS = frozenset(
    {
        "requestMetadata",
        "plaintext",
        "ciphertext",
        "ciphertextMetadata",
        "initializationVector",
        "authenticationTag",
        "additionalAuthenticatedData",
        "encryptionAlgorithm",
        "ciphertextDataIntegrityValueAlgorithm",
    }
)


@fault(violates=("XKS-META-006",))
def rejects_unknown_metadata() -> Effect:
    """Refuses a member of requestMetadata that it does not know."""

    def check(_: Document, metadata: Document) -> None:
        if metadata.keys() - _METADATA:
            invalid("requestMetadata has an unknown member.")

    return before_metadata(check)


@fault(violates=("XKS-META-010",))
def rejects_unknown_members() -> Effect:
    """Refuses a member of a request that it does not know."""

    def check(document: Document, _: Document) -> None:
        if document.keys() - _MEMBERS:
            invalid("The request has an unknown member.")

    return before_metadata(check)


@fault(violates=("XKS-META-009",))
def requires_arn_as_principal() -> Effect:
    """Refuses an awsPrincipalArn that is a service principal."""

    def check(_: Document, metadata: Document) -> None:
        if not str(metadata.get("awsPrincipalArn", "arn:")).startswith("arn:"):
            invalid("awsPrincipalArn is no ARN.")

    return before_metadata(check)


@fault(violates=("XKS-META-007",))
def missing_metadata_as_500() -> Effect:
    """Fails internally when a REQUIRED member of requestMetadata is missing."""

    def check(document: Document, metadata: Document) -> None:
        is_object = isinstance(document.get("requestMetadata"), dict)
        if is_object and {"kmsOperation", "kmsRequestId"} - metadata.keys():
            fails_internally()

    return before_metadata(check)


@fault(violates=("XKS-META-008",))
def wrong_metadata_type_as_500() -> Effect:
    """Fails internally when a member of requestMetadata is no string."""

    def check(_: Document, metadata: Document) -> None:
        if len(_texts(metadata)) < len(metadata):
            fails_internally()

    return before_metadata(check)


# -- parameters -----------------------------------------------------------------------


def _failing_parameters_as_500(is_bad: Callable[[Document], bool]) -> Effect:
    def parse(
        proceed: Callable[..., EncryptParameters | DecryptParameters | None],
        document: Document,
        operation: Operation,
    ) -> EncryptParameters | DecryptParameters | None:
        if is_bad(document):
            fails_internally()
        return proceed(document, operation)

    return Replace("parse_parameters", parse)


_OF_DECRYPT = ("ciphertext", "initializationVector", "authenticationTag")
row(
    "missing-tag-as-500",
    "Fails internally when a member of a Decrypt request is missing.",
    _failing_parameters_as_500(
        lambda document: any(member not in document for member in _OF_DECRYPT)
    ),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-006",),
)


@fault(operations=(Operation.DECRYPT,), violates=("XKS-DEC-007",))
def malformed_member_as_500() -> Effect:
    """Fails internally when a member of a Decrypt request is no Base64 string."""

    def is_bad(document: Document) -> bool:
        values = [document[member] for member in _OF_DECRYPT if member in document]
        return any(
            not isinstance(value, str) or re.search("[^A-Za-z0-9+/=_\\s-]", value)
            for value in values
        )

    return _failing_parameters_as_500(is_bad)


@fault(violates=("XKS-ERR-017",))
def echoes_request_in_errors() -> Effects:
    """Repeats the plaintext that it cannot process in errorMessage."""
    last: list[str] = [""]

    def parse(proceed: Callable[..., Document], body: bytes) -> Document:
        document = proceed(body)
        last[0] = str(document.get("plaintext", ""))[:200]
        return document

    return (
        Replace("parse_document", parse),
        Replace(
            "respond_error",
            lambda proceed, error: proceed(
                XksError(error.name, json.dumps(f"cannot process {last[0]}"))
            ),
        ),
    )
