"""Faults of secondary authorization, quotas and the log."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy import logs
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import anything_goes, instead
from pytest_xks.proxy.rules import DeniedError
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
        RequestMetadata,
    )
    from pytest_xks.proxy_api.uri import Route


row(
    "denies-nobody",
    "Has a policy and does not apply it.",
    instead("authorize", anything_goes),
    violates=("XKS-AUTHZ-002", "XKS-ERR-010"),
)


@fault(violates=("XKS-AUTHZ-003",))
def authorizes_health() -> Effect:
    """Denies GetHealthStatus in a key store that has a policy."""

    def authorize(
        proceed: Callable[..., None],
        store: ProxyKeyStore,
        route: Route,
        metadata: RequestMetadata,
    ) -> None:
        if store.deny and route.operation is Operation.GET_HEALTH_STATUS:
            raise DeniedError(store.deny[0].name)
        proceed(store, route, metadata)

    return Replace("authorize", authorize)


row(
    "quota-not-enforced",
    "Has a request quota and does not apply it.",
    instead("admit", anything_goes),
    violates=("XKS-QUOTA-001",),
)


@fault(violates=("XKS-QUOTA-002",))
def quota_shared_by_all_stores() -> Effect:
    """Throttles the next key store, too, once one has exceeded its quota."""
    exceeded: set[str] = set()

    def admit(proceed: Callable[..., None], store: ProxyKeyStore) -> None:
        if exceeded - {store.uri_path}:
            exceeded.clear()
            raise XksError(ErrorName.THROTTLING)
        try:
            proceed(store)
        except XksError:
            exceeded.add(store.uri_path)
            raise

    return Replace("admit", admit)


# -- the log --------------------------------------------------------------------------


def _logging(change: Callable[[JournalEntry], JournalEntry]) -> Effect:
    """A proxy that logs less than it knows."""
    return Replace("log", lambda proceed, entry: proceed(change(entry)))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@fault(violates=("XKS-LOG-001",))
def logs_plaintext_of_encrypt() -> Effect:
    """Logs the plaintext that it encrypts."""

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        logs.logger.info("encrypting %s", _base64(parameters.plaintext))
        return proceed(key, parameters, rules)

    return Replace("seal", seal)


@fault(operations=(Operation.DECRYPT,), violates=("XKS-LOG-002",))
def logs_plaintext_of_decrypt() -> Effect:
    """Logs the plaintext that it has decrypted."""

    def open_(
        proceed: Callable[..., bytes],
        key: ExternalKey,
        parameters: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        plaintext = proceed(key, parameters, rules)
        logs.logger.info("decrypted %s", _base64(plaintext))
        return plaintext

    return Replace("open", open_)


@fault(violates=("XKS-LOG-004",))
def logs_no_request_id() -> Effect:
    """Leaves kmsRequestId out of its log."""

    def change(entry: JournalEntry) -> JournalEntry:
        kept = {
            name: value
            for name, value in entry.request_metadata.items()
            if name != "kmsRequestId"
        }
        return replace(entry, request_metadata=kept)

    return _logging(change)


@fault(violates=("XKS-LOG-005",))
def logs_no_request_metadata() -> Effect:
    """Logs kmsRequestId and nothing else of requestMetadata."""

    def change(entry: JournalEntry) -> JournalEntry:
        kept = {
            name: value
            for name, value in entry.request_metadata.items()
            if name == "kmsRequestId"
        }
        return replace(entry, request_metadata=kept)

    return _logging(change)


@fault(violates=("XKS-LOG-009",))
def logs_secret_access_key() -> Effect:
    """Logs the secret access key that it verifies with."""

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        access_key_id = proceed(request, secrets, now)
        logs.logger.info("verified with %s", secrets[access_key_id])
        return access_key_id

    return Replace("authenticate", authenticate)
