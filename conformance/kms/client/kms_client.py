"""The KMS endpoint under test: boto3, without its retries and its own validation.

Every call is recorded as it went over the wire. An error is a reply like any other;
nothing here raises because of what the endpoint answered. What boto3 would not send
goes out by ``post``, signed by botocore all the same.
"""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar, copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from pytest_xks.certify.evidence.exchange import (
    ConnectionSettings,
    Exchange,
    Meaning,
    Purpose,
    Signing,
)
from pytest_xks.certify.run.side_by_side import side_by_side
from pytest_xks.certify.targets.kms_call import KmsConnection

from .boto import NoAnswer, body_of, headers_of, make_client
from .reply import KmsReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from botocore.awsrequest import AWSPreparedRequest

    from pytest_xks.certify.evidence.exchange import Received
    from pytest_xks.certify.evidence.recorder import Recorder
    from pytest_xks.certify.targets.kms_target import KmsTarget

__all__ = ["KmsClient", "KmsEndpoint"]

T = TypeVar("T")

_is_one_of_many: ContextVar[bool] = ContextVar("is_one_of_many", default=False)
"""Whether what runs here runs side by side with others."""

_TIMEOUT_MS = 20_000
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
_CONTROL = "control"
"""How the label of a call begins that has to succeed before another means anything."""
_ATTEMPTS = 3
# What comes of it where the proxy did not answer in time.
_IF_LATE = {"KMSInvalidStateException", "XksProxyUriUnreachableException"}
_UNREADABLE = (AttributeError, KeyError, ResponseParserError, TypeError, ValueError)
_FIRST_ERROR = 300
_CONTENT_TYPE = "application/x-amz-json-1.1"
_KEYS = ("KeyId", "TargetKeyId", "DestinationKeyId", "SourceKeyId", "XksKeyId")
_NOT_SENT = "none of the calls before was answered; this was not sent"


class _Wire(threading.local):
    """What went over the wire for the call that a thread makes."""

    sent: AWSPreparedRequest | None = None
    received: Received | None = None
    failure = _NOT_SENT
    milliseconds = 0.0


