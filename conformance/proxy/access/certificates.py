"""Client certificates that no proxy should accept, made for one check.

Their subject is that of the good certificate, so that only the issuer is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pytest_xks.certify.targets.proxy_target import RefusedCertificate

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["REASONS", "bad_certificate", "is_of_same_authority"]

REASONS = ("self-signed", "unknown-authority", "expired-of-unknown-authority")


@dataclass(frozen=True, slots=True)
class _Issuer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def is_of_same_authority(certificate: Path, good: Path) -> bool:
    """Whether two certificates name one issuer, so that only the subject can be wrong.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file holds no certificate.
    """
    issuers = [
        x509.load_pem_x509_certificate(each.read_bytes()).issuer
        for each in (certificate, good)
    ]
    return issuers[0] == issuers[1]


def _subject_of(certificate: Path) -> x509.Name:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).subject


def _issued(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: _Issuer,
    *,
    expired: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    end = now - timedelta(days=1) if expired else now + timedelta(days=30)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(end)
        .add_extension(usage, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def bad_certificate(reason: str, good: Path, scratch: Path) -> RefusedCertificate:
    """A client certificate with the subject of a good one, and another issuer.

    Args:
        reason: one of ``REASONS``.
        good: the certificate that the proxy accepts, PEM.
        scratch: where to write certificate and private key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject_of(good)
    issuer = _Issuer(subject, key)
    if reason != "self-signed":
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "an unknown authority")]
        )
        issuer = _Issuer(name, ec.generate_private_key(ec.SECP256R1()))
    certificate = _issued(subject, key, issuer, expired=reason.startswith("expired"))
    pem, private = scratch / f"{reason}.pem", scratch / f"{reason}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return RefusedCertificate(reason=reason, certificate=pem, private_key=private)
