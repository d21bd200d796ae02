"""For users of ``responses``: ``requests`` reaches the proxy without sockets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pytest_xks.http.client import (
    ConnectFailure,
    MalformedResponse,
    TlsFailure,
    TransportError,
    TransportTimeout,
)
from pytest_xks.proxy_api.http import Request

if TYPE_CHECKING:
    import requests
    import responses

    from pytest_xks.http.client import Transport

__all__ = ["mount"]

_LONGEST_WAIT_MS = 60_000.0
_METHODS = ("POST", "GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")


def mount(
    transport: Transport, endpoint: str, responses_mock: responses.RequestsMock
) -> None:
    """Route every URL below ``endpoint`` to ``transport``.

    A failure of the transport becomes the exception that ``requests`` would raise.
    """

    def answer(
        prepared: requests.PreparedRequest,
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            response = transport.send(
                _request(prepared), timeout_ms=_timeout_ms(prepared)
            )
        except TransportError as error:
            raise _as_requests_would(error) from None
        return response.status, dict(response.headers), response.body

    for method in _METHODS:
        responses_mock.add_callback(
            method, re.compile(re.escape(endpoint) + r"/.*"), callback=answer
        )


def _timeout_ms(prepared: requests.PreparedRequest) -> float:
    """The read time-out that the caller gave to ``requests``."""
    timeout = getattr(prepared, "req_kwargs", {}).get("timeout")
    if isinstance(timeout, tuple):
        timeout = timeout[1]
    return _LONGEST_WAIT_MS if timeout is None else float(timeout) * 1000


def _request(prepared: requests.PreparedRequest) -> Request:
    url = urlsplit(prepared.url or "")
    headers = tuple((str(k), str(v)) for k, v in (prepared.headers or {}).items())
    if not any(name.lower() == "host" for name, _ in headers):
        headers = (*headers, ("Host", url.netloc))
    body = prepared.body or b""
    return Request(
        method=prepared.method or "GET",
        target=f"{url.path}?{url.query}" if url.query else url.path,
        headers=headers,
        body=body.encode() if isinstance(body, str) else cast("bytes", body),
    )


def _as_requests_would(error: TransportError) -> Exception:
    import requests  # noqa: PLC0415 - whoever mounts has it; nobody else pays for it

    table: dict[type[TransportError], type[requests.RequestException]] = {
        ConnectFailure: requests.ConnectionError,
        TlsFailure: requests.exceptions.SSLError,
        TransportTimeout: requests.ReadTimeout,
        MalformedResponse: requests.exceptions.InvalidHeader,
    }
    return table.get(type(error), requests.ConnectionError)(str(error))
