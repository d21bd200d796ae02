"""What a call is about, for faults that are meant for one key store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.faults import Occasion
from pytest_xks.kms.keys.blob import Blob, BlobError
from pytest_xks.proxy_api.encoding import DecodingError, decode_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_xks.kms.account import AccountRegion

__all__ = ["occasion_of"]

_KEY_MEMBERS = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
_STORE_MEMBERS = ("CustomKeyStoreId", "CustomKeyStoreName")


def occasion_of(
    operation: str, parameters: Mapping[str, object], regions: Iterable[AccountRegion]
) -> Occasion:
    """What a call is about, as far as its parameters tell.

    Args:
        operation: the operation.
        parameters: whatever was sent.
        regions: what accounts have.
    """
    regions = list(regions)
    named = {str(parameters.get(member)) for member in _STORE_MEMBERS}
    keys = [
        key
        for region in regions
        for key_id in _key_ids(parameters)
        if (key := region.keys.find(key_id))
    ]
    stores = [key.store for key in keys] + [
        store
        for region in regions
        for store in list(region.stores.values())
        if {store.id, store.name} & named
    ]
    return Occasion(
        operation=operation,
        key_stores=frozenset(name for each in stores for name in (each.id, each.name)),
        external_key_ids=frozenset(key.external_key_id for key in keys),
    )


def _key_ids(parameters: Mapping[str, object]) -> Iterator[str]:
    for member in _KEY_MEMBERS:
        if isinstance(value := parameters.get(member), str):
            yield value
    try:
        blob = decode_base64(str(parameters.get("CiphertextBlob")))
        yield Blob.from_bytes(blob).key_arn
    except (DecodingError, BlobError):
        return
