"""No request of botocore leaves for AWS while a fake is at work.

moto answers what a client hands to an event handler that only clients have that were
made after moto was imported, and only at hosts that moto expects. So requests are
looked at one level below, where every client's come through: a host of AWS in another
form (FIPS, dual stack, VPC endpoint), or one that the user's environment put in AWS's
place, is made moto's, and what has not been answered yet is answered.

May pass: loopback, hosts that the code names itself, and what moto is told to pass.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.configloader import load_config
from botocore.endpoint import Endpoint
from botocore.exceptions import BotoCoreError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from moto.backend_index import backend_url_patterns
from moto.core import base_backend
from moto.core.config import passthrough_service, passthrough_url
from moto.core.models import botocore_stubber

from pytest_xks.kms.moto.aio import AioHooks
from pytest_xks.kms.sessions import shared_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.awsrequest import AWSPreparedRequest

__all__ = ["NothingLeavesError", "keep_inside", "let_out"]

_SCOPE = re.compile(rb"Credential=[^/,\s]+/[0-9]{8}/(?P<region>[a-z0-9-]{1,32})/")
_DEFAULT_REGION = "us-east-1"
_MOTO_HAS_NONE = b"Not yet implemented"
_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"

_OF_AWS = re.compile(
    r"(?:.*\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)"
)
_PLAINER = (
    (re.compile(r"vpce-[^.]+\.(.+)\.vpce(?=\.amazonaws\.com)"), r"\1"),
    (re.compile(r"-fips(?=\.)|^fips\.|\.dualstack(?=\.)"), ""),
    (re.compile(r"(?<=\.)api\.aws$"), "amazonaws.com"),
    (re.compile(r"(?<=\.)api\.amazonwebservices\.com\.cn$"), "amazonaws.com.cn"),
)

# Where instances and containers ask for credentials and Region.
_METADATA_SERVICES = re.compile(r"169\.254\.[0-9.]+|fd00:ec2:.*")


class NothingLeavesError(BotoCoreError):
    """A request for AWS that nobody here can answer."""

    fmt = (
        "pytest-xks: while a fake KMS is at work no request leaves for AWS, and moto "
        "has nothing at {url}. If it is meant to leave, name the endpoint in the code "
        "(endpoint_url=...), or have moto pass it: "
        "mock_aws(config={{'core': {{'passthrough': {{'urls': [...]}}}}}})."
    )


@dataclass(frozen=True)
class _UsersEndpoints:
    """The endpoints that the user's environment and files put in AWS's place.

    What a test sets later is the code's own word, and obeyed.
    """

    variables: Mapping[str, str]

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Host and port of each."""
        urls = [*self._of_environment(), *self._of_file()]
        return frozenset(urlsplit(url).netloc for url in urls)

    def _of_environment(self) -> Iterator[str]:
        for name, value in self.variables.items():
            if name.startswith(_ENDPOINT_VARIABLE):
                yield value

    def _of_file(self) -> Iterator[str]:
        file = self.variables.get("AWS_CONFIG_FILE") or "~/.aws/config"
        try:
            yield from _endpoint_urls(load_config(file))
        except BotoCoreError:
            return  # Whoever makes a client is told.


def _endpoint_urls(section: Mapping[str, Any]) -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _endpoint_urls(value)
        elif name == "endpoint_url":
            yield str(value)


@dataclass
class _Inside:
    """What holds while at least one fake is at work."""

    fakes: int = 0
    users: _UsersEndpoints = field(default_factory=lambda: _UsersEndpoints({}))
    lock: threading.Lock = field(default_factory=threading.Lock)


_inside = _Inside()
_init = Endpoint.__init__
_get_response = Endpoint._do_get_response  # type: ignore[attr-defined] # noqa: SLF001 - the one place that all come through
_send_request = Endpoint._send  # type: ignore[attr-defined] # noqa: SLF001 - likewise
_send = URLLib3Session.send
_session_of_moto = base_backend.Session  # type: ignore[attr-defined]


def keep_inside() -> None:
    """Let nothing leave, until ``let_out`` was called as often."""
    with _inside.lock:
        _inside.fakes += 1
        if _inside.fakes > 1:
            return
        _inside.users = _UsersEndpoints(
            {name: v for name, v in os.environ.items() if name.startswith("AWS_")}
        )
        Endpoint._do_get_response = _get_response_inside  # type: ignore[attr-defined] # noqa: SLF001 - likewise
        Endpoint._send = _send_request_inside  # type: ignore[attr-defined] # noqa: SLF001 - likewise
        Endpoint.__init__ = _init_inside  # type: ignore[method-assign, assignment]
        _aio.apply()
        URLLib3Session.send = _send_inside  # type: ignore[method-assign, assignment]
        # moto asks a session for the names of Regions: none that a file can break.
        base_backend.Session = shared_session  # type: ignore[assignment, attr-defined]


