"""Chapter "API content type": HTTP and JSON around the operations.

Broken HTTP and hostile bodies are in ``test_robustness``, TLS in ``test_tls``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..client.bodies import ALL_OPERATIONS, PLAINTEXT, Body, ProxyOperation
from ..client.connection import Connector
from ..client.expect import (
    NOT_SERVED,
    SERVED,
    Outcome,
    control,
    status,
    success,
    violated,
)
from ..client.scenarios import scenario_probes
from ..client.sealing import gives_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client.answer import ProxyAnswer
    from ..client.connection import HttpConnection
    from ..client.http1 import HttpRequest
    from ..client.proxy_client import ProxyClient

_HEALTH = ProxyOperation.GET_HEALTH_STATUS


@pytest.mark.requirement("XKS-HTTP-001")
def test_content_type_of_a_success(proxy: ProxyClient) -> None:
    """A success has the Content-Type application/json; parameters are accepted."""

    def look(answer: ProxyAnswer) -> None:
        if answer.media_type != "application/json":
            found = answer.header("Content-Type")
            violated(answer, "Content-Type: application/json", f"Content-Type: {found}")

    _look_at_successes(proxy, look)


@pytest.mark.requirement("XKS-HTTP-002")
def test_content_type_of_an_error(proxy: ProxyClient) -> None:
    """An error has a JSON body and the Content-Type application/json."""

    def look(answer: ProxyAnswer) -> None:
        expected = "a JSON object with Content-Type: application/json"
        if answer.document is None:
            violated(answer, expected)
        if answer.media_type != "application/json":
            violated(answer, expected, f"Content-Type: {answer.header('Content-Type')}")

    proxy.judge(scenario_probes(proxy, look))


@pytest.mark.requirement("XKS-HTTP-003")
def test_http_version(proxy: ProxyClient) -> None:
    """An HTTP/1.1 request is not answered as HTTP/1.0."""

    def look(answer: ProxyAnswer) -> None:
        if answer.version < 11:
            violated(answer, "HTTP/1.1", "HTTP/1.0")

    _look_at_successes(proxy, look)


def _look_at_successes(proxy: ProxyClient, look: Callable[[ProxyAnswer], None]) -> None:
    """Look at the answer to a good request for every operation."""
    controls = [proxy.control(operation) for operation in ALL_OPERATIONS]
    answers = proxy.require_served(controls)
    for answer in answers:
        look(answer)


@pytest.mark.requirement("XKS-HTTP-004")
def test_client_without_http_2(proxy: ProxyClient) -> None:
    """A client that does not offer HTTP/2 in the TLS handshake is served.

    It has no ALPN extension, or one that offers http/1.1 alone.
    """
    proxy.require_served([proxy.control(_HEALTH)])
    target = proxy.target
    for alpn in ((), ("http/1.1",)):
        connector = Connector(
            target.endpoint, target, client=target.client_certificate, alpn=alpn
        )
        request = proxy.request(_HEALTH, proxy.good_body(_HEALTH))
        with proxy.connect(connector) as connection:
            success(proxy.send(request, connection=connection, connector=connector))


def _bare(request: HttpRequest) -> HttpRequest:
    """Without Content-Type and Content-Length, which a GET has no use for."""
    names = {"content-type", "content-length"}
    headers = tuple((n, v) for n, v in request.headers if n.lower() not in names)
    return replace(request, headers=headers, signing=None)


def _unsigned(request: HttpRequest) -> HttpRequest:
    return replace(request, headers=request.headers[:1])


def _of_gateway(proxy: ProxyClient) -> tuple[Outcome, ...]:
    """What else may come of another method than POST: a gateway refuses it its way."""
    return (NOT_SERVED,) if proxy.target.behind else ()


@pytest.mark.requirement("XKS-HTTP-005")
def test_signed_get(proxy: ProxyClient) -> None:
    """A signed GET at the path of an operation is a 405; any body is accepted."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                b"",
                altered=f"GET at the path of {operation.title}",
                accept=(status(405), *_of_gateway(proxy)),
                method="GET",
                edit=_bare,
            )
            for operation in ALL_OPERATIONS
        ]
    )


@pytest.mark.requirement("XKS-HTTP-005")
def test_unsigned_get(proxy: ProxyClient) -> None:
    """An unsigned GET is a 405, or a 401 where signatures are verified first."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                b"",
                altered=f"unsigned GET at the path of {operation.title}",
                accept=(status(405), status(401), *_of_gateway(proxy)),
                method="GET",
                edit=_unsigned,
            )
            for operation in ALL_OPERATIONS
        ]
    )


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


_SPELLINGS: dict[str, Callable[[Body], bytes]] = {
    "indented": _indented,
    "in another order": _reversed,
    "with escaped characters": _escaped,
    "with escaped slashes": _with_slashes,
    "with white space": _surrounded,
}


@pytest.mark.requirement("XKS-HTTP-006")
def test_spelling_of_json(proxy: ProxyClient) -> None:
    """A request means the same in every legal spelling of its JSON."""
    looks = {ProxyOperation.DECRYPT: gives_back(PLAINTEXT)}
    proxy.judge(
        [
            proxy.probe(
                operation,
                spell(proxy.permitted(proxy.good_body(operation))),
                altered=f"{operation.title} {name}",
                accept=(SERVED,),
                look=looks.get(operation),
            )
            for name, spell in _SPELLINGS.items()
            for operation in ALL_OPERATIONS
        ]
    )


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
def test_chunked_body(proxy: ProxyClient) -> None:
    """A body in the chunked transfer coding is read, or 411 asks for a length."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"{operation.title} in chunks",
                accept=(SERVED, status(411)),
                raw=_chunked,
            )
            for operation in ALL_OPERATIONS
        ]
    )


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


_DEFECTS = (_wrongly_signed, _with_invalid_body, _at_invalid_path)


@pytest.mark.requirement("XKS-HTTP-009")
def test_request_after_an_error(proxy: ProxyClient) -> None:
    """After an error the connection goes on, or its end was announced."""
    proxy.side_by_side([partial(_err_and_go_on, proxy, each) for each in _DEFECTS])


def _err_and_go_on(
    proxy: ProxyClient, defect: Callable[[ProxyClient], HttpRequest]
) -> None:
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
