"""Calls operations of a proxy as KMS would, before the suite does.

Nothing is judged here; an answer of any kind is an answer.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.certify.targets.proxy_target import StoreTarget
from pytest_xks.certify.trust import trusting
from pytest_xks.http.client import HttpsTransport
from pytest_xks.proxy_api.http import Request, Response
from pytest_xks.proxy_api.sigv4 import Credential, sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_xks.certify.targets.proxy_target import ProxyTarget

__all__ = ["PLAINTEXT", "Called", "ProxyCaller", "ssl_context"]

PLAINTEXT = b"pytest-xks: before the run"
TIMEOUT_MS = 5_000
_PRINCIPAL = "arn:aws:iam::111122223333:user/Alice"
_KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_SEALED = (
    "ciphertext",
    "initializationVector",
    "authenticationTag",
    "ciphertextMetadata",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """An operation that was called, and the answer."""

    operation: str
    request: Request
    response: Response
    milliseconds: float

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def document(self) -> Mapping[str, object]:
        """The body, if it is a JSON object; otherwise nothing."""
        try:
            document = json.loads(self.response.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def error_name(self) -> str:
        """errorName; empty if there is none."""
        name = self.document.get("errorName")
        return name if isinstance(name, str) else ""

    @property
    def said(self) -> str:
        """Status and errorName."""
        return f"{self.status} {quoted(self.error_name[:64])}".strip()


class ProxyCaller:
    """Calls operations of a proxy; a context manager.

    Args:
        target: where it is, and how to sign.

    Raises:
        UsageProblem: a certificate or a key in the target file cannot be used.
    """

    def __init__(self, target: ProxyTarget) -> None:
        self.target = target
        self.store = StoreTarget(
            uri_path=target.uri_path, credential=target.credential, keys=target.keys
        )
        self._authority = target.endpoint.authority
        self._transport = HttpsTransport(
            host=target.endpoint.host,
            port=target.endpoint.port,
            context=ssl_context(target),
        )

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._transport.close()

    def health(self, *, authority: str | None = None) -> Called:
        """Call GetHealthStatus.

        Args:
            authority: the Host to send and sign; by default that of the endpoint.

        Raises:
            TransportError: there was no answer.
        """
        metadata = {"kmsOperation": "KmsHealthCheck"}
        return self._call(
            "GetHealthStatus", self.store, "/health", metadata, authority=authority
        )

    def metadata(self, key_id: str, store: StoreTarget | None = None) -> Called:
        """Call GetKeyMetadata.

        Raises:
            TransportError: there was no answer.
        """
        metadata = self._of_principal("DescribeKey")
        path = f"/keys/{key_id}/metadata"
        return self._call("GetKeyMetadata", store or self.store, path, metadata)

    def encrypt(self) -> Called:
        """Call Encrypt with the usable key.

        Raises:
            TransportError: there was no answer.
        """
        plaintext = base64.b64encode(PLAINTEXT).decode()
        return self._cryptographic("Encrypt", {"plaintext": plaintext})

    def decrypt(self, encrypted: Mapping[str, object]) -> Called:
        """Call Decrypt with the usable key.

        Args:
            encrypted: the document that Encrypt answered.

        Raises:
            TransportError: there was no answer.
        """
        members = {
            name: _in_standard_base64(encrypted[name])
            for name in _SEALED
            if name in encrypted
        }
        return self._cryptographic("Decrypt", members)

    def _cryptographic(self, operation: str, members: Mapping[str, object]) -> Called:
        metadata = {**self._of_principal(operation), "kmsKeyArn": _KEY_ARN}
        path = f"/keys/{self.store.keys['usable']}/{operation.lower()}"
        members = {"encryptionAlgorithm": "AES_GCM", **members}
        return self._call(operation, self.store, path, metadata, members)

    def _of_principal(self, kms_operation: str) -> dict[str, str]:
        policy = self.target.authorization
        principal = policy.allowed_principal_arn if policy else _PRINCIPAL
        return {"kmsOperation": kms_operation, "awsPrincipalArn": principal}

    def _call(  # noqa: PLR0913 - each is one part of a call
        self,
        operation: str,
        store: StoreTarget,
        path: str,
        metadata: dict[str, str],
        members: Mapping[str, object] | None = None,
        *,
        authority: str | None = None,
    ) -> Called:
        named = metadata | {"kmsRequestId": str(uuid.uuid4())}
        body = json.dumps({"requestMetadata": named, **(members or {})}).encode()
        signed = sign(
            Request(
                method="POST",
                target=f"{store.uri_path}{path}",
                headers=(
                    ("Host", authority or self._authority),
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(body))),
                ),
                body=body,
            ),
            Credential(
                store.credential.access_key_id, store.credential.secret_access_key
            ),
            region=self.target.region,
            now=datetime.now(UTC),
        )
        start = time.perf_counter()
        response = self._transport.send(signed, timeout_ms=TIMEOUT_MS)
        return Called(
            operation=operation,
            request=signed,
            response=response,
            milliseconds=(time.perf_counter() - start) * 1000,
        )


def _in_standard_base64(value: object) -> object:
    """What KMS makes of a member; how it should be written is for the suite to say."""
    if not isinstance(value, str):
        return value
    text = "".join(value.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return text + "=" * (-len(text) % 4)


def ssl_context(target: ProxyTarget) -> ssl.SSLContext | None:
    """How to connect to ``target.endpoint``; None for plain HTTP.

    Raises:
        UsageProblem: a certificate or a key in the target file cannot be used.
    """
    if target.endpoint.scheme == "http":
        return None
    try:
        context = trusting(target.ca_bundle)
    except (ssl.SSLError, OSError):
        raise UsageProblem(
            f"{target.source}: proxy.ca_bundle holds no certificate in PEM: "
            f"{str(target.ca_bundle)!r}."
        ) from None
    if not target.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client := target.client_certificate:
        _load_client(context, target, client.certificate, client.private_key)
    return context


def _load_client(
    context: ssl.SSLContext, target: ProxyTarget, certificate: Path, private_key: Path
) -> None:
    try:
        # The password is never asked for: a prompt would hang an unattended run.
        context.load_cert_chain(certificate, private_key, password=lambda: b"")
    except (ssl.SSLError, OSError):
        raise UsageProblem(
            f"{target.source}: proxy.mtls.certificate and proxy.mtls.private_key are "
            "not a certificate and its private key in PEM, without a password."
        ) from None
