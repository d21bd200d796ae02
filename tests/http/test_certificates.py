"""The throw-away authority, its certificates, and the contexts made of them."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ssl import TLSVersion

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from pytest_xks.http.certificates import (
    BadCertificate,
    Certificate,
    CertificateAuthority,
    bad_certificate,
)
from pytest_xks.http.contexts import client_context, server_context

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KMS = "cks.kms.eu-west-1.amazonaws.com"


@pytest.fixture(scope="module")
def ca():
    """An authority."""
    return CertificateAuthority.create()


def parsed(pem: bytes) -> x509.Certificate:
    """A certificate as its fields."""
    return x509.load_pem_x509_certificate(pem)


def common_name(certificate: Certificate) -> str:
    """The subject of a certificate."""
    subject = parsed(certificate.certificate_pem).subject
    return subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def agree(
    server: ssl.SSLContext, client: ssl.SSLContext, *, name: str = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake in memory; raises what either end raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    )
    for _ in range(5):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends


class TestAuthority:
    """The authority itself."""

    def test_is_one(self, ca):
        """Its certificate may sign certificates, and only those of leaves."""
        extensions = parsed(ca.certificate_pem).extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage)

        assert constraints.critical
        assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
        assert usage.value.key_cert_sign
        assert not usage.value.digital_signature

    def test_validity(self):
        """It is valid from yesterday on, so that clocks may differ, and for years."""
        ca = CertificateAuthority.create("Mine", now=NOW)

        assert ca.not_before == NOW - timedelta(days=1)
        assert ca.not_after > NOW + timedelta(days=1000)
        assert parsed(ca.certificate_pem).subject.rfc4514_string() == "CN=Mine"

    def test_written_down_and_loaded(self, ca):
        """An authority that was written down goes on issuing."""
        again = CertificateAuthority.load(ca.certificate_pem, ca.private_key_pem)
        certificate = again.issue("localhost")

        agree(server_context(certificate), client_context(ca.certificate_pem))

    def test_load_of_another_key(self, ca):
        """A key that belongs to another certificate is refused."""
        other = CertificateAuthority.create()

        with pytest.raises(ValueError, match="does not belong"):
            CertificateAuthority.load(ca.certificate_pem, other.private_key_pem)

    def test_load_of_another_kind_of_key(self, ca):
        """A key that is no EC key is refused."""
        key = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

        with pytest.raises(ValueError, match="not an EC key"):
            CertificateAuthority.load(ca.certificate_pem, key)

    def test_load_of_something_else(self):
        """What is not PEM is refused."""
        with pytest.raises(ValueError, match="PEM"):
            CertificateAuthority.load(b"certificate", b"key")

    def test_trust(self, ca):
        """A context that anybody made can be told to trust it."""
        context = ssl.create_default_context()
        ca.trust(context)

        agree(server_context(ca.issue("localhost")), context)


class TestCertificate:
    """What the authority issues."""

    @pytest.mark.parametrize(
        ("host", "name"),
        [
            pytest.param("localhost", "localhost", id="name"),
            pytest.param("127.0.0.1", "127.0.0.1", id="IPv4"),
            pytest.param("::1", "::1", id="IPv6"),
            pytest.param("*.xks.test", "store-1.xks.test", id="wildcard"),
            pytest.param(f"{'a' * 60}.test", f"{'a' * 60}.test", id="long"),
        ],
    )
    def test_host(self, ca, host, name):
        """A certificate is good for its hosts: names, wildcards and addresses."""
        context = server_context(ca.issue(host, "other.test"))
        client = client_context(ca.certificate_pem)

        agree(context, client, name=name)
        agree(context, client, name="other.test")
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            agree(context, client, name="else.test")

    def test_strict_verification(self, ca):
        """It passes the strict checks of RFC 5280, Python 3.13's default."""
        client = client_context(ca.certificate_pem)
        client.verify_flags |= ssl.VERIFY_X509_STRICT

        agree(server_context(ca.issue("localhost")), client)

    def test_subject(self, ca):
        """The subject is the first host, unless it is given or does not fit."""
        long = "a" * 60 + ".xks.test"

        assert common_name(ca.issue("a.test", "b.test")) == "a.test"
        assert common_name(ca.issue("a.test", common_name="b")) == "b"
        assert common_name(ca.issue(long, "b.test")) == "b.test"
        assert common_name(ca.issue(long)) == "pytest-xks"

    @pytest.mark.parametrize(
        "hosts",
        [
            pytest.param((), id="none"),
            pytest.param(("\N{SNOWMAN}.test",), id="not ASCII"),
        ],
    )
    def test_impossible_host(self, ca, hosts):
        """A host that cannot stand in a certificate is an error."""
        with pytest.raises(ValueError, match=r"host|A-label"):
            ca.issue(*hosts)

    def test_validity(self, ca):
        """It is valid as long as its authority, unless told otherwise."""
        usual = parsed(ca.issue("a").certificate_pem)
        end = NOW + timedelta(hours=1)
        special = parsed(ca.issue("a", not_before=NOW, not_after=end).certificate_pem)

        assert usual.not_valid_before_utc == ca.not_before
        assert usual.not_valid_after_utc == ca.not_after
        assert special.not_valid_before_utc == NOW
        assert special.not_valid_after_utc == end

    def test_key(self, ca):
        """The key is EC P-256: a hundred times quicker to make than RSA."""
        public_key = parsed(ca.issue("a").certificate_pem).public_key()

        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        assert public_key.curve.name == "secp256r1"

    def test_no_secret_in_the_representation(self, ca):
        """Whoever prints a certificate does not print its key."""
        certificate = ca.issue("localhost")

        assert certificate.private_key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
        assert "PRIVATE" not in repr(certificate)

    def test_written_files(self, ca, tmp_path):
        """Only the owner may read the key, be the file new or not."""
        (tmp_path / "proxy.key").touch(mode=0o666)
        certificate = ca.issue("localhost")
        paths = certificate.write(tmp_path, "proxy")

        assert paths == (tmp_path / "proxy.pem", tmp_path / "proxy.key")
        assert paths[0].read_bytes() == certificate.certificate_pem
        assert paths[1].read_bytes() == certificate.private_key_pem
        assert paths[1].stat().st_mode & 0o777 == 0o600


