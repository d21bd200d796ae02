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
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["MASK", "Redactor", "without_signature"]

MASK = "[redacted]"

T = TypeVar("T")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_SIGNATURE = re.compile(r"(Signature=)[0-9A-Za-z+/=%]+")

# What could hold the secret of a key store in one of its forms: it has 43 characters
# or more.
_LONG_RUN = re.compile(r"[0-9A-Za-z+/=%\\_-]{43,}")
_START = 8


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
        learned: yields the secrets of key stores that were made so far; there may be
            hundreds of them.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        learned: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        # The longest first, so that no form leaves the rest of another behind.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
        self._learned = learned
        self._known: set[str] = set()
        # By their first characters: one look-up a position, however many there are.
        self._by_start: dict[str, list[str]] = {}

    def text(self, text: str) -> str:
        """``text`` without secrets and private keys."""
        cleaned = self._pattern.sub(MASK, text)
        if _LONG_RUN.search(cleaned):
            self._learn()
            cleaned = _LONG_RUN.sub(lambda run: self._without_learned(run[0]), cleaned)
        return _PRIVATE_KEY.sub(MASK, cleaned)

    def _learn(self) -> None:
        for secret in set(self._learned()) - self._known:
            self._known.add(secret)
            for form in sorted(_forms(secret), key=len, reverse=True):
                self._by_start.setdefault(form[:_START], []).append(form)

    def _without_learned(self, run: str) -> str:
        for form in set(self._learned_in(run)):
            run = run.replace(form, MASK)
        return run

    def _learned_in(self, run: str) -> Iterator[str]:
        for index in range(len(run) - _START if self._by_start else 0):
            for form in self._by_start.get(run[index : index + _START], ()):
                if run.startswith(form, index):
                    yield form
                    break

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
