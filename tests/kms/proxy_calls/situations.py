"""How each row of failures.json comes about, and which call then fails.

A situation is a function of a system and an operation. It prepares what the
operation needs, breaks what the row says, and returns the call that is to fail.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.kms.stores.vpc import VpcProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import System

    Thunk = Callable[[], object]
    Situation = Callable[[System, str], Thunk]

__all__ = ["SITUATIONS"]

CONTEXT = {"project": "nile", "department": "marketing"}


# -- the operations ---------------------------------------------------------------


def _call(system: System, operation: str, key: str, blob: bytes | None) -> Thunk:
    """A call of an operation on a key; ``blob`` is one of its ciphertexts."""
    kms = system.kms
    calls: dict[str, Thunk] = {
        "CancelKeyDeletion": lambda: kms.cancel_key_deletion(KeyId=key),
        "CreateAlias": lambda: kms.create_alias(AliasName="alias/new", TargetKeyId=key),
        "CreateGrant": lambda: kms.create_grant(
            KeyId=key,
            GranteePrincipal="arn:aws:iam::123456789012:user/Alice",
            Operations=["Encrypt"],
        ),
        "Decrypt": lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT),
        "DeleteImportedKeyMaterial": lambda: kms.delete_imported_key_material(
            KeyId=key
        ),
        "DeriveSharedSecret": lambda: kms.derive_shared_secret(
            KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=b"key"
        ),
        "DescribeKey": lambda: kms.describe_key(KeyId=key),
        "DisableKey": lambda: kms.disable_key(KeyId=key),
        "DisableKeyRotation": lambda: kms.disable_key_rotation(KeyId=key),
        "EnableKey": lambda: kms.enable_key(KeyId=key),
        "EnableKeyRotation": lambda: kms.enable_key_rotation(KeyId=key),
        "Encrypt": lambda: kms.encrypt(
            KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT
        ),
        "GenerateDataKey": lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        "GenerateDataKeyPair": lambda: kms.generate_data_key_pair(
            KeyId=key, KeyPairSpec="RSA_2048"
        ),
        "GenerateDataKeyPairWithoutPlaintext": lambda: (
            kms.generate_data_key_pair_without_plaintext(
                KeyId=key, KeyPairSpec="RSA_2048"
            )
        ),
        "GenerateDataKeyWithoutPlaintext": lambda: (
            kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=24)
        ),
        "GenerateMac": lambda: kms.generate_mac(
            KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_256"
        ),
        "GetKeyRotationStatus": lambda: kms.get_key_rotation_status(KeyId=key),
        "GetParametersForImport": lambda: kms.get_parameters_for_import(
            KeyId=key,
            WrappingAlgorithm="RSAES_OAEP_SHA_256",
            WrappingKeySpec="RSA_2048",
        ),
        "GetPublicKey": lambda: kms.get_public_key(KeyId=key),
        "ImportKeyMaterial": lambda: kms.import_key_material(
            KeyId=key, ImportToken=b"token", EncryptedKeyMaterial=b"material"
        ),
        "ListKeyRotations": lambda: kms.list_key_rotations(KeyId=key),
        "ReEncrypt": lambda: kms.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=key
        ),
        "ReplicateKey": lambda: kms.replicate_key(KeyId=key, ReplicaRegion="us-west-2"),
        "RotateKeyOnDemand": lambda: kms.rotate_key_on_demand(KeyId=key),
        "ScheduleKeyDeletion": lambda: kms.schedule_key_deletion(KeyId=key),
        "Sign": lambda: kms.sign(
            KeyId=key, Message=b"message", SigningAlgorithm="RSASSA_PSS_SHA_256"
        ),
        "TagResource": lambda: kms.tag_resource(
            KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]
        ),
        "UntagResource": lambda: kms.untag_resource(KeyId=key, TagKeys=["a"]),
        "UpdateAlias": lambda: kms.update_alias(AliasName="alias/old", TargetKeyId=key),
        "UpdateKeyDescription": lambda: kms.update_key_description(
            KeyId=key, Description="new"
        ),
        "UpdatePrimaryRegion": lambda: kms.update_primary_region(
            KeyId=key, PrimaryRegion="us-west-2"
        ),
        "Verify": lambda: kms.verify(
            KeyId=key,
            Message=b"message",
            Signature=b"signature",
            SigningAlgorithm="RSASSA_PSS_SHA_256",
        ),
        "VerifyMac": lambda: kms.verify_mac(
            KeyId=key, Message=b"message", Mac=b"mac", MacAlgorithm="HMAC_SHA_256"
        ),
    }
    return calls[operation]


def _key_call(system: System, operation: str) -> tuple[str, Thunk]:
    """A fresh key, and a call of an operation on it that would succeed now."""
    key = system.create_key()
    encrypted = system.kms.encrypt(
        KeyId=key, Plaintext=b"secret", EncryptionContext=CONTEXT
    )
    return key, _call(system, operation, key, encrypted["CiphertextBlob"])


def _update(system: System, store_id: str, **changes: object) -> Thunk:
    changes = changes or {"XksProxyUriPath": system.proxy.uri_path}
    return lambda: system.kms.update_custom_key_store(
        CustomKeyStoreId=store_id, **changes
    )


def _connect(system: System, store_id: str) -> Thunk:
    return lambda: system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)


def _ready(system: System, operation: str) -> Thunk:
    """Prepare an operation; what is returned would succeed now."""
    if operation == "CreateCustomKeyStore":
        return system.create_store
    if operation == "UpdateCustomKeyStore":
        return _update(system, system.create_store())
    if operation == "ConnectCustomKeyStore":
        return _connect(system, system.create_store())
    if operation == "CreateKey":
        store_id = system.connected_store()
        return lambda: system.create_key(store_id)
    return _key_call(system, operation)[1]


# -- between KMS and the proxy ----------------------------------------------------


def _fault(name: str, **options: object) -> Situation:
    def situation(system: System, operation: str) -> Thunk:
        call = _ready(system, operation)
        system.proxy.fault(name, **options)
        return call

    return situation


def _tampered(edit: Callable[[dict[str, Any]], object]) -> Situation:
    def situation(system: System, operation: str) -> Thunk:
        call = _ready(system, operation)
        system.tamper(edit)
        return call

    return situation


def _make_unavailable(document: dict[str, Any]) -> None:
    document["ekmFleetDetails"] = [
        {**each, "healthStatus": "UNAVAILABLE"} for each in document["ekmFleetDetails"]
    ]


def _replace_plaintext(document: dict[str, Any]) -> None:
    length = len(base64.b64decode(document["plaintext"]))
    document["plaintext"] = base64.b64encode(bytes(length)).decode()


def _set(member: str, value: object) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        # Only where the answer has such a member: not of Decrypt before ReEncrypt.
        if member in document:
            document[member] = value

    return edit


def _role(role: str) -> Situation:
    def situation(system: System, _operation: str) -> Thunk:
        store_id = system.connected_store()
        return lambda: system.create_key(store_id, XksKeyId=role)

    return situation


def _not_connected(system: System, operation: str) -> Thunk:
    if operation == "CreateKey":
        store_id = system.create_store()
        return lambda: system.create_key(store_id)
    key, call = _key_call(system, operation)
    _disconnect(system, key)
    return call


def _failed(system: System, operation: str) -> Thunk:
    """A key in a store that is FAILED, where the specification's text is ours."""
    if operation == "CreateKey":
        return _not_connected(system, operation)
    key, call = _key_call(system, operation)
    store_id = _disconnect(system, key)
    with system.proxy.fault("InternalException"):
        system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    return call


