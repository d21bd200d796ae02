"""Faults of the proxy's own log."""

from __future__ import annotations

import base64
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy import logs
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy.faults.patterns import Document, before_document, before_metadata
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64, decode_json
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.journal import JournalEntry
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
    )


def _logging(change: Callable[[JournalEntry], JournalEntry]) -> Effect:
    """A proxy that logs less than it knows."""
    return Replace("log", lambda proceed, entry: proceed(change(entry)))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _encrypting(log: Callable[[bytes], object]) -> Effect:
    """A proxy that does something with the plaintext that it encrypts."""

    def seal(
        proceed: Callable[..., EncryptResult],
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        log(parameters.plaintext)
        return proceed(key, parameters, rules)

    return Replace("seal", seal)


@fault(violates=("XKS-LOG-001",))
def logs_plaintext_of_encrypt() -> Effect:
    """Logs the plaintext that it encrypts."""
    return _encrypting(
        lambda plaintext: logs.logger.info("encrypting %s", _base64(plaintext))
    )


@fault(violates=("XKS-LOG-001",))
def logs_plaintext_as_numbers() -> Effect:
    """Logs the plaintext that it encrypts as Go prints a slice of bytes."""
    return _encrypting(
        lambda plaintext: logs.logger.info(
            "encrypting [%s]", " ".join(map(str, plaintext))
        )
    )


@fault(violates=("XKS-LOG-001",))
def logs_plaintext_late() -> Effect:
    """Logs the plaintext that it encrypts when it has encrypted twenty others."""
    waiting: deque[bytes] = deque()

    def log(plaintext: bytes) -> None:
        waiting.append(plaintext)
        if len(waiting) > 20:
            logs.logger.info("encrypted %s", _base64(waiting.popleft()))

    return _encrypting(log)


@fault(violates=("XKS-LOG-001",))
def logs_undecodable_plaintext() -> Effect:
    """Quotes a plaintext that it cannot decode in its log, as many frameworks do."""

    def check(body: bytes) -> None:
        try:
            document = decode_json(body)
        except DecodingError:
            return
        given = document.get("plaintext") if isinstance(document, dict) else None
        try:
            decode_base64(given if isinstance(given, str) else "")
        except DecodingError as error:
            logs.logger.info("cannot decode %r: %s", given, error)

    return before_document(check)


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


@fault(violates=("XKS-LOG-010",))
def logs_request_id_as_it_is() -> Effect:
    """Logs kmsRequestId with the line ends that it holds."""

    def log(_: Document, metadata: Document) -> None:
        logs.logger.info("request %s", metadata.get("kmsRequestId"))

    return before_metadata(log)
