"""boto3 for the suite: it listens to nothing, and sends nothing by itself.

No file and no variable of the environment decides how it behaves: what boto3 would read
from them has its default here. A request that it has put together and signed is handed
to the suite's own connection, and the answer is handed back to be read.
"""

from __future__ import annotations

import io
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.awsrequest import AWSPreparedRequest

    from pytest_xks.certify.evidence.exchange import Headers, Received
    from pytest_xks.certify.targets.kms_target import KmsTarget

    Send = Callable[[AWSPreparedRequest], Received | None]

__all__ = ["NoAnswer", "body_of", "headers_of", "make_client"]

_PORTS = {"https": 443, "http": 80}
_FILES = ("config_file", "credentials_file")
_making = threading.Lock()


class NoAnswer(Exception):  # noqa: N818 - it says what is the case
    """boto3's request was not answered."""


class _Body(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """All of it."""
        yield self.read()


@cache
def _session() -> boto3.session.Session:
    """One for all runs in this process: what it reads of boto3's own files takes long.

    A variable of a session is the name in the configuration file, the name in the
    environment, the default, and the conversion of a text; the first two are left out.
    """
    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
    }
    nowhere = dict.fromkeys(_FILES, (None, None, os.devnull, None))
    return boto3.session.Session(
        botocore_session=Session(session_vars=variables | nowhere)
    )


def make_client(target: KmsTarget, region: str, send: Send) -> Any:  # noqa: ANN401 - made when boto3 runs
    """A boto3 client of KMS, without retries and validation of its own.

    Args:
        target: where the endpoint is, and the credentials to use.
        region: the Region to sign for.
        send: gets every request, complete and signed; None where no answer came.
    """

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        received = send(request)
        if received is None:
            raise NoAnswer
        headers = HTTPHeaders.from_pairs(received.headers)
        raw = _Body(received.body)
        return AWSResponse(request.url, received.status, headers, raw)

    with _making:  # Sessions are not made for threads; clients are.
        client = _session().client(
            "kms",
            region_name=region,
            endpoint_url=target.endpoint_url,
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
            verify=True,  # Or REQUESTS_CA_BUNDLE would be looked at.
            config=Config(
                retries={"mode": "legacy", "total_max_attempts": 1},
                parameter_validation=False,
            ),
        )
    # The stubs know no hook that answers.
    client.meta.events.register_first("before-send.kms", cast("Any", answer))
    return client


def headers_of(request: AWSPreparedRequest) -> Headers:
    """The header lines of a request, with the two that HTTP libraries add."""
    headers = [(str(name), _text(v)) for name, v in request.headers.items()]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("Host", _host(request.url)))
    if "content-length" not in names:
        headers.append(("Content-Length", str(len(body_of(request)))))
    return tuple(headers)


def body_of(request: AWSPreparedRequest) -> bytes:
    """The body of a request."""
    body = request.body
    if isinstance(body, bytes):
        return body
    return b"" if body is None else str(body).encode()


def _host(url: str) -> str:
    """The host as botocore signs it: without the port that the scheme implies."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    implied = _PORTS.get(parts.scheme)
    return host if parts.port in {None, implied} else f"{host}:{parts.port}"


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
