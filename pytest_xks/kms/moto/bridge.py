"""The only file that touches moto: its private surface, in one place.

What is relied on, and tests/kms/test_moto_bridge.py says so again:

- ``moto.kms.urls.url_paths`` is read at every request; its handler is replaced.
- ``BaseResponse.dispatch`` makes an instance and calls ``_dispatch``: ``setup_class``
  fills in ``body``, ``headers``, ``region``, ``current_account`` and ``access_key``;
  ``call_action`` answers with status, headers and body. The last three have a method
  that finds them out, and without moto's IAM nothing else is needed.
- ``kms_backends[account][region]`` is a ``KmsBackend`` with ``keys`` and ``tagger``; on
  a reset of moto its ``__dict__`` is emptied or the object dropped.
- ``Key.__init__`` takes the arguments that ``_XksKey`` gives it, and ``to_dict`` makes
  what DescribeKey answers.
- Subclasses of ``CloudWatchMetricProvider`` are asked for metrics at every reading.

What a KMS operation means is not decided here; see ``responses``.
"""

from __future__ import annotations

import inspect
import json
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import moto.kms.urls as kms_urls
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws, settings
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.iam.models import iam_backends, mark_account_as_visited
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse
from moto.kms.utils import RESERVED_ALIASES
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException

from pytest_xks.kms.desk.call import Call
from pytest_xks.kms.desk.exceptions import ErrorCode, KmsError
from pytest_xks.kms.desk.rendering import (
    key_metadata,
    read_error,
    render_answer,
    render_error,
    render_motos,
)
from pytest_xks.kms.stores.models import EXTERNAL_KEY_STORE, Region
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_xks.kms.desk.host import Host
    from pytest_xks.kms.operators.metrics import MetricPoint
    from pytest_xks.kms.stores.models import ExternalKeyStore, XksKey
    from pytest_xks.proxy_api.http import Headers, Request

__all__ = [
    "DEFAULT_ACCOUNT_ID",
    "Bridge",
    "mock_aws",
    "new_request_id",
    "process_http",
    "write_log",
]

_STATE = "_pytest_xks"
_DISPATCH = "{0}/$"
_TARGET_PREFIX = "TrentService."
_CHEAP_KEY_SPEC = "ECC_NIST_P256"
_BY_ALIAS = frozenset({"DescribeKey"})
_NEVER = float("inf")
_NOT_JSON = KmsError(ErrorCode.SERIALIZATION, "The request is not a JSON object.")


# -- installation -----------------------------------------------------------------

_installed: list[Bridge] = []
_original: list[Any] = []
_lock = threading.RLock()


class Bridge:
    """Leads moto's KMS requests to a host, for as long as it is installed.

    Args:
        host: answers them. Of several that are installed the last one does.
    """

    def __init__(self, host: Host) -> None:
        self.host = host

    def install(self) -> None:
        """Begin."""
        with _lock:
            if not _installed:
                _original.append(kms_urls.url_paths[_DISPATCH])
                kms_urls.url_paths[_DISPATCH] = _XksResponse.dispatch
            _installed.append(self)

    def uninstall(self) -> None:
        """End, and leave moto as it was: the keys in external key stores go."""
        with _lock:
            for backend in _backends():
                region = self._region_of(backend)
                if region is None:
                    continue
                for store_id in region.stores:
                    for key in region.keys.in_store(store_id):
                        region.keys.delete(key)
                del vars(backend)[_STATE]
            _installed.remove(self)
            if not _installed:
                kms_urls.url_paths[_DISPATCH] = _original.pop()

    def regions(self) -> list[Region]:
        """Every account's state in every Region that has been touched."""
        found = [self._region_of(backend) for backend in _backends()]
        return [region for region in found if region is not None]

    def region(self, account_id: str, name: str) -> Region:
        """An account's state in a Region; it goes when moto is reset."""
        backend = kms_backends[account_id][name]
        region = self._region_of(backend)
        if region is None:
            with _lock:
                region = Region(account_id, name, _Keys(backend), self.host.world)
                vars(backend)[_STATE] = (self, region)
        return region

    def _region_of(self, backend: KmsBackend) -> Region | None:
        bridge, region = vars(backend).get(_STATE, (None, None))
        return region if bridge is self else None


