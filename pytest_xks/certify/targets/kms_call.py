"""The way to the KMS endpoint under test, and one call of an operation over it.

Everything that certify and the suite ask the endpoint goes through a ``KmsConnection``,
also what boto3 puts together: it has one deadline for a whole exchange, takes answers
of a bounded size only, and obeys no variable of the environment.

The preflight's calls are not put together by boto3, which turns an answer that is no
answer of KMS into an error of its own; here, what came is what is shown.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pytest_xks.certify.evidence.exchange import (
    ConnectionSettings,
    Exchange,
    Received,
    Signing,
)
from pytest_xks.http.client import HttpsTransport, TransportError
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.certify.targets.kms_target import KmsTarget

__all__ = ["Answer", "KmsCaller", "KmsConnection"]

_TIMEOUT_MS = 10_000
_PORTS = {"https": 443, "http": 80}


class KmsConnection:
    """Connections to the endpoint of a target, as many as are in use at once.

    Safe to use from many threads. An endpoint that says little and late, or never stops
    saying something, is given up at the deadline, or at a megabyte.

    Args:
        target: where the endpoint is, and whose certificates are trusted.

    Raises:
        OSError: ``ca_bundle`` cannot be read, or holds no certificate.
    """

    def __init__(self, target: KmsTarget) -> None:
        parts = urlsplit(target.endpoint_url)
        self._transport = HttpsTransport(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            context=_context(target.ca_bundle) if parts.scheme == "https" else None,
        )

    def close(self) -> None:
        """Close those that are idle."""
        self._transport.close()

    def send(
        self,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        timeout_ms: float,
    ) -> Received:
        """POST a signed request.

        Args:
            target: the path.
            headers: as signed, with Host.
            body: as signed.
            timeout_ms: how long the whole exchange may take.

        Raises:
            TransportError: no answer came.
        """
        request = Request(
            method="POST", target=target, headers=tuple(headers), body=body
        )
        response = self._transport.send(request, timeout_ms=timeout_ms)
        return Received(
            status=response.status, headers=response.headers, body=response.body
        )

    def attempt(
        self,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        timeout_ms: float,
    ) -> Received | str:
        """As ``send``; where no answer came, the reason."""
        try:
            return self.send(target, headers, body, timeout_ms=timeout_ms)
        except TransportError as error:
            return str(error)


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
        OSError: see ``KmsConnection``.
    """

    def __init__(self, target: KmsTarget) -> None:
        self._target = target
        self._parts = urlsplit(target.endpoint_url)
        self._connection = KmsConnection(target)

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._connection.close()

    def call(self, operation: str, **parameters: object) -> Answer:
        """Call an operation.

        Raises:
            TransportError: there was no answer.
        """
        request = self._signed(operation, json.dumps(parameters).encode())
        start = time.perf_counter()
        received = self._connection.send(
            request.target, request.headers, request.body, timeout_ms=_TIMEOUT_MS
        )
        exchange = self._exchange(
            operation,
            request,
            received=received,
            milliseconds=(time.perf_counter() - start) * 1000,
        )
        return Answer(
            operation=operation,
            exchange=exchange,
            status=received.status,
            document=_json_object(received.body),
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
            connection=ConnectionSettings(ca_bundle=self._target.ca_bundle),
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


def _context(ca_bundle: Path | None) -> ssl.SSLContext:
    """Who is trusted: the bundle's authorities, or those that OpenSSL was built with.

    ``create_default_context`` would let SSL_CERT_FILE and SSL_CERT_DIR decide.

    Raises:
        OSError: the bundle cannot be read, or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
        return context
    built_in = ssl.get_default_verify_paths()
    file, folder = Path(built_in.openssl_cafile), Path(built_in.openssl_capath)
    if file.is_file():
        context.load_verify_locations(cafile=file)
    if folder.is_dir():
        context.load_verify_locations(capath=folder)
    return context


def _json_object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