def _disconnect(system: System, key: str) -> str:
    store_id = system.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]
    system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    return store_id


def _unhealthy(system: System, operation: str) -> Thunk:
    call = _ready(system, operation)
    (store,) = system.kms.describe_custom_key_stores()["CustomKeyStores"]

    def call_meanwhile() -> None:
        with system.fake.unhealthy_proxy(store["CustomKeyStoreId"]):
            call()

    return call_meanwhile


# -- CreateKey --------------------------------------------------------------------


def _used_twice(system: System, _operation: str) -> Thunk:
    store_id = system.connected_store()
    system.create_key(store_id)
    return lambda: system.create_key(store_id)


def _create_key_with(**changes: object) -> Situation:
    def situation(system: System, _operation: str) -> Thunk:
        store_id = system.connected_store()
        parameters = {
            "Origin": "EXTERNAL_KEY_STORE",
            "CustomKeyStoreId": store_id,
            "XksKeyId": "usable",
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value}
        return lambda: system.kms.create_key(**given)

    return situation


# -- ciphertexts ------------------------------------------------------------------


def _other_context(system: System, operation: str) -> Thunk:
    key = system.create_key()
    blob = system.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    return _call(system, operation, key, blob)


def _cut_blob(system: System, operation: str) -> Thunk:
    key = system.create_key()
    blob = system.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"][:20]
    return _call(system, operation, key, blob)


