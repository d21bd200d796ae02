"""Faults that put into an answer what does not belong there."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault
from pytest_xks.proxy.faults.patterns import before_document, delivered
from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.encoding import DecodingError, decode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy.keys import ExternalKey
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request


def _with_header(delivery: Delivery, name: str, value: str) -> Delivery:
    response = delivery.response
    headers = (*response.headers, (name, value))
    return replace(delivery, response=replace(response, headers=headers))


def _member(request: Request, *path: str) -> str:
    """A text of the request's document; empty if there is none."""
    try:
        value: object = decode_json(request.body)
    except DecodingError:
        return ""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


@fault(violates=("XKS-RUN-002",))
def shows_signing_key() -> Effects:
    """Puts the signing key of a request that it serves into a header of the answer."""
    keys = threading.local()

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        access_key_id = proceed(request, secrets, now)
        header = request.header("Authorization") or ""
        scope = sigv4.parse_authorization(header).scope
        keys.last = sigv4.signing_key(secrets[access_key_id], scope).hex()
        return access_key_id

    def show(delivery: Delivery, _: Request) -> Delivery:
        if delivery.response.status != 200:
            return delivery
        return _with_header(delivery, "X-Debug", getattr(keys, "last", "none"))

    return (Replace("authenticate", authenticate), delivered(show))


@fault(violates=("XKS-RUN-003",))
def shows_last_plaintext() -> Effects:
    """Puts the last plaintext that it has read into a header of every answer."""
    last: list[str] = ["none"]

    def remember(body: bytes) -> None:
        try:
            plaintext = json.loads(body)["plaintext"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return
        if isinstance(plaintext, str) and plaintext.isascii() and plaintext:
            last[:] = [plaintext[:512]]

    def show(delivery: Delivery, _: Request) -> Delivery:
        return _with_header(delivery, "X-Debug", last[-1].replace("\n", ""))

    return (before_document(remember), delivered(show))


@fault(violates=("XKS-HTTP-018",))
def request_id_in_header() -> Effect:
    """Repeats kmsRequestId in a header, line ends and all."""

    def show(delivery: Delivery, request: Request) -> Delivery:
        id_ = _member(request, "requestMetadata", "kmsRequestId")
        first, *others = id_.encode("ascii", "ignore").decode().splitlines() or [""]
        text = "".join(c for c in first if c.isprintable())
        delivery = _with_header(delivery, "X-Request-Id", text)
        for line in others:
            name, colon, value = line.partition(":")
            if colon and name.replace("-", "").isalnum():
                delivery = _with_header(delivery, name, value.strip())
        return delivery

    return delivered(show)


@fault(violates=("XKS-ERR-001", "XKS-HTTP-002", "XKS-HTTP-016"))
def error_around_request_id() -> Effect:
    """Writes kmsRequestId into the text of an error without escaping it."""

    def show(delivery: Delivery, request: Request) -> Delivery:
        response = delivery.response
        id_ = _member(request, "requestMetadata", "kmsRequestId")
        if response.status == 200 or not id_:
            return delivery
        message = f',"errorMessage":"request {id_} failed"}}'.encode()
        start = response.body.split(b",")[0].removesuffix(b"}")
        return replace(delivery, response=replace(response, body=start + message))

    return delivered(show)


@fault(violates=("XKS-RUN-004",))
def error_with_members_of_request_id() -> Effect:
    """Writes kmsRequestId into an error so that a quote in it ends the text."""

    def show(delivery: Delivery, request: Request) -> Delivery:
        response = delivery.response
        id_ = _member(request, "requestMetadata", "kmsRequestId")
        if response.status == 200 or not (id_.isprintable() and id_.isascii()):
            return delivery
        body = response.body.removesuffix(b"}") + f',"request":"{id_[:64]}"}}'.encode()
        try:
            json.loads(body)
        except ValueError:
            return delivery
        return replace(delivery, response=replace(response, body=body))

    return delivered(show)


@fault(violates=("XKS-ERR-011", "XKS-RUN-007"))
def makes_keys_that_are_asked_for() -> Effect:
    """Refuses a key that it does not know, and makes it."""

    def find(
        proceed: Callable[..., ExternalKey], store: ProxyKeyStore, external_key_id: str
    ) -> ExternalKey:
        try:
            return proceed(store, external_key_id)
        finally:
            if external_key_id not in store.keys:
                store.add_key(external_key_id)

    return Replace("find_key", find)
