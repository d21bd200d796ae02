"""Real HTTPS on a loopback port, with a throw-away CA, and with tricks if asked for."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.http.certificates import (
    BadCertificate,
    CertificateAuthority,
    bad_certificate,
)
from pytest_xks.http.client import HttpsTransport
from pytest_xks.http.connection import Connection
from pytest_xks.http.contexts import client_context, server_context
from pytest_xks.http.server import HttpsServer
from pytest_xks.http.tricks import PREVENTS_TLS, Trick
from pytest_xks.http.tricky_connection import Tricks, TrickyConnection
from pytest_xks.http.tricky_tls import misconfigure

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pytest_xks.http.delivery import Delivery
    from pytest_xks.proxy_api.http import Request

__all__ = ["HttpsListener"]

_LOOPBACK = "127.0.0.1"


class HttpsListener:
    """Answers requests on a port of the loopback interface.

    Args:
        handle: answers a request; called from many threads at once.
        host: the name in the certificate and the endpoint.
        address: where it listens.
        port: 0 for any free one.
        ca: signs the certificate; a throw-away one by default.
        client_ca: the CA of client certificates, in PEM; asks for one if given (mTLS).
        client_common_name: the only subject that a client certificate may have.
        names: more names in the certificate; under the default one a fake KMS is led
            here, for KMS takes no port in an endpoint.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        handle: Callable[[Request], Delivery],
        *,
        host: str = "localhost",
        address: str = _LOOPBACK,
        port: int = 0,
        ca: CertificateAuthority | None = None,
        client_ca: bytes | None = None,
        client_common_name: str | None = None,
        names: tuple[str, ...] = ("*.xks.test",),
    ) -> None:
        self._host = host
        self._ca = ca or CertificateAuthority.create()
        self._client_ca = client_ca
        self._names = (host, _LOOPBACK, *names)
        self._certificate = self._ca.issue(*self._names)
        self._context = server_context(self._certificate, client_ca=client_ca)
        self._server = HttpsServer(
            lambda request, _peer: handle(request),
            context=self._context,
            host=address,
            port=port,
            allowed_client_common_name=client_common_name,
        )
        # First, for it may fail, and nothing must be left behind then.
        self._server.start()
        self._files = tempfile.TemporaryDirectory(prefix="pytest-xks-")
        self.ca_bundle = Path(self._files.name) / "ca.pem"
        """A file with the CA's certificate; removed by ``close``."""
        self.ca_bundle.write_bytes(self._ca.certificate_pem)
        self.transport = HttpsTransport(
            host=host, port=self.port, context=self.client_context()
        )

    @property
    def port(self) -> int:
        """The port."""
        return self._server.port

    @property
    def accepted(self) -> int:
        """How many connections came so far, whatever became of them."""
        return self._server.accepted

    @property
    def endpoint(self) -> str:
        """Scheme, host and port."""
        return f"https://{self._host}:{self.port}"

    @property
    def ca_certificate(self) -> bytes:
        """The CA's certificate, in PEM."""
        return self._ca.certificate_pem

    def client_context(self) -> ssl.SSLContext:
        """A context for TLS clients that trusts the CA and nothing else."""
        return client_context(self._ca.certificate_pem)

    def close(self) -> None:
        """Stop listening, end every connection, remove the CA's file."""
        self.transport.close()
        self._server.stop()
        self._files.cleanup()

    def play(self, tricks: frozenset[Trick]) -> None:
        """Play these tricks from now on, and no others.

        Connections that are open end if what they were made under has changed.
        """
        if Trick.CONNECTION_REFUSED in tricks:
            self._server.refuse_connections()
            return
        self._server.context = self._context_with(tricks) if tricks else self._context
        self._server.connection_factory = (
            partial(TrickyConnection, tricks=Tricks(tricks)) if tricks else Connection
        )
        self._server.accept_connections()

    def _context_with(self, tricks: frozenset[Trick]) -> ssl.SSLContext:
        kind = next((_BAD_CERTIFICATES[each] for each in tricks & PREVENTS_TLS), None)
        certificate = (
            bad_certificate(kind, self._ca, *self._names) if kind else self._certificate
        )
        context = server_context(certificate, client_ca=self._client_ca_with(tricks))
        for each in tricks:
            misconfigure(context, each)
        return context

    def _client_ca_with(self, tricks: frozenset[Trick]) -> bytes | None:
        if self._client_ca is None:
            required = Trick.REQUIRES_CLIENT_CERTIFICATE in tricks
            return self._ca.certificate_pem if required else None
        if Trick.MTLS_REFUSES_EVERYONE in tricks:
            return CertificateAuthority.create().certificate_pem
        return self._client_ca


_BAD_CERTIFICATES = {
    Trick.CERTIFICATE_EXPIRED: BadCertificate.EXPIRED,
    Trick.CERTIFICATE_NOT_YET_VALID: BadCertificate.NOT_YET_VALID,
    Trick.CERTIFICATE_WRONG_HOST: BadCertificate.WRONG_HOST,
    Trick.CERTIFICATE_UNKNOWN_CA: BadCertificate.UNKNOWN_CA,
    Trick.CERTIFICATE_SELF_SIGNED: BadCertificate.SELF_SIGNED,
}
