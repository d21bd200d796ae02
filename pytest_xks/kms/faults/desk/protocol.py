"""Faults of the protocol, and of the whole API."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.rendering import render_answer, render_error, render_motos
from pytest_xks.kms.faults.catalogue import fault
from pytest_xks.kms.faults.patterns import (
    answering,
    editing,
    forgiving,
    raising,
    renaming,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
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


def _with_headers(change: Callable[[dict[str, str]], object]) -> Replacements:
    """Changes the headers of every answer."""

    def render(proceed: Render, *arguments: object) -> Rendered:
        status, headers, body = proceed(*arguments)
        change(headers)
        return status, headers, body

    return {render_answer: render, render_error: render, render_motos: render}


@fault("answers-as-plain-json", violates=("KMS-GEN-001",))
def _answers_as_plain_json() -> Replacements:
    """Answers with the Content-Type application/json."""
    return _with_headers(
        lambda headers: headers.update({"Content-Type": "application/json"})
    )


@fault("error-message-with-capital", violates=("KMS-GEN-002",))
def _error_message_with_capital() -> Replacements:
    """Calls the member message of errors Message."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        status, headers, _ = proceed(error, request_id)
        body = json.dumps({"__type": error.code, "Message": error.message})
        return status, headers, body

    return {render_error: render}


@fault("store-not-found-as-404", violates=("KMS-GEN-003",))
def _store_not_found_as_404() -> Replacements:
    """Answers CustomKeyStoreNotFoundException with the HTTP status 404."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        status, headers, body = proceed(error, request_id)
        unknown = error.code == ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND
        return 404 if unknown else status, headers, body

    return {render_error: render}


@fault("answers-without-request-id", violates=("KMS-GEN-016",))
def _answers_without_request_id() -> Replacements:
    """Answers without the header x-amzn-RequestId."""
    return _with_headers(lambda headers: headers.pop("x-amzn-requestid", None))


@fault("one-request-id-for-all-descriptions", violates=("KMS-GEN-016",))
def _one_request_id_for_all_descriptions() -> Replacements:
    """Answers every DescribeCustomKeyStores with the same request id."""

    def render(proceed: Render, document: Document, request_id: str) -> Rendered:
        described = "CustomKeyStores" in document
        return proceed(document, _SAME_REQUEST_ID if described else request_id)

    return {render_answer: render}


@fault("broken-body-as-empty", violates=("KMS-GEN-017",))
def _broken_body_as_empty() -> Replacements:
    """Answers a request whose body is no JSON object as if it had no members."""

    def render(proceed: Render, error: KmsError, request_id: str) -> Rendered:
        if error.code == ErrorCode.SERIALIZATION and "JSON object" in error.message:
            return render_answer({}, request_id)
        return proceed(error, request_id)

    return {render_error: render}


@fault("unknown-operations-succeed", violates=("KMS-GEN-018",))
def _unknown_operations_succeed() -> Replacements:
    """Answers an operation that KMS does not have with success."""

    def respond(proceed: Answer, context: Context, call: Call) -> Document | None:
        return proceed(context, call) if call.operation in _operations() else {}

    return answering(respond)


@cache
def _operations() -> frozenset[str]:
    """The operations of KMS."""
    model = botocore.session.get_session().get_service_model("kms")
    return frozenset(model.operation_names)


# -- answers to operations --------------------------------------------------------


def _when_access_is_denied(code: str) -> Replacements:
    """Raises another exception where the proxy denies access to a data key."""

    def rename(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        return (
            KmsError(code, error.message) if "denied access" in error.message else None
        )

    return raising(rename, "GenerateDataKeyWithoutPlaintext")


@fault("proxy-exception-from-data-key", violates=("KMS-GEN-004", "KMS-GEN-005"))
def _proxy_exception_from_data_key() -> Replacements:
    """Raises an exception of key stores from GenerateDataKeyWithoutPlaintext."""
    return _when_access_is_denied(ErrorCode.XKS_PROXY_URI_UNREACHABLE)


@fault("internal-exception-from-data-key", violates=("KMS-GEN-005",))
def _internal_exception_from_data_key() -> Replacements:
    """Raises KMSInternalException from GenerateDataKeyWithoutPlaintext."""
    return _when_access_is_denied(ErrorCode.KMS_INTERNAL)


@fault("stores-known-in-every-region", violates=("KMS-GEN-009",))
def _stores_known_in_every_region() -> Replacements:
    """Describes a key store by its id or name in every Region."""

    def describe(proceed: Answer, context: Context, call: Call) -> Document | None:
        for region in (context.region, *context.regions()):
            try:
                return proceed(replace(context, region=region), call)
            except KmsError as error:
                if error.code != ErrorCode.CUSTOM_KEY_STORE_NOT_FOUND:
                    raise
        return proceed(context, call)

    return answering(describe, "DescribeCustomKeyStores")


@fault(
    "store-operations-return-the-id", violates=("KMS-GEN-010", "KMS-UPDATESTORE-011")
)
def _store_operations_return_the_id() -> Replacements:
    """Answers the operations that return nothing with an id."""
    return editing(
        lambda document: document.update(CustomKeyStoreId="cks-1234567890abcdef0"),
        *_NOTHING_RETURNED,
    )


@fault("validation-as-invalid-parameter", violates=("KMS-GEN-011",))
def _validation_as_invalid_parameter() -> Replacements:
    """Raises an InvalidParameterException for input that breaks a constraint."""
    return renaming(ErrorCode.VALIDATION, "InvalidParameterException")


@fault("bad-credential-is-echoed", violates=("KMS-GEN-014",))
def _bad_credential_is_echoed() -> Replacements:
    """Repeats a malformed credential in the message of the error."""

    def create(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            credential = call.parameters.get("XksProxyAuthenticationCredential")
            message = f"{error.message} Credential: {credential}"
            raise KmsError(error.code, message) from None

    return answering(create, "CreateCustomKeyStore")


@fault("long-plaintext-is-echoed", violates=("KMS-GEN-014",))
def _long_plaintext_is_echoed() -> Replacements:
    """Repeats a plaintext that is too long in the message of the error."""

    def encrypt(proceed: Answer, context: Context, call: Call) -> Document | None:
        try:
            return proceed(context, call)
        except KmsError as error:
            message = f"{error.message} Plaintext: {call.text('Plaintext')}"
            raise KmsError(error.code, message) from None

    return answering(encrypt, "Encrypt")


# -- the whole API ----------------------------------------------------------------


@fault("rejects-everything", wholesale=True, violates=("KMS-DESCRIBESTORE-001",))
def _rejects_everything() -> Replacements:
    """Answers every call with an AccessDeniedException."""

    def refuse(*_: object) -> None:
        raise KmsError("AccessDeniedException", "You are not authorized.")

    return answering(refuse)


@fault("accepts-everything", wholesale=True, violates=("KMS-DESCRIBESTORE-001",))
def _accepts_everything() -> Replacements:
    """Answers every call with a success that says nothing."""
    return answering(lambda *_: {})


@fault(
    "never-refuses",
    wholesale=True,
    violates=("KMS-CONNECT-001", "KMS-DESCRIBESTORE-002"),
)
def _never_refuses() -> Replacements:
    """Does what it can, and answers with success what it cannot do."""
    return forgiving("*")
