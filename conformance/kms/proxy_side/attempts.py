"""The KMS operations that call the proxy, each while something is wrong with it.

Every attempt comes with its control: the same call while nothing is wrong. What cannot
be done twice (a store's endpoint and path, an external key) is probed first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.certify.probe_proxy.store import ProxyStore

from ..client.expect import control
from ..client.provisioning import creation, wait_while

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.kms_client import KmsClient
    from ..client.provisioning import Key, Provisioner
    from ..client.reply import KmsReply

__all__ = ["PLAINTEXT", "Cause", "KmsOperation", "attempt", "attempt_to_connect"]

Cause = Callable[[ProxyStore], AbstractContextManager[None]]
"""Makes something go wrong within a block."""

PLAINTEXT = b"the plaintext of an attempt"
_ROLE = "spare"


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


_CRYPTOGRAPHY = (
    KmsOperation.ENCRYPT,
    KmsOperation.DECRYPT,
    KmsOperation.GENERATE_DATA_KEY,
    KmsOperation.GENERATE_DATA_KEY_WITHOUT_PLAINTEXT,
    KmsOperation.RE_ENCRYPT,
)


def attempt(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation, cause: Cause
) -> KmsReply:
    """What an operation answers while something is wrong.

    Args:
        kms: the endpoint.
        provisioner: makes what the operation needs.
        operation: not ConnectCustomKeyStore; see ``attempt_to_connect``.
        cause: what is wrong.

    Raises:
        NotTestable: the operation fails, too, while nothing is wrong.
    """
    return _ATTEMPTS[operation](kms, provisioner, cause)


def _create(kms: KmsClient, provisioner: Provisioner, cause: Cause) -> KmsReply:
    proxy = provisioner.probe_proxy.open_store()
    parameters = creation(proxy)
    with cause(proxy):
        probe = kms.call("CreateCustomKeyStore", **parameters)
    if provisioner.adopt(probe, proxy) is None:
        again = kms.call(
            "CreateCustomKeyStore", label="control: nothing is wrong", **parameters
        )
        provisioner.adopt(again, proxy)
        control(again)
    return probe


def _update(kms: KmsClient, provisioner: Provisioner, cause: Cause) -> KmsReply:
    store = provisioner.keyed_store(kms, _ROLE)
    call = partial(
        kms.call,
        "UpdateCustomKeyStore",
        CustomKeyStoreId=store.id,
        XksProxyAuthenticationCredential=store.proxy.rotate_credential(),
    )
    with cause(store.proxy):
        probe = call()
    control(call(label="control: nothing is wrong"))
    return probe


def _create_key(kms: KmsClient, provisioner: Provisioner, cause: Cause) -> KmsReply:
    store = provisioner.keyed_store(kms)
    call = partial(
        kms.call,
        "CreateKey",
        Origin="EXTERNAL_KEY_STORE",
        CustomKeyStoreId=store.id,
        XksKeyId=store.proxy.add_key().id,
    )
    with cause(store.proxy):
        probe = call()
    provisioner.adopt_key(probe)
    if not probe.succeeded:
        again = call(label="control: nothing is wrong")
        provisioner.adopt_key(again)
        control(again)
    return probe


def _use_key(
    operation: KmsOperation, kms: KmsClient, provisioner: Provisioner, cause: Cause
) -> KmsReply:
    key = provisioner.shared_key(kms)
    call = partial(kms.call, operation, **_parameters(operation, kms, key))
    control(call(label="control: nothing is wrong"))
    with cause(key.store.proxy):
        return call()


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


_ATTEMPTS: Mapping[
    KmsOperation, Callable[[KmsClient, Provisioner, Cause], KmsReply]
] = {
    KmsOperation.CREATE: _create,
    KmsOperation.UPDATE: _update,
    KmsOperation.CREATE_KEY: _create_key,
    **{operation: partial(_use_key, operation) for operation in _CRYPTOGRAPHY},
}


def attempt_to_connect(
    kms: KmsClient, provisioner: Provisioner, cause: Cause
) -> KmsReply:
    """What DescribeCustomKeyStores says after a connection while something is wrong.

    Raises:
        NotTestable: the store does not connect while nothing is wrong, or
            ConnectCustomKeyStore itself fails, which is KMS-CONNECT-010.
    """
    store = provisioner.keyed_store(kms, _ROLE)
    provisioner.disconnect(kms, store)
    with cause(store.proxy):
        begun = kms.call("ConnectCustomKeyStore", CustomKeyStoreId=store.id)
        control(begun)
        wait_while(kms, store.id, "CONNECTING")
    return kms.call("DescribeCustomKeyStores", CustomKeyStoreId=store.id)
