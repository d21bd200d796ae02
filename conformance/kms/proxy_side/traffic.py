"""What the endpoint asks the proxy for each operation of the KMS API.

Each operation is called once in a run; the checks of what is on the wire look at the
same requests, each at another side of them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..client.workshop import creation, wait_while
from ..cryptography.calls import asked, good_call, sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.client import Kms
    from ..client.reply import Reply
    from ..client.workshop import Key, Workshop

__all__ = ["ASK_FOR_HEALTH", "ASK_FOR_METADATA", "ASK_FOR_WORK", "Trace", "Traffic"]

ASK_FOR_HEALTH = (
    "CreateCustomKeyStore",
    "ConnectCustomKeyStore",
    "UpdateCustomKeyStore",
)
ASK_FOR_METADATA = ("CreateKey",)
ASK_FOR_WORK = (
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
)

_PLAINTEXT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A call of the KMS API, and what the proxy was asked meanwhile."""

    operation: str
    reply: Reply
    """Also of a failure: what is on the wire can be judged all the same."""
    requests: tuple[ProxyRequest, ...]
    credentials: Mapping[str, str]
    """Secret access key by access key id: what the requests may be signed with."""
    key: Key | None
    """The key of a cryptographic operation."""


class Traffic:
    """The traces of a run.

    Args:
        kms: the endpoint.
        workshop: for key stores and a key.
    """

    def __init__(self, kms: Kms, workshop: Workshop) -> None:
        self._kms = kms
        self._workshop = workshop
        self._traces: dict[str, Trace] = {}
        self._causes: Mapping[str, Callable[[], Trace]] = {
            "CreateCustomKeyStore": self._create_store,
            "ConnectCustomKeyStore": self._connect_store,
            "UpdateCustomKeyStore": self._update_store,
            "CreateKey": self._create_key,
        }

    def of(self, operation: str) -> Trace:
        """The trace of an operation.

        Raises:
            NotTestable: it cannot be called, or the proxy was not asked.
        """
        if operation not in self._traces:
            cause = self._causes.get(operation)
            trace = cause() if cause else self._work(operation)
            self._traces[operation] = trace
        return self._traces[operation]

    def _watch(
        self,
        operation: str,
        proxy: ProxyStore,
        call: Callable[[], Reply],
        *credentials: Mapping[str, str],
        key: Key | None = None,
    ) -> Trace:
        with proxy.watching() as requests:
            reply = call()
        known = (proxy.credential, *credentials)
        return Trace(
            operation=operation,
            reply=reply,
            requests=asked(requests()),
            credentials={c["AccessKeyId"]: c["RawSecretAccessKey"] for c in known},
            key=key,
        )

    def _create_store(self) -> Trace:
        proxy = self._workshop.probe_proxy.open_store()

        def create() -> Reply:
            reply = self._kms.call("CreateCustomKeyStore", **creation(proxy))
            self._workshop.adopt(reply, proxy)
            return reply

        return self._watch("CreateCustomKeyStore", proxy, create)

    def _connect_store(self) -> Trace:
        store = self._workshop.make_store(self._kms)

        def connect() -> Reply:
            reply = self._kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id)
            wait_while(self._kms, store.id, "CONNECTING")
            return reply

        return self._watch("ConnectCustomKeyStore", store.proxy, connect)

    def _update_store(self) -> Trace:
        store = self._workshop.make_store(self._kms)
        before = store.proxy.credential
        rotated = store.proxy.rotate_credential()
        return self._watch(
            "UpdateCustomKeyStore",
            store.proxy,
            lambda: self._kms.call(
                "UpdateCustomKeyStore",
                CustomKeyStoreId=store.id,
                XksProxyAuthenticationCredential=rotated,
            ),
            # That it is the new one is another requirement (KMS-UPDATESTORE-008).
            before,
        )

    def _create_key(self) -> Trace:
        store = self._workshop.keyed_store(self._kms)
        external_key = store.proxy.add_key()

        def create() -> Reply:
            reply = self._kms.call(
                "CreateKey",
                Origin="EXTERNAL_KEY_STORE",
                CustomKeyStoreId=store.id,
                XksKeyId=external_key.id,
            )
            self._workshop.adopt_key(reply)
            return reply

        return self._watch("CreateKey", store.proxy, create)

    def _work(self, operation: str) -> Trace:
        key = self._workshop.shared_key(self._kms)
        # Random and long: the Base64 of it has every character of the alphabet.
        plaintext = secrets.token_bytes(_PLAINTEXT_BYTES)
        needs_blob = operation in {"Decrypt", "ReEncrypt"}
        blob = sealed(self._kms, key, plaintext) if needs_blob else None
        parameters = good_call(self._kms, operation, key, blob=blob)
        if operation == "Encrypt":
            parameters["Plaintext"] = plaintext
        return self._watch(
            operation,
            key.store.proxy,
            lambda: self._kms.call(operation, **parameters),
            key=key,
        )
