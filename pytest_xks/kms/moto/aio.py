"""Requests of aiobotocore's clients, whose endpoint and HTTP session are its own.

They take the way that ``outgoing`` describes, with ``await`` in it; moto's answers know
none. aiobotocore is no dependency: its classes are changed once they are there.
"""
# ruff: noqa: ANN401 - objects of aiobotocore, which need not be installed

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    Redirect = Callable[[Any, str], None]
    Answer = Callable[[Any], AWSResponse | None]

__all__ = ["AioHooks"]


class _Content:
    """The body of an answer, to be awaited."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self) -> bytes:
        """All of it."""
        return self._content


class AioHooks:
    """What is changed in aiobotocore while a fake is at work.

    Args:
        redirect: writes the host into a request at which moto expects it; wants the
            endpoint prefix too.
        answer: moto's answer to a request; None if it may leave.
        answer_of_session: likewise, of one that is no API call.
    """

    def __init__(
        self, redirect: Redirect, answer: Answer, answer_of_session: Answer
    ) -> None:
        self._redirect = redirect
        self._answer = answer
        self._answer_of_session = answer_of_session
        self._saved: list[tuple[Any, str, Any]] = []

    def apply(self) -> None:
        """Change aiobotocore, if it has been imported; no-op if it is changed."""
        module = sys.modules.get("aiobotocore.endpoint")
        endpoint = getattr(module, "AioEndpoint", None)
        if endpoint is None or self._saved:
            return
        session = sys.modules["aiobotocore.httpsession"].AIOHTTPSession
        self._replace(endpoint, "_do_get_response", self._get_response)
        self._replace(endpoint, "_send", self._sending(self._answer))
        self._replace(session, "send", self._sending(self._answer_of_session))
        self._replace(module, "convert_to_response_dict", self._convert)

    def undo(self) -> None:
        """Change it back."""
        while self._saved:
            setattr(*self._saved.pop())

    def _replace(
        self, owner: Any, name: str, replacement: Callable[[Any], Callable[..., Any]]
    ) -> None:
        original = getattr(owner, name)
        self._saved.append((owner, name, original))
        setattr(owner, name, replacement(original))

    def _get_response(self, original: Any) -> Callable[..., Any]:
        async def get_response(endpoint: Any, request: Any, *rest: Any) -> Any:
            self._redirect(request, endpoint._endpoint_prefix)  # noqa: SLF001 - of all versions
            return await original(endpoint, request, *rest)

        return get_response

    def _sending(self, answer: Answer) -> Callable[[Any], Callable[..., Any]]:
        def replacement(original: Any) -> Callable[..., Any]:
            async def send(owner: Any, request: Any) -> Any:
                answered = answer(request)
                return await original(owner, request) if answered is None else answered

            return send

        return replacement

    def _convert(self, original: Any) -> Callable[..., Any]:
        async def convert(response: Any, *rest: Any) -> Any:
            return await original(_awaitable(response), *rest)

        return convert


def _awaitable(response: Any) -> Any:
    """moto's answer as aiobotocore reads one; aiobotocore's own as it is."""
    made = sys.modules["aiobotocore.awsrequest"].AioAWSResponse
    if isinstance(response, made) or not isinstance(response, AWSResponse):
        return response
    raw = _Content(response.content)
    return made(response.url, response.status_code, response.headers, raw)
