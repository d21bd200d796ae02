"""The KMS endpoint under test: boto3, without its retries and its own validation.

Every call is recorded as it went over the wire. An error is a reply like any other;
nothing here raises because of what the endpoint answered. What boto3 would not send
goes out by ``post``, signed by botocore all the same.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from pytest_xks.certify.evidence.recorder import Exchange, Received, Signing

from .reply import KmsReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.certify.evidence.recorder import Headers, Recorder
    from pytest_xks.certify.targets.kms_target import KmsTarget

__all__ = ["KmsClient", "KmsEndpoint"]

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
# A run against an endpoint that does not answer any more has to end.
_SILENCES_ALLOWED = 5
_CHANCE_EVERY = 50
_CHANGES_STATE = frozenset(
    {
        "ConnectCustomKeyStore",
        "DeleteCustomKeyStore",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    }
)
_UNREADABLE = (AttributeError, KeyError, ResponseParserError, TypeError, ValueError)
_FIRST_ERROR = 300
_CONTENT_TYPE = "application/x-amz-json-1.1"


@cache
def _session() -> boto3.session.Session:
    """One for all runs in this process: what it reads from files takes long."""
    return boto3.session.Session()


class KmsEndpoint:
    """The endpoint under test: one boto3 client for each Region.

    Args:
        target: where it is, and the credentials to use.
    """

    def __init__(self, target: KmsTarget) -> None:
        self.target = target
        self.touched: set[str] = set()
        """Key stores whose state may be another than it was, by id."""
        self._silences = 0
        self._clients: dict[str, Any] = {}
        self._sent: Any = None
        self._received: Mapping[str, Any] | None = None

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()

    def call(
        self,
        operation: str,
        parameters: Mapping[str, object],
        *,
        region: str,
        label: str,
    ) -> KmsReply:
        """Call an operation.

        Args:
            operation: its name in the API: ``CreateKey``.
            parameters: its parameters; nothing checks them on the way.
            region: the Region to sign for.
            label: what the call is for.
        """
        if operation in _CHANGES_STATE:
            self.touched.add(str(parameters.get("CustomKeyStoreId")))
        self._forget()
        failure: BotoCoreError | None = None
        document: Mapping[str, Any] = {}
        code, message = None, ""
        start = time.perf_counter()
        try:
            if not self._is_hopeless():
                call = getattr(self._client(region), xform_name(operation))
                document = _without_gaps(call(**parameters))
        except ClientError as error:
            details = error.response.get("Error", {})
            code, message = str(details.get("Code")), str(details.get("Message") or "")
        except BotoCoreError as error:
            failure = error
        except _UNREADABLE as error:
            # botocore's parser takes an answer to be what the service model says.
            if self._received is None:
                raise
            code = "(unreadable)"
            message = f"botocore cannot read the answer: {type(error).__name__}"
        milliseconds = (time.perf_counter() - start) * 1000
        exchange = self._exchange(region, label, failure, milliseconds)
        self._silences = 0 if exchange.received else self._silences + 1
        return KmsReply(
            operation=operation,
            exchange=exchange,
            document=document,
            code=code,
            message=message,
        )

    def _is_hopeless(self) -> bool:
        """Whether the endpoint has stopped answering; it gets a chance now and then."""
        return (
            self._silences >= _SILENCES_ALLOWED and self._silences % _CHANCE_EVERY > 0
        )

    def post(self, operation: str, body: bytes, *, label: str) -> KmsReply:
        """Send a body as it is, signed for the target's Region.

        Args:
            operation: what X-Amz-Target names.
            body: anything.
            label: what the call is for.
        """
        target = self.target
        request = AWSRequest(
            method="POST",
            url=f"{target.endpoint_url.rstrip('/')}/",
            data=body,
            headers={
                "Content-Type": _CONTENT_TYPE,
                "X-Amz-Target": f"TrentService.{operation}",
            },
        )
        credentials = Credentials(target.access_key_id, target.secret_access_key)
        SigV4Auth(credentials, "kms", target.region).add_auth(request)
        self._sent, self._received = request.prepare(), None
        failure: BotoCoreError | None = None
        start = time.perf_counter()
        try:
            with closing(URLLib3Session(timeout=_READ_SECONDS)) as session:
                response = session.send(self._sent)
            self._received = {
                "status_code": response.status_code,
                "headers": response.headers,
                "body": response.content,
            }
        except BotoCoreError as error:
            failure = error
        milliseconds = (time.perf_counter() - start) * 1000
        exchange = self._exchange(target.region, label, failure, milliseconds)
        self._silences = 0 if exchange.received else self._silences + 1
        return _raw_reply(operation, exchange)

    def _client(self, region: str) -> Any:  # noqa: ANN401 - made when boto3 runs
        if region not in self._clients:
            client = _session().client(
                "kms",
                region_name=region,
                endpoint_url=self.target.endpoint_url,
                aws_access_key_id=self.target.access_key_id,
                aws_secret_access_key=self.target.secret_access_key,
                config=Config(
                    retries={"mode": "legacy", "total_max_attempts": 1},
                    parameter_validation=False,
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                ),
            )
            client.meta.events.register("before-send.kms", self._note_request)
            client.meta.events.register("before-parse.kms", self._note_response)
            self._clients[region] = client
        return self._clients[region]

    def _forget(self) -> None:
        self._sent = self._received = None

    def _note_request(self, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        self._sent = request

    def _note_response(self, response_dict: Mapping[str, Any], **_: object) -> None:
        self._received = response_dict

    def _exchange(
        self,
        region: str,
        label: str,
        failure: BotoCoreError | None,
        milliseconds: float,
    ) -> Exchange:
        sent, received = self._sent, self._received
        return Exchange(
            label=label,
            url=sent.url if sent else self.target.endpoint_url,
            headers=_headers(sent.headers) if sent else (),
            body=_bytes(sent.body) if sent else b"",
            signing=Signing(region=region, service="kms"),
            received=Received(
                status=int(received["status_code"]),
                headers=_headers(received["headers"]),
                body=_bytes(received["body"]),
            )
            if received
            else None,
            error="" if received else _no_answer(failure),
            milliseconds=milliseconds,
        )


def _without_gaps(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document, in whose lists nothing is null: no operation has such a thing.

    Raises:
        ValueError: something is.
    """
    if any(None in value for value in document.values() if isinstance(value, list)):
        raise ValueError("a list with null in it")
    return document