def _backends() -> list[KmsBackend]:
    return [
        backend
        for of_account in list(kms_backends.values())
        for backend in list(of_account.values())
    ]


# -- keys -------------------------------------------------------------------------


class _XksKey(Key):
    """A KMS key in an external key store, among moto's keys."""

    def __init__(
        self,
        *,
        store: ExternalKeyStore,
        external_key_id: str,
        policy: str | None,
        description: str,
    ) -> None:
        # moto generates a private key for every key, of RSA for a symmetric one, which
        # takes 80 ms. An elliptic curve takes 30 us; nobody ever sees it.
        super().__init__(
            policy,
            "ENCRYPT_DECRYPT",
            _CHEAP_KEY_SPEC,
            description,
            store.region.account_id,
            store.region.name,
        )
        self.key_spec = "SYMMETRIC_DEFAULT"
        self.origin = EXTERNAL_KEY_STORE
        self.private_key: Any = None
        self.store = store
        self.external_key_id = external_key_id
        self.creation_date = store.region.world.clock.now().timestamp()

    def metadata(self) -> dict[str, object]:
        """The KeyMetadata."""
        return key_metadata(
            self,
            description=self.description,
            created=self.creation_date,
            manager=self.key_manager,
        )

    def to_dict(self) -> dict[str, Any]:
        """What moto answers DescribeKey with."""
        return {"KeyMetadata": self.metadata()}


class _Keys:
    """moto's keys of an account in a Region."""

    def __init__(self, backend: KmsBackend) -> None:
        self._backend = backend

    def find(self, key_id: str) -> XksKey | None:
        """The key in an external key store that a key id, key ARN or alias means."""
        keys = self._backend.keys
        key = keys.get(key_id) or keys.get(self._plain_id(key_id))
        return key if isinstance(key, _XksKey) else None

    def _plain_id(self, key_id: str) -> str:
        if ":key/" in key_id:
            return key_id.partition(":key/")[2]
        name = key_id.rpartition(":")[2]
        # moto makes a key for a reserved alias that is looked for: not on our account.
        if not name.startswith("alias/") or name in RESERVED_ALIASES:
            return key_id
        return self._backend.get_key_id_from_alias(name) or key_id

    def in_store(self, custom_key_store_id: str) -> Sequence[XksKey]:
        """The keys in an external key store."""
        return [
            key
            for key in list(self._backend.keys.values())
            if isinstance(key, _XksKey) and key.store.id == custom_key_store_id
        ]

    def create(
        self,
        *,
        store: ExternalKeyStore,
        external_key_id: str,
        policy: str | None,
        description: str,
        tags: Sequence[dict[str, str]],
    ) -> XksKey:
        """Make a KMS key in an external key store."""
        key = _XksKey(  # type: ignore[abstract] # moto's classes are not abstract
            store=store,
            external_key_id=external_key_id,
            policy=policy,
            description=description,
        )
        self._backend.keys[key.id] = key
        if tags:
            self._backend.tagger.tag_resource(key.id, list(tags))
        return key

    def delete(self, key: XksKey) -> None:
        """Delete a KMS key with its aliases and tags."""
        # moto 5.0 keeps the aliases at the backend, newer ones at the key.
        aliases = getattr(self._backend, "key_to_aliases", {}).get(key.id, ())
        for alias in list(aliases):
            self._backend.delete_alias(alias)
        self._backend.delete_key(key.id)

    def plain_key_of(self, blob: bytes) -> str | None:
        """The id of the standard key that a ciphertext blob belongs to, if any."""
        key_id = blob[:36].decode("ascii", "replace")
        key = self._backend.keys.get(key_id)
        return None if key is None or isinstance(key, _XksKey) else key_id

    def encrypt_plain(
        self, key_id: str, plaintext: bytes, context: dict[str, str]
    ) -> tuple[bytes, str]:
        """Encrypt under a standard key: ciphertext blob and key ARN."""
        name = key_id.rpartition(":")[2]
        plain_id = (
            self._backend.get_key_id_from_alias(name)
            if name.startswith("alias/")
            else self._plain_id(key_id)
        )
        if plain_id not in self._backend.keys:
            raise KmsError(ErrorCode.NOT_FOUND, f"Key '{key_id}' does not exist")
        with _moto_errors():
            return self._backend.encrypt(
                key_id=plain_id, plaintext=plaintext, encryption_context=context
            )

    def decrypt_plain(self, blob: bytes, context: dict[str, str]) -> tuple[bytes, str]:
        """Decrypt under a standard key: plaintext and key ARN."""
        with _moto_errors():
            return self._backend.decrypt(
                ciphertext_blob=blob, encryption_context=context
            )


