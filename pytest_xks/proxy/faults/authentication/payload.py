"""Faults of authentication: the hash of the payload (Appendix A, task 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.authentication.verifying import or_over
from pytest_xks.proxy.faults.catalogue import fault, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.sigv4 import Authorization

_HEADER = "X-Amz-Content-Sha256"


def _trusting(*, signed: bool) -> Effect:
    """Believes a digest in the header, where it is signed or where it is not."""

    def payloads(request: Request, authorization: Authorization) -> Iterator[str]:
        value = request.header(_HEADER) or ""
        is_signed = _HEADER.lower() in authorization.signed_headers
        if is_signed is signed and len(value) == 64:
            yield value

    return or_over(payloads)


row(
    "trusts-payload-hash",
    "Takes an unsigned X-Amz-Content-Sha256 for the hash of the body.",
    _trusting(signed=False),
    violates=("XKS-AUTH-033",),
)
row(
    "trusts-signed-payload-hash",
    "Takes a signed X-Amz-Content-Sha256 for the hash of the body.",
    _trusting(signed=True),
    violates=("XKS-AUTH-033",),
)


@fault(violates=("XKS-AUTH-034",))
def accepts_unsigned_payload(word: str = "UNSIGNED-PAYLOAD") -> Effect:
    """Takes a word in place of the payload's hash, if X-Amz-Content-Sha256 says it."""

    def payloads(request: Request, _: Authorization) -> Iterator[str]:
        if request.header(_HEADER) == word:
            yield word

    return or_over(payloads)


@fault(violates=("XKS-AUTH-034",))
def accepts_signed_unsigned_payload(word: str = "UNSIGNED-PAYLOAD") -> Effect:
    """Takes a word in place of the payload's hash, if a signed header says it."""

    def payloads(request: Request, authorization: Authorization) -> Iterator[str]:
        is_signed = _HEADER.lower() in authorization.signed_headers
        if is_signed and request.header(_HEADER) == word:
            yield word

    return or_over(payloads)


@fault(violates=("XKS-AUTH-034",))
def accepts_streaming_payload() -> Effect:
    """Takes the words for streams, which S3 knows, in place of the payload's hash."""

    def payloads(request: Request, _: Authorization) -> Iterator[str]:
        value = request.header(_HEADER) or ""
        if value.startswith("STREAMING-"):
            yield value

    return or_over(payloads)


row(
    "tries-unsigned-payload",
    "Tries UNSIGNED-PAYLOAD where the hash of the body does not match.",
    or_over(lambda *_: ["UNSIGNED-PAYLOAD"]),
    violates=("XKS-AUTH-034",),
)
