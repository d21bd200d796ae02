"""The proxy as a customer would run it: stores, keys, certificates, listeners, a log.

It comes with the target file that describes all of it to ``pytest-xks certify proxy``.
"""

from __future__ import annotations

import ssl
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pytest_xks.http.certificates import Certificate, CertificateAuthority

from .keys import ExternalKey, Quota, Store
from .proxy import IndependentProxy
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .variant import Variant

__all__ = ["deployed"]

_REGION = "eu-central-1"
_KMS = f"cks.kms.{_REGION}.amazonaws.com"
_ALICE = "arn:aws:iam::111122223333:user/Alice"
_MALLORY = "arn:aws:iam::111122223333:user/Mallory"

# Access key id: secret access key, as short and as long as they may be.
_MAIN = ("A2B3C4D5E6F7G2H3I4J5", "s" * 42 + "+")
_ROTATED = ("ROTATED7ROTATED7ROTATED7ROTATE", "r" * 62 + "/=")
_SECOND = ("SECOND22SECOND22SECOND", "t" * 43)
_RESERVED = ("RESERVED22RESERVED22RE", "u" * 44)
_THROTTLED = ("THROTTLED2THROTTLED2TH", "v" * 45)

# As many usages as a response may have.
_MANY_USAGES = (
    *("DECRYPT", "DERIVE", "ENCRYPT", "EXPORT", "MAC"),
    *("SIGN", "UNWRAP", "VERIFY", "WRAP", "AGREE"),
)
_BURST, _REQUESTS_PER_SECOND = 12, 4

_TARGET = """\
[proxy]
endpoint = "https://localhost:{port}"
uri_path = "/kms/xks/v1"
region = "{region}"
ca_bundle = "ca.pem"
credential = {main}
rotated_credential = {rotated}

[proxy.keys]
usable = "7"
second = "SECOND_key"
encrypt_only = "only.encrypt"
decrypt_only = "only.decrypt"
no_usage = "signs"
disabled = "disabled"
not_aes_256 = "short"
special_characters = "-0_9.azAZ-"
longest = "{longest}"

[proxy.second_store]
uri_path = "/A/b_C-9/kms/xks/v1"
credential = {second}
keys = {{ usable = "of-the-second-store" }}

[proxy.mtls]
endpoint = "https://localhost:{mtls_port}"
certificate = "client.pem"
private_key = "client.key"

[[proxy.mtls.refused]]
reason = "wrong subject"
certificate = "paris.pem"
private_key = "paris.key"

[[proxy.mtls.refused]]
reason = "another CA"
certificate = "alien.pem"
private_key = "alien.key"

[proxy.authorization]
denied_principal_arn = "{mallory}"
allowed_principal_arn = "{alice}"
uri_path = "/reserved/kms/xks/v1"
credential = {reserved}
keys = {{ usable = "of-alice" }}

[proxy.throttled_store]
uri_path = "/kms/xks/v1/kms/xks/v1"
burst = {burst}
requests_per_second = {requests_per_second}
credential = {throttled}
keys = {{ usable = "slow" }}

[proxy.log]
file = "proxy.log"
"""


@contextmanager
def deployed(directory: Path, variant: Variant) -> Iterator[Path]:
    """Run the proxy on loopback while the context is open.

    Args:
        directory: for the target file, certificates and the log.
        variant: which proxy it is.

    Yields:
        The target file.
    """
    authority = CertificateAuthority.create("Independent CA")
    server_certificate = authority.issue("localhost")
    _write_certificates(directory, authority)
    with ExitStack() as stack:
        log = stack.enter_context((directory / "proxy.log").open("w"))
        proxy = IndependentProxy(
            _stores(variant), variant=variant, region=_REGION, log=log
        )
        # Each version of TLS alone is enough ("API content type").
        main = Server(
            proxy.answer, _tls_1_2(server_certificate), chunked=variant.chunked
        )
        mutual = Server(
            proxy.answer,
            _tls_1_3(server_certificate, authority),
            chunked=variant.chunked,
            client_common_name=_KMS,
        )
        stack.enter_context(main)
        stack.enter_context(mutual)
        target = directory / "target.toml"
        target.write_text(_described(main.port, mutual.port))
        yield target


def _stores(variant: Variant) -> list[Store]:
    return [
        _store("/kms/xks/v1", _keys(variant), _MAIN, _ROTATED),
        _store("/A/b_C-9/kms/xks/v1", {"of-the-second-store": _key(variant)}, _SECOND),
        _store(
            "/reserved/kms/xks/v1",
            {"of-alice": ExternalKey(callers=frozenset({_ALICE}))},
            _RESERVED,
        ),
        # A prefix that looks like the end of another store's path.
        _store(
            "/kms/xks/v1/kms/xks/v1",
            {"slow": _key(variant)},
            _THROTTLED,
            quota=Quota(_BURST, _REQUESTS_PER_SECOND),
        ),
    ]


def _store(
    uri_path: str,
    keys: Mapping[str, ExternalKey],
    *credentials: tuple[str, str],
    quota: Quota | None = None,
) -> Store:
    return Store(uri_path=uri_path, secrets=dict(credentials), keys=keys, quota=quota)


def _keys(variant: Variant) -> dict[str, ExternalKey]:
    return {
        "7": _key(variant),
        "SECOND_key": _key(variant, *_MANY_USAGES),
        "only.encrypt": _key(variant, "ENCRYPT"),
        "only.decrypt": _key(variant, "DECRYPT", "UNWRAP"),
        "signs": _key(variant, "SIGN", "VERIFY"),
        "disabled": ExternalKey(enabled=False),
        "short": ExternalKey(length=16),
        "-0_9.azAZ-": _key(variant),
        _longest(): _key(variant),
    }


def _key(variant: Variant, *usage: str) -> ExternalKey:
    return ExternalKey(
        usage=usage or ("DECRYPT", "ENCRYPT"),
        iv_length=variant.iv_length,
        metadata_length=variant.metadata_length,
    )


def _longest() -> str:
    return "Longest.Key_Id-0" * 8


def _described(port: int, mtls_port: int) -> str:
    return _TARGET.format(
        port=port,
        mtls_port=mtls_port,
        region=_REGION,
        longest=_longest(),
        alice=_ALICE,
        mallory=_MALLORY,
        burst=_BURST,
        requests_per_second=_REQUESTS_PER_SECOND,
        main=_inline(_MAIN),
        rotated=_inline(_ROTATED),
        second=_inline(_SECOND),
        reserved=_inline(_RESERVED),
        throttled=_inline(_THROTTLED),
    )


def _inline(credential: tuple[str, str]) -> str:
    access_key_id, secret = credential
    return f'{{ access_key_id = "{access_key_id}", secret_access_key = "{secret}" }}'


def _write_certificates(directory: Path, authority: CertificateAuthority) -> None:
    (directory / "ca.pem").write_bytes(authority.certificate_pem)
    alien = CertificateAuthority.create("Alien CA")
    authority.issue_client(_KMS).write(directory, "client")
    paris = _KMS.replace(_REGION, "eu-west-3")
    authority.issue_client(paris).write(directory, "paris")
    alien.issue_client(_KMS).write(directory, "alien")


def _tls_1_2(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES256+AESGCM:ECDHE+CHACHA20")
    certificate.use_in(context)
    return context


def _tls_1_3(
    certificate: Certificate, authority: CertificateAuthority
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    authority.trust(context)
    certificate.use_in(context)
    return context