@contextmanager
def _moto_errors() -> Iterator[None]:
    """Raise a KmsError in place of an exception of moto."""
    try:
        yield
    except HTTPException as error:
        code, message = getattr(error, "error_type", ""), getattr(error, "message", "")
        raise KmsError(str(code), str(message)) from None


# -- requests ---------------------------------------------------------------------


class _XksResponse(KmsResponse):
    """moto's KMS, with external key stores."""

    _left_to_moto: Call | None = None
    """A call that the host does not answer."""

    def _dispatch(
        self,
        request: Any,  # noqa: ANN401 - moto's
        full_url: str | None = None,
        headers: Any = None,  # noqa: ANN401 - moto's
    ) -> Any:  # noqa: ANN401 - moto's
        """Answer before moto prepares itself, which takes a tenth of a call's time."""
        bridge = _installed[-1] if _installed else None
        if bridge is None:
            return super()._dispatch(request, full_url, headers)
        if not bridge.host.faults.armed:
            return self._dispatch_to(bridge, request, full_url, headers)
        with bridge.host.faults.at_work():
            return self._dispatch_to(bridge, request, full_url, headers)

    def _dispatch_to(
        self,
        bridge: Bridge,
        request: Any,  # noqa: ANN401 - moto's
        full_url: str | None,
        headers: Any,  # noqa: ANN401 - moto's
    ) -> Any:  # noqa: ANN401 - moto's
        if _needs_moto_first(request):
            return super()._dispatch(request, full_url, headers)
        self.headers = request.headers
        self.querystring: dict[str, Any] = {}
        self.body = _body_of(request)
        self.region = self.get_region_from_url(request, full_url or request.raw_url)
        self.access_key = self.get_access_key()
        self.current_account = self.get_current_account()
        answer = self._host_answer(bridge)
        if answer is None:
            return super()._dispatch(request, full_url, headers)
        mark_account_as_visited(
            self.current_account, self.access_key, "kms", self.region
        )
        return answer

    def call_action(self) -> tuple[int, dict[str, str], Any]:
        """Answer what has not been answered yet."""
        bridge = _installed[-1] if _installed else None
        if bridge is not None and self._left_to_moto is None:
            # moto's IAM comes first, and moto counts requests there: once is enough.
            try:
                self._authenticate_and_authorize_normal_action()
            except HTTPException:
                return super().call_action()
            self._authorized = True
            answer = self._host_answer(bridge)
            if answer is not None:
                return answer
        if bridge is None or self._left_to_moto is None:
            return super().call_action()
        return self._moto_answer(bridge.host, self._left_to_moto)

    _authorized = False

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        if not self._authorized:
            super()._authenticate_and_authorize_normal_action(resource)

    def _host_answer(self, bridge: Bridge) -> tuple[int, dict[str, str], str] | None:
        """The host's answer; None if it leaves the call to moto."""
        host, region = bridge.host, bridge.region(self.current_account, self.region)
        parameters = self._parameters()
        call = self._call(host, parameters or {})
        try:
            if parameters is None:
                return render_error(_NOT_JSON, call.request_id)
            document = host.answer(region, call)
        except KmsError as error:
            host.note(call, None, error)
            return render_error(error, call.request_id)
        if document is None:
            self._left_to_moto = call
            return None
        host.note(call, document, None)
        return render_answer(document, call.request_id)

    def _parameters(self) -> dict[str, object] | None:
        try:
            parameters = json.loads(self.body) if self.body else {}
        except (ValueError, RecursionError):
            return None
        return parameters if isinstance(parameters, dict) else None

    def _call(self, host: Host, parameters: Mapping[str, object]) -> Call:
        target = str(self.headers.get("X-Amz-Target") or "")
        return Call(
            operation=target.removeprefix(_TARGET_PREFIX),
            parameters=parameters,
            account_id=self.current_account,
            region=self.region,
            request_id=new_request_id(),
            principal_arn=host.origin.principal_arn
            or _principal_arn(self.current_account, self.access_key, self.region),
            origin=host.origin,
            access_key_id=self.access_key,
            user_agent=str(self.headers.get("User-Agent") or ""),
        )

    def _moto_answer(self, host: Host, call: Call) -> tuple[int, dict[str, str], Any]:
        key_id = call.text("KeyId")
        if call.keys and key_id and (":key/" in key_id or call.operation in _BY_ALIAS):
            # Some of moto's operations take a key id and stumble over an ARN, in 5.0
            # also over an alias ARN.
            self.body = json.dumps({**call.parameters, "KeyId": call.keys[0].id})
        status, headers, body = super().call_action()
        headers["x-amzn-requestid"] = call.request_id
        host.note(call, None, read_error(status, body))
        return render_motos(call, status, headers, body)


