"""Chapter "API content type": HTTP and JSON around the operations.

Broken HTTP and hostile bodies are in ``test_robustness``, TLS in ``test_tls``.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import ALL_OPERATIONS, Body, ProxyOperation
from ..client.connection import Connector
from ..client.expect import (
    SERVED,
    Outcome,
    control,
    error,
    expect,
    plaintext_is,
    status,
    success,
    violated,
)
from ..client.proxy_client import PLAINTEXT
from ..client.scenarios import SCENARIOS, provoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.connection import HttpConnection, HttpRequest
    from ..client.proxy_client import ProxyClient

_HEALTH = ProxyOperation.GET_HEALTH_STATUS
_OPERATIONS = pytest.mark.parametrize(
    "operation", ALL_OPERATIONS, ids=lambda operation: operation.value
)


@pytest.mark.requirement("XKS-HTTP-001")
@_OPERATIONS
def test_content_type_of_a_success(
    proxy: ProxyClient, operation: ProxyOperation
) -> None:
    """A success has the Content-Type application/json; parameters are accepted."""
    answer = proxy.call(operation, label=operation.value)
    control(answer)
    if answer.media_type != "application/json":
        found = answer.header("Content-Type")
        violated(answer, "Content-Type: application/json", f"Content-Type: {found}")


@pytest.mark.requirement("XKS-HTTP-002")
@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_content_type_of_an_error(proxy: ProxyClient, scenario: str) -> None:
    """An error has a JSON body and the Content-Type application/json."""
    answer = provoke(proxy, scenario)
    expected = "a JSON object with Content-Type: application/json"
    if answer.document is None:
        violated(answer, expected)
    if answer.media_type != "application/json":
        violated(answer, expected, f"Content-Type: {answer.header('Content-Type')}")


@pytest.mark.requirement("XKS-HTTP-003")
@_OPERATIONS
def test_http_version(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """An HTTP/1.1 request is not answered as HTTP/1.0."""
    answer = proxy.call(operation, label=operation.value)
    control(answer)
    if answer.version < 11:
        violated(answer, "HTTP/1.1", "HTTP/1.0")


@pytest.mark.requirement("XKS-HTTP-004")
@pytest.mark.parametrize(
    "alpn",
    [pytest.param((), id="no-extension"), pytest.param(("http/1.1",), id="http-1-1")],
)
def test_client_without_http_2(proxy: ProxyClient, alpn: tuple[str, ...]) -> None:
    """A client that does not offer HTTP/2 in the TLS handshake is served."""
    control(proxy.call(_HEALTH, label="control: the usual connection"))
    target = proxy.target
    connector = Connector(
        target.endpoint, target, client=target.client_certificate, alpn=alpn
    )
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    with proxy.connect(connector) as connection:
        success(proxy.send(request, connection=connection, connector=connector))


def _get(proxy: ProxyClient, operation: ProxyOperation) -> HttpRequest:
    """A signed GET without a body."""
    request = proxy.unsigned(proxy.main.path(operation), b"", method="GET")
    bare = replace(request, headers=request.headers[:1])
    return proxy.signer().sign(bare)


@pytest.mark.requirement("XKS-HTTP-005")
@_OPERATIONS
def test_signed_get(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A signed GET at the path of an operation is a 405; any body is accepted."""
    control(proxy.call(operation, label="control: POST"))
    expect(proxy.send(_get(proxy, operation), label="probe: GET"), status(405))


