"""One call of a KMS operation, as the preflight makes it: signed, timed, recorded.

Not through boto3, which turns an answer that is no answer of KMS into an error of its
own; here, the answer itself is shown.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pytest_xks.certify.evidence.recorder import Exchange, Received, Signing
from pytest_xks.http.client import HttpsTransport, TransportError
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.targets.kms_target import KmsTarget

__all__ = ["Answer", "KmsCaller"]

_TIMEOUT_MS = 10_000
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation was answered."""

    operation: str
    exchange: Exchange
    status: int
    """0: there was no answer; the exchange says why."""
    document: Mapping[str, object] | None
    """None: the body is no JSON object."""

    @property
    def code(self) -> str:
        """The name of the exception; empty for a success, or without one."""
        if self.status == 200 or self.document is None:
            return ""
        name = self.document.get("__type") or self.document.get("code") or ""
        return str(name).rpartition("#")[2].partition(":")[0]

    @property
    def message(self) -> str:
        """The message of the exception, or nothing."""
        document = self.document or {}
        return str(document.get("message") or document.get("Message") or "")

    def text(self, name: str) -> str:
        """A member of a success, if it is there and a text."""
        value = (self.document or {}).get(name) if self.status == 200 else None
        return value if isinstance(value, str) else ""


class KmsCaller:
    """Calls operations of a KMS endpoint; a context manager.

    Args:
        target: where it is, and how to sign.

    Raises:
        OSError: the file that AWS_CA_BUNDLE names cannot be read.
    """

    def __init__(self, target: KmsTarget) -> None:
        self._target = target
        self._parts = parts = urlsplit(target.endpoint_url)
        self._transport = HttpsTransport(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            context=_context() if parts.scheme == "https" else None,
        )

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._transport.close()

    def call(self, operation: str, **parameters: object) -> Answer:
        """Call an operation.

        Raises:
            TransportError: there was no answer.
        """
        request = self._signed(operation, json.dumps(parameters).encode())
        start = time.perf_counter()
        response = self._transport.send(request, timeout_ms=_TIMEOUT_MS)
        exchange = self._exchange(
            operation,
            request,
            received=Received(
                status=response.status, headers=response.headers, body=response.body
            ),
            milliseconds=(time.perf_counter() - start) * 1000,
        )
        return Answer(
            operation=operation,
            exchange=exchange,
            status=response.status,
            document=_json_object(response.body),
        )

    def attempt(self, operation: str, **parameters: object) -> Answer:
        """As ``call``, but no answer is an answer, too, with the status 0."""
        try:
            return self.call(operation, **parameters)
        except TransportError as error:
            request = self._signed(operation, json.dumps(parameters).encode())
            exchange = self._exchange(operation, request, error=str(error))
            return Answer(
                operation=operation, exchange=exchange, status=0, document=None
            )

    def _exchange(
        self,
        operation: str,
        request: Request,
        *,
        received: Received | None = None,
        error: str = "",
        milliseconds: float = 0.0,
    ) -> Exchange:
        return Exchange(
            label=operation,
            url=self._target.endpoint_url,
            headers=request.headers,
            body=request.body,
            signing=Signing(region=self._target.region, service="kms"),
            received=received,
            error=error,
            milliseconds=milliseconds,
        )

    def _signed(self, operation: str, body: bytes) -> Request:
        unsigned = AWSRequest(
            method="POST",
            url=self._target.endpoint_url,
            data=body,
            headers={
                "Host": self._parts.netloc,
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"TrentService.{operation}",
                "Content-Length": str(len(body)),
            },
        )
        credentials = Credentials(
            self._target.access_key_id, self._target.secret_access_key
        )
        SigV4Auth(credentials, "kms", self._target.region).add_auth(unsigned)
        return Request(
            method="POST",
            target=self._parts.path or "/",
            headers=tuple((name, str(v)) for name, v in unsigned.headers.items()),
            body=body,
        )


def _context() -> ssl.SSLContext:
    # The variable that every AWS client obeys, boto3 in the checks among them.
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)


def _json_object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
