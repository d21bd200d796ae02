"""What requests share by mistake: a search by requests that start together.

A cipher, a MAC or a date format that two threads use at once gives one of them a wrong
ciphertext, a wrong plaintext or a refusal, once in many requests. So many start
together, each with a plaintext, AAD and a signature of its own.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Meaning

from ..client.bodies import AAD, ALL_OPERATIONS, ProxyOperation, encrypt_body
from ..client.expect import Outcome, errors, expect, plaintext_is
from ..client.sealing import read_sealed
from .bursts import Burst, Shot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..client.answer import ProxyAnswer
    from ..client.bodies import Body, Sealed
    from ..client.proxy_client import ProxyClient
    from ..client.proxy_session import StoreAccess

_ENCRYPT, _DECRYPT = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
_METADATA, _HEALTH = ProxyOperation.GET_KEY_METADATA, ProxyOperation.GET_HEALTH_STATUS

__all__ = ["judge_concurrency"]

# How many clients, how often, and whether all ask for the same at a time. A Cipher that
# the threads of a Java proxy share shows within twenty bursts of 32; of 16, in one run
# of three, not within fifty.
_ROUNDS = ((8, 12, False), (32, 36, True))
_TURNS = (_ENCRYPT, _DECRYPT, _ENCRYPT, _DECRYPT, _METADATA, _HEALTH)
# Pairs of requests that were under way at the same time: with so many, a window of a
# few microseconds in a thousand is met.
_ENOUGH_OVERLAPS = 15_000
_MOST_SECONDS = 10.0
# About 4 kB in every second pair of turns: what takes the cipher longer overlaps more
# often there, what is done before that where the request is short.
_LONG = 80

# "The proxy may send this either because it is unable to keep up" ("Error codes").
_OVERLOADED = errors("ThrottlingException", "DependencyTimeoutException")


def _served_with(member: str) -> Outcome:
    """A served request, recognised by a member that only this operation returns."""
    return Outcome(
        f"200 with {member}",
        lambda answer: answer.status == 200 and member in (answer.document or {}),
    )


_ANSWERS = {
    _ENCRYPT: _served_with("ciphertext"),
    _DECRYPT: _served_with("plaintext"),
    _METADATA: _served_with("keySpec"),
    _HEALTH: _served_with("ekmFleetDetails"),
}


class _Client:
    """Encrypts and decrypts what is its own, and looks at what it gets."""

    def __init__(
        self, proxy: ProxyClient, number: int, store: StoreAccess, key: str
    ) -> None:
        self._proxy = proxy
        self._number = number
        self._store = store
        self._key = key
        self._plaintext = self._aad = b""
        self._sealed: Sealed | None = None
        self._operation = _ENCRYPT

    def shot(self, turn: int, *, lockstep: bool) -> Shot:
        """Its next request."""
        offset = 0 if lockstep else self._number
        operation = _TURNS[(turn + offset) % len(_TURNS)]
        if operation is _DECRYPT and self._sealed is None:
            operation = _ENCRYPT
        self._operation = operation
        proxy, store = self._proxy, self._store
        return Shot(
            request=proxy.request(
                operation, self._body(operation, turn), key=self._key, store=store
            ),
            label=f"{operation.title}, client {self._number}, turn {turn}",
            meaning=Meaning(
                operation=operation.title,
                key_id=self._key,
                credential=store.credential_name,
                store=store.uri_path,
            ),
        )

    def _body(self, operation: ProxyOperation, turn: int) -> Body:
        if operation is _ENCRYPT:
            times = _LONG if turn // 2 % 2 else 1
            self._plaintext = os.urandom(16 + self._number) * times
            self._aad = (AAD + bytes([self._number])) * times
            return encrypt_body(self._plaintext, aad=self._aad)
        if operation is _DECRYPT and self._sealed is not None:
            return self._sealed.body()
        return self._proxy.good_body(operation)

    def look(self, answer: ProxyAnswer) -> None:
        """Judge what came to its last request.

        Raises:
            Violation: it is not the answer to that request.
        """
        expect(answer, _ANSWERS[self._operation], *_OVERLOADED)
        sealed, self._sealed = self._sealed, None
        if answer.status != 200:
            return
        if self._operation is _ENCRYPT:
            self._sealed = read_sealed(answer, self._plaintext, self._aad)
        elif self._operation is _DECRYPT and sealed is not None:
            plaintext_is(answer, sealed.plaintext)


def _places(proxy: ProxyClient) -> list[tuple[StoreAccess, str]]:
    """The keys that encrypt and decrypt, of every key store that the file names."""
    target = proxy.target
    roles = ("usable", "second", "special_characters")
    places = [(proxy.main, target.keys[r]) for r in roles if r in target.keys]
    if target.second_store:
        second = proxy.store("second_store", target.second_store)
        places.append((second, second.keys["usable"]))
    return places


def judge_concurrency(proxy: ProxyClient) -> int:
    """Send until enough requests were under way together; judge every answer.

    Returns:
        How many pairs of requests were.

    Raises:
        NotTestable: a good request alone is not served.
        Violation: an answer is none to its request.
    """
    places = _places(proxy)
    controls = [proxy.control(operation) for operation in ALL_OPERATIONS]
    controls += [proxy.control(_ENCRYPT, key=key, store=store) for store, key in places]
    proxy.require_served(controls)
    overlaps, end = 0, monotonic() + _MOST_SECONDS
    in_breadth = proxy.session.goes_into_breadth("XKS-HTTP-010")
    for clients, most_turns, lockstep in _ROUNDS:
        turns = most_turns if in_breadth else len(_TURNS)
        with Burst(proxy, clients) as burst:
            for numbered, turn in _turns(proxy, places, clients, turns):
                kept_up = _is_kept_up(burst, numbered, turn, lockstep=lockstep)
                enough = overlaps + burst.overlaps >= _ENOUGH_OVERLAPS
                if not kept_up or enough or monotonic() > end:
                    break
        overlaps += burst.overlaps
    return overlaps


def _turns(
    proxy: ProxyClient,
    places: Sequence[tuple[StoreAccess, str]],
    clients: int,
    turns: int,
) -> Iterator[tuple[list[_Client], int]]:
    """The clients of every turn: all with one key, and with every key in its turn."""
    at_each = [
        [_Client(proxy, number, store, key) for number in range(clients)]
        for store, key in places
    ]
    for turn in range(turns):
        # Encrypt and Decrypt are two turns.
        yield at_each[turn // 2 % len(places)], turn


def _is_kept_up(
    burst: Burst, clients: Sequence[_Client], turn: int, *, lockstep: bool
) -> bool:
    """One turn of all clients; whether the proxy served at least half of them."""
    answers = burst.fire([c.shot(turn, lockstep=lockstep) for c in clients])
    for client, answer in zip(clients, answers, strict=True):
        client.look(answer)
    return sum(answer.status == 200 for answer in answers) * 2 >= len(answers)
