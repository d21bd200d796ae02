"""Before the suite: does the target answer, does it know the credential and the keys?

Only what is the user's mistake ends a certification here. A proxy that answers wrongly
is what the suite is for, so whatever else comes back, the suite runs.
"""

from __future__ import annotations

import json
import ssl
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.proxy_target import StoreTarget
from pytest_xks.certify.trust import trusting
from pytest_xks.http.client import (
    ConnectFailure,
    HttpsTransport,
    TlsFailure,
    TransportError,
    TransportTimeout,
)
from pytest_xks.proxy_api.http import Request, Response
from pytest_xks.proxy_api.sigv4 import Credential, sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_xks.certify.targets.proxy_target import ProxyTarget

__all__ = ["preflight_proxy", "ssl_context"]

_TIMEOUT_MS = 5_000
_PRINCIPAL = "arn:aws:iam::111122223333:user/Alice"


def preflight_proxy(target: ProxyTarget) -> tuple[ProxyTarget, list[str]]:
    """Try the target out.

    Returns:
        The target, without keys that were only assumed and that it does not have, and
        what the user should know.

    Raises:
        UsageProblem: the target cannot be reached, refuses the credential, or does not
            have a key that is configured.
    """
    with HttpsTransport(
        host=target.endpoint.host,
        port=target.endpoint.port,
        context=ssl_context(target),
    ) as transport:
        return _Preflight(target, transport).run()


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


class _Preflight:
    def __init__(self, target: ProxyTarget, transport: HttpsTransport) -> None:
        self._target = target
        self._transport = transport
        self._store = StoreTarget(
            uri_path=target.uri_path, credential=target.credential, keys=target.keys
        )

    def run(self) -> tuple[ProxyTarget, list[str]]:
        try:
            health = self._call(self._store, "/health", "KmsHealthCheck")
        except (ConnectFailure, TlsFailure) as error:
            raise self._unreachable(error) from None
        except TransportError as error:
            self._second_chance(error)
            return self._target, []
        if _error_name(health) == (401, "AuthenticationFailedException"):
            raise UsageProblem(
                f"{self._target.endpoint.url} refuses the credential: it answers 401 "
                "AuthenticationFailedException to GetHealthStatus.",
                "Check access_key_id and secret_access_key in [proxy.credential], "
                "uri_path, and this machine's clock.",
            )
        if health.status != 200:
            return self._target, []
        return self._check_keys()

    def _second_chance(self, first: TransportError) -> None:
        """A proxy may fail at health only; one that never answers is out of reach."""
        try:
            self._metadata(self._store, self._store.keys["usable"])
        except TransportError:
            raise self._unreachable(first) from None

    def _unreachable(self, error: TransportError) -> UsageProblem:
        hints = {
            TlsFailure: "Is proxy.ca_bundle the CA of the proxy's certificate, and the "
            "endpoint a name in it?",
            ConnectFailure: "Is the proxy running, and are host and port right?",
            TransportTimeout: "Is the port that of the proxy, and does it speak https?",
        }
        return UsageProblem(
            f"{self._target.endpoint.url} cannot be reached: {error}",
            hints.get(type(error), "Does an XKS proxy listen there?"),
        )

    def _check_keys(self) -> tuple[ProxyTarget, list[str]]:
        unknown = [
            (section, role, key_id)
            for section, store in self._stores()
            for role, key_id in store.keys.items()
            if self._is_unknown(store, key_id)
        ]
        assumed = {
            role
            for section, role, _ in unknown
            if section == "proxy.keys" and role in self._target.assumed_roles
        }
        mistakes = [row for row in unknown if row[1] not in assumed]
        if mistakes:
            lines = "; ".join(
                f"{s}.{role} = {key_id!r}" for s, role, key_id in mistakes
            )
            raise UsageProblem(
                f"{self._target.source}: the proxy does not know: {lines} "
                "(404 KeyNotFoundException).",
                "Correct the id, create the key, or remove the line.",
            )
        keys = {r: key for r, key in self._target.keys.items() if r not in assumed}
        return replace(self._target, keys=keys), [
            f"The proxy has no key {self._target.keys[role]!r}, the default of AWS's "
            f"client for {role}; set the variable if it has another."
            for role in sorted(assumed)
        ]

    def _stores(self) -> Iterator[tuple[str, StoreTarget]]:
        # Not the throttled store: its quota is what the suite measures.
        yield "proxy.keys", self._store
        if store := self._target.second_store:
            yield "proxy.second_store.keys", store
        if self._target.authorization and (store := self._target.authorization.store):
            yield "proxy.authorization.keys", store

    def _is_unknown(self, store: StoreTarget, key_id: str) -> bool:
        try:
            response = self._metadata(store, key_id)
        except TransportError:
            return False
        return _error_name(response) == (404, "KeyNotFoundException")

    def _metadata(self, store: StoreTarget, key_id: str) -> Response:
        return self._call(store, f"/keys/{key_id}/metadata", "DescribeKey")

    def _call(self, store: StoreTarget, path: str, kms_operation: str) -> Response:
        authorization = self._target.authorization
        principal = authorization.allowed_principal_arn if authorization else _PRINCIPAL
        metadata = {"kmsOperation": kms_operation, "kmsRequestId": str(uuid.uuid4())}
        if kms_operation != "KmsHealthCheck":
            metadata["awsPrincipalArn"] = principal
        body = json.dumps({"requestMetadata": metadata}).encode()
        request = Request(
            method="POST",
            target=f"{store.uri_path}{path}",
            headers=(
                ("Host", self._target.endpoint.authority),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ),
            body=body,
        )
        signed = sign(
            request,
            Credential(
                store.credential.access_key_id, store.credential.secret_access_key
            ),
            region=self._target.region,
            now=datetime.now(UTC),
        )
        return self._transport.send(signed, timeout_ms=_TIMEOUT_MS)


def _error_name(response: Response) -> tuple[int, str]:
    """Status and errorName of an answer; an empty name if it has none."""
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return response.status, ""
    name = document.get("errorName") if isinstance(document, dict) else None
    return response.status, name if isinstance(name, str) else ""