def _needs_moto_first(request: Any) -> bool:  # noqa: ANN401 - moto's
    """Whether moto authorizes requests, or has to unpack this one."""
    if settings.INITIAL_NO_AUTH_ACTION_COUNT != _NEVER:
        return True
    return bool(request.headers.get("Content-Encoding"))


def _body_of(request: Any) -> Any:  # noqa: ANN401 - moto's
    # moto 5.0 hands over botocore's request, newer ones a request of werkzeug.
    return request.data if hasattr(request, "data") else request.body


def new_request_id() -> str:
    """A request id as AWS's look."""
    return str(uuid.uuid4())


def _principal_arn(account_id: str, access_key: str, region: str) -> str:
    """The caller's ARN, as moto's STS GetCallerIdentity has it."""
    users = iam_backends[account_id]["global"]
    if access_key not in users.access_keys:
        # Credentials that moto did not issue: the common case, and STS's answer to it.
        partition = "aws-cn" if region.startswith("cn-") else "aws"
        return f"arn:{partition}:sts::{account_id}:user/moto"
    backend = sts_backends[account_id]["global"]
    identify = backend.get_caller_identity
    # Newer releases want to know the Region, for its partition.
    arguments = [access_key, region][: len(inspect.signature(identify).parameters)]
    return str(identify(*arguments)[1])


# -- HTTP -------------------------------------------------------------------------


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


# -- CloudWatch -------------------------------------------------------------------


class _XksMetrics(CloudWatchMetricProvider):
    """Tells moto's CloudWatch of the metrics of external key stores."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str | None = None) -> list[Any]:
        """The data points of an account; moto 5.0 does not say in which Region."""
        # Slow to import, and here already: moto's CloudWatch is what asks.
        from moto.cloudwatch.models import MetricDatum  # noqa: PLC0415

        def datum(point: MetricPoint) -> Any:  # noqa: ANN401 - moto's own
            made = MetricDatum(
                namespace="AWS/KMS",
                name=point.name,
                value=float(point.value),
                dimensions=[
                    {"Name": name, "Value": value} for name, value in point.dimensions
                ],
                timestamp=None,  # That is now, for the moment.
                unit=point.unit,
            )
            # moto 5.0 has aware times there, and later ones naive.
            made.timestamp = point.time.replace(tzinfo=made.timestamp.tzinfo)
            return made

        return [
            datum(point)
            for bridge in _installed
            for point in bridge.host.metric_points(account_id, region)
        ]


def write_log(  # noqa: PLR0913 - the coordinates of a log event
    *,
    account_id: str,
    region: str,
    group: str,
    stream: str,
    timestamp_ms: int,
    message: str,
) -> None:
    """Put an event into moto's CloudWatch Logs, with group and stream."""
    # Slow to import, and needed only when a proxy complains.
    from moto.logs.models import logs_backends  # noqa: PLC0415

    backend = logs_backends[account_id][region]
    if group not in backend.groups:
        backend.create_log_group(group, {})
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    event = {"timestamp": timestamp_ms, "message": message}
    backend.put_log_events(group, stream, [event])