class TestContexts:
    """What a server and a client agree on."""

    @pytest.mark.parametrize(
        ("version", "cipher"),
        [
            (TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
            (TLSVersion.TLSv1_3, "TLS_AES_256_GCM_SHA384"),
        ],
    )
    def test_version_and_cipher_suite(self, ca, version, cipher):
        """Either version comes with a cipher suite of the specification's list."""
        client = client_context(ca.certificate_pem, minimum=version, maximum=version)
        ends = agree(server_context(ca.issue("localhost")), client)

        assert [end.cipher()[0] for end in ends] == [cipher, cipher]

    @pytest.mark.parametrize(
        "cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384"]
    )
    def test_other_cipher_suite(self, ca, cipher):
        """In TLS 1.2 there is no cipher suite beside that list."""
        client = client_context(ca.certificate_pem, maximum=TLSVersion.TLSv1_2)
        client.set_ciphers(cipher)

        with pytest.raises(ssl.SSLError, match="no shared cipher"):
            agree(server_context(ca.issue("localhost")), client)

    def test_pinned_version(self, ca):
        """A server may be pinned to a version that the client does not have."""
        certificate = ca.issue("localhost")
        server = server_context(certificate, maximum=TLSVersion.TLSv1_2)
        client = client_context(ca.certificate_pem, minimum=TLSVersion.TLSv1_3)

        with pytest.raises(ssl.SSLError, match=r"version|protocol"):
            agree(server, client)

    def test_application_protocol(self, ca):
        """A client that would like HTTP/2 falls back to HTTP/1.1."""
        client = client_context(ca.certificate_pem)
        client.set_alpn_protocols(["h2", "http/1.1"])
        _, client_end = agree(server_context(ca.issue("localhost")), client)

        assert client_end.selected_alpn_protocol() == "http/1.1"

    def test_trusts_nobody_else(self, ca):
        """A client that trusts our authority trusts no other, the system's included."""
        other = server_context(CertificateAuthority.create().issue("localhost"))

        with pytest.raises(ssl.SSLCertVerificationError):
            agree(other, client_context(ca.certificate_pem))
        assert len(client_context(ca.certificate_pem).get_ca_certs()) == 1

    def test_trusts_the_system(self):
        """Without an authority, the system's are trusted, and names still checked."""
        context = client_context(None)

        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname

    def test_client_certificate(self, ca):
        """A server that asks for a client certificate gets to know its subject."""
        server = server_context(ca.issue("localhost"), client_ca=ca.certificate_pem)
        client = client_context(ca.certificate_pem, certificate=ca.issue_client(KMS))
        server_end, _ = agree(server, client)

        assert server_end.getpeercert()["subject"] == ((("commonName", KMS),),)

    def test_missing_client_certificate(self, ca):
        """A server that asks for a client certificate insists on it."""
        server = server_context(ca.issue("localhost"), client_ca=ca.certificate_pem)

        with pytest.raises(ssl.SSLError, match="did not return a certificate"):
            agree(server, client_context(ca.certificate_pem))

    @pytest.mark.parametrize("client", [True, False])
    def test_purpose(self, ca, client):
        """A certificate for one side is no good on the other."""
        server_side = ca.issue("localhost", client=client)
        client_side = ca.issue("localhost", client=client)
        server = server_context(server_side, client_ca=ca.certificate_pem)
        own = client_context(ca.certificate_pem, certificate=client_side)

        with pytest.raises(ssl.SSLError, match=r"purpose|unsuitable"):
            agree(server, own)


class TestBadCertificates:
    """Certificates that have to be refused."""

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (BadCertificate.EXPIRED, "expired"),
            (BadCertificate.NOT_YET_VALID, "not yet valid"),
            (BadCertificate.WRONG_HOST, "mismatch"),
            (BadCertificate.UNKNOWN_CA, "unable to get local issuer"),
            (BadCertificate.SELF_SIGNED, "self.signed certificate"),
        ],
    )
    def test_of_a_server(self, ca, kind, reason):
        """A client refuses it for what it is named after."""
        bad = bad_certificate(kind, ca, "localhost", "127.0.0.1")

        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            agree(server_context(bad), client_context(ca.certificate_pem))

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (BadCertificate.EXPIRED, "expired"),
            (BadCertificate.NOT_YET_VALID, "not yet valid"),
            (BadCertificate.UNKNOWN_CA, "unable to get local issuer"),
            (BadCertificate.SELF_SIGNED, "self.signed certificate"),
        ],
    )
    def test_of_a_client(self, ca, kind, reason):
        """A server refuses it for what it is named after."""
        bad = bad_certificate(kind, ca, KMS, client=True)
        server = server_context(ca.issue("localhost"), client_ca=ca.certificate_pem)

        assert common_name(bad) == KMS
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            agree(server, client_context(ca.certificate_pem, certificate=bad))

    def test_wrong_client_subject(self, ca):
        """The wrong subject is the only thing that is wrong with it."""
        bad = bad_certificate(BadCertificate.WRONG_CLIENT_SUBJECT, ca, KMS)
        server = server_context(ca.issue("localhost"), client_ca=ca.certificate_pem)

        assert common_name(bad) != KMS
        agree(server, client_context(ca.certificate_pem, certificate=bad))
