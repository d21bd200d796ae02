"""Faults of the answer as a whole: error names, status, content type, JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from pytest_xks.proxy.faults.catalogue import Effect, changed, fault, responded
from pytest_xks.spec.errors import ERRORS, ErrorName, XksError
from pytest_xks.spec.http import Headers, Response

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
