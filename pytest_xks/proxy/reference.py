"""The proxy that ``serve`` runs and that ``certify proxy`` certifies without a target.

It has everything a proxy target file can name: keys for every role, a second store, a
second credential, mTLS, secondary authorization, a small quota, a log.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pytest_xks.clock import SimulatedClock
from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.http.client import PeerCertificate
from pytest_xks.proxy import logs
from pytest_xks.proxy.admission import Deny, RequestQuota
from pytest_xks.proxy.keys import KeyStatus, KeyUsage
from pytest_xks.proxy.mock import DEFAULT_URI_PATH, MockXksProxy, core_of
from pytest_xks.proxy.operating import operated, operator_commands
from pytest_xks.proxy.transports.in_process import InProcessTransport
from pytest_xks.proxy.transports.listener import ProxyListener

if TYPE_CHECKING:
    import logging

    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.sigv4 import Credential

__all__ = ["ReferenceProxy"]

REGION = "us-east-1"
# "Authentication": "KMS will present a client certificate with
# CN=cks.kms.<Region>.amazonaws.com".
CLIENT_COMMON_NAME = f"cks.kms.{REGION}.amazonaws.com"

# The ids of the first, the third to the fifth are the defaults of AWS's test client.
KEYS = {
    "usable": "foo",
    "second": "bar",
    "encrypt_only": "encrypt_only_key",
    "decrypt_only": "decrypt_only_key",
    "no_usage": "impotent_key",
    "disabled": "disabled_key",
    "not_aes_256": "aes_128_key",
    "special_characters": "Key.With_All-Chars.09",
    "longest": "k" * 128,
}
SECOND_URI_PATH = "/another_Prefix-2/kms/xks/v1"
AUTHORIZATION_URI_PATH = "/with-authorization/kms/xks/v1"
THROTTLED_URI_PATH = "/throttled/kms/xks/v1"
DENIED = "arn:aws:iam::111122223333:user/Mallory"
ALLOWED = "arn:aws:iam::111122223333:user/Alice"
BURST = 10
REQUESTS_PER_SECOND = 5

Document = dict[str, object]


class ReferenceProxy:
    """A mock proxy with one of everything, on two loopback ports.

    Args:
        host: the name in its certificate and endpoints.
        address: where it listens.
        port: of the main endpoint; 0 for any free one.
        clock: the proxy's; one of its own by default.
        directory: where its certificates and its log go; a temporary one by default,
            which ``stop`` removes.

    Raises:
        OSError: the port cannot be had, or the directory not be written.
    """

    def __init__(
        self,
        *,
        host: str = "localhost",
        address: str = "127.0.0.1",
        port: int = 0,
        directory: Path | None = None,
        clock: SimulatedClock | None = None,
    ) -> None:
        self._host = host
        self._temporary = (
            None if directory else tempfile.TemporaryDirectory(prefix="pytest-xks-")
        )
        self.directory = directory or Path(self._temporary.name)  # type: ignore[union-attr] # one of the two is set
        self.directory.mkdir(parents=True, exist_ok=True)
        self.proxy = MockXksProxy(uri_path=DEFAULT_URI_PATH, region=REGION, clock=clock)
        self.rotated_credential = self.proxy.store.add_credential()
        _add_keys(self.proxy.store)
        self.second_store = self.proxy.add_store(SECOND_URI_PATH)
        self.second_store.add_key(KEYS["usable"])
        self.authorized_store = self.proxy.add_store(
            AUTHORIZATION_URI_PATH,
            deny=[Deny(name="deny-mallory", aws_principal_arn=DENIED)],
        )
        self.authorized_store.add_key(KEYS["usable"])
        self.throttled_store = self.proxy.add_store(
            THROTTLED_URI_PATH,
            quota=RequestQuota(
                burst=BURST,
                requests_per_second=REQUESTS_PER_SECOND,
                clock=SimulatedClock(),
            ),
        )
        self.throttled_store.add_key(KEYS["usable"])
        self._operator_file = self.directory / "operator.json"
        operated(core_of(self.proxy), self.proxy.store, self._operator_file)
        self.ca = CertificateAuthority.create()
        self.log_file = self.directory / "proxy.log"
        with ExitStack() as opened:
            if self._temporary:
                opened.callback(self._temporary.cleanup)
            opened.callback(_close_log, logs.open_log(self.log_file))
            self.listener = ProxyListener(
                core_of(self.proxy), host=host, address=address, port=port, ca=self.ca
            )
            opened.callback(self.listener.close)
            self.mtls_listener = ProxyListener(
                core_of(self.proxy),
                host=host,
                address=address,
                ca=self.ca,
                client_ca=self.ca.certificate_pem,
                client_common_name=CLIENT_COMMON_NAME,
            )
            opened.callback(self.mtls_listener.close)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """The proxy stops at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def stop(self) -> None:
        """Close both ports and the log, and remove the temporary directory."""
        self._opened.close()

    @property
    def transport(self) -> InProcessTransport:
        """The way to it within this process, which shows the certificate as well."""
        to_core = InProcessTransport(core_of(self.proxy), self.proxy.clock)
        to_core.peer_certificate = PeerCertificate(
            common_name=self._host, not_after=self.ca.not_after
        )
        return to_core

    def target_document(self) -> Document:
        """A proxy target file with every section; writes the files it names.

        The paths in it are relative to ``directory``.

        Raises:
            OSError: the directory cannot be written.
        """
        (self.directory / "ca.pem").write_bytes(self.ca.certificate_pem)
        certificate, private_key = self.ca.issue_client(CLIENT_COMMON_NAME).write(
            self.directory, "client"
        )
        refused_certificate, refused_key = self.ca.issue_client(
            "someone-else.example.com"
        ).write(self.directory, "refused-client")
        return {
            "proxy": {
                "endpoint": self.listener.endpoint,
                "uri_path": self.proxy.uri_path,
                "region": REGION,
                "ca_bundle": "ca.pem",
                "credential": _credential(self.proxy.credential),
                "rotated_credential": _credential(self.rotated_credential),
                "keys": dict(KEYS),
                "second_store": _store(self.second_store) | {"isolated": True},
                "mtls": {
                    "endpoint": self.mtls_listener.endpoint,
                    "certificate": certificate.name,
                    "private_key": private_key.name,
                    "refused": [
                        {
                            "reason": "wrong subject",
                            "certificate": refused_certificate.name,
                            "private_key": refused_key.name,
                        }
                    ],
                },
                "authorization": {
                    "denied_principal_arn": DENIED,
                    "allowed_principal_arn": ALLOWED,
                    **_store(self.authorized_store),
                },
                "throttled_store": {
                    "burst": BURST,
                    "requests_per_second": REQUESTS_PER_SECOND,
                    **_store(self.throttled_store),
                },
                # It is written at once; a wait leaves room for a busy machine.
                "log": {"file": self.log_file.name, "flush_seconds": 1},
                "commands": {
                    **operator_commands(self._operator_file),
                    "health_cached_seconds": 1,
                },
            }
        }


def _close_log(handler: logging.Handler) -> None:
    logs.logger.removeHandler(handler)
    handler.close()


def _add_keys(store: ProxyKeyStore) -> None:
    for role in ("usable", "second", "special_characters", "longest"):
        store.add_key(KEYS[role])
    store.add_key(KEYS["encrypt_only"], key_usage=[KeyUsage.ENCRYPT])
    store.add_key(KEYS["decrypt_only"], key_usage=[KeyUsage.DECRYPT])
    store.add_key(KEYS["no_usage"], key_usage=["SIGN", "VERIFY"])
    store.add_key(KEYS["disabled"], status=KeyStatus.DISABLED)
    store.add_key(KEYS["not_aes_256"], key_spec="AES_128")


def _credential(credential: Credential) -> Document:
    return {
        "access_key_id": credential.access_key_id,
        "secret_access_key": credential.secret_access_key,
    }


def _store(store: ProxyKeyStore) -> Document:
    return {
        "uri_path": store.uri_path,
        "credential": _credential(store.credential),
        "keys": {"usable": KEYS["usable"]},
    }
