"""The proxy of an external key store, as KMS knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = ["ProxyEndpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyEndpoint:
    """Where KMS finds the proxy of a key store, and how it signs there."""

    account_id: str
    """The account that owns the key store."""
    region: str
    """The Region of the key store, for which KMS signs."""
    custom_key_store_id: str | None
    """None while the key store is being created."""
    host: str
    uri_path: str
    credential: Credential