def _raw_reply(operation: str, exchange: Exchange) -> KmsReply:
    reply = KmsReply(operation=operation, exchange=exchange)
    if reply.status is None or reply.status < _FIRST_ERROR:
        return replace(reply, document=reply.raw)
    error = reply.raw
    named = str(error.get("__type") or reply.header("x-amzn-ErrorType") or "Unknown")
    return replace(
        reply,
        code=named.rpartition("#")[2].partition(":")[0],
        message=str(error.get("message") or error.get("Message") or ""),
    )


def _no_answer(failure: BotoCoreError | None) -> str:
    if failure is None:
        return "no answer (none of the calls before was answered; this was not sent)"
    return f"no answer ({type(failure).__name__})"


def _headers(headers: Mapping[str, object]) -> Headers:
    return tuple((str(name), _text(value)) for name, value in headers.items())


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else str(body).encode()


class KmsClient:
    """The endpoint as one check sees it.

    Args:
        endpoint: the endpoint under test.
        recorder: keeps every exchange of the check.
    """

    def __init__(self, endpoint: KmsEndpoint, recorder: Recorder) -> None:
        self.target = endpoint.target
        self.touched = endpoint.touched
        self._endpoint = endpoint
        self._recorder = recorder

    def call(
        self,
        operation: str,
        *,
        label: str = "",
        region: str | None = None,
        **parameters: object,
    ) -> KmsReply:
        """Call an operation; see ``KmsEndpoint.call``."""
        reply = self._endpoint.call(
            operation,
            parameters,
            region=region or self.target.region,
            label=label or f"probe: {operation}",
        )
        self._recorder.add(reply.exchange)
        return reply

    def post(self, operation: str, body: bytes, *, label: str = "") -> KmsReply:
        """Send a body as it is; see ``KmsEndpoint.post``."""
        reply = self._endpoint.post(
            operation, body, label=label or f"probe: {operation}"
        )
        self._recorder.add(reply.exchange)
        return reply