@pytest.mark.requirement("XKS-HTTP-005")
@_OPERATIONS
def test_unsigned_get(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """An unsigned GET is a 405, or a 401 where signatures are verified first."""
    control(proxy.call(operation, label="control: POST"))
    request = _get(proxy, operation)
    request = replace(request, headers=request.headers[:1])
    expect(proxy.send(request, label="probe: unsigned GET"), status(405), status(401))


def _indented(body: Body) -> bytes:
    return json.dumps(body, indent=4).replace("\n", "\r\n").encode()


def _reversed(body: Body) -> bytes:
    return json.dumps(dict(reversed(body.items())), sort_keys=False).encode()


def _escaped(body: Body) -> bytes:
    """Every character of every value that is no letter and no digit as an escape."""

    def escape(value: object) -> object:
        if isinstance(value, dict):
            return {name: escape(member) for name, member in value.items()}
        return "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in str(value))

    return json.dumps(escape(body)).replace("\\\\u", "\\u").encode()


def _with_slashes(body: Body) -> bytes:
    return json.dumps(body).replace("/", "\\/").encode()


def _surrounded(body: Body) -> bytes:
    return b"\r\n\t  " + json.dumps(body, separators=(" ,\t", " :\n")).encode() + b"\n"


_SPELLINGS = pytest.mark.parametrize(
    "spell",
    [
        pytest.param(_indented, id="indented"),
        pytest.param(_reversed, id="other-order"),
        pytest.param(_escaped, id="escaped-characters"),
        pytest.param(_with_slashes, id="escaped-slashes"),
        pytest.param(_surrounded, id="white-space"),
    ],
)


@pytest.mark.requirement("XKS-HTTP-006")
@_SPELLINGS
@_OPERATIONS
def test_spelling_of_json(
    proxy: ProxyClient, operation: ProxyOperation, spell: Callable[[Body], bytes]
) -> None:
    """A request means the same in every legal spelling of its JSON."""
    control(proxy.call(operation, label="control: on one line"))
    answer = proxy.call(operation, spell(proxy.good_body(operation)))
    success(answer)
    if operation is ProxyOperation.DECRYPT:
        plaintext_is(answer, PLAINTEXT)


@pytest.mark.requirement("XKS-HTTP-007")
def test_keep_alive(proxy: ProxyClient) -> None:
    """Three requests are served on one connection."""
    with proxy.connect() as connection:
        for number in (1, 2, 3):
            request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
            answer = proxy.send(
                request, connection=connection, label=f"request {number}"
            )
            success(answer)
            if answer.closes:
                violated(answer, "a connection that stays open", "Connection: close")


def _chunked(request: HttpRequest) -> bytes:
    """The request with its body in three chunks."""
    headers = request.with_header("Content-Length", None)
    head = replace(request, headers=(*headers, ("Transfer-Encoding", "chunked")))
    body, third = request.body, len(request.body) // 3
    pieces = (body[:third], body[third : 2 * third], body[2 * third :], b"")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return replace(head, body=chunks).encode()


@pytest.mark.requirement("XKS-HTTP-008")
@_OPERATIONS
def test_chunked_body(proxy: ProxyClient, operation: ProxyOperation) -> None:
    """A body in the chunked transfer coding is read, or 411 asks for a length."""
    control(proxy.call(operation, label="control: with Content-Length"))
    request = proxy.request(operation, proxy.good_body(operation))
    with proxy.connect() as connection:
        answer = proxy.send(
            request,
            connection=connection,
            raw=_chunked(request),
            label="probe: chunked",
        )
    expect(answer, SERVED, status(411))


def _wrongly_signed(proxy: ProxyClient) -> HttpRequest:
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    header = request.header("Authorization")[:-8] + "00000000"
    headers = request.with_header("Authorization", header)
    return replace(request, headers=headers, signing=None)


def _with_invalid_body(proxy: ProxyClient) -> HttpRequest:
    return proxy.request(ProxyOperation.ENCRYPT, b"{")


def _at_invalid_path(proxy: ProxyClient) -> HttpRequest:
    path = f"{proxy.main.uri_path}/nowhere"
    return proxy.request(_HEALTH, proxy.good_body(_HEALTH), path=path)


@pytest.mark.requirement("XKS-HTTP-009")
@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(_wrongly_signed, id="wrong-signature"),
        pytest.param(_with_invalid_body, id="invalid-body"),
        pytest.param(_at_invalid_path, id="invalid-path"),
    ],
)
def test_request_after_an_error(
    proxy: ProxyClient, defect: Callable[[ProxyClient], HttpRequest]
) -> None:
    """After an error the connection goes on, or its end was announced."""
    with proxy.connect() as connection:
        first = _good(proxy, connection, "control: a good request")
        if first:
            return
        answer = proxy.send(defect(proxy), connection=connection, label="an error")
        if answer.closes and answer.status is not None:
            return
        _good(proxy, connection, "probe: the next request", required=True)


def _good(
    proxy: ProxyClient,
    connection: HttpConnection,
    label: str,
    *,
    required: bool = False,
) -> bool:
    """Send a good request; whether the proxy announced the end of the connection."""
    request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
    answer = proxy.send(request, connection=connection, label=label)
    if required:
        success(answer)
    else:
        control(answer)
    return answer.closes


_THROTTLED = error("ThrottlingException")


@pytest.mark.requirement("XKS-HTTP-010")
def test_concurrent_requests(proxy: ProxyClient) -> None:
    """Eight clients at a time, each on a connection of its own, get their own answers.

    A proxy that is unable to keep up may answer 429 ThrottlingException.
    """
    control(proxy.call(_HEALTH, label="control: alone"))
    with ThreadPoolExecutor(max_workers=8) as clients:
        for result in [clients.submit(_one_client, proxy, n) for n in range(8)]:
            result.result()


def _one_client(proxy: ProxyClient, number: int) -> None:
    for turn in range(4):
        plaintext = f"plaintext {turn} of client {number}".encode() * (number + 1)
        aad = f"client {number}".encode()
        encrypted = proxy.encrypt(plaintext, aad=aad)
        expect(encrypted, _CIPHERTEXT, _THROTTLED)
        if encrypted.status != 200:
            continue
        sealed = proxy.read_sealed(encrypted, plaintext, aad)
        expect(proxy.call(_HEALTH), _HEALTH_STATUS, _THROTTLED)
        decrypted = proxy.decrypt(sealed)
        expect(decrypted, _PLAINTEXT, _THROTTLED)
        if decrypted.status == 200:
            plaintext_is(decrypted, plaintext)


def _served_with(member: str) -> Outcome:
    """A served request, recognised by a member that only this operation returns."""
    return Outcome(
        f"200 with {member}",
        lambda answer: answer.status == 200 and member in (answer.document or {}),
    )


_CIPHERTEXT = _served_with("ciphertext")
_PLAINTEXT = _served_with("plaintext")
_HEALTH_STATUS = _served_with("ekmFleetDetails")
