"""Which key in an external key store an identifier means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.keys.key import XksKey

__all__ = ["find_key"]


def find_key(context: Context, key_id: str) -> XksKey | None:
    """The key in an external key store that is meant, whoever owns it.

    Args:
        context: the caller's account and Region, and all others.
        key_id: a key id, key ARN, alias name or alias ARN. An ARN may name another
            account (KMS-AUTHZ-004), but no other Region.
    """
    here = context.region
    if not key_id.startswith("arn:"):
        return here.keys.find(key_id)
    parts = key_id.split(":")
    if len(parts) != 6 or parts[3] != here.name:
        return None
    if parts[4] == here.account_id:
        return here.keys.find(key_id)
    for region in list(context.regions()):
        if (region.account_id, region.name) == (parts[4], here.name):
            return region.keys.find(key_id)
    return None
