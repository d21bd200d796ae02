"""The suite's own XKS proxy over real HTTPS, which a KMS emulator under test must call.

A check opens a key store of its own here, reads every request as it was received, and
lets answers go wrong in one way at a time.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pytest_xks.certify.probe_proxy.scripted_core import ScriptedCore
from pytest_xks.certify.probe_proxy.store import ProxyStore
from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.listener import HttpsListener
from pytest_xks.http.tricks import Trick
from pytest_xks.proxy.stores import ProxyKeyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.vocabulary import ListenerFault
    from pytest_xks.certify.targets.kms_target import ProbeProxySettings

__all__ = ["ProbeProxy"]


class ProbeProxy:
    """The XKS proxy of a run; a context manager.

    Args:
        settings: where it listens, and whose certificates it shows.

    Raises:
        OSError: the address cannot be obtained, or a file of the CA cannot be read.
        ValueError: a file of the CA is no certificate or private key.
    """

    def __init__(self, settings: ProbeProxySettings) -> None:
        self._settings = settings
        self._core = ScriptedCore()
        self._lock = threading.Lock()
        self._labels = 0
        self._secrets: list[str] = []
        self._listener = HttpsListener(
            self._core.handle,
            address=settings.host,
            port=settings.port,
            ca=_authority(settings),
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
    def ca_certificate(self) -> bytes:
        """The certificate of its CA, in PEM; an emulator must trust it."""
        return self._listener.ca_certificate

    def endpoint(self, label: str) -> str:
        """The XksProxyUriEndpoint of a label."""
        return self._settings.endpoint_template.format(label=label, port=self.port)

    # -- key stores ---------------------------------------------------------------

    def open_store(
        self, *, label: str | None = None, prefix: str | None = None
    ) -> ProxyStore:
        """A key store of its own: path, credential and keys.

        Args:
            label: of its endpoint; an unused one by default.
            prefix: of its path, before ``/kms/xks/v1``; an unused one by default,
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
            endpoint=self.endpoint(label or f"proxy-{number}"),
            store=store,
            core=self._core,
            listening=self.listening,
            learn=self._secrets.append,
        )

    def secrets(self) -> tuple[str, ...]:
        """Every secret access key that it made so far; for redaction only."""
        return tuple(self._secrets)

    # -- what the emulator asked --------------------------------------------------

    @property
    def requests(self) -> tuple[ProxyRequest, ...]:
        """Everything that it was asked, in the order of its answers."""
        return self._core.requests

    @property
    def connections(self) -> int:
        """How many connections it accepted, with or without a request."""
        return self._listener.accepted

    def watching(
        self,
    ) -> AbstractContextManager[Callable[[], tuple[ProxyRequest, ...]]]:
        """Give the block a function that returns what was asked since."""
        return self._core.watching()

    # -- what goes wrong ----------------------------------------------------------

    def answering(
        self,
        status: int,
        body: Mapping[str, object] | bytes,
        *,
        operation: str | None = None,
        content_type: str = "application/json",
    ) -> AbstractContextManager[None]:
        """Answer with this within the block, on every path, known or not.

        Args:
            status: the HTTP status.
            body: a JSON document, or bytes.
            operation: health, metadata, encrypt or decrypt; all by default.
            content_type: of the answer.
        """
        return self._core.answering(
            status, body, operation=operation, content_type=content_type
        )

    @contextmanager
    def listening(self, fault: ListenerFault) -> Iterator[None]:
        """Let the listener misbehave within the block; ends all open connections."""
        self._listener.play(frozenset({Trick(fault.value)}))
        try:
            yield
        finally:
            self._listener.play(frozenset())


def _authority(settings: ProbeProxySettings) -> CertificateAuthority:
    if settings.ca_certificate is None or settings.ca_private_key is None:
        return CertificateAuthority.create()
    return CertificateAuthority.load(
        settings.ca_certificate.read_bytes(), settings.ca_private_key.read_bytes()
    )


def _wildcard(template: str) -> str:
    """The name in the certificate that every label fits."""
    url = urlsplit(template.format(label="*", port=443))
    return url.hostname or "*.xks.test"
