"""A door of the mock proxy: real HTTPS on a loopback port, with a throw-away CA.

Faults of the listener (a refused connection, a bad certificate) take effect here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.catalogue import ListenerFault
from pytest_xks.proxy.server import HttpsServer
from pytest_xks.tls import (
    BadCertificate,
    CertificateAuthority,
    bad_certificate,
    client_context,
    server_context,
)
from pytest_xks.transport import HttpsTransport

if TYPE_CHECKING:
    import ssl

    from pytest_xks.proxy.core import ProxyCore
    from pytest_xks.tls import Certificate

__all__ = ["HttpsDoor"]

_LOOPBACK = "127.0.0.1"


class HttpsDoor:
    """Serves a proxy core on a port of the loopback interface.

    Args:
        core: the proxy.
        host: the name in the certificate and the endpoint.
        address: where it listens.
        port: 0 for any free one.
        ca: signs the certificate; a throw-away one by default.
        client_ca: the CA of client certificates, in PEM; asks for one if given (mTLS).
        client_common_name: the only subject that a client certificate may have.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        core: ProxyCore,
        *,
        host: str = "localhost",
        address: str = _LOOPBACK,
        port: int = 0,
        ca: CertificateAuthority | None = None,
        client_ca: bytes | None = None,
        client_common_name: str | None = None,
    ) -> None:
        self._core = core
        self._host = host
        self._ca = ca or CertificateAuthority.create()
        self._client_ca = client_ca
        self._context = self._server_context(self._ca.issue(host, _LOOPBACK))
        self._server = HttpsServer(
            lambda request, _peer: core.handle(request),
            context=self._context,
            host=address,
            port=port,
            allowed_client_common_name=client_common_name,
        )
        self._files = tempfile.TemporaryDirectory(prefix="pytest-xks-")
        self.ca_bundle = Path(self._files.name) / "ca.pem"
        """A file with the CA's certificate; removed by ``close``."""
        self.ca_bundle.write_bytes(self._ca.certificate_pem)
        self._server.start()
        self.transport = HttpsTransport(
            host=host, port=self.port, context=self.client_context()
        )
        core.faults.watchers.append(self._obey_faults)
        self._obey_faults()

    @property
    def port(self) -> int:
        """The port."""
        return self._server.port

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
        self._core.faults.watchers.remove(self._obey_faults)
        self.transport.close()
        self._server.stop()
        self._files.cleanup()

    def _server_context(self, certificate: Certificate) -> ssl.SSLContext:
        return server_context(certificate, client_ca=self._client_ca)

    def _obey_faults(self) -> None:
        listeners = [
            each for each in self._core.faults.armed if each.effect.listener is not None
        ]
        for each in listeners:
            each.countable = False
        kind = listeners[0].effect.listener if listeners else None
        if kind is ListenerFault.REFUSED:
            self._server.refuse_connections()
            return
        self._server.accept_connections()
        bad = _BAD_CERTIFICATES.get(kind) if kind else None
        self._server.context = (
            self._server_context(bad_certificate(bad, self._ca, self._host))
            if bad
            else self._context
        )


_BAD_CERTIFICATES = {
    ListenerFault.CERTIFICATE_EXPIRED: BadCertificate.EXPIRED,
    ListenerFault.CERTIFICATE_NOT_YET_VALID: BadCertificate.NOT_YET_VALID,
    ListenerFault.CERTIFICATE_WRONG_HOST: BadCertificate.WRONG_HOST,
    ListenerFault.CERTIFICATE_UNKNOWN_CA: BadCertificate.UNKNOWN_CA,
    ListenerFault.CERTIFICATE_SELF_SIGNED: BadCertificate.SELF_SIGNED,
}
