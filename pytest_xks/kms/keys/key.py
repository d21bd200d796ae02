"""What a KMS key in an external key store is, and where the keys are kept.

Nothing here knows moto: the keys are moto's, and ``KeyRepository`` says what is asked
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["KeyRepository", "NamedKey", "XksKey"]


class XksKey(Protocol):
    """A KMS key in an external key store."""

    id: str
    arn: str
    account_id: str
    key_state: str
    """The state it would have in a connected store."""
    enabled: bool
    deletion_date: datetime | None
    """When it will be deleted; without a time zone and in UTC, as moto has it."""
    key_material: bytes
    """KMS's own; never leaves KMS."""
    store: ExternalKeyStore
    external_key_id: str
    last_usage: tuple[str, float, str] | None
    """The last cryptographic operation that succeeded: its name, when (in seconds since
    the epoch), and the id of the request."""

    policy: str
    grants: dict[str, Any]
    """By their ids."""

    def tag_keys(self) -> Sequence[str]:
        """The keys of its tags."""

    def metadata(self) -> dict[str, object]:
        """The KeyMetadata (KMS-CREATEKEY-032)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """A KMS key that a request names, whichever identifier it uses."""

    id: str
    arn: str
    account_id: str
    """The account that owns it."""
    usage: str
    """The KeyUsage."""
    spec: str
    """The KeySpec."""
    key: XksKey | None
    """None for a standard key."""


class KeyRepository(Protocol):
    """The KMS keys of an account in a Region: standard keys, and ours among them."""

    def arn_of(self, key_id: str) -> str | None:
        """The ARN of the key with a key id, standard or not; None if there is none."""

    def kind_of(self, key_id: str) -> tuple[str, str]:
        """KeyUsage and KeySpec of a key that there is."""

    def target_of(self, alias: str) -> str | None:
        """The id of the key that an alias means; of AWS's own it may be a new one."""

    def find(self, key_id: str) -> XksKey | None:
        """The key in an external key store that a key id, key ARN or alias means."""

    def in_store(self, custom_key_store_id: str) -> Sequence[XksKey]:
        """The keys in an external key store."""

    def create(  # noqa: PLR0913 - keyword-only, the properties of a key
        self,
        *,
        store: ExternalKeyStore,
        external_key_id: str,
        policy: str | None,
        description: str,
        tags: Sequence[dict[str, str]],
        created: datetime,
    ) -> XksKey:
        """Make a KMS key in an external key store."""

    def delete(self, key: XksKey) -> None:
        """Delete a KMS key with its aliases and tags."""

    def knows_token(self, token: str) -> bool:
        """Whether a grant token belongs to a grant on one of the keys."""

    def retire(self, token: str) -> None:
        """Delete the grant that a grant token belongs to."""

    def plain_key_of(self, blob: bytes) -> str | None:
        """The id of the standard key that a ciphertext blob belongs to, if any."""

    def encrypt_plain(
        self, key_id: str, plaintext: bytes, context: dict[str, str]
    ) -> tuple[bytes, str]:
        """Encrypt under a standard key: ciphertext blob and key ARN."""

    def decrypt_plain(self, blob: bytes, context: dict[str, str]) -> tuple[bytes, str]:
        """Decrypt under a standard key: plaintext and key ARN."""
