"""Faults of secondary authorization, quotas and the log."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.proxy import logs
from pytest_xks.proxy.faults.catalogue import Effect, changed, fault
from pytest_xks.proxy.faults.patterns import anything_goes
from pytest_xks.proxy.rules import DeniedError
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

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


@fault("denies-nobody", violates=("XKS-AUTHZ-002", "XKS-ERR-010"))
def _denies_nobody() -> Effect:
    """Has a policy and does not apply it."""
    return changed(authorize=anything_goes)


@fault("authorizes-health", violates=("XKS-AUTHZ-003",))
def _authorizes_health() -> Effect:
    """Denies GetHealthStatus in a key store that has a policy."""

    def change(rules: Rules) -> Rules:
        def authorize(
            store: ProxyKeyStore, route: Route, metadata: RequestMetadata
        ) -> None:
            if store.deny and route.operation is Operation.GET_HEALTH_STATUS:
                raise DeniedError(store.deny[0].name)
            rules.authorize(store, route, metadata)

        return replace(rules, authorize=authorize)

    return Effect(rules=change)


@fault("quota-not-enforced", violates=("XKS-QUOTA-001",))
def _quota_not_enforced() -> Effect:
    """Has a request quota and does not apply it."""
    return changed(admit=anything_goes)


@fault("quota-shared-by-all-stores", violates=("XKS-QUOTA-002",))
def _quota_shared_by_all_stores() -> Effect:
    """Throttles the next key store, too, once one has exceeded its quota."""
    exceeded: set[str] = set()

    def change(rules: Rules) -> Rules:
        def admit(store: ProxyKeyStore) -> None:
            if exceeded - {store.uri_path}:
                exceeded.clear()
                raise XksError(ErrorName.THROTTLING)
            try:
                rules.admit(store)
            except XksError:
                exceeded.add(store.uri_path)
                raise

        return replace(rules, admit=admit)

    return Effect(rules=change)


# -- the log --------------------------------------------------------------------------


def _logging(change: Callable[[JournalEntry], JournalEntry]) -> Effect:
    """A proxy that logs less than it knows."""

    def wrap(rules: Rules) -> Rules:
        return replace(rules, log=lambda entry: rules.log(change(entry)))

    return Effect(rules=wrap)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@fault("logs-plaintext-of-encrypt", violates=("XKS-LOG-001",))
def _logs_plaintext_of_encrypt() -> Effect:
    """Logs the plaintext that it encrypts."""

    def change(rules: Rules) -> Rules:
        def seal(
            key: ExternalKey, parameters: EncryptParameters, active: Rules
        ) -> EncryptResult:
            logs.logger.info("encrypting %s", _base64(parameters.plaintext))
            return rules.seal(key, parameters, active)

        return replace(rules, seal=seal)

    return Effect(rules=change)


@fault(
    "logs-plaintext-of-decrypt",
    operation=Operation.DECRYPT,
    violates=("XKS-LOG-002",),
)
def _logs_plaintext_of_decrypt() -> Effect:
    """Logs the plaintext that it has decrypted."""

    def change(rules: Rules) -> Rules:
        def open_(
            key: ExternalKey, parameters: DecryptParameters, active: Rules
        ) -> bytes:
            plaintext = rules.open(key, parameters, active)
            logs.logger.info("decrypted %s", _base64(plaintext))
            return plaintext

        return replace(rules, open=open_)

    return Effect(rules=change)


@fault("logs-no-request-id", violates=("XKS-LOG-004",))
def _logs_no_request_id() -> Effect:
    """Leaves kmsRequestId out of its log."""

    def change(entry: JournalEntry) -> JournalEntry:
        kept = {
            name: value
            for name, value in entry.request_metadata.items()
            if name != "kmsRequestId"
        }
        return replace(entry, request_metadata=kept)

    return _logging(change)


@fault("logs-no-request-metadata", violates=("XKS-LOG-005",))
def _logs_no_request_metadata() -> Effect:
    """Logs kmsRequestId and nothing else of requestMetadata."""

    def change(entry: JournalEntry) -> JournalEntry:
        kept = {
            name: value
            for name, value in entry.request_metadata.items()
            if name == "kmsRequestId"
        }
        return replace(entry, request_metadata=kept)

    return _logging(change)


@fault("logs-secret-access-key", violates=("XKS-LOG-009",))
def _logs_secret_access_key() -> Effect:
    """Logs the secret access key that it verifies with."""

    def change(rules: Rules) -> Rules:
        def authenticate(
            request: Request, secrets: Mapping[str, str], now: datetime
        ) -> str:
            access_key_id = rules.authenticate(request, secrets, now)
            logs.logger.info("verified with %s", secrets[access_key_id])
            return access_key_id

        return replace(rules, authenticate=authenticate)

    return Effect(rules=change)
