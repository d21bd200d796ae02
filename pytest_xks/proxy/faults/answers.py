"""Faults of the answer as a whole: error names, status, content type, JSON."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pytest_xks.faults import Error, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import instead, responded
from pytest_xks.proxy_api.errors import ERRORS, ErrorName, Operation, XksError
from pytest_xks.proxy_api.http import Headers, Response
from pytest_xks.proxy_api.messages import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.faults import Effect


for _name, _rule in ERRORS.items():
    row(
        _name.value,
        f"Answers {_rule.status} {_name}, whatever was asked, if the signature "
        "is good.",
        partial(Error, _name),
    )


def _with_header(headers: Headers, name: str, value: str | None) -> Headers:
    others = tuple(each for each in headers if each[0].lower() != name.lower())
    return others if value is None else (*others, (name, value))


@fault()
def wrong_status(status: int = 418) -> Effect:
    """Answers everything with one status, under the right body."""
    return responded(lambda response: replace(response, status=status))


@fault()
def wrong_content_type(content_type: str = "text/html") -> Effect:
    """Answers with another Content-Type than application/json."""
    return responded(
        lambda response: replace(
            response,
            headers=_with_header(response.headers, "Content-Type", content_type),
        )
    )


row(
    "broken-json",
    "Answers with a JSON body that breaks off in the middle.",
    responded(
        lambda response: replace(
            response, body=response.body[: len(response.body) // 2]
        )
    ),
)
row(
    "empty-body",
    "Answers with the right status and nothing else.",
    responded(lambda response: replace(response, body=b"")),
)


@fault()
def error_without_json() -> Effect:
    """Answers errors with plain text."""

    def respond(error: XksError) -> Response:
        return Response(
            status=error.status,
            headers=(("Content-Type", "text/plain"),),
            body=b"request failed\n",
        )

    return instead("respond_error", respond)


@fault()
def error_name_unknown(error_name: str = "SomethingWentWrongException") -> Effect:
    """Answers errors under a name that the specification does not have."""

    def change(response: Response) -> Response:
        if response.status == 200:
            return response
        body = b'{"errorName":"%s"}' % error_name.encode("ascii", "replace")
        return replace(response, body=body)

    return responded(change)


# -- content types and statuses -------------------------------------------------------


def _text_plain_if(concerned: Callable[[Response], bool]) -> Effect:
    def change(response: Response) -> Response:
        if not concerned(response):
            return response
        headers = _with_header(response.headers, "Content-Type", "text/plain")
        return replace(response, headers=headers)

    return responded(change)


row(
    "success-as-text-plain",
    "Answers successes under the Content-Type text/plain.",
    _text_plain_if(lambda response: response.status == 200),
    violates=("XKS-HTTP-001",),
)
row(
    "error-as-text-plain",
    "Answers errors under the Content-Type text/plain.",
    _text_plain_if(lambda response: response.status != 200),
    violates=("XKS-HTTP-002",),
)


row(
    "long-success-as-octet-stream",
    "Answers successes of more than 4096 bytes under application/octet-stream.",
    responded(
        lambda response: (
            response
            if response.status != 200 or len(response.body) <= 4096
            else replace(
                response,
                headers=_with_header(
                    response.headers, "Content-Type", "application/octet-stream"
                ),
            )
        )
    ),
    violates=("XKS-HTTP-001",),
)
row(
    "throttling-as-text-plain",
    "Answers ThrottlingException under the Content-Type text/plain.",
    _text_plain_if(lambda response: response.status == 429),
    violates=("XKS-HTTP-002",),
)

# -- JSON -----------------------------------------------------------------------------


def _with_body(change: Callable[[bytes], bytes]) -> Effect:
    return responded(lambda response: replace(response, body=change(response.body)))


row(
    "byte-order-mark",
    "Begins the body of every answer with a byte order mark.",
    _with_body(lambda body: b"\xef\xbb\xbf" + body),
    violates=("XKS-HTTP-016",),
)
row(
    "health-with-nan",
    "Reports a number that is none, NaN, in GetHealthStatus.",
    _with_body(lambda body: body.replace(b'{"xks', b'{"load":NaN,"xks', 1)),
    violates=("XKS-HTTP-016",),
)
row(
    "members-twice",
    "Writes every member of an answer twice.",
    _with_body(lambda body: body[:-1] + b"," + body[1:]),
    violates=("XKS-HTTP-017",),
)


def _error_with_status(name: ErrorName, status: int) -> Effect:
    """A proxy that answers one error under another status."""

    def respond(proceed: Callable[..., Response], error: XksError) -> Response:
        response = proceed(error)
        return replace(response, status=status) if error.name is name else response

    return Replace("respond_error", respond)


# XKS-ERR-001 looks at name and status of every error that is easily had.
for _fault, _error, _status, _violates in (
    ("validation-as-422", ErrorName.VALIDATION, 422, ("XKS-ERR-001", "XKS-ERR-003")),
    (
        "invalid-ciphertext-as-418",
        ErrorName.INVALID_CIPHERTEXT,
        418,
        ("XKS-ERR-001", "XKS-ERR-005"),
    ),
    (
        "authentication-failed-as-403",
        ErrorName.AUTHENTICATION_FAILED,
        403,
        ("XKS-ERR-001", "XKS-ERR-009"),
    ),
    (
        "access-denied-as-401",
        ErrorName.ACCESS_DENIED,
        401,
        ("XKS-ERR-001", "XKS-ERR-010"),
    ),
    (
        "key-not-found-as-418",
        ErrorName.KEY_NOT_FOUND,
        418,
        ("XKS-ERR-001", "XKS-ERR-011"),
    ),
    (
        "invalid-path-as-400",
        ErrorName.INVALID_URI_PATH,
        400,
        ("XKS-ERR-001", "XKS-ERR-012"),
    ),
    (
        "throttling-as-503",
        ErrorName.THROTTLING,
        503,
        ("XKS-ERR-001", "XKS-ERR-013"),
    ),
    (
        "dependency-timeout-as-504",
        ErrorName.DEPENDENCY_TIMEOUT,
        504,
        ("XKS-ERR-001", "XKS-ERR-015"),
    ),
    (
        "internal-as-502",
        ErrorName.INTERNAL,
        502,
        ("XKS-ERR-001", "XKS-ERR-016"),
    ),
):
    row(
        _fault,
        f"Answers {_error} under the status {_status}.",
        partial(_error_with_status, _error, _status),
        violates=_violates,
    )


@fault(operations=(Operation.GET_HEALTH_STATUS,), violates=("XKS-RUN-001",))
def health_denies_invalid_requests() -> Effect:
    """Answers an invalid GetHealthStatus with AccessDeniedException."""
    denied = XksError(ErrorName.ACCESS_DENIED)

    def respond(proceed: Callable[..., Response], error: XksError) -> Response:
        return proceed(denied if error.name is ErrorName.VALIDATION else error)

    return Replace("respond_error", respond)


# -- what an error says ---------------------------------------------------------------


def _error_saying(message: Callable[[XksError], str]) -> Effect:
    """A proxy with another errorMessage."""
    return Replace(
        "respond_error",
        lambda proceed, error: proceed(XksError(error.name, message(error))),
    )


# Every MUST that an error has a certain name.
_NAMES_OF_ERRORS = tuple(
    f"XKS-ERR-{number:03}" for number in (1, *range(3, 14), 15, 16, 18, 30, 31)
)


@fault(violates=_NAMES_OF_ERRORS)
def misspells_error_name() -> Effect:
    """Answers errors with a member "error" in place of errorName."""

    def change(response: Response) -> Response:
        return replace(response, body=response.body.replace(b"errorName", b"error"))

    return responded(change)


row(
    "long-error-message",
    "Answers errors with an errorMessage of 512 characters.",
    _error_saying(lambda _: "x" * 512),
    violates=("XKS-ERR-002",),
)
row(
    "unprintable-error-message",
    "Answers errors with a letter outside ASCII in errorMessage.",
    _error_saying(lambda error: f"{error.message} D\u00e9sol\u00e9."),
    violates=("XKS-ERR-002",),
)
row(
    "errors-show-stack-trace",
    "Answers errors with a stack trace in errorMessage.",
    _error_saying(
        lambda error: (
            'Traceback (most recent call last): File "/srv/proxy/app.py", line 42, '
            f"in handle: {error.message}"
        )
    ),
    violates=("XKS-ERR-017",),
)


# -- the whole proxy ------------------------------------------------------------------


@fault(wholesale=True, violates=("XKS-AUTH-001",))
def rejects_everything(error_name: str = ErrorName.ACCESS_DENIED.value) -> Effect:
    """Answers everything with one error."""
    error = XksError(ErrorName(error_name))

    def reject(_: str) -> NoReturn:
        raise error

    return instead("parse_path", reject)


_PLAUSIBLE: dict[str, object] = {
    "keySpec": "AES_256",
    "keyUsage": ["ENCRYPT", "DECRYPT"],
    "keyStatus": "ENABLED",
    "ciphertext": "ghxkK1txeDNn3q8Y",
    "initializationVector": "HMrlRw85cAJUd5Ax",
    "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
    "ciphertextDataIntegrityValue": "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=",
    "plaintext": "SGVsbG8gV29ybGQh",
    "xksProxyFleetSize": 1,
    "xksProxyVendor": "Acme",
    "xksProxyModel": "Acme XKS Proxy 1.0",
    "ekmVendor": "Acme",
    "ekmFleetDetails": [{"id": "1", "model": "HSM 1.0", "healthStatus": "ACTIVE"}],
}


def _always(status: int, document: Mapping[str, object]) -> Effect:
    response = Response(
        status=status,
        headers=(("Content-Type", "application/json"),),
        body=render(document),
    )
    return responded(lambda _: response)


row(
    "accepts-everything",
    "Answers everything with 200 and one plausible document.",
    _always(200, _PLAUSIBLE),
    wholesale=True,
    violates=("XKS-AUTH-016",),
)
row(
    "teapot",
    "Answers everything with 418 under one plausible document of every member.",
    _always(418, {"errorName": "ValidationException", **_PLAUSIBLE}),
    wholesale=True,
    violates=("XKS-AUTH-001",),
)