class KmsEndpoint:
    """The endpoint under test: one boto3 client for each Region.

    Any thread may call.

    Args:
        target: where it is, and the credentials to use.
    """

    def __init__(self, target: KmsTarget) -> None:
        self.target = target
        self.touched: dict[str, str] = {}
        """Key stores whose state may be another than it was, by id; and by what."""
        self.doomed: set[str] = set()
        """Keys that wait for their deletion, by the id in the call."""
        self.filling: Callable[[int], list[Callable[[], object]]] = lambda _: []
        """Gives so many calls at most that are made where a pool is not full."""
        self._connection = KmsConnection(target)
        self._silences = 0
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._wire = _Wire()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

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
            self.touched[str(parameters.get("CustomKeyStoreId"))] = operation
        self._forget()
        document: Mapping[str, Any] = {}
        code, message = None, ""
        try:
            if not self._is_hopeless():
                call = getattr(self._client(region), xform_name(operation))
                document = _without_gaps(call(**parameters))
        except ClientError as error:
            details = error.response.get("Error", {})
            code, message = str(details.get("Code")), str(details.get("Message") or "")
        except NoAnswer:
            pass  # The exchange says so.
        except _UNREADABLE as error:
            # botocore's parser takes an answer to be what the service model says.
            if self._wire.received is None:
                raise
            code = "(unreadable)"
            message = f"botocore cannot read the answer: {type(error).__name__}"
        reply = KmsReply(
            operation=operation,
            exchange=self._exchange(region, label),
            document=document,
            code=code,
            message=message,
        )
        if operation == "ScheduleKeyDeletion" and reply.succeeded:
            self.doomed.add(str(parameters.get("KeyId")))
        elif operation == "CancelKeyDeletion":
            self.doomed.discard(str(parameters.get("KeyId")))
        return reply

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
        self._forget()
        if not self._is_hopeless():
            self._send(request.prepare())
        return _raw_reply(operation, self._exchange(target.region, label))

    def _client(self, region: str) -> Any:  # noqa: ANN401 - made when boto3 runs
        with self._lock:
            if region not in self._clients:
                self._clients[region] = make_client(self.target, region, self._send)
            return self._clients[region]

    def _forget(self) -> None:
        self._wire.sent = self._wire.received = None
        self._wire.failure, self._wire.milliseconds = _NOT_SENT, 0.0

    def _send(self, request: AWSPreparedRequest) -> Received | None:
        """Send a request, and note what became of it."""
        wire, url = self._wire, urlsplit(request.url)
        wire.sent = request
        start = time.perf_counter()
        came = self._connection.attempt(
            url.path or "/",
            headers_of(request),
            body_of(request),
            timeout_ms=_TIMEOUT_MS,
        )
        wire.milliseconds = (time.perf_counter() - start) * 1000
        if isinstance(came, str):
            wire.failure = came
        else:
            wire.received = came
        return wire.received

    def _exchange(self, region: str, label: str) -> Exchange:
        wire = self._wire
        with self._lock:
            self._silences = 0 if wire.received else self._silences + 1
        return Exchange(
            label=label,
            url=wire.sent.url if wire.sent else self.target.endpoint_url,
            headers=headers_of(wire.sent) if wire.sent else (),
            body=body_of(wire.sent) if wire.sent else b"",
            signing=Signing(region=region, service="kms"),
            connection=ConnectionSettings(ca_bundle=self.target.ca_bundle),
            received=wire.received,
            error="" if wire.received else f"no answer ({wire.failure})",
            milliseconds=wire.milliseconds,
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


class KmsClient:
    """The endpoint as one check sees it; any thread may call.

    Args:
        endpoint: the endpoint under test.
        recorder: keeps every exchange of the check.
        jobs: how many calls may be under way at once.
        purpose: of calls whose label does not begin with "control".
    """

    def __init__(
        self,
        endpoint: KmsEndpoint,
        recorder: Recorder,
        *,
        jobs: int = 1,
        purpose: Purpose = Purpose.PROBE,
    ) -> None:
        self.target = endpoint.target
        self.touched = endpoint.touched
        self.doomed = endpoint.doomed
        self._endpoint = endpoint
        self._recorder = recorder
        self.jobs = jobs
        self._purpose = purpose

    def call(
        self,
        operation: str,
        *,
        label: str = "",
        region: str | None = None,
        **parameters: object,
    ) -> KmsReply:
        """Call an operation; see ``KmsEndpoint.call``.

        A control that a time-out may have felled is sent again, a few times.
        """
        send = partial(
            self._endpoint.call,
            operation,
            parameters,
            region=region or self.target.region,
            label=label or f"probe: {operation}",
        )
        reply = self._recorded(send(), parameters)
        for _ in range(_ATTEMPTS - 1):
            if not _may_pass(reply):
                break
            reply = self._recorded(send(), parameters)
        return reply

    def post(self, operation: str, body: bytes, *, label: str = "") -> KmsReply:
        """Send a body as it is; see ``KmsEndpoint.post``."""
        reply = self._endpoint.post(
            operation, body, label=label or f"probe: {operation}"
        )
        return self._recorded(reply, {})

    def side_by_side(
        self, calls: Iterable[Callable[[], T]], *, width: int | None = None
    ) -> list[T]:
        """Make independent calls side by side; results and records are in their order.

        Within a call that runs side by side with others, one after the other.

        Args:
            calls: what to call.
            width: how many at once, if that is less than usual.

        Raises:
            Exception: that of the first of the calls that raised one.
        """
        listed = list(calls)
        if _is_one_of_many.get():
            return [call() for call in listed]
        jobs = min(width or self.jobs, self.jobs)
        spare = jobs - len(listed) if listed else 0
        filling = self._endpoint.filling(spare) if spare > 0 else []
        made: list[Any] = side_by_side(
            [
                partial(copy_context().run, _one_of_many, call)
                for call in (*listed, *filling)
            ],
            jobs=jobs,
            recorder=self._recorder,
        )
        return made[: len(listed)]

    def fill_with(self, filling: Callable[[int], list[Callable[[], object]]]) -> None:
        """Make these calls, too, where fewer than there may be are side by side.

        Args:
            filling: gives so many at most.
        """
        self._endpoint.filling = filling

    @property
    def is_one_of_many(self) -> bool:
        """Whether whoever asks runs side by side with others."""
        return _is_one_of_many.get()

    def _recorded(self, reply: KmsReply, parameters: Mapping[str, object]) -> KmsReply:
        """The reply, whose exchange has its place among those of the run."""
        is_control = reply.exchange.label.startswith(_CONTROL)
        meaning = Meaning(
            purpose=Purpose.CONTROL if is_control else self._purpose,
            operation=reply.operation,
            key_id=_first_text(parameters, _KEYS),
            store=_first_text(parameters, ("CustomKeyStoreId", "CustomKeyStoreName")),
        )
        exchange = self._recorder.add(replace(reply.exchange, meaning=meaning))
        return replace(reply, exchange=exchange)


def _may_pass(reply: KmsReply) -> bool:
    """Whether a control failed for a reason that may be one of the moment.

    KMS waits 250 ms for the proxy, which runs beside the suite; no answer and 5xx are
    no refusal either.
    """
    if not reply.exchange.label.startswith(_CONTROL) or reply.succeeded:
        return False
    return reply.status is None or reply.status >= 500 or reply.code in _IF_LATE


def _one_of_many(call: Callable[[], T]) -> T:
    _is_one_of_many.set(True)
    return call()


def _first_text(parameters: Mapping[str, object], names: Iterable[str]) -> str:
    """The first of these parameters that is a text; empty if none is."""
    texts = (parameters.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str)), "")