def _another_key(system: System, operation: str) -> Thunk:
    key = system.create_key()
    store_id = system.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]
    other = system.create_key(store_id, XksKeyId="second")
    blob = system.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    if operation == "Decrypt":
        return lambda: system.kms.decrypt(CiphertextBlob=blob, KeyId=other)
    return lambda: system.kms.re_encrypt(
        CiphertextBlob=blob, SourceKeyId=other, DestinationKeyId=key
    )


# -- stores -----------------------------------------------------------------------


def _second_store(system: System) -> dict[str, object]:
    path = "/second/kms/xks/v1"
    if path not in system.proxy._core.stores:
        system.proxy.add_store(path, credential=system.proxy.credential)
    return {"CustomKeyStoreName": "second", "XksProxyUriPath": path}


def _clash(**clash: object) -> Situation:
    """A second store, unlike the first but for what clashes."""

    def situation(system: System, operation: str) -> Thunk:
        system.create_store()
        second = _second_store(system)
        changes = {
            name: getattr(system.proxy, "uri_path")  # noqa: B009 - beside a literal
            if value is ...
            else value
            for name, value in clash.items()
        }
        if operation == "CreateCustomKeyStore":
            return lambda: system.create_store(**{**second, **changes})
        renamed = {
            "NewCustomKeyStoreName" if name == "CustomKeyStoreName" else name: value
            for name, value in changes.items()
        }
        return _update(system, system.create_store(**second), **renamed)

    return situation


def _vpc(
    system: System, name: str = "vpce.xks.test", **changes: object
) -> dict[str, Any]:
    """The parameters of a store with VPC endpoint service connectivity."""
    service = system.fake.add_vpc_endpoint_service(name)
    parameters = {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyUriEndpoint": f"https://{name}",
        "XksProxyVpcEndpointServiceName": service.name,
    }
    return {**parameters, **changes}


def _create_or_move(
    system: System, operation: str, parameters: dict[str, Any]
) -> Thunk:
    if operation == "CreateCustomKeyStore":
        return lambda: system.create_store(**{**_second_store(system), **parameters})
    store_id = system.create_store(**_second_store(system))
    return _update(system, store_id, **parameters)


def _endpoint_of_vpc_store(system: System, operation: str) -> Thunk:
    host = system.endpoint.removeprefix("https://")
    other = {"CustomKeyStoreName": "vpc", "XksProxyUriPath": "/vpc/kms/xks/v1"}
    if operation == "CreateCustomKeyStore":
        system.create_store(**_vpc(system, host, **other))
        return system.create_store
    # A second public store, to be led to the endpoint of a VPC store.
    system.create_store(**_vpc(system, "vpce.xks.test", **other))
    return _update(
        system, system.create_store(), XksProxyUriEndpoint="https://vpce.xks.test"
    )


def _private_name_twice(system: System, operation: str) -> Thunk:
    system.create_store(**_vpc(system))
    return _create_or_move(system, operation, _vpc(system))


def _service_twice(system: System, operation: str) -> Thunk:
    first = _vpc(system)
    system.create_store(**first)
    service = first["XksProxyVpcEndpointServiceName"]
    second = _vpc(system, "other.xks.test", XksProxyVpcEndpointServiceName=service)
    return _create_or_move(system, operation, second)


def _service_with(*problems: VpcProblem) -> Situation:
    def situation(system: System, operation: str) -> Thunk:
        parameters = _vpc(system)
        service = system.fake.vpc_endpoint_services[
            parameters["XksProxyVpcEndpointServiceName"]
        ]
        if operation == "ConnectCustomKeyStore":
            store_id = system.create_store(**parameters)
            service.problems.update(problems)
            return _connect(system, store_id)
        service.problems.update(problems)
        return _create_or_move(system, operation, parameters)

    return situation


