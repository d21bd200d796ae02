"""Secrets leave no trace: everything that is shown or written passes here first.

A secret is replaced in every form in which an answer or a log might repeat it. Names of
shell variables stand in reproduction lines from the start, so nothing is lost by it.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MASK", "Redactor", "without_signature"]

MASK = "[redacted]"

T = TypeVar("T")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_SIGNATURE = re.compile(r"(Signature=)[0-9A-Za-z+/=%]+")


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret, safe="/"),
        secret.replace("/", "\\/"),
        base64.b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
        raw.hex().upper(),
    }


class Redactor:
    """Replaces secrets in texts and documents.

    Args:
        secrets: the secret access keys; none of them is kept in a repr.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        # The longest first, so that no form leaves the rest of another behind.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")

    def text(self, text: str) -> str:
        """``text`` without secrets and private keys."""
        return _PRIVATE_KEY.sub(MASK, self._pattern.sub(MASK, text))

    def raw(self, content: bytes) -> bytes:
        """``content`` without secrets and private keys; for bodies of any encoding."""
        # Latin-1 maps every byte to itself and back.
        return self.text(content.decode("latin-1")).encode("latin-1")

    def document(self, value: T) -> T:
        """A copy of a JSON document in which no text has a secret."""
        return self._value(value)  # type: ignore[return-value] # the same shape

    def _value(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(k): self._value(v) for k, v in value.items()}
            case list() | tuple():
                return [self._value(item) for item in value]
            case _:
                return value


def without_signature(header: str) -> str:
    """An Authorization header's value without its signature."""
    return _SIGNATURE.sub(rf"\1{MASK}", header)