def let_out() -> None:
    """Undo ``keep_inside``."""
    with _inside.lock:
        _inside.fakes -= 1
        if _inside.fakes:
            return
        Endpoint._do_get_response = _get_response  # type: ignore[attr-defined] # noqa: SLF001 - likewise
        Endpoint._send = _send_request  # type: ignore[attr-defined] # noqa: SLF001 - likewise
        Endpoint.__init__ = _init  # type: ignore[method-assign]
        _aio.undo()
        URLLib3Session.send = _send  # type: ignore[method-assign]
        base_backend.Session = _session_of_moto  # type: ignore[attr-defined]


def _init_inside(endpoint: Endpoint, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - botocore's
    """A client is made; of aiobotocore's, which may not have been imported before."""
    _init(endpoint, *args, **kwargs)
    _aio.apply()


def _get_response_inside(
    endpoint: Any,  # noqa: ANN401 - botocore's
    request: AWSPreparedRequest,
    operation_model: Any,  # noqa: ANN401 - likewise
    context: Any,  # noqa: ANN401 - likewise
) -> Any:  # noqa: ANN401 - likewise
    """One attempt of an API call."""
    make_motos(request, endpoint._endpoint_prefix)  # noqa: SLF001 - of all versions
    return _get_response(endpoint, request, operation_model, context)


def _send_request_inside(endpoint: Any, request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - botocore's
    """What no event handler answered; the code may have named where it goes."""
    answer = answer_inside(request)
    if answer is not None:
        return answer
    session = endpoint.http_session
    if isinstance(session, URLLib3Session):
        return _send(session, request)
    return session.send(request)


def _send_inside(session: URLLib3Session, request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - botocore's
    """What is no API call: credentials and Region from the machine's surroundings."""
    answer = _answer_of_session(request)
    return _send(session, request) if answer is None else answer


def _answer_of_session(request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - likewise
    if _METADATA_SERVICES.fullmatch(_host_of(request.url)):
        # This kind ends the search for credentials there, and it goes on elsewhere.
        raise EndpointConnectionError(
            endpoint_url=request.url, error="pytest-xks: nothing leaves for AWS"
        )
    return answer_inside(request)


def make_motos(request: AWSPreparedRequest, service: str) -> None:
    """Write the host into a request at which moto expects it.

    Args:
        request: about to be sent; its URL is changed.
        service: the endpoint prefix, ``kms``.
    """
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if _is_of_aws(host):
        plain = _plain(host)
        if plain != host:
            request.url = parts._replace(netloc=plain).geturl()
    elif parts.netloc in _inside.users.hosts:
        region = _region_of(request)
        netloc = f"{service}.{region}.amazonaws.com"
        request.url = parts._replace(scheme="https", netloc=netloc).geturl()


def answer_inside(request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - an AWSResponse
    """moto's answer to a request for AWS; None if it is not for AWS, or may leave.

    Raises:
        NothingLeavesError: moto has none.
    """
    if not _is_of_aws(_host_of(request.url)) or _may_pass(request.url):
        return None
    answer = botocore_stubber("before-send", request)
    if answer is None or answer.content == _MOTO_HAS_NONE:
        raise NothingLeavesError(url=request.url)
    return answer


def _may_pass(url: str) -> bool:
    """Whether moto is told to let it pass."""
    clean = urlsplit(url)._replace(query="", fragment="").geturl()
    if passthrough_url(clean):
        return True
    services = (name for name, pattern in backend_url_patterns if pattern.match(clean))
    return passthrough_service(next(services, ""))


def _region_of(request: AWSPreparedRequest) -> str:
    header = request.headers.get("Authorization") or b""
    match = _SCOPE.search(header if isinstance(header, bytes) else header.encode())
    return match["region"].decode() if match else _DEFAULT_REGION


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


@lru_cache(maxsize=256)
def _is_of_aws(host: str) -> bool:
    return bool(_OF_AWS.fullmatch(host))


@lru_cache(maxsize=256)
def _plain(host: str) -> str:
    """A host of AWS without FIPS, dual stack and VPC endpoint."""
    for pattern, replacement in _PLAINER:
        host = pattern.sub(replacement, host)
    return host


_aio = AioHooks(make_motos, answer_inside, _answer_of_session)
