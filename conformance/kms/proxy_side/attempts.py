"""The KMS operations that call the proxy, each while something is wrong with it.

Every attempt comes with its control: the same call while nothing is wrong. What cannot
be done twice (a store's endpoint and path, an external key) is probed first. What goes
wrong concerns a key store or an external key that no other attempt has, so attempts may
be made side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.probe_proxy.scripts import ScriptedPath
from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import control
from ..client.key_stores import PASSING, creation, state_in, watch_while

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.key_stores import Key
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = [
    "PLAINTEXT",
    "Attempt",
    "Cause",
    "KmsOperation",
    "attempt",
    "prepare",
]

Cause = Callable[[ScriptedPath], AbstractContextManager[None]]
"""Makes something go wrong within a block."""

PLAINTEXT = b"the plaintext of an attempt"


class KmsOperation(StrEnum):
    """The KMS operations that call the proxy."""

    CREATE = "CreateCustomKeyStore"
    UPDATE = "UpdateCustomKeyStore"
    CONNECT = "ConnectCustomKeyStore"
    CREATE_KEY = "CreateKey"
    ENCRYPT = "Encrypt"
    DECRYPT = "Decrypt"
    GENERATE_DATA_KEY = "GenerateDataKey"
    GENERATE_DATA_KEY_WITHOUT_PLAINTEXT = "GenerateDataKeyWithoutPlaintext"
    RE_ENCRYPT = "ReEncrypt"


STORE_OPERATIONS = (KmsOperation.CREATE, KmsOperation.UPDATE, KmsOperation.CONNECT)
"""Those whose attempt makes a key store."""
_CRYPTOGRAPHY = (
    KmsOperation.ENCRYPT,
    KmsOperation.DECRYPT,
    KmsOperation.GENERATE_DATA_KEY,
    KmsOperation.GENERATE_DATA_KEY_WITHOUT_PLAINTEXT,
    KmsOperation.RE_ENCRYPT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An operation that is ready to be tried while something is wrong."""

    about: ScriptedPath
    """What the proxy is asked about, on its behalf alone."""
    probe: Callable[[], KmsReply]
    """The operation."""
    control: Callable[[KmsReply], object]
    """Gets the reply to the probe, and raises NotTestable if the operation fails,
    too, while nothing is wrong."""


def prepare(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation
) -> Attempt:
    """Make what an operation needs.

    Raises:
        NotTestable: it cannot be obtained, or the operation fails already.
    """
    return _PREPARATIONS[operation](kms, provisioner)


def attempt(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation, cause: Cause
) -> KmsReply:
    """What an operation answers while something is wrong.

    Args:
        kms: the endpoint.
        provisioner: makes what the operation needs.
        operation: the operation.
        cause: what is wrong.

    Raises:
        NotTestable: the operation fails, too, while nothing is wrong.
    """
    prepared = prepare(kms, provisioner, operation)
    with cause(prepared.about):
        reply = prepared.probe()
    prepared.control(reply)
    return reply


def _create(kms: KmsClient, provisioner: Provisioner) -> Attempt:
    proxy = provisioner.probe_proxy.open_store()
    call = partial(kms.call, "CreateCustomKeyStore", **creation(proxy))

    def create(label: str = "") -> KmsReply:
        reply = call(label=label)
        provisioner.adopt(reply, proxy)
        return reply

    return Attempt(about=proxy, probe=create, control=partial(_unless_done, create))


def _unless_done(call: Callable[[str], KmsReply], reply: KmsReply) -> None:
    """The control of what cannot be done twice."""
    if not reply.succeeded:
        control(call("control: nothing is wrong"))


def _update(kms: KmsClient, provisioner: Provisioner) -> Attempt:
    store = provisioner.make_store(kms, connect=True)
    call = partial(
        kms.call,
        "UpdateCustomKeyStore",
        CustomKeyStoreId=store.id,
        XksProxyAuthenticationCredential=store.proxy.rotate_credential(),
    )
    return Attempt(
        about=store.proxy,
        probe=call,
        control=lambda _: control(call(label="control: nothing is wrong")),
    )


def _create_key(kms: KmsClient, provisioner: Provisioner) -> Attempt:
    store = provisioner.keyed_store(kms)
    external_key = store.proxy.add_key()
    call = partial(
        kms.call,
        "CreateKey",
        Origin="EXTERNAL_KEY_STORE",
        CustomKeyStoreId=store.id,
        XksKeyId=external_key.id,
    )

    def create(label: str = "") -> KmsReply:
        reply = call(label=label)
        provisioner.adopt_key(reply)
        return reply

    return Attempt(
        about=store.proxy.about_key(external_key.id),
        probe=create,
        control=partial(_unless_done, create),
    )


def _use_key(
    operation: KmsOperation, kms: KmsClient, provisioner: Provisioner
) -> Attempt:
    key = provisioner.own_key(kms)
    call = partial(kms.call, operation, **_parameters(operation, kms, key))
    control(call(label="control: nothing is wrong"))
    return Attempt(about=key.proxy, probe=call, control=lambda _: None)


def _parameters(operation: KmsOperation, kms: KmsClient, key: Key) -> Mapping[str, Any]:
    if operation is KmsOperation.ENCRYPT:
        return {"KeyId": key.key_id, "Plaintext": PLAINTEXT}
    if operation in {KmsOperation.DECRYPT, KmsOperation.RE_ENCRYPT}:
        sealed = control(
            kms.call(
                "Encrypt",
                KeyId=key.key_id,
                Plaintext=PLAINTEXT,
                label="control: something to decrypt",
            )
        )
        member = "KeyId" if operation is KmsOperation.DECRYPT else "DestinationKeyId"
        return {"CiphertextBlob": sealed.get("CiphertextBlob"), member: key.key_id}
    return {"KeyId": key.key_id, "KeySpec": "AES_256"}


def _connect(kms: KmsClient, provisioner: Provisioner) -> Attempt:
    """The reply is what DescribeCustomKeyStores says when it has come to an end.

    That ConnectCustomKeyStore itself fails is KMS-CONNECT-010.
    """
    store = provisioner.make_store(kms)

    def connect() -> KmsReply:
        begun = kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id)
        control(begun)
        reply = watch_while(kms, store.id, *PASSING)
        if state_in(reply) == "DISCONNECTED":
            raise NotTestable("ConnectCustomKeyStore left the key store DISCONNECTED.")
        return reply

    # That a store connects while nothing is wrong, another one has shown.
    return Attempt(about=store.proxy, probe=connect, control=lambda _: None)


_PREPARATIONS: Mapping[KmsOperation, Callable[[KmsClient, Provisioner], Attempt]] = {
    KmsOperation.CREATE: _create,
    KmsOperation.UPDATE: _update,
    KmsOperation.CONNECT: _connect,
    KmsOperation.CREATE_KEY: _create_key,
    **{operation: partial(_use_key, operation) for operation in _CRYPTOGRAPHY},
}
