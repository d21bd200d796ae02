"""Faults of GetKeyMetadata, of key states and of key usage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy.faults.patterns import anything_goes, fails_internally, instead
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy_api.messages import KeyMetadata

_METADATA = Operation.GET_KEY_METADATA


def _reporting(change: Callable[[KeyMetadata], KeyMetadata]) -> Effect:
    """A proxy that reports other attributes than the key has."""
    return Replace("get_key_metadata", lambda proceed, key: change(proceed(key)))


def _reporting_usage(*old: str, new: tuple[str, ...]) -> Effect:
    """A proxy that reports one combination of usages as another."""

    def change(metadata: KeyMetadata) -> KeyMetadata:
        usage = set(metadata.key_usage) & {"ENCRYPT", "DECRYPT"}
        return replace(metadata, key_usage=new) if usage == set(old) else metadata

    return _reporting(change)


@fault(operations=(_METADATA,), violates=("XKS-GKM-001", "XKS-GKM-008", "XKS-GKM-009"))
def metadata_without_key_status() -> Effect:
    """Leaves keyStatus out."""
    return Edit(lambda document: document.pop("keyStatus", None))


@fault(violates=("XKS-GKM-002",))
def key_spec_rsa() -> Effect:
    """Reports keySpec RSA_0 for every external key."""
    return _reporting(lambda metadata: replace(metadata, key_spec="RSA_0"))


@fault(violates=("XKS-GKM-010",))
def key_spec_always_aes_256() -> Effect:
    """Reports keySpec AES_256 for every external key."""
    return _reporting(lambda metadata: replace(metadata, key_spec="AES_256"))


@fault(violates=("XKS-GKM-003", "XKS-GKM-004", "XKS-GKM-005"))
def key_usage_in_lower_case() -> Effect:
    """Reports keyUsage in lower case."""
    return _reporting(
        lambda metadata: replace(
            metadata, key_usage=[usage.lower() for usage in metadata.key_usage]
        )
    )


@fault(violates=("XKS-GKM-004",))
def encrypt_only_key_claims_decrypt() -> Effect:
    """Reports DECRYPT for a key that may only encrypt."""
    return _reporting_usage("ENCRYPT", new=("ENCRYPT", "DECRYPT"))


@fault(violates=("XKS-GKM-005",))
def decrypt_only_key_claims_encrypt() -> Effect:
    """Reports ENCRYPT for a key that may only decrypt."""
    return _reporting_usage("DECRYPT", new=("ENCRYPT", "DECRYPT"))


@fault(violates=("XKS-GKM-006",))
def unusable_key_claims_usage() -> Effect:
    """Reports ENCRYPT and DECRYPT for a key that may do neither."""
    return _reporting_usage(new=("ENCRYPT", "DECRYPT"))


@fault(violates=("XKS-GKM-007",))
def eleven_key_usages() -> Effect:
    """Reports more than ten values of keyUsage."""
    more = [f"VENDOR_{number}" for number in range(11)]
    return _reporting(
        lambda metadata: replace(metadata, key_usage=[*metadata.key_usage, *more])
    )


@fault(violates=("XKS-GKM-008",))
def key_status_active() -> Effect:
    """Reports keyStatus ACTIVE where it should say ENABLED."""

    def change(metadata: KeyMetadata) -> KeyMetadata:
        if metadata.key_status == "ENABLED":
            return replace(metadata, key_status="ACTIVE")
        return metadata

    return _reporting(change)


@fault(violates=("XKS-GKM-009",))
def disabled_key_claims_enabled() -> Effect:
    """Reports keyStatus ENABLED for a disabled key."""
    return _reporting(lambda metadata: replace(metadata, key_status="ENABLED"))


# -- state and usage ------------------------------------------------------------------


@fault(violates=("XKS-ERR-004",))
def serves_disabled_key() -> Effect:
    """Encrypts and decrypts with a disabled key."""
    return instead("check_key_state", anything_goes)


def _lenient_on_usage(is_excused: Callable[[ExternalKey, Operation], bool]) -> Effect:
    def check(
        proceed: Callable[..., None], key: ExternalKey, operation: Operation
    ) -> None:
        if not is_excused(key, operation):
            proceed(key, operation)

    return Replace("check_key_usage", check)


@fault(violates=("XKS-ERR-006",))
def encrypts_with_decrypt_only_key() -> Effect:
    """Encrypts with a key that may only decrypt."""
    return _lenient_on_usage(
        lambda key, operation: (
            operation is Operation.ENCRYPT and set(key.key_usage) == {"DECRYPT"}
        )
    )


@fault(violates=("XKS-ERR-007",))
def decrypts_with_encrypt_only_key() -> Effect:
    """Decrypts with a key that may only encrypt."""
    return _lenient_on_usage(
        lambda key, operation: (
            operation is Operation.DECRYPT and set(key.key_usage) == {"ENCRYPT"}
        )
    )


@fault(violates=("XKS-ERR-008",))
def serves_key_without_usage() -> Effect:
    """Encrypts and decrypts with a key that may do neither."""
    return _lenient_on_usage(
        lambda key, _: not {"ENCRYPT", "DECRYPT"} & set(key.key_usage)
    )


@fault(violates=("XKS-ERR-018",))
def wrong_key_type_as_500() -> Effect:
    """Fails internally on a key that is not AES-256."""

    def check(
        proceed: Callable[..., None], key: ExternalKey, operation: Operation
    ) -> None:
        if key.key_spec != "AES_256" and operation is not _METADATA:
            fails_internally()
        proceed(key, operation)

    return Replace("check_key_usage", check)
