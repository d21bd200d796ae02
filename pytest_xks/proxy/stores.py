"""Key stores as the proxy sees them: a path prefix with credentials and external keys.

"API operations": the path prefix "provides a mechanism to support multiple isolated
customers on the same XKS proxy". Everything here may change while the proxy is serving.
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Unpack

from pytest_xks.proxy.keys import ExternalKey
from pytest_xks.proxy_api.limits import (
    is_access_key_id,
    is_secret_access_key,
    is_uri_path,
)
from pytest_xks.proxy_api.sigv4 import Credential

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_xks.proxy.admission import Deny, RequestQuota
    from pytest_xks.proxy.keys import ExternalKeyProperties

__all__ = ["ProxyKeyStore", "new_credential"]

_ACCESS_KEY_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ACCESS_KEY_ID_LENGTH = 24
_SECRET_BYTES = 48  # 64 characters of Base64, the longest secret that KMS takes


def new_credential() -> Credential:
    """A random credential that KMS would accept (Appendix A)."""
    access_key_id = "".join(
        secrets.choice(_ACCESS_KEY_ID_ALPHABET) for _ in range(_ACCESS_KEY_ID_LENGTH)
    )
    # URL-safe Base64 of 48 bytes has no padding; map its two extra characters to
    # the ones that AWS allows.
    secret = secrets.token_urlsafe(_SECRET_BYTES).replace("-", "+").replace("_", "/")
    return Credential(access_key_id, secret)


def _checked(credential: Credential) -> Credential:
    if not is_access_key_id(credential.access_key_id):
        raise ValueError("an access key id has 20 to 30 characters out of A-Z and 2-7")
    if not is_secret_access_key(credential.secret_access_key):
        raise ValueError(
            "a secret access key has 43 to 64 characters out of letters, digits, "
            "/, + and ="
        )
    return credential


class ProxyKeyStore:
    """One path prefix of the proxy.

    Args:
        uri_path: the XksProxyUriPath, ending in ``/kms/xks/v1``.
        credential: the first credential; a random one by default.
        deny: statements of secondary authorization.
        quota: a request quota; none by default.

    Raises:
        ValueError: an argument that KMS would not accept.
    """

    def __init__(
        self,
        uri_path: str,
        *,
        credential: Credential | None = None,
        deny: Iterable[Deny] = (),
        quota: RequestQuota | None = None,
    ) -> None:
        if not is_uri_path(uri_path):
            raise ValueError(
                "a URI path has at most 128 characters out of a-z, A-Z, 0-9, '/', '-' "
                f"and '_' and ends in /kms/xks/v1: {uri_path!r}"
            )
        self.uri_path = uri_path
        self.deny = tuple(deny)
        self.quota = quota
        self.enabled = True
        self.credential = _checked(credential or new_credential())
        self._secrets = {
            self.credential.access_key_id: self.credential.secret_access_key
        }
        self._keys: dict[str, ExternalKey] = {}

    def __repr__(self) -> str:
        """The store without its secrets."""
        return f"ProxyKeyStore({self.uri_path!r}, keys={sorted(self._keys)})"

    @property
    def secrets(self) -> Mapping[str, str]:
        """Secret access keys that are valid now, by access key id."""
        return self._secrets

    def add_credential(self, credential: Credential | None = None) -> Credential:
        """Accept one more credential beside those there ("SigV4 credentials rotation").

        Raises:
            ValueError: a credential that KMS would not accept.
        """
        added = _checked(credential or new_credential())
        # A new mapping, so that a request under way sees one state or the other.
        self._secrets = {
            **self._secrets,
            added.access_key_id: added.secret_access_key,
        }
        return added

    def remove_credential(self, access_key_id: str) -> None:
        """Accept a credential no longer; nothing happens if it is unknown."""
        self._secrets = {
            known: secret
            for known, secret in self._secrets.items()
            if known != access_key_id
        }

    def rotate_credential(self) -> Credential:
        """Add a credential and make it the store's own; the old one stays valid."""
        self.credential = self.add_credential()
        return self.credential

    @property
    def keys(self) -> Mapping[str, ExternalKey]:
        """External keys by external key id."""
        return self._keys

    def add_key(
        self,
        external_key_id: str | None = None,
        **properties: Unpack[ExternalKeyProperties],
    ) -> ExternalKey:
        """Create an external key.

        Args:
            external_key_id: a random one by default.
            properties: those of ``ExternalKey``.

        Raises:
            ValueError: a property out of bounds, or an id that is taken.
        """
        key = ExternalKey(external_key_id or str(uuid.uuid4()), **properties)
        if key.id in self._keys:
            raise ValueError(f"there is an external key {key.id!r} already")
        self._keys[key.id] = key
        return key

    def remove_key(self, external_key_id: str) -> None:
        """Delete an external key; nothing happens if it is unknown."""
        self._keys.pop(external_key_id, None)
