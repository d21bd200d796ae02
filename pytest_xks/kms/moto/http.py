"""HTTP requests of AWS clients in other processes, for moto's services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.models import botocore_stubber

from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from pytest_xks.proxy_api.http import Headers, Request

__all__ = ["process_http"]


def process_http(request: Request, service: str, region: str) -> Response:
    """Answer an HTTP request to an AWS service in this process.

    Args:
        request: as a client of that service sent it.
        service: the service in the credential scope, e.g. ``kms``.
        region: the Region, likewise.
    """
    headers_in = HTTPHeaders()
    for name, value in request.headers:
        if name.lower() != "host":
            headers_in[name] = value
    prepared = AWSPreparedRequest(
        method=request.method,
        url=f"https://{service}.{region}.amazonaws.com{request.target}",
        headers=headers_in,
        body=request.body,
        stream_output=False,
    )
    answer = botocore_stubber.process_request(prepared)
    if answer is None:
        return Response(status=404)
    status, headers, body = answer
    lines: Headers = tuple(
        (str(name), str(value))
        for name, value in dict(headers).items()
        if str(name).lower() not in {"status", "content-length", "date", "server"}
    )
    data = body if isinstance(body, bytes) else str(body).encode()
    return Response(status=int(status), headers=lines, body=data)