def _service_gone(system: System, operation: str) -> Thunk:
    parameters = _vpc(system)
    if operation == "ConnectCustomKeyStore":
        store_id = system.create_store(**parameters)
        system.fake.vpc_endpoint_services.clear()
        return _connect(system, store_id)
    system.fake.vpc_endpoint_services.clear()
    return _create_or_move(system, operation, parameters)


def _too_many(system: System, _operation: str) -> Thunk:
    for number in range(10):
        path = f"/store-{number}/kms/xks/v1"
        system.proxy.add_store(path, credential=system.proxy.credential)
        system.create_store(CustomKeyStoreName=f"store-{number}", XksProxyUriPath=path)
    return system.create_store


def _port_in_endpoint(system: System, operation: str) -> Thunk:
    endpoint = "https://xks-proxy.test:8443"
    if operation == "CreateCustomKeyStore":
        return lambda: system.create_store(XksProxyUriEndpoint=endpoint)
    return _update(system, system.create_store(), XksProxyUriEndpoint=endpoint)


def _unknown_store(system: System, operation: str) -> Thunk:
    unknown = "cks-1234567890abcdef0"
    kms = system.kms
    calls: dict[str, Thunk] = {
        "ConnectCustomKeyStore": _connect(system, unknown),
        "CreateKey": lambda: system.create_key(unknown),
        "DeleteCustomKeyStore": lambda: kms.delete_custom_key_store(
            CustomKeyStoreId=unknown
        ),
        "DescribeCustomKeyStores": lambda: kms.describe_custom_key_stores(
            CustomKeyStoreName="unknown"
        ),
        "DisconnectCustomKeyStore": lambda: kms.disconnect_custom_key_store(
            CustomKeyStoreId=unknown
        ),
        "UpdateCustomKeyStore": _update(system, unknown),
    }
    return calls[operation]


def _connect_failed(system: System, _operation: str) -> Thunk:
    store_id = system.create_store()
    with system.proxy.fault("InternalException"):
        system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    return _connect(system, store_id)


def _disconnect_twice(system: System, _operation: str) -> Thunk:
    store_id = system.create_store()
    return lambda: system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)


def _update_connected(system: System, _operation: str) -> Thunk:
    store_id = system.connected_store()
    return _update(system, store_id, XksProxyUriEndpoint="https://other.xks.test")


def _delete_connected(system: System, _operation: str) -> Thunk:
    store_id = system.connected_store()
    return lambda: system.kms.delete_custom_key_store(CustomKeyStoreId=store_id)


def _delete_with_keys(system: System, _operation: str) -> Thunk:
    key = system.create_key()
    store_id = _disconnect(system, key)
    system.kms.schedule_key_deletion(KeyId=key)
    return lambda: system.kms.delete_custom_key_store(CustomKeyStoreId=store_id)


def _describe_with(**parameters: str) -> Situation:
    def situation(system: System, _operation: str) -> Thunk:
        system.create_store()
        return lambda: system.kms.describe_custom_key_stores(**parameters)

    return situation


# -- states of keys ---------------------------------------------------------------


def _disabled(system: System, operation: str) -> Thunk:
    key, call = _key_call(system, operation)
    system.kms.disable_key(KeyId=key)
    return call


def _pending(system: System, operation: str) -> Thunk:
    key, call = _key_call(system, operation)
    system.kms.create_alias(AliasName="alias/old", TargetKeyId=system.plain_key())
    system.kms.schedule_key_deletion(KeyId=key)
    return call


def _deleted(system: System, operation: str) -> Thunk:
    key, call = _key_call(system, operation)
    if operation == "Decrypt":
        # Without KeyId, AWS does not tell that the key of a blob is gone.
        blob = system.kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        call = partial(system.kms.decrypt, KeyId=key, CiphertextBlob=blob)
    system.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    system.proxy.clock.advance(
        milliseconds=timedelta(days=7) / timedelta(milliseconds=1)
    )
    return call


def _on_a_key(system: System, operation: str) -> Thunk:
    return _call(system, operation, system.create_key(), None)


