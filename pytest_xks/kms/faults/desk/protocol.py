"""Faults of the protocol, and of the whole API."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.dispatch import answer
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.rendering import render_answer, render_error, render_motos
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import adjusting, forgiving, raising, renaming

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.patterns import Answer, Document

    Rendered = tuple[int, dict[str, str], Any]
    Render = Callable[..., Rendered]

_NOTHING_RETURNED = (
    "ConnectCustomKeyStore",
    "DeleteCustomKeyStore",
    "DisconnectCustomKeyStore",
    "UpdateCustomKeyStore",
)
_SAME_REQUEST_ID = "12345678-1234-1234-1234-123456789012"


# -- answers as they go over the wire ---------------------------------------------


def _with_headers(change: Callable[[dict[str, str]], object]) -> Effects:
    """Changes the headers of every answer."""

    def render(proceed: Render, *arguments: object) -> Rendered:
        status, headers, body = proceed(*arguments)
        change(headers)
        return status, headers, body

    return (
        Replace(render_answer, render),
        Replace(render_error, render),
        Replace(render_motos, render),
    )


row(
    "answers-as-plain-json",
    "Answers with the Content-Type application/json.",
    _with_headers(lambda headers: headers.update({"Content-Type": "application/json"})),
    violates=("KMS-GEN-001",),
)


@fault(violates=("KMS-GEN-002",))
def error_message_with_capital() -> Effects:
    """Calls the member message of errors Message."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        status, headers, _ = proceed(error, request_id)
        body = json.dumps({"__type": error.code, "Message": error.message})
        return status, headers, body

    return Replace(render_error, render)


@fault(violates=("KMS-GEN-003",))
def store_not_found_as_404() -> Effects:
    """Answers CustomKeyStoreNotFoundException with the HTTP status 404."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        status, headers, body = proceed(error, request_id)
        unknown = error.code == ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND
        return 404 if unknown else status, headers, body

    return Replace(render_error, render)


row(
    "answers-without-request-id",
    "Answers without the header x-amzn-RequestId.",
    _with_headers(lambda headers: headers.pop("x-amzn-requestid", None)),
    violates=("KMS-GEN-016",),
)


@fault(violates=("KMS-GEN-016",))
def one_request_id_for_all_descriptions() -> Effects:
    """Answers every DescribeCustomKeyStores with the same request id."""

    def render(proceed: Render, document: Document, request_id: str) -> Rendered:
        described = "CustomKeyStores" in document
        return proceed(document, _SAME_REQUEST_ID if described else request_id)

    return Replace(render_answer, render)


@fault(violates=("KMS-GEN-017",))
def broken_body_as_empty() -> Effects:
    """Answers a request whose body is no JSON object as if it had no members."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        if error.code == ErrorCode.SERIALIZATION and "JSON object" in error.message:
            return render_answer({}, request_id)
        return proceed(error, request_id)

    return Replace(render_error, render)


@fault(violates=("KMS-GEN-018",))
def unknown_operations_succeed() -> Effects:
    """Answers an operation that KMS does not have with success."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        return proceed(context, call) if call.operation in _operations() else {}

    return Replace(answer, respond)


@cache
def _operations() -> frozenset[str]:
    """The operations of KMS."""
    model = botocore.session.get_session().get_service_model("kms")
    return frozenset(model.operation_names)


# -- answers to operations --------------------------------------------------------


def _when_access_is_denied(code: str) -> Effects:
    """Raises another exception where the proxy denies access to a data key."""

    def rename(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        return (
            KmsError(code, error.message) if "denied access" in error.message else None
        )

    return raising(rename)


row(
    "proxy-exception-from-data-key",
    "Raises an exception of key stores from GenerateDataKeyWithoutPlaintext.",
    _when_access_is_denied(ErrorCode.XKS_PROXY_URI_UNREACHABLE),
    violates=("KMS-GEN-004", "KMS-GEN-005"),
    operations=("GenerateDataKeyWithoutPlaintext",),
)
row(
    "internal-exception-from-data-key",
    "Raises KMSInternalException from GenerateDataKeyWithoutPlaintext.",
    _when_access_is_denied(ErrorCode.KMS_INTERNAL),
    violates=("KMS-GEN-005",),
    operations=("GenerateDataKeyWithoutPlaintext",),
)


@fault(violates=("KMS-GEN-009",), operations=("DescribeCustomKeyStores",))
def stores_known_in_every_region() -> Effects:
    """Describes a key store by its id or name in every Region."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        for region in (context.region, *context.regions()):
            try:
                return proceed(replace(context, region=region), call)
            except KmsError as error:
                if error.code != ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND:
                    raise
        return proceed(context, call)

    return Replace(answer, describe)


row(
    "encrypts-nothing",
    "Encrypts one byte where Encrypt has no Plaintext.",
    adjusting(lambda _, parameters: parameters.setdefault("Plaintext", "AA==")),
    violates=("KMS-GEN-019",),
    operations=("Encrypt",),
)
row(
    "maps-for-texts",
    "Takes a map for its JSON text where a description is due.",
    adjusting(
        lambda _, parameters: parameters.update(
            {n: str(v) for n, v in parameters.items() if n == "Description"}
        )
    ),
    violates=("KMS-GEN-020",),
    operations=("UpdateKeyDescription",),
)


@fault(violates=("KMS-GEN-010",))
def nothing_is_null() -> Effects:
    """Answers the operations that return nothing with null."""

    def render(proceed: Render, document: Document, request_id: str) -> Rendered:
        status, headers, body = proceed(document, request_id)
        return status, headers, body if document else "null"

    return Replace(render_answer, render)


row(
    "validation-as-invalid-parameter",
    "Raises an InvalidParameterException for input that breaks a constraint.",
    renaming(ErrorCode.VALIDATION, "InvalidParameterException"),
    violates=("KMS-GEN-011",),
)


@fault(violates=("KMS-GEN-014",), operations=("CreateCustomKeyStore",))
def bad_credential_is_echoed() -> Effects:
    """Repeats a malformed credential in the message of the error."""

    def create(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            credential = call.parameters.get("XksProxyAuthenticationCredential")
            message = f"{error.message} Credential: {credential}"
            raise KmsError(error.code, message) from None

    return Replace(answer, create)


@fault(violates=("KMS-GEN-014",), operations=("Encrypt",))
def long_plaintext_is_echoed() -> Effects:
    """Repeats a plaintext that is too long in the message of the error."""

    def encrypt(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            message = f"{error.message} Plaintext: {call.text('Plaintext')}"
            raise KmsError(error.code, message) from None

    return Replace(answer, encrypt)


# -- the whole API ----------------------------------------------------------------


@fault(wholesale=True, violates=("KMS-DESCRIBESTORE-001",))
def rejects_everything() -> Effects:
    """Answers every call with an AccessDeniedException."""

    def refuse(*_: object) -> None:
        raise KmsError("AccessDeniedException", "You are not authorized.")

    return Replace(answer, refuse)


row(
    "accepts-everything",
    "Answers every call with a success that says nothing.",
    Replace(answer, lambda *_: {}),
    wholesale=True,
    violates=("KMS-DESCRIBESTORE-001",),
)
row(
    "never-refuses",
    "Does what it can, and answers with success what it cannot do.",
    forgiving("*"),
    wholesale=True,
    violates=("KMS-CONNECT-001", "KMS-DESCRIBESTORE-002"),
)
