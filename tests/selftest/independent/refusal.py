"""Why a request is refused: the table under "Error codes"."""

from __future__ import annotations

__all__ = ["Refusal"]

_STATUS = {
    "ValidationException": 400,
    "InvalidStateException": 400,
    "InvalidCiphertextException": 400,
    "InvalidKeyUsageException": 400,
    "AuthenticationFailedException": 401,
    "AccessDeniedException": 403,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    # The table has no name for it, and the answer no body.
    "MethodNotAllowed": 405,
    "ThrottlingException": 429,
    "InternalException": 500,
    "UnsupportedOperationException": 501,
}


class Refusal(Exception):  # noqa: N818 - the proxy makes no error when it refuses
    """A request is refused; the reason is for the log and never for the client."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason
        self.status = _STATUS[name]
