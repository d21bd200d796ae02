"""One exchange of the run, read for what binds every answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..client.answer import ProxyAnswer
from ..client.bodies import Body, ProxyOperation, read_json, read_leniently

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_xks.certify.evidence.exchange import Exchange
    from pytest_xks.certify.evidence.recorder import Recorded
    from pytest_xks.certify.targets.proxy_target import ProxyTarget

__all__ = ["Observation", "Place", "Where"]

# "API operations": the ids of external keys, and where the operations are.
_PATH = re.compile(
    r"(?P<store>.*)/(?:health|keys/(?P<key>[0-9A-Za-z._-]{1,128})/"
    r"(?:metadata|encrypt|decrypt))"
)
_LEGAL_HEADER = re.compile(r"[\x20-\x7e]{0,2048}")

# What has to be served, in bytes of JSON: 5,736 of plaintext or ciphertext, 10,924 of
# AAD ("Encrypt"), ARNs of 2,048 characters ("API operations"), and the rest.
_MEMBERS = {
    "plaintext": 5736,
    "ciphertext": 5736,
    "additionalAuthenticatedData": 10_924,
}
_MOST_BYTES = 24_000
_MOST_NESTED = 100


@dataclass(frozen=True, slots=True)
class Place:
    """An operation on a key, or on none."""

    store: str
    """The URI path of its key store."""
    key: str
    """The external key id; empty for GetHealthStatus."""
    operation: ProxyOperation


@dataclass(frozen=True, slots=True)
class Where:
    """What of a target tells whether KMS could have sent a request."""

    stores: Collection[str]
    origins: Collection[str]
    """Scheme and authority: who speaks plain HTTP to an https port is not KMS."""

    @classmethod
    def of(cls, target: ProxyTarget) -> Where:
        """The key stores and the addresses that a target file names."""
        stores = {target.uri_path}
        for other in (target.second_store, target.throttled_store):
            stores |= {other.uri_path} if other else set()
        if target.authorization and target.authorization.store:
            stores.add(target.authorization.store.uri_path)
        endpoints = {target.endpoint.url}
        if target.mtls and target.mtls.endpoint:
            endpoints.add(target.mtls.endpoint.url)
        return cls(stores, endpoints)


class Observation:
    """One exchange.

    Args:
        recorded: the reference to it.
        where: what the target file names.
    """

    def __init__(self, recorded: Recorded, where: Where) -> None:
        self.recorded = recorded
        self._where = where
        self.exchange: Exchange = recorded.read()
        self.answer = ProxyAnswer(exchange=self.exchange)
        self.status = self.answer.status

    @cached_property
    def document(self) -> Body | None:
        """The answer's body as a JSON object; None if it is none."""
        return self.answer.document

    @cached_property
    def sent(self) -> Body | None:
        """The request's body as a JSON object; None if it is none."""
        return read_json(self.exchange.body)

    @cached_property
    def place(self) -> Place | None:
        """What the path asks for; None if it is no path of the API."""
        exchange = self.exchange
        path = "/" + exchange.url.partition("://")[2].partition("/")[2]
        found = _PATH.fullmatch(path)
        if found is None or found["store"] not in self._where.stores:
            return None
        operation = ProxyOperation(path.rpartition("/")[2])
        return Place(found["store"], found["key"] or "", operation)

    @cached_property
    def could_be_of_kms(self) -> bool:
        """Whether KMS could have sent the request: as to HTTP, path and sizes.

        It need not be authentic, nor valid. What is no request of HTTP, or at another
        host, may be answered by what stands in front of the proxy.
        """
        exchange = self.exchange
        if exchange.method != "POST" or exchange.raw is not None or not self.place:
            return False
        names = [name.lower() for name, _ in exchange.headers]
        headers = dict(zip(names, (v for _, v in exchange.headers), strict=True))
        scheme = exchange.url.partition("://")[0]
        return (
            headers.get("content-type") == "application/json"
            and f"{scheme}://{headers.get('host')}" in self._where.origins
            and not {"expect", "transfer-encoding"} & headers.keys()
            and len(headers) == len(names)
            and all(map(_LEGAL_HEADER.fullmatch, headers.values()))
            and self._is_of_a_size_to_be_served
        )

    @property
    def _is_of_a_size_to_be_served(self) -> bool:
        body = self.exchange.body
        nested = body.count(b"[") + body.count(b"{")
        if len(body) > _MOST_BYTES or nested > _MOST_NESTED:
            return False
        sent = self.sent or {}
        return all(
            len(str(sent.get(member, ""))) <= most for member, most in _MEMBERS.items()
        )

    def bytes_sent(self, member: str) -> bytes | None:
        """A member of the request in Base64; None if it is missing or none."""
        return _bytes(self.sent, member)

    def bytes_received(self, member: str) -> bytes | None:
        """A member of the answer in Base64; None if it is missing or none."""
        return _bytes(self.document, member)


def _bytes(document: Body | None, member: str) -> bytes | None:
    text = (document or {}).get(member)
    if not isinstance(text, str):
        return None
    try:
        return read_leniently(text)
    except ValueError:
        return None