def _random_bytes(system: System, _operation: str) -> Thunk:
    store_id = system.connected_store()
    return lambda: system.kms.generate_random(
        NumberOfBytes=8, CustomKeyStoreId=store_id
    )


def _over_quota(system: System, operation: str) -> Thunk:
    key, call = _key_call(system, operation)
    store_id = system.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]
    system.fake.set_request_quota(store_id, 0)
    return call


_PROXY_ERRORS = {
    "ValidationException": range(1, 5),
    "InvalidStateException": range(5, 9),
    "InvalidCiphertextException": range(9, 10),
    "InvalidKeyUsageException": range(11, 13),
    "AuthenticationFailedException": range(13, 17),
    "AccessDeniedException": range(17, 21),
    "KeyNotFoundException": range(21, 23),
    "InvalidUriPathException": range(23, 27),
    "ThrottlingException": range(27, 31),
    "InternalException": range(31, 35),
    "UnsupportedOperationException": range(35, 39),
    "DependencyTimeoutException": range(39, 43),
    "connection-refused": range(43, 47),
    "certificate-expired": range(47, 51),
    "silence": range(51, 55),
    "broken-json": range(55, 59),
}

SITUATIONS: dict[str, Situation] = {
    **{
        f"ERR-{number:03}": _fault(name)
        for name, numbers in _PROXY_ERRORS.items()
        for number in numbers
    },
    "ERR-010": _tampered(_replace_plaintext),
    "ERR-059": _tampered(_make_unavailable),
    "ERR-060": _tampered(_make_unavailable),
    "ERR-061": _not_connected,
    "ERR-062": _failed,
    "ERR-063": _unhealthy,
    "ERR-064": _unhealthy,
    "ERR-065": _role("not_aes_256"),
    "ERR-066": _role("disabled"),
    "ERR-067": _role("no_usage"),
    "ERR-068": _tampered(_set("keyStatus", "BROKEN")),
    "ERR-069": _used_twice,
    "ERR-070": _unknown_store,
    "ERR-071": _create_key_with(KeySpec="RSA_2048"),
    "ERR-072": _create_key_with(XksKeyId=None),
    "ERR-073": _tampered(
        _set("ciphertextMetadata", base64.b64encode(bytes(21)).decode())
    ),
    "ERR-074": _tampered(
        _set("ciphertextDataIntegrityValue", base64.b64encode(bytes(32)).decode())
    ),
    "ERR-075": _tampered(_set("initializationVector", "AAAA")),
    "ERR-076": _tampered(_set("ekmFleetDetails", [])),
    "ERR-077": _other_context,
    "ERR-078": _cut_blob,
    "ERR-079": _another_key,
    "ERR-080": _clash(CustomKeyStoreName="example-store"),
    "ERR-081": _clash(XksProxyUriPath=...),
    "ERR-082": _endpoint_of_vpc_store,
    "ERR-083": _private_name_twice,
    "ERR-084": _service_twice,
    "ERR-085": _service_gone,
    "ERR-086": _service_with(VpcProblem.TOO_FEW_SUBNETS),
    "ERR-087": _service_gone,
    "ERR-088": _service_with(VpcProblem.DOMAIN_NOT_VERIFIED),
    "ERR-089": _too_many,
    "ERR-090": _port_in_endpoint,
    "ERR-091": _unknown_store,
    "ERR-092": _connect_failed,
    "ERR-093": _disconnect_twice,
    "ERR-094": _update_connected,
    "ERR-095": _delete_connected,
    "ERR-096": _delete_with_keys,
    "ERR-097": _describe_with(Marker="no-such-marker"),
    "ERR-098": _describe_with(
        CustomKeyStoreId="cks-1234567890abcdef0", CustomKeyStoreName="example-store"
    ),
    "ERR-099": _disabled,
    "ERR-100": _pending,
    "ERR-101": _not_connected,
    "ERR-102": _pending,
    "ERR-103": _pending,
    "ERR-104": _on_a_key,
    "ERR-105": _deleted,
    "ERR-106": _on_a_key,
    "ERR-107": _on_a_key,
    "ERR-108": _on_a_key,
    "ERR-109": _random_bytes,
    "ERR-110": _on_a_key,
    "ERR-111": _on_a_key,
    "ERR-112": _on_a_key,
    "ERR-113": _over_quota,
}
