"""Faults of initialization vectors: where one meets two inputs under one key."""

from __future__ import annotations

import hashlib
import os
import threading
from itertools import count
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy.faults.patterns import before_metadata
from pytest_xks.proxy_api.messages import EncryptParameters, EncryptResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.proxy.faults.patterns import Document
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.rules import Rules


def _seals_with(
    next_vector: Callable[[], bytes],
    metadata_of: Callable[[ExternalKey], bytes | None] = (
        lambda key: key.ciphertext_metadata
    ),
) -> Effect:
    def seal(
        _: object,
        key: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        metadata = metadata_of(key)
        vector, ciphertext, tag = key.seal(
            parameters.plaintext,
            rules.authenticated_data(
                parameters.additional_authenticated_data, metadata or b""
            ),
            initialization_vector=next_vector(),
        )
        return EncryptResult(
            ciphertext=ciphertext,
            ciphertext_metadata=metadata,
            initialization_vector=vector,
            authentication_tag=tag,
        )

    return Replace("seal", seal)


@fault(violates=("XKS-ENC-016", "XKS-RUN-005", "XKS-RUN-006"))
def repeats_initialization_vector() -> Effects:
    """Uses one initialization vector for everything."""
    vector = os.urandom(12)
    return _seals_with(lambda: vector)


@fault(violates=("XKS-ENC-016", "XKS-RUN-005", "XKS-RUN-006"))
def repeats_every_tenth_vector() -> Effects:
    """Uses one initialization vector for every tenth encryption."""
    vector, numbers = os.urandom(12), count(1)
    return _seals_with(lambda: os.urandom(12) if next(numbers) % 10 else vector)


@fault(violates=("XKS-RUN-005", "XKS-RUN-006"))
def vector_from_request_id() -> Effects:
    """Derives the initialization vector from kmsRequestId."""
    ids = threading.local()

    def remember(_: Document, metadata: Document) -> None:
        ids.last = str(metadata.get("kmsRequestId"))

    def vector() -> bytes:
        return hashlib.sha256(ids.last.encode()).digest()[:12]

    return (before_metadata(remember), _seals_with(vector))


@fault(violates=("XKS-RUN-005", "XKS-RUN-006"))
def vectors_restart_with_connection() -> Effects:
    """Counts initialization vectors from zero on every connection."""
    # The server has a thread for each of its connections.
    of_connection = threading.local()

    def vector() -> bytes:
        of_connection.number = getattr(of_connection, "number", 0) + 1
        number: int = of_connection.number
        return number.to_bytes(12, "big")

    return _seals_with(vector)


@fault(violates=("XKS-ENC-016", "XKS-RUN-006"))
def vector_twice_under_other_metadata() -> Effects:
    """Uses one initialization vector, each time under another ciphertextMetadata."""
    vector = os.urandom(12)
    return _seals_with(lambda: vector, lambda _: os.urandom(12))
