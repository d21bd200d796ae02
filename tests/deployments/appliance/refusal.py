"""An error of the XKS proxy API."""

from __future__ import annotations

STATUSES = {
    "ValidationException": 400,
    "InvalidStateException": 400,
    "InvalidCiphertextException": 400,
    "AuthenticationFailedException": 401,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    "ThrottlingException": 429,
    "InternalException": 500,
    "UnsupportedOperationException": 501,
    "DependencyTimeoutException": 503,
}


class Refusal(Exception):  # noqa: N818 - an answer, not a program error
    """An error name, with its status ("Error codes")."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.status = name, STATUSES[name]
        self.document: dict[str, object] = {"errorName": name, "errorMessage": message}
