"""Faults of reading a request: paths, keys, JSON, and parameters."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import (
    before_document,
    fails_internally,
    instead,
    invalid,
)
from pytest_xks.proxy.keys import ExternalKey
from pytest_xks.proxy.rules import respond_error
from pytest_xks.proxy_api.encoding import DecodingError, decode_json
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.uri import parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect, Effects
    from pytest_xks.proxy.rules import Rules
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import (
        DecryptParameters,
        EncryptParameters,
        EncryptResult,
    )
    from pytest_xks.proxy_api.uri import Route

Document = dict[str, object]


# -- paths ----------------------------------------------------------------------------


def _routing(change: Callable[[Route | None, str], Route | None]) -> Effect:
    """A proxy that changes its mind about a path."""
    return Replace("parse_path", lambda proceed, path: change(proceed(path), path))


def _with_small_operation(path: str) -> str:
    head, slash, operation = path.rpartition("/")
    return head + slash + operation.lower()


@fault(violates=("XKS-URI-002",))
def rejects_period_in_key_id() -> Effect:
    """Knows no external key id with a period in it."""

    def change(route: Route | None, _: str) -> Route | None:
        return None if route and "." in (route.external_key_id or "") else route

    return _routing(change)


@fault(violates=("XKS-URI-003",))
def rejects_long_key_ids() -> Effect:
    """Knows no external key id of more than 64 characters."""

    def change(route: Route | None, _: str) -> Route | None:
        return None if route and len(route.external_key_id or "") > 64 else route

    return _routing(change)


@fault(violates=("XKS-URI-005",))
def illegal_key_id_as_500() -> Effect:
    """Fails internally on an external key id that the specification does not allow."""

    def change(route: Route | None, path: str) -> Route | None:
        if route is None and re.search("/keys/.+/(encrypt|decrypt|metadata)$", path):
            fails_internally()
        return route

    return _routing(change)


@fault(violates=("XKS-URI-010",))
def normalizes_slashes() -> Effects:
    """Takes doubled slashes for one and ignores a trailing one."""

    def normal(path: str) -> str:
        return re.sub("/+", "/", path).rstrip("/")

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        try:
            return proceed(request, secrets, now)
        except XksError:
            plain = replace(request, target=normal(request.target))
            return proceed(plain, secrets, now)

    return (
        Replace("parse_path", lambda proceed, path: proceed(normal(path))),
        Replace("authenticate", authenticate),
    )


row(
    "ignores-case-of-operation",
    "Finds the operation of a path in any case.",
    _routing(lambda route, path: route or parse_path(_with_small_operation(path))),
    violates=("XKS-URI-013",),
)


@fault(violates=("XKS-HTTP-005",))
def get_as_404() -> Effect:
    """Answers GET with 404 InvalidUriPathException."""
    error = XksError(ErrorName.INVALID_URI_PATH)
    return instead("refuse_method", lambda _: respond_error(error))


row(
    "serves-get",
    "Answers GET as if it were POST.",
    Replace("allows_method", lambda proceed, name: name == "GET" or proceed(name)),
    violates=("XKS-HTTP-005",),
)


# -- keys and stores ------------------------------------------------------------------


@fault(violates=("XKS-URI-009", "XKS-URI-012"))
def serves_keys_of_another_store() -> Effect:
    """Looks an external key up in every key store that has been used so far."""
    seen: list[ProxyKeyStore] = []

    def find_key(
        proceed: Callable[..., ExternalKey], store: ProxyKeyStore, external_key_id: str
    ) -> ExternalKey:
        if store not in seen:
            seen.append(store)
        for each in (store, *seen):
            if external_key_id in each.keys:
                return each.keys[external_key_id]
        return proceed(store, external_key_id)

    return Replace("find_key", find_key)


@fault(violates=("XKS-URI-001", "XKS-URI-012"))
def ignores_external_key_id() -> Effects:
    """Has one key material for all external keys."""
    shared = ExternalKey("shared")

    def seal(
        proceed: Callable[..., EncryptResult],
        _: ExternalKey,
        parameters: EncryptParameters,
        rules: Rules,
    ) -> EncryptResult:
        return proceed(shared, parameters, rules)

    def open_(
        proceed: Callable[..., bytes],
        _: ExternalKey,
        parameters: DecryptParameters,
        rules: Rules,
    ) -> bytes:
        return proceed(shared, parameters, rules)

    return (Replace("seal", seal), Replace("open", open_))


def _finding(match: Callable[[str, str], bool]) -> Effect:
    """A proxy that takes an external key for the one that was asked for."""

    def find_key(
        proceed: Callable[..., ExternalKey], store: ProxyKeyStore, external_key_id: str
    ) -> ExternalKey:
        if external_key_id in store.keys:
            return proceed(store, external_key_id)
        for key_id, key in store.keys.items():
            if match(key_id, external_key_id):
                return key
        return proceed(store, external_key_id)

    return Replace("find_key", find_key)


row(
    "matches-beginning-of-key-id",
    "Finds a key by the beginning of the external key id.",
    _finding(lambda known, asked: asked.startswith(known)),
    violates=("XKS-ERR-011",),
)
row(
    "ignores-case-of-key-id",
    "Finds a key by its id in any case.",
    _finding(lambda known, asked: asked.lower() == known.lower()),
    violates=("XKS-URI-011",),
)


# -- JSON -----------------------------------------------------------------------------


# An opaque kmsRequestId may need an escape.
@fault(violates=("XKS-HTTP-006", "XKS-META-003"))
def rejects_escaped_json() -> Effect:
    """Refuses a JSON text with an escape or a line break in it."""

    def check(body: bytes) -> None:
        if b"\\" in body or b"\n" in body:
            invalid("The JSON is not plain.")

    return before_document(check)


def _undecodable_as_500(part: str) -> Callable[[bytes], None]:
    def check(body: bytes) -> None:
        try:
            decode_json(body)
        except DecodingError as error:
            if part in str(error):
                fails_internally()

    return check


row(
    "duplicate-members-as-500",
    "Fails internally on a JSON object with two members of one name.",
    before_document(_undecodable_as_500("two members")),
    violates=("XKS-ERR-019",),
)


def _reading_json(read: Callable[[bytes], object]) -> Effect:
    """A proxy that reads bodies in a way of its own, where the right one fails."""

    def parse(proceed: Callable[..., Document], body: bytes) -> Document:
        try:
            return proceed(body)
        except XksError:
            try:
                document = read(body)
            except ValueError:
                document = None
            if not isinstance(document, dict):
                raise
            return document

    return Replace("parse_document", parse)


row(
    "reads-first-json-text",
    "Reads the first JSON text of a body, whatever comes behind it.",
    _reading_json(lambda body: json.JSONDecoder().raw_decode(body.decode())[0]),
    violates=("XKS-ERR-021",),
)
row(
    "reads-invalid-utf-8",
    "Reads bytes that are no UTF-8 as U+FFFD.",
    _reading_json(lambda body: json.loads(body.decode("utf-8", "replace"))),
    violates=("XKS-ERR-021",),
)
row(
    "reads-trailing-commas",
    "Reads JSON with a comma behind the last member.",
    _reading_json(lambda body: json.loads(body.replace(b",}", b"}"))),
    violates=("XKS-ERR-021",),
)


@fault(violates=("XKS-ERR-020",))
def deep_nesting_as_500() -> Effect:
    """Fails internally on deeply nested JSON."""

    def check(body: bytes) -> None:
        if body.count(b"[") > 50 or body.count(b"{") > 50:
            fails_internally()

    return before_document(check)


def _limited(body: bytes) -> None:
    if len(body) > 20_000:
        invalid("The body is too large.")


row(
    "body-limit-20000",
    "Refuses a body of more than 20,000 bytes.",
    before_document(_limited),
    violates=("XKS-DEC-005", "XKS-ENC-009"),
)


# -- parameters -----------------------------------------------------------------------


def _failing_parameters_as_500(is_bad: Callable[[Document], bool]) -> Effect:
    def parse(
        proceed: Callable[..., EncryptParameters | DecryptParameters | None],
        document: Document,
        operation: Operation,
    ) -> EncryptParameters | DecryptParameters | None:
        if is_bad(document):
            fails_internally()
        return proceed(document, operation)

    return Replace("parse_parameters", parse)


_OF_DECRYPT = ("ciphertext", "initializationVector", "authenticationTag")
row(
    "missing-tag-as-500",
    "Fails internally when a member of a Decrypt request is missing.",
    _failing_parameters_as_500(
        lambda document: any(member not in document for member in _OF_DECRYPT)
    ),
    operations=(Operation.DECRYPT,),
    violates=("XKS-DEC-006",),
)


@fault(operations=(Operation.DECRYPT,), violates=("XKS-DEC-007",))
def malformed_member_as_500() -> Effect:
    """Fails internally when a member of a Decrypt request is no Base64 string."""

    def is_bad(document: Document) -> bool:
        values = [document[member] for member in _OF_DECRYPT if member in document]
        return any(
            not isinstance(value, str) or re.search("[^A-Za-z0-9+/=_\\s-]", value)
            for value in values
        )

    return _failing_parameters_as_500(is_bad)


@fault(violates=("XKS-ERR-017",))
def echoes_request_in_errors() -> Effects:
    """Repeats the plaintext that it cannot process in errorMessage."""
    last: list[str] = [""]

    def parse(proceed: Callable[..., Document], body: bytes) -> Document:
        document = proceed(body)
        last[0] = str(document.get("plaintext", ""))[:200]
        return document

    return (
        Replace("parse_document", parse),
        Replace(
            "respond_error",
            lambda proceed, error: proceed(
                XksError(error.name, json.dumps(f"cannot process {last[0]}"))
            ),
        ),
    )
