"""Whom a client of the suite trusts: what the target file says, or the system.

No variable of the environment is obeyed, neither SSL_CERT_FILE and SSL_CERT_DIR, which
OpenSSL reads, nor SSLKEYLOGFILE: the verdict is on the target, and not on a shell.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.exchange import ConnectionSettings

__all__ = ["client_context", "trusting"]


def trusting(ca_bundle: Path | None) -> ssl.SSLContext:
    """TLS that verifies the server and its name.

    Args:
        ca_bundle: the authorities to trust, and no other, PEM; None means those that
            the system was built to trust.

    Raises:
        OSError: the file cannot be read, or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    else:
        _trust_system(context)
    return context


def client_context(settings: ConnectionSettings) -> ssl.SSLContext:
    """TLS as the settings of a connection say.

    Raises:
        OSError: a file cannot be read, or holds something else.
    """
    context = trusting(settings.ca_bundle)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate and settings.private_key:
        # The password is never asked for: a prompt would hang an unattended run.
        context.load_cert_chain(
            settings.certificate, settings.private_key, password=lambda: b""
        )
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    if sys.platform == "win32":
        for store in ("CA", "ROOT"):
            for certificate, encoding, _ in ssl.enum_certificates(store):
                if encoding == "x509_asn":
                    context.load_verify_locations(cadata=certificate)
        return
    paths = ssl.get_default_verify_paths()
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    if file.is_file():
        context.load_verify_locations(cafile=file)
    if folder.is_dir():
        context.load_verify_locations(capath=folder)
