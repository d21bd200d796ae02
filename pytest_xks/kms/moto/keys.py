"""KMS keys in external key stores, among moto's keys.

``Key.__init__`` takes the arguments that ``_XksKey`` gives it, and ``to_dict`` makes
what DescribeKey answers. A ``KmsBackend`` has ``keys`` and a ``tagger``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from moto.kms.models import Key, kms_backends
from moto.kms.utils import RESERVED_ALIASES
from werkzeug.exceptions import HTTPException

from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.rendering import key_metadata
from pytest_xks.kms.stores.store import EXTERNAL_KEY_STORE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from moto.kms.models import KmsBackend

    from pytest_xks.kms.keys.key import XksKey
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["MotoKeys"]

_CHEAP_KEY_SPEC = "ECC_NIST_P256"


class _XksKey(Key):
    """A KMS key in an external key store, among moto's keys."""

    def __init__(
        self,
        *,
        store: ExternalKeyStore,
        external_key_id: str,
        policy: str | None,
        description: str,
        created: datetime,
    ) -> None:
        # moto generates a private key for every key, of RSA for a symmetric one, which
        # takes 80 ms. An elliptic curve takes 30 us; it is never used.
        super().__init__(
            policy,
            "ENCRYPT_DECRYPT",
            _CHEAP_KEY_SPEC,
            description,
            store.account_id,
            store.region,
        )
        self.key_spec = "SYMMETRIC_DEFAULT"
        self.origin = EXTERNAL_KEY_STORE
        self.private_key: Any = None
        self.store = store
        self.external_key_id = external_key_id
        self.creation_date = created.timestamp()
        self.last_usage: tuple[str, float, str] | None = None

    def metadata(self) -> dict[str, object]:
        """The KeyMetadata."""
        return key_metadata(
            self,
            description=self.description,
            created=self.creation_date,
            manager=self.key_manager,
        )

    def tag_keys(self) -> list[str]:
        """The keys of its tags."""
        tagger = kms_backends[self.account_id][self.region].tagger
        tags = tagger.list_tags_for_resource(self.id)["Tags"]
        return [tag["TagKey"] for tag in tags]

    def to_dict(self) -> dict[str, Any]:
        """What moto answers DescribeKey with."""
        return {"KeyMetadata": self.metadata()}


class MotoKeys:
    """moto's keys of an account in a Region, as a ``KeyRepository``."""

    def __init__(self, backend: KmsBackend) -> None:
        self._backend = backend

    def arn_of(self, key_id: str) -> str | None:
        """The ARN of the key with a key id, standard or not; None if there is none."""
        key = self._backend.keys.get(key_id)
        return None if key is None else str(key.arn)

    def kind_of(self, key_id: str) -> tuple[str, str]:
        """KeyUsage and KeySpec of a key that there is."""
        key = self._backend.keys[key_id]
        # moto leaves out what is by default.
        return key.key_usage or "ENCRYPT_DECRYPT", key.key_spec or "SYMMETRIC_DEFAULT"

    def target_of(self, alias: str) -> str | None:
        """The id of the key that an alias means; of AWS's own it may be a new one."""
        return self._backend.get_key_id_from_alias(alias)

    def find(self, key_id: str) -> XksKey | None:
        """The key in an external key store that a key id, key ARN or alias means."""
        keys = self._backend.keys
        key = keys.get(key_id) or keys.get(self._plain_id(key_id))
        return key if isinstance(key, _XksKey) else None

    def _plain_id(self, key_id: str) -> str:
        name = key_id
        if key_id.startswith("arn:"):
            _, _, owner = key_id.partition(":kms:")
            here = f"{self._backend.region_name}:{self._backend.account_id}:"
            if not owner.startswith(here):
                return key_id
            name = owner.removeprefix(here).removeprefix("key/")
        # moto makes a key for a reserved alias that is looked for: not on our account.
        if not name.startswith("alias/") or name in RESERVED_ALIASES:
            return name
        return self._backend.get_key_id_from_alias(name) or key_id

    def in_store(self, custom_key_store_id: str) -> Sequence[XksKey]:
        """The keys in an external key store."""
        return [
            key
            for key in list(self._backend.keys.values())
            if isinstance(key, _XksKey) and key.store.id == custom_key_store_id
        ]

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
        key = _XksKey(  # type: ignore[abstract] # moto's classes are not abstract
            store=store,
            external_key_id=external_key_id,
            policy=policy,
            description=description,
            created=created,
        )
        self._backend.keys[key.id] = key
        if tags:
            self._backend.tagger.tag_resource(key.id, list(tags))
        return key

    def delete(self, key: XksKey) -> None:
        """Delete a KMS key with its aliases and tags."""
        # moto 5.0 keeps the aliases at the backend, newer ones at the key.
        aliases = getattr(self._backend, "key_to_aliases", {}).get(key.id, ())
        for alias in list(aliases):
            self._backend.delete_alias(alias)
        self._backend.delete_key(key.id)

    def knows_token(self, token: str) -> bool:
        """Whether a grant token belongs to a grant on one of the keys."""
        return bool(self._grants_of(token))

    def retire(self, token: str) -> None:
        """Delete the grant that a grant token belongs to."""
        for grants, grant_id in self._grants_of(token):
            del grants[grant_id]

    def _grants_of(self, token: str) -> list[tuple[dict[str, Any], str]]:
        return [
            (key.grants, grant_id)
            for key in list(self._backend.keys.values())
            for grant_id, grant in list(key.grants.items())
            if token in getattr(grant, "tokens", (grant.token,))
        ]

    def plain_key_of(self, blob: bytes) -> str | None:
        """The id of the standard key that a ciphertext blob belongs to, if any."""
        key_id = blob[:36].decode("ascii", "replace")
        key = self._backend.keys.get(key_id)
        return None if key is None or isinstance(key, _XksKey) else key_id

    def encrypt_plain(
        self, key_id: str, plaintext: bytes, context: dict[str, str]
    ) -> tuple[bytes, str]:
        """Encrypt under a standard key: ciphertext blob and key ARN."""
        name = key_id.rpartition(":")[2]
        plain_id = (
            self._backend.get_key_id_from_alias(name)
            if name.startswith("alias/")
            else self._plain_id(key_id)
        )
        if plain_id not in self._backend.keys:
            raise KmsError(ErrorCode.NOT_FOUND, f"Key '{key_id}' does not exist")
        with _moto_errors():
            return self._backend.encrypt(
                key_id=plain_id, plaintext=plaintext, encryption_context=context
            )

    def decrypt_plain(self, blob: bytes, context: dict[str, str]) -> tuple[bytes, str]:
        """Decrypt under a standard key: plaintext and key ARN."""
        with _moto_errors():
            return self._backend.decrypt(
                ciphertext_blob=blob, encryption_context=context
            )


@contextmanager
def _moto_errors() -> Iterator[None]:
    """Raise a KmsError in place of an exception of moto."""
    try:
        yield
    except HTTPException as error:
        code, message = getattr(error, "error_type", ""), getattr(error, "message", "")
        raise KmsError(str(code), str(message)) from None
