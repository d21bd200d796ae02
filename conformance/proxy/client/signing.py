"""SigV4 by botocore, with every part that a check wants to alter as an attribute.

Left alone, a ``Signer`` signs as KMS does (Appendix A): host and x-amz-date, for the
service kms-xks-proxy.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.targets.credential import Credential

    from .http1 import HttpRequest

__all__ = ["WRONG_SECRET", "Signer", "Signs", "timestamp"]

WRONG_SECRET = "Wr0ngSecretAccessKey0fTheRightLength0000000"  # noqa: S105 - of nothing


def timestamp(moment: datetime) -> str:
    """``YYYYMMDD'T'HHMMSS'Z'``, in UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


class Signs(Protocol):
    """What makes a request ready to be sent."""

    def sign(self, request: HttpRequest) -> HttpRequest:
        """The request as it goes out, of one that has no signature yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """How to sign."""

    credential: Credential = field(repr=False)
    region: str
    service: str = "kms-xks-proxy"
    at: datetime | None = None
    """When the request is sent; now, if None."""
    scope_date: str | None = None
    """``yyyymmdd`` of the credential scope; that of ``at``, if None."""
    algorithm: str = "AWS4-HMAC-SHA256"
    terminator: str = "aws4_request"
    signed_headers: tuple[str, ...] = ("host", "x-amz-date")
    """In lower case and in alphabetical order."""
    host: str = ""
    """Sign this host in place of what the Host header says."""
    payload: str = ""
    """The last line of the canonical request, in place of the hash of the body."""

    def sign(self, request: HttpRequest) -> HttpRequest:
        """The request, which has its Host header, with X-Amz-Date and Authorization."""
        now = timestamp(self.at or datetime.now(UTC))
        dated = replace(request, headers=(*request.headers, ("X-Amz-Date", now)))
        header = self._authorization(dated, now)
        return replace(dated, headers=(*dated.headers, ("Authorization", header)))

    def string_to_sign(self, request: HttpRequest) -> str:
        """Of a request that has its X-Amz-Date ("Task 2: Create a string to sign")."""
        return self._drafted(request, request.header("X-Amz-Date"))[2]

    def derived_keys(self, request: HttpRequest) -> tuple[bytes, ...]:
        """The steps to the signing key of a request, which is the last ("Task 3")."""
        scope_date = self.scope_date or request.header("X-Amz-Date")[:8]
        return tuple(self._derived(scope_date))

    def _authorization(self, request: HttpRequest, now: str) -> str:
        signer, material, to_sign = self._drafted(request, now)
        scope = to_sign.split("\n")[2]
        *_, key = self._derived(self.scope_date or now[:8])
        signature = (
            signer.signature(to_sign, material)
            if self.terminator == "aws4_request"
            # botocore derives the key for aws4_request only.
            else hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        )
        return (
            f"{self.algorithm} Credential={self.credential.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={signature}"
        )

    def _drafted(
        self, request: HttpRequest, now: str
    ) -> tuple[SigV4Auth, AWSRequest, str]:
        """What signs, what it signs, and the string to sign."""
        scope_date = self.scope_date or now[:8]
        host = self.host or request.header("Host")
        signer = SigV4Auth(
            Credentials(
                self.credential.access_key_id, self.credential.secret_access_key
            ),
            self.service,
            self.region,
        )
        material = AWSRequest(
            method=request.method,
            url=f"https://{host}{request.path}",
            data=request.body,
            headers={
                "host": host,
                **{
                    name: request.header(name)
                    for name in self.signed_headers
                    if name != "host"
                },
            },
        )
        # botocore takes the date of the scope from the same place as the timestamp.
        material.context["timestamp"] = f"{scope_date}T000000Z"
        canonical = self._leave_out_host(signer.canonical_request(material), host)
        if self.payload:
            head, _, _ = canonical.rpartition("\n")
            canonical = f"{head}\n{self.payload}"
        _, _, scope, digest = signer.string_to_sign(material, canonical).split("\n")
        scope = scope.replace("aws4_request", self.terminator)
        return signer, material, f"{self.algorithm}\n{now}\n{scope}\n{digest}"

    def _leave_out_host(self, canonical: str, host: str) -> str:
        """botocore always signs the host; take it out where a check wants that."""
        if "host" in self.signed_headers:
            return canonical
        names = ";".join(self.signed_headers)
        return canonical.replace(f"host:{host}\n", "", 1).replace(
            f"\nhost;{names}\n", f"\n{names}\n", 1
        )

    def _derived(self, scope_date: str) -> Iterator[bytes]:
        """The keys of a date, a Region, a service, and the one that signs."""
        key = f"AWS4{self.credential.secret_access_key}".encode()
        for part in (scope_date, self.region, self.service, self.terminator):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            yield key
