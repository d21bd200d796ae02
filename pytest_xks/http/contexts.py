"""TLS contexts, of servers and of clients: versions, cipher suites, whom to trust."""

from __future__ import annotations

import ssl
from ssl import TLSVersion
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.http.certificates import Certificate

__all__ = ["client_context", "server_context"]

# "API content type": the TLS 1.2 suites, by OpenSSL's names. Python offers no choice of
# TLS 1.3 suites; OpenSSL's default includes both that the specification names.
_TLS_1_2_SUITES = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"


def server_context(
    certificate: Certificate,
    *,
    client_ca: bytes | None = None,
    minimum: TLSVersion = TLSVersion.TLSv1_2,
    maximum: TLSVersion = TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    """Make the context of a server: what the specification lists, and no more.

    Args:
        certificate: what the server presents.
        client_ca: PEM; a client must present a certificate of one of these authorities.
        minimum: the lowest TLS version that is offered.
        maximum: the highest.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.set_ciphers(_TLS_1_2_SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # The server speaks nothing else; a client that would like HTTP/2 falls back.
    context.set_alpn_protocols(["http/1.1"])
    certificate.use_in(context)
    if client_ca is not None:
        context.load_verify_locations(cadata=client_ca.decode("ascii"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    ca_pem: bytes | None,
    *,
    certificate: Certificate | None = None,
    minimum: TLSVersion = TLSVersion.TLSv1_2,
    maximum: TLSVersion = TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    """Make the context of a client that verifies the server and its name.

    Args:
        ca_pem: the authorities to trust, and no other; None means the system's.
        certificate: what the client presents if it is asked.
        minimum: the lowest TLS version that is offered.
        maximum: the highest.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version, context.maximum_version = minimum, maximum
    if ca_pem is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=ca_pem.decode("ascii"))
    if certificate is not None:
        certificate.use_in(context)
    return context
