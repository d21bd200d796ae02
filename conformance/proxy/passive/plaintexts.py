"""Every plaintext of a run: what Encrypt was given, and what Decrypt gave back.

One that was malformed is one all the same: a proxy that could not decode it may say so,
and quote it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from ..client.bodies import ProxyOperation, read_leniently

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .observation import Observation

__all__ = ["PREFIX_BYTES", "given_back", "sent"]

PREFIX_BYTES = 24
"""How much of a plaintext is looked for: with it, any longer part is found. In Base64
it ends with a whole group."""

# Shorter ones, and those of a few repeated bytes, stand in texts by chance.
_FEWEST_BYTES = 8
_FEWEST_DISTINCT = 4
# In a body that is no JSON.
_MEMBER = re.compile(rb'"plaintext"\s*:\s*"([^"]{8,})"')


def sent(seen: Iterable[Observation]) -> dict[bytes, Observation]:
    """The beginning of every plaintext that was sent, with its first exchange.

    One that was sent as AAD, too, is left out: AAD may be shown and logged.
    """
    seen = list(seen)
    aads = {o.bytes_sent("additionalAuthenticatedData") for o in seen}
    known = {aad[:PREFIX_BYTES] for aad in aads if aad}
    found: dict[bytes, Observation] = {}
    for observation in seen:
        for secret in _sent_in(observation):
            if _is_distinctive(secret) and secret not in known:
                found.setdefault(secret, observation)
    return found


def given_back(seen: Iterable[Observation]) -> dict[bytes, Observation]:
    """The beginning of every plaintext that a Decrypt returned, with its exchange."""
    found: dict[bytes, Observation] = {}
    for observation in seen:
        place = observation.place
        if place is None or place.operation is not ProxyOperation.DECRYPT:
            continue
        plaintext = (observation.bytes_received("plaintext") or b"")[:PREFIX_BYTES]
        if _is_distinctive(plaintext):
            found.setdefault(plaintext, observation)
    return found


def _is_distinctive(secret: bytes) -> bool:
    return len(secret) >= _FEWEST_BYTES and len(set(secret)) >= _FEWEST_DISTINCT


def _sent_in(observation: Observation) -> Iterator[bytes]:
    document = observation.sent
    if document is None:
        for text in _MEMBER.findall(observation.exchange.body):
            yield from _readings(text.decode("latin-1"))
    else:
        yield from _readings(document.get("plaintext"))


def _readings(value: object) -> Iterator[bytes]:
    """What a member may mean: the bytes in Base64, and the text that was sent."""
    if isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value[:8]:
            yield from _readings(each)
        return
    if isinstance(value, int | float):
        yield json.dumps(value).encode()[:PREFIX_BYTES]
    if not isinstance(value, str):
        return
    try:
        yield read_leniently(value)[:PREFIX_BYTES]
    except ValueError:
        # As it was sent, it is no text that a form could be made of, unless in ASCII.
        if value.isascii():
            yield from (part[:PREFIX_BYTES] for part in _parts(value))


def _parts(malformed: str) -> Iterator[bytes]:
    """A text that is no Base64, whole, and what of it is."""
    yield malformed.encode()
    for part in re.findall(r"[0-9A-Za-z+/_-]{8,}", malformed):
        yield part.encode()
