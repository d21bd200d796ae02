"""What the endpoint asks the proxy for each operation of the KMS API.

Each operation is called once in a run, all of them side by side; the checks of what is
on the wire look at the same requests, each at another part of them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..client.judging import outcome
from ..client.key_stores import creation, wait_while
from ..cryptography.calls import CRYPTO_OPERATIONS, asked, good_call, sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.scripts import ScriptedPath
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = [
    "ASK_FOR_HEALTH",
    "ASK_FOR_METADATA",
    "Trace",
    "Traffic",
]

ASK_FOR_HEALTH = (
    "CreateCustomKeyStore",
    "ConnectCustomKeyStore",
    "UpdateCustomKeyStore",
)
ASK_FOR_METADATA = ("CreateKey",)

_PLAINTEXT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A call of the KMS API, and what the proxy was asked meanwhile."""

    operation: str
    reply: KmsReply
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
        provisioner: for key stores and a key.
    """

    def __init__(self, kms: KmsClient, provisioner: Provisioner) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self._traces: dict[str, Trace | Exception] = {}
        self._causes: Mapping[str, Callable[[], Trace]] = {
            "CreateCustomKeyStore": self._create_store,
            "ConnectCustomKeyStore": self._connect_store,
            "UpdateCustomKeyStore": self._update_store,
            "CreateKey": self._create_key,
            **{each: partial(self._use_key, each) for each in CRYPTO_OPERATIONS},
        }

    def of(self, operation: str) -> Trace:
        """The trace of an operation.

        Raises:
            NotTestable: it cannot be called, or the proxy was not asked.
        """
        if not self._traces:
            found = self._kms.side_by_side(
                partial(outcome, cause) for cause in self._causes.values()
            )
            self._traces = dict(zip(self._causes, found, strict=True))
        trace = self._traces[operation]
        if isinstance(trace, Exception):
            raise trace
        return trace

    def _watch(
        self,
        operation: str,
        proxy: ProxyStore,
        call: Callable[[], KmsReply],
        *credentials: Mapping[str, str],
        about: ScriptedPath | None = None,
        key: Key | None = None,
    ) -> Trace:
        with (about or proxy).watching() as requests:
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
        proxy = self._provisioner.probe_proxy.open_store()

        def create() -> KmsReply:
            reply = self._kms.call("CreateCustomKeyStore", **creation(proxy))
            self._provisioner.adopt(reply, proxy)
            return reply

        return self._watch("CreateCustomKeyStore", proxy, create)

    def _connect_store(self) -> Trace:
        store = self._provisioner.make_store(self._kms)

        def connect() -> KmsReply:
            reply = self._kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id)
            wait_while(self._kms, store.id, "CONNECTING")
            return reply

        return self._watch("ConnectCustomKeyStore", store.proxy, connect)

    def _update_store(self) -> Trace:
        store = self._provisioner.make_store(self._kms)
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
        store = self._provisioner.keyed_store(self._kms)
        external_key = store.proxy.add_key()

        def create() -> KmsReply:
            reply = self._kms.call(
                "CreateKey",
                Origin="EXTERNAL_KEY_STORE",
                CustomKeyStoreId=store.id,
                XksKeyId=external_key.id,
            )
            self._provisioner.adopt_key(reply)
            return reply

        about = store.proxy.about_key(external_key.id)
        return self._watch("CreateKey", store.proxy, create, about=about)

    def _use_key(self, operation: str) -> Trace:
        key = self._provisioner.own_key(self._kms)
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
            about=key.proxy,
            key=key,
        )
