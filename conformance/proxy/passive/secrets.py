"""Rules on what no answer may hold: secrets, and the plaintexts of others."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from ..client.bodies import ALL_OPERATIONS, to_json
from . import plaintexts
from .forms import forms
from .rule import Complaint, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_xks.certify.targets.proxy_target import ProxyTarget

    from .observation import Observation

__all__ = ["NO_PLAINTEXT_IS_SHOWN", "no_secret_is_shown"]

# What the specification has Encrypt and Decrypt return.
_OF_ENCRYPT_AND_DECRYPT = {
    "ciphertext",
    "ciphertextMetadata",
    "initializationVector",
    "authenticationTag",
    "ciphertextDataIntegrityValue",
    "plaintext",
}
_SCOPE = re.compile(r"Credential=([^/,]+)/([^,]+)")


def _texts(seen: Observation) -> bytes:
    """Everything in an answer, but what Encrypt and Decrypt have to return."""
    received = seen.exchange.received
    headers = received.headers if received else ()
    lines = [value for name, value in headers if name.lower() != "date"]
    document, body = seen.document, seen.answer.body
    if seen.status == 200 and document is not None:
        rest = {n: v for n, v in document.items() if n not in _OF_ENCRYPT_AND_DECRYPT}
        body = to_json(rest)
    return "\n".join(lines).encode("utf-8", "replace") + b"\n" + body


def _distinct(seen: Iterable[Observation]) -> dict[bytes, Observation]:
    """The different texts of all answers, with the first of each."""
    texts: dict[bytes, Observation] = {}
    for observation in seen:
        texts.setdefault(_texts(observation), observation)
    return texts


def _found(
    seen: Iterable[Observation], hidden: Iterable[tuple[str, bytes]]
) -> Iterator[Complaint]:
    """The answers that hold what has to be hidden, in whatever form."""
    texts = _distinct(seen)
    everything = b"\n".join(texts)
    for name, secret in hidden:
        for form, text in forms(secret):
            if text in everything:
                observation = next(o for t, o in texts.items() if text in t)
                yield observation, f"{name}, {form}"
                break


# -- secrets ---------------------------------------------------------------------------


def _signing_keys(seen: Iterable[Observation], secrets: dict[str, str]) -> set[bytes]:
    """The signing keys of all scopes that were signed for, and those on their way."""
    scopes = set()
    for observation in seen:
        for name, value in observation.exchange.headers:
            if name.lower() == "authorization" and (found := _SCOPE.search(value)):
                scopes.add((found[1], found[2]))
    keys = set()
    for access_key_id, scope in scopes:
        key = f"AWS4{secrets.get(access_key_id, '')}".encode()
        for part in scope.split("/") if access_key_id in secrets else ():
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            keys.add(key)
    return keys


def no_secret_is_shown(target: ProxyTarget) -> Rule:
    """No answer holds a secret access key of the target, or a key derived from one."""
    secrets = {c.access_key_id: c.secret_access_key for _, c in target.credentials()}

    def complaints(seen: Iterable[Observation]) -> Iterator[Complaint]:
        seen = list(seen)
        hidden = [("a secret access key", s.encode()) for s in set(secrets.values())]
        hidden += [("a signing key", k) for k in _signing_keys(seen, secrets)]
        yield from _found(seen, hidden)

    return Rule(
        expected="an answer without a secret access key or a key derived from one",
        about=lambda _: True,
        complaints=complaints,
        note="Whoever reads it can sign.",
        sample=lambda proxy: [proxy.control(operation) for operation in ALL_OPERATIONS],
    )


# -- plaintexts ------------------------------------------------------------------------


def _shown(seen: Iterable[Observation]) -> Iterator[Complaint]:
    seen = list(seen)
    hidden = (
        ("the plaintext of a request", secret) for secret in plaintexts.sent(seen)
    )
    yield from _found(seen, hidden)


NO_PLAINTEXT_IS_SHOWN = Rule(
    expected="an answer without a plaintext, but for the plaintext of a Decrypt",
    about=lambda _: True,
    complaints=_shown,
    note="KMS writes errorMessage to its caller's log.",
    sample=lambda proxy: [proxy.control(operation) for operation in ALL_OPERATIONS],
)
