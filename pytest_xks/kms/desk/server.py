"""The KMS API over HTTP, for clients in other processes and other languages.

An HTTP request in, a response out; sockets are not handled here. No WSGI and no Flask:
a request reaches moto the way that boto3's requests do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_xks.kms.desk.call import new_request_id
from pytest_xks.kms.desk.exceptions import KmsError, internal_error
from pytest_xks.kms.desk.rendering import render_error
from pytest_xks.kms.moto.http import process_http
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from pytest_xks.proxy_api.http import Request

__all__ = ["handle"]

_SCOPE = re.compile(
    r"Credential=[^/,\s]+/[0-9]{8}/(?P<region>[a-z0-9-]{1,32})/(?P<service>[a-z0-9-]{1,32})/"
)
_SERVICE_OF_TARGET = {"TrentService": "kms"}


def handle(request: Request, default_region: str) -> Response:
    """Answer an HTTP request of an AWS client.

    The credential scope says which service and Region are meant; moto believes every
    signature, and so do we.

    Args:
        request: as it was sent.
        default_region: the Region of a request without a credential scope.
    """
    service, region = _scope(request, default_region)
    if service is None:
        return _refusal(
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        )
    try:
        return process_http(request, service, region)
    except NotImplementedError as error:
        # What moto raises for an operation that it does not know.
        return _refusal("UnknownOperationException", str(error))
    except Exception as error:  # noqa: BLE001 - a client gets an answer of AWS
        internal = internal_error(service, error)
        return _refusal(internal.code, internal.message)


def _scope(request: Request, default_region: str) -> tuple[str | None, str]:
    match = _SCOPE.search(request.header("Authorization") or "")
    if match:
        return match["service"], match["region"]
    target = (request.header("X-Amz-Target") or "").partition(".")[0]
    return _SERVICE_OF_TARGET.get(target), default_region


def _refusal(code: str, message: str) -> Response:
    request_id = new_request_id()
    status, headers, body = render_error(KmsError(code, message), request_id)
    return Response(status=status, headers=tuple(headers.items()), body=body.encode())
