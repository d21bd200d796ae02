"""Faults of GetKeyMetadata, of key states and of key usage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
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


row(
    "metadata-without-key-status",
    "Leaves keyStatus out.",
    Edit(lambda document: document.pop("keyStatus", None)),
    operations=(_METADATA,),
    violates=("XKS-GKM-001", "XKS-GKM-008", "XKS-GKM-009"),
)
row(
    "key-spec-rsa",
    "Reports keySpec RSA_0 for every external key.",
    _reporting(lambda metadata: replace(metadata, key_spec="RSA_0")),
    violates=("XKS-GKM-002",),
)
row(
    "key-spec-always-aes-256",
    "Reports keySpec AES_256 for every external key.",
    _reporting(lambda metadata: replace(metadata, key_spec="AES_256")),
    violates=("XKS-GKM-010",),
)
row(
    "key-usage-in-lower-case",
    "Reports keyUsage in lower case.",
    _reporting(
        lambda metadata: replace(
            metadata, key_usage=[usage.lower() for usage in metadata.key_usage]
        )
    ),
    violates=("XKS-GKM-003", "XKS-GKM-004", "XKS-GKM-005"),
)
row(
    "encrypt-only-key-claims-decrypt",
    "Reports DECRYPT for a key that may only encrypt.",
    _reporting_usage("ENCRYPT", new=("ENCRYPT", "DECRYPT")),
    violates=("XKS-GKM-004",),
)
row(
    "decrypt-only-key-claims-encrypt",
    "Reports ENCRYPT for a key that may only decrypt.",
    _reporting_usage("DECRYPT", new=("ENCRYPT", "DECRYPT")),
    violates=("XKS-GKM-005",),
)
row(
    "unusable-key-claims-usage",
    "Reports ENCRYPT and DECRYPT for a key that may do neither.",
    _reporting_usage(new=("ENCRYPT", "DECRYPT")),
    violates=("XKS-GKM-006",),
)


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


row(
    "disabled-key-claims-enabled",
    "Reports keyStatus ENABLED for a disabled key.",
    _reporting(lambda metadata: replace(metadata, key_status="ENABLED")),
    violates=("XKS-GKM-009",),
)


# -- state and usage ------------------------------------------------------------------


row(
    "serves-disabled-key",
    "Encrypts and decrypts with a disabled key.",
    instead("check_key_state", anything_goes),
    violates=("XKS-ERR-004", "XKS-ERR-031"),
)


def _lenient_on_usage(is_excused: Callable[[ExternalKey, Operation], bool]) -> Effect:
    def check(
        proceed: Callable[..., None], key: ExternalKey, operation: Operation
    ) -> None:
        if not is_excused(key, operation):
            proceed(key, operation)

    return Replace("check_key_usage", check)


row(
    "encrypts-with-decrypt-only-key",
    "Encrypts with a key that may only decrypt.",
    _lenient_on_usage(
        lambda key, operation: (
            operation is Operation.ENCRYPT and set(key.key_usage) == {"DECRYPT"}
        )
    ),
    violates=("XKS-ERR-006",),
)
row(
    "decrypts-with-encrypt-only-key",
    "Decrypts with a key that may only encrypt.",
    _lenient_on_usage(
        lambda key, operation: (
            operation is Operation.DECRYPT and set(key.key_usage) == {"ENCRYPT"}
        )
    ),
    violates=("XKS-ERR-007",),
)
row(
    "serves-key-without-usage",
    "Encrypts and decrypts with a key that may do neither.",
    _lenient_on_usage(lambda key, _: not {"ENCRYPT", "DECRYPT"} & set(key.key_usage)),
    violates=("XKS-ERR-008",),
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
