"""Faults of the answer as a whole: error names, status, content type, JSON."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from pytest_xks.proxy.faults.catalogue import Effect, changed, fault, responded
from pytest_xks.proxy_api.errors import ERRORS, ErrorName, XksError
from pytest_xks.proxy_api.http import Headers, Response
from pytest_xks.proxy_api.messages import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.proxy.rules import Rules


def _fails_with(name: ErrorName) -> Callable[..., Effect]:
    def build(message: str | None = None) -> Effect:
        error = XksError(name, message)

        def fail(*_: object) -> NoReturn:
            raise error

        # After authentication, where the reason for most of these names arises.
        return changed(admit=fail)

    return build


for _name, _rule in ERRORS.items():
    fault(
        _name.value,
        summary=f"Answers {_rule.status} {_name}, whatever was asked, if the signature "
        "is good.",
    )(_fails_with(_name))


def _with_header(headers: Headers, name: str, value: str | None) -> Headers:
    others = tuple(each for each in headers if each[0].lower() != name.lower())
    return others if value is None else (*others, (name, value))


@fault("wrong-status")
def _wrong_status(status: int = 418) -> Effect:
    """Answers everything with one status, under the right body."""
    return responded(lambda response: replace(response, status=status))


@fault("wrong-content-type")
def _wrong_content_type(content_type: str = "text/html") -> Effect:
    """Answers with another Content-Type than application/json."""
    return responded(
        lambda response: replace(
            response,
            headers=_with_header(response.headers, "Content-Type", content_type),
        )
    )


@fault("broken-json")
def _broken_json() -> Effect:
    """Answers with a JSON body that breaks off in the middle."""
    return responded(
        lambda response: replace(
            response, body=response.body[: len(response.body) // 2]
        )
    )


@fault("empty-body")
def _empty_body() -> Effect:
    """Answers with the right status and nothing else."""
    return responded(lambda response: replace(response, body=b""))


@fault("error-without-json")
def _error_without_json() -> Effect:
    """Answers errors with plain text."""

    def change(rules: Rules) -> Rules:
        def respond(error: XksError) -> Response:
            return Response(
                status=error.status,
                headers=(("Content-Type", "text/plain"),),
                body=b"request failed\n",
            )

        return replace(rules, respond_error=respond)

    return Effect(rules=change)


@fault("error-name-unknown")
def _error_name_unknown(name: str = "SomethingWentWrongException") -> Effect:
    """Answers errors under a name that the specification does not have."""

    def change(response: Response) -> Response:
        if response.status == 200:
            return response
        body = b'{"errorName":"%s"}' % name.encode("ascii", "replace")
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


@fault("success-as-text-plain", violates=("XKS-HTTP-001",))
def _success_as_text_plain() -> Effect:
    """Answers successes under the Content-Type text/plain."""
    return _text_plain_if(lambda response: response.status == 200)


@fault("error-as-text-plain", violates=("XKS-HTTP-002",))
def _error_as_text_plain() -> Effect:
    """Answers errors under the Content-Type text/plain."""
    return _text_plain_if(lambda response: response.status != 200)


def _error_with_status(name: ErrorName, status: int) -> Effect:
    """A proxy that answers one error under another status."""

    def change(rules: Rules) -> Rules:
        def respond(error: XksError) -> Response:
            response = rules.respond_error(error)
            return replace(response, status=status) if error.name is name else response

        return replace(rules, respond_error=respond)

    return Effect(rules=change)


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
    ("access-denied-as-401", ErrorName.ACCESS_DENIED, 401, ("XKS-ERR-010",)),
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
        ("XKS-ERR-001", "XKS-ERR-012", "XKS-URI-005"),
    ),
    ("throttling-as-503", ErrorName.THROTTLING, 503, ("XKS-ERR-013",)),
):
    fault(
        _fault,
        violates=_violates,
        summary=f"Answers {_error} under the status {_status}.",
    )(partial(_error_with_status, _error, _status))


# -- what an error says ---------------------------------------------------------------


def _error_saying(message: Callable[[XksError], str]) -> Effect:
    """A proxy with another errorMessage."""

    def change(rules: Rules) -> Rules:
        return replace(
            rules,
            respond_error=lambda error: rules.respond_error(
                XksError(error.name, message(error))
            ),
        )

    return Effect(rules=change)


# Every MUST that an error has a certain name.
_NAMES_OF_ERRORS = (
    *(f"XKS-ERR-{number:03}" for number in (1, *range(3, 14), 18)),
    "XKS-CDIV-004",
    "XKS-CDIV-006",
    "XKS-DEC-018",
    "XKS-ENC-011",
    "XKS-URI-005",
)


@fault("misspells-error-name", violates=_NAMES_OF_ERRORS)
def _misspells_error_name() -> Effect:
    """Answers errors with a member "error" in place of errorName."""

    def change(response: Response) -> Response:
        return replace(response, body=response.body.replace(b"errorName", b"error"))

    return responded(change)


@fault("long-error-message", violates=("XKS-ERR-002",))
def _long_error_message() -> Effect:
    """Answers errors with an errorMessage of 512 characters."""
    return _error_saying(lambda _: "x" * 512)


@fault("unprintable-error-message", violates=("XKS-ERR-002",))
def _unprintable_error_message() -> Effect:
    """Answers errors with a letter outside ASCII in errorMessage."""
    return _error_saying(lambda error: f"{error.message} D\u00e9sol\u00e9.")


@fault("errors-show-stack-trace", violates=("XKS-ERR-017",))
def _errors_show_stack_trace() -> Effect:
    """Answers errors with a stack trace in errorMessage."""
    return _error_saying(
        lambda error: (
            'Traceback (most recent call last): File "/srv/proxy/app.py", line 42, '
            f"in handle: {error.message}"
        )
    )


# -- the whole proxy ------------------------------------------------------------------


@fault("rejects-everything", wholesale=True, violates=("XKS-AUTH-001",))
def _rejects_everything(name: str = ErrorName.ACCESS_DENIED.value) -> Effect:
    """Answers everything with one error."""
    error = XksError(ErrorName(name))

    def change(rules: Rules) -> Rules:
        def reject(*_: object) -> NoReturn:
            raise error

        return replace(rules, parse_path=reject)

    return Effect(rules=change)


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


@fault("accepts-everything", wholesale=True, violates=("XKS-AUTH-016",))
def _accepts_everything() -> Effect:
    """Answers everything with 200 and one plausible document."""
    return Effect(
        delivery=lambda delivery, _: replace(
            delivery,
            response=Response(
                status=200,
                headers=(("Content-Type", "application/json"),),
                body=render(_PLAUSIBLE),
            ),
        )
    )


@fault("teapot", wholesale=True, violates=("XKS-AUTH-001",))
def _teapot() -> Effect:
    """Answers everything with 418 under one plausible document of every member."""
    return Effect(
        delivery=lambda delivery, _: replace(
            delivery,
            response=Response(
                status=418,
                headers=(("Content-Type", "application/json"),),
                body=render({"errorName": "ValidationException", **_PLAUSIBLE}),
            ),
        )
    )
