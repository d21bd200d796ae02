"""The suite's instrument for KMS emulators: its own mock XKS proxy, over real HTTPS.

The emulator under test calls it. A check opens a key store of its own here, reads every
request as it came over the wire, and lets answers go wrong in one way at a time. What
an answer should say is for the check to state; nothing here knows what KMS does.
"""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pytest_xks.clock import SystemClock
from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.listener import HttpsListener
from pytest_xks.http.tricks import Trick
from pytest_xks.proxy.core import ProxyCore
from pytest_xks.proxy.keys import ExternalKey
from pytest_xks.proxy.stores import ProxyKeyStore
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.certify.targets.kms_target import InstrumentSettings
    from pytest_xks.proxy.health import ProxyFleet
    from pytest_xks.proxy_api.http import Headers, Request
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = [
    "Ending",
    "ExternalKey",
    "Instrument",
    "ProxyRequest",
    "ProxyStore",
    "Trick",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """A request of the emulator, as it came, and the status that it got."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    status: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def operation(self) -> str:
        """The end of the path: health, metadata, encrypt or decrypt."""
        return self.path.rpartition("/")[2]

    def header(self, name: str) -> str | None:
        """The first value of a header; None if it is absent."""
        wanted = name.lower()
        return next((v for n, v in self.headers if n.lower() == wanted), None)

    @property
    def document(self) -> dict[str, object]:
        """The body as a JSON object; empty if it is something else."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def request_metadata(self) -> dict[str, object]:
        """The requestMetadata of the body; empty if there is none."""
        metadata = self.document.get("requestMetadata")
        return metadata if isinstance(metadata, dict) else {}


@dataclass(frozen=True, slots=True)
class _Script:
    """What becomes of the answers to some requests."""

    operation: str | None
    uri_path: str | None
    change: Callable[[Delivery, Request], Delivery]

    def concerns(self, request: Request) -> bool:
        if self.operation and not request.path.endswith(f"/{self.operation}"):
            return False
        return self.uri_path is None or request.path.startswith(f"{self.uri_path}/")


class _RecordingCore(ProxyCore):
    """A proxy that keeps requests as they came, and whose answers can be scripted."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock())
        self.seen: list[ProxyRequest] = []
        self.scripts: tuple[_Script, ...] = ()

    def handle(self, request: Request) -> Delivery:
        delivery = super().handle(request)
        for script in self.scripts:
            if script.concerns(request):
                delivery = script.change(delivery, request)
        self.seen.append(
            ProxyRequest(
                method=request.method,
                target=request.target,
                headers=request.headers,
                body=request.body,
                status=delivery.response.status,
            )
        )
        return delivery


class Instrument:
    """The mock XKS proxy of a run; a context manager.

    Args:
        settings: where it listens, and whose certificates it shows.

    Raises:
        OSError: the address cannot be had, or a file of the CA cannot be read.
        ValueError: a file of the CA is no certificate or private key.
    """

    def __init__(self, settings: InstrumentSettings) -> None:
        self._settings = settings
        self._core = _RecordingCore()
        self._lock = threading.Lock()
        self._labels = 0
        self._secrets: list[str] = []
        self.ca = _authority(settings)
        """Signs its certificates; an emulator must trust it."""
        self._listener = HttpsListener(
            self._core.handle,
            address=settings.host,
            port=settings.port,
            ca=self.ca,
            names=(_wildcard(settings.endpoint_template),),
        )

    def __enter__(self) -> Self:
        """It listens from the start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    @property
    def port(self) -> int:
        """The port where it listens."""
        return self._listener.port

    @property
    def fleet(self) -> ProxyFleet:
        """What GetHealthStatus reports; its managers' status may be changed."""
        return self._core.fleet

    def endpoint(self, label: str) -> str:
        """The XksProxyUriEndpoint of a label."""
        return self._settings.endpoint_template.format(label=label, port=self.port)

    # -- key stores ---------------------------------------------------------------

    def open_store(
        self, *, label: str | None = None, prefix: str | None = None
    ) -> ProxyStore:
        """A key store of its own: path, credential and keys.

        Args:
            label: of its endpoint; one that nobody has by default.
            prefix: of its path, before ``/kms/xks/v1``; one that nobody has by default,
                none at all if it is empty.
        """
        with self._lock:
            self._labels += 1
            number = self._labels
        first = f"store-{number}" if prefix is None else prefix
        store = ProxyKeyStore(f"{'/' if first else ''}{first}/kms/xks/v1")
        self._core.add_store(store)
        self._secrets.append(store.credential.secret_access_key)
        return ProxyStore(
            instrument=self,
            store=store,
            endpoint=self.endpoint(label or f"proxy-{number}"),
            learn=self._secrets.append,
        )

    def secrets(self) -> tuple[str, ...]:
        """Every secret access key that it made so far; for redaction only."""
        return tuple(self._secrets)

    # -- what the emulator asked --------------------------------------------------

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """Everything that it was asked, in the order of its answers."""
        return tuple(self._core.seen)

    @property
    def connections(self) -> int:
        """How many connections came, also those on which nothing was asked."""
        return self._listener.accepted

    @contextmanager
    def watching(self) -> Iterator[Callable[[], tuple[ProxyRequest, ...]]]:
        """Yield a function that returns what was asked since."""
        start = len(self._core.seen)
        yield lambda: tuple(self._core.seen[start:])

    # -- what goes wrong ----------------------------------------------------------

    @contextmanager
    def changing(
        self,
        change: Callable[[Delivery, Request], Delivery],
        *,
        operation: str | None = None,
        uri_path: str | None = None,
    ) -> Iterator[None]:
        """Change deliveries within the block.

        Args:
            change: gets the delivery that the proxy would make, and the request.
            operation: health, metadata, encrypt or decrypt; all by default.
            uri_path: of one key store only; all by default.
        """
        script = _Script(operation, uri_path, change)
        with self._lock:
            self._core.scripts = (*self._core.scripts, script)
        try:
            yield
        finally:
            with self._lock:
                self._core.scripts = tuple(
                    each for each in self._core.scripts if each is not script
                )

    def answering(
        self,
        status: int,
        body: Mapping[str, object] | bytes,
        *,
        operation: str | None = None,
        uri_path: str | None = None,
        content_type: str = "application/json",
    ) -> AbstractContextManager[None]:
        """Answer with this within the block, whatever was asked.

        Args:
            status: the HTTP status.
            body: a JSON document, or bytes.
            operation: health, metadata, encrypt or decrypt; all by default.
            uri_path: of one key store only; all paths by default, known or not.
            content_type: of the answer.
        """
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = Response(
            status=status, headers=(("Content-Type", content_type),), body=data
        )
        return self.changing(
            lambda delivery, _: replace(delivery, response=response),
            operation=operation,
            uri_path=uri_path,
        )

    @contextmanager
    def listening(self, trick: Trick) -> Iterator[None]:
        """Let the listener misbehave within the block; ends all open connections."""
        self._listener.play(frozenset({trick}))
        try:
            yield
        finally:
            self._listener.play(frozenset())


class ProxyStore:
    """A key store of the instrument, as checks hold it."""

    def __init__(
        self,
        *,
        instrument: Instrument,
        store: ProxyKeyStore,
        endpoint: str,
        learn: Callable[[str], None],
    ) -> None:
        self.instrument = instrument
        self.endpoint = endpoint
        """The XksProxyUriEndpoint."""
        self._store = store
        self._learn = learn

    def __repr__(self) -> str:
        """The store without its secret."""
        return f"ProxyStore({self.endpoint}{self.uri_path})"

    @property
    def uri_path(self) -> str:
        """The XksProxyUriPath."""
        return self._store.uri_path

    @property
    def credential(self) -> dict[str, str]:
        """The XksProxyAuthenticationCredential."""
        return _as_parameter(self._store.credential)

    def rotate_credential(self) -> dict[str, str]:
        """A new credential, which becomes the store's; the old one stays valid."""
        credential = self._store.rotate_credential()
        self._learn(credential.secret_access_key)
        return _as_parameter(credential)

    def forget_credential(self, access_key_id: str) -> None:
        """Accept a credential no longer."""
        self._store.remove_credential(access_key_id)

    def add_key(
        self, external_key_id: str | None = None, **properties: object
    ) -> ExternalKey:
        """An external key.

        Args:
            external_key_id: a random one by default.
            properties: ``key_spec``, ``key_usage``, ``status``, ``versioned``,
                ``initialization_vector_bytes``.
        """
        return self._store.add_key(external_key_id, **properties)  # type: ignore[arg-type] # the same properties

    def remove_key(self, external_key_id: str) -> None:
        """Delete an external key."""
        self._store.remove_key(external_key_id)

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """What was asked of this key store."""
        return self._own(self.instrument.requests)

    @contextmanager
    def watching(self) -> Iterator[Callable[[], tuple[ProxyRequest, ...]]]:
        """Yield a function that returns what was asked of this key store since."""
        with self.instrument.watching() as seen:
            yield lambda: self._own(seen())

    def _own(self, requests: tuple[ProxyRequest, ...]) -> tuple[ProxyRequest, ...]:
        prefix = f"{self.uri_path}/"
        return tuple(r for r in requests if r.path.startswith(prefix))

    # -- what goes wrong ----------------------------------------------------------

    def answering(
        self,
        status: int,
        body: Mapping[str, object] | bytes,
        *,
        operation: str | None = None,
        content_type: str = "application/json",
    ) -> AbstractContextManager[None]:
        """Answer with this within the block, whatever was asked.

        Args:
            status: the HTTP status.
            body: a JSON document, or bytes.
            operation: health, metadata, encrypt or decrypt; all by default.
            content_type: of the answer.
        """
        return self.instrument.answering(
            status,
            body,
            operation=operation,
            uri_path=self.uri_path,
            content_type=content_type,
        )

    def failing(
        self,
        error_name: str,
        status: int,
        *,
        operation: str | None = None,
        message: str = "",
    ) -> AbstractContextManager[None]:
        """Answer with an error of the proxy API within the block."""
        body = {"errorName": error_name}
        if message:
            body["errorMessage"] = message
        return self.answering(status, body, operation=operation)

    def altering(
        self,
        change: Callable[[dict[str, object]], object],
        *,
        operation: str | None = None,
    ) -> AbstractContextManager[None]:
        """Change the document of every success within the block.

        Args:
            change: edits the document in place.
            operation: health, metadata, encrypt or decrypt; all by default.
        """
        return self.rewriting(lambda document, _: change(document), operation=operation)

    def rewriting(
        self,
        change: Callable[[dict[str, object], Mapping[str, object]], object],
        *,
        operation: str | None = None,
    ) -> AbstractContextManager[None]:
        """Change the document of every success, knowing what was asked.

        Args:
            change: edits the document in place; gets the request's, too.
            operation: health, metadata, encrypt or decrypt; all by default.
        """

        def alter(delivery: Delivery, request: Request) -> Delivery:
            if delivery.response.status != 200:
                return delivery
            document = json.loads(delivery.response.body)
            change(document, json.loads(request.body))
            body = json.dumps(document).encode()
            return replace(delivery, response=replace(delivery.response, body=body))

        return self._changing(alter, operation)

    def delaying(
        self, milliseconds: float, *, operation: str | None = None
    ) -> AbstractContextManager[None]:
        """Answer late within the block."""
        return self._changing(
            lambda delivery, _: replace(delivery, delay_ms=milliseconds), operation
        )

    def ending(
        self, ending: Ending, *, operation: str | None = None
    ) -> AbstractContextManager[None]:
        """Let every exchange within the block end in another way than by an answer."""
        return self._changing(
            lambda delivery, _: replace(delivery, ending=ending), operation
        )

    def _changing(
        self, change: Callable[[Delivery, Request], Delivery], operation: str | None
    ) -> AbstractContextManager[None]:
        return self.instrument.changing(
            change, operation=operation, uri_path=self.uri_path
        )


def _as_parameter(credential: Credential) -> dict[str, str]:
    return {
        "AccessKeyId": credential.access_key_id,
        "RawSecretAccessKey": credential.secret_access_key,
    }


def _authority(settings: InstrumentSettings) -> CertificateAuthority:
    if settings.ca_certificate is None or settings.ca_private_key is None:
        return CertificateAuthority.create()
    return CertificateAuthority.load(
        settings.ca_certificate.read_bytes(), settings.ca_private_key.read_bytes()
    )


def _wildcard(template: str) -> str:
    """The name in the certificate that every label fits."""
    url = urlsplit(template.format(label="*", port=443))
    return url.hostname or "*.xks.test"
