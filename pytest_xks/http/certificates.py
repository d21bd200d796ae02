"""A throw-away certificate authority and the certificates it issues.

Good certificates and deliberately bad ones come from here. Nothing here reads a
clock once the authority exists: a certificate's dates follow from its authority's, so
that it stays as good, or as bad, as it is meant to be.

This module is the only one that needs ``cryptography``'s X.509 half, which is slow to
import; import it where a certificate is needed, never when a plugin loads.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

__all__ = [
    "BadCertificate",
    "Certificate",
    "CertificateAuthority",
    "bad_certificate",
]

_PURPOSE_OF_SERVER = ExtendedKeyUsageOID.SERVER_AUTH
_PURPOSE_OF_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH

# RFC 5280, appendix A.1, ub-common-name.
_COMMON_NAME_MAX_LENGTH = 64

_BACKDATED = timedelta(days=1)
_LIFETIME = timedelta(days=3650)
_DAY = timedelta(days=1)

_PrivateKey = ec.EllipticCurvePrivateKey


def _systems_time() -> datetime:
    """What the system dates a file with, whatever time Python has been set to."""
    with tempfile.TemporaryFile() as file:
        seconds = os.fstat(file.fileno()).st_mtime
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@contextmanager
def _real_datetime() -> Iterator[None]:
    """Have ``datetime.datetime`` be Python's own class, under freezegun too.

    cryptography keeps, for good, the class that it finds when it first signs.
    """
    module: Any = sys.modules["datetime"]
    found = module.datetime
    module.datetime = next(c for c in found.__mro__ if c.__module__ == "datetime")
    try:
        yield
    finally:
        module.datetime = found


def _new_key() -> _PrivateKey:
    # EC P-256 takes 0.6 ms, where RSA-2048 takes 170.
    return ec.generate_private_key(ec.SECP256R1())


def _private_key_pem(private_key: _PrivateKey) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _subject_of(hosts: Sequence[str]) -> str:
    if not hosts:
        raise ValueError("A certificate needs a host or a common name.")
    fitting = (host for host in hosts if len(host) <= _COMMON_NAME_MAX_LENGTH)
    return next(fitting, "pytest-xks")


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    common_name: str, private_key: _PrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    public_key = private_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate, as a server or a client presents it, with its private key."""

    certificate_pem: bytes
    """The certificate alone: a root signed it, so there is no chain to send."""
    private_key_pem: bytes = field(repr=False)

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write ``<name>.pem`` and ``<name>.key``; only the owner may read the key.

        Returns:
            The paths of the certificate and of the private key.

        Raises:
            OSError: a file cannot be written.
        """
        certificate, private_key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.certificate_pem)
        # A file that exists keeps its mode, and a link its target: begin anew.
        private_key.unlink(missing_ok=True)
        descriptor = os.open(private_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.private_key_pem)
        return certificate, private_key

    def use_in(self, context: ssl.SSLContext) -> None:
        """Have ``context`` present this certificate."""
        # Python's ssl reads a private key from a file and from nowhere else.
        with tempfile.TemporaryDirectory(prefix="pytest-xks-") as directory:
            context.load_cert_chain(*self.write(Path(directory), "certificate"))


class CertificateAuthority:
    """A root certificate with its private key."""

    def __init__(self, certificate: x509.Certificate, private_key: _PrivateKey) -> None:
        self._certificate = certificate
        self._private_key = private_key

    @classmethod
    def create(
        cls,
        common_name: str = "pytest-xks throw-away CA",
        *,
        now: datetime | None = None,
    ) -> CertificateAuthority:
        """Make an authority that is valid from yesterday and for ten years.

        Args:
            common_name: what its certificate calls it.
            now: an aware datetime; without one, both Python's clock, which a library
                for tests may have set, and the system's, which OpenSSL goes by.
        """
        moments = (datetime.now(UTC), _systems_time()) if now is None else (now,)
        begin = min(moments) - _BACKDATED
        end = max(moments) - _BACKDATED + _LIFETIME
        private_key = _new_key()
        builder = (
            _builder(common_name, private_key, begin, end)
            .issuer_name(_name(common_name))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
        )
        with _real_datetime():
            return cls(builder.sign(private_key, hashes.SHA256()), private_key)

    @classmethod
    def load(
        cls, certificate_pem: bytes, private_key_pem: bytes
    ) -> CertificateAuthority:
        """Take up an authority that was written down.

        Raises:
            ValueError: not PEM, not an EC key, or a key that belongs to another
                certificate.
        """
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        private_key = serialization.load_pem_private_key(private_key_pem, password=None)
        if not isinstance(private_key, _PrivateKey):
            raise ValueError("The private key is not an EC key.")  # noqa: TRY004 - input
        if private_key.public_key() != certificate.public_key():
            raise ValueError("The private key does not belong to the certificate.")
        return cls(certificate, private_key)

    @property
    def certificate_pem(self) -> bytes:
        """The root certificate: what a peer has to trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def private_key_pem(self) -> bytes:
        """The private key, unencrypted PKCS #8."""
        return _private_key_pem(self._private_key)

    @property
    def not_before(self) -> datetime:
        """From when on the authority, and by default what it issues, is valid."""
        return self._certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """How long the authority, and by default what it issues, is valid."""
        return self._certificate.not_valid_after_utc

    def trust(self, context: ssl.SSLContext) -> None:
        """Have ``context`` trust what this authority issues."""
        context.load_verify_locations(cadata=self.certificate_pem.decode("ascii"))

    def issue(
        self,
        *hosts: str,
        common_name: str | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        client: bool = False,
    ) -> Certificate:
        """Issue a certificate.

        Args:
            hosts: DNS names, wildcards (``*.xks.test``) and IP addresses.
            common_name: the subject; without one, the first host that fits.
            not_before: an aware datetime; without one, the authority's.
            not_after: likewise.
            client: for a client instead of a server.

        Raises:
            ValueError: neither a host nor a common name, or one that cannot stand in a
                certificate.
        """
        leaf = _Leaf(
            hosts=hosts,
            common_name=common_name or _subject_of(hosts),
            not_before=not_before or self.not_before,
            not_after=not_after or self.not_after,
            client=client,
        )
        return leaf.sign(self._certificate.subject, self._private_key)

    def issue_client(
        self,
        common_name: str,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Certificate:
        """Issue a client certificate, such as KMS presents.

        Args:
            common_name: that of KMS is ``cks.kms.<Region>.amazonaws.com``
                ("Authentication").
            not_before: an aware datetime; without one, the authority's.
            not_after: likewise.

        Raises:
            ValueError: the name cannot stand in a certificate.
        """
        return self.issue(
            common_name=common_name,
            not_before=not_before,
            not_after=not_after,
            client=True,
        )


class BadCertificate(StrEnum):
    """The one thing that is wrong with a certificate."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_HOST = "wrong-host"
    UNKNOWN_CA = "unknown-ca"
    SELF_SIGNED = "self-signed"
    WRONG_CLIENT_SUBJECT = "wrong-client-subject"


def bad_certificate(
    kind: BadCertificate, ca: CertificateAuthority, *hosts: str, client: bool = False
) -> Certificate:
    """Make a certificate that a peer who trusts ``ca`` has to refuse.

    Args:
        kind: what is wrong with it.
        ca: the authority that the peer trusts.
        hosts: the names that it would otherwise be good for; the first is the subject.
        client: for a client instead of a server; ``WRONG_CLIENT_SUBJECT`` always is.

    Raises:
        ValueError: no host is given, or one cannot stand in a certificate.
    """
    if kind is BadCertificate.SELF_SIGNED:
        return _self_signed(ca, hosts, client=client)
    if kind is BadCertificate.UNKNOWN_CA:
        return CertificateAuthority.create("unknown CA").issue(*hosts, client=client)
    if kind is BadCertificate.WRONG_HOST:
        return ca.issue("wrong-host.invalid", client=client)
    if kind is BadCertificate.WRONG_CLIENT_SUBJECT:
        return ca.issue_client("wrong-subject.invalid")
    begin, end = {
        BadCertificate.EXPIRED: (ca.not_before - 2 * _DAY, ca.not_before - _DAY),
        BadCertificate.NOT_YET_VALID: (ca.not_after + _DAY, ca.not_after + 2 * _DAY),
    }[kind]
    return ca.issue(*hosts, not_before=begin, not_after=end, client=client)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """What a certificate says, before it is signed."""

    hosts: Sequence[str]
    common_name: str
    not_before: datetime
    not_after: datetime
    client: bool
    private_key: _PrivateKey = field(default_factory=_new_key)

    def sign(self, issuer: x509.Name, key_of_issuer: _PrivateKey) -> Certificate:
        purpose = _PURPOSE_OF_CLIENT if self.client else _PURPOSE_OF_SERVER
        builder = (
            _builder(
                self.common_name, self.private_key, self.not_before, self.not_after
            )
            .issuer_name(issuer)
            .add_extension(
                x509.BasicConstraints(ca=False, path_length=None), critical=True
            )
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    key_of_issuer.public_key()
                ),
                critical=False,
            )
        )
        if self.hosts:
            names = x509.SubjectAlternativeName(map(_general_name, self.hosts))
            builder = builder.add_extension(names, critical=False)
        with _real_datetime():
            certificate = builder.sign(key_of_issuer, hashes.SHA256())
        return Certificate(
            certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
            private_key_pem=_private_key_pem(self.private_key),
        )


def _self_signed(
    ca: CertificateAuthority, hosts: Sequence[str], *, client: bool
) -> Certificate:
    common_name = _subject_of(hosts)
    leaf = _Leaf(
        hosts=hosts,
        common_name=common_name,
        not_before=ca.not_before,
        not_after=ca.not_after,
        client=client,
    )
    return leaf.sign(_name(common_name), leaf.private_key)
