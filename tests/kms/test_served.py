"""The fake KMS behind a socket: what it is given, and what it leaves behind."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_xks.http.certificates import CertificateAuthority
from pytest_xks.kms.behaviour import Timeouts
from pytest_xks.kms.served import ServedKms, address_to_reach


def test_from_start_to_stop():
    """It listens between, twice over is harmless, and the environment comes back."""
    before = dict(os.environ)
    kms = ServedKms()
    with kms.start(), kms:
        port = int(kms.kms_endpoint_url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        assert [] == kms.fake.client().list_keys()["Keys"]

    kms.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert before == dict(os.environ)


def test_options(tmp_path):
    """Routes, authorities as bytes or files, and switches."""
    pem = CertificateAuthority.create().certificate_pem
    (tmp_path / "ca.pem").write_bytes(pem)

    kms = ServedKms(
        region="eu-west-1",
        connect_to=["*.xks.test:443:127.0.0.1:9443", "a.test:443:[::1]:9443"],
        trust_ca=[pem, tmp_path / "ca.pem"],
        behaviours={"timeouts": "fail"},
    )

    assert Timeouts.FAIL is kms.fake.behaviour.timeouts
    assert "eu-west-1" == kms.region == kms.vpc_endpoint_service.region


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"connect_to": ["a.test:443"]}, id="route"),
        pytest.param({"trust_ca": [b""]}, id="no-authority"),
        pytest.param({"trust_ca": [b"-----BEGIN CERTIFICATE-----"]}, id="half"),
        pytest.param({"behaviours": {"nosuch": "1"}}, id="switch"),
    ],
)
def test_what_cannot_be_read(options):
    """It is refused at once, before anything listens."""
    with pytest.raises(ValueError, match=r"expected|certificate|there is no"):
        ServedKms(**options)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound
        ("::", "::1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
    ],
)
def test_address_to_reach(host, address):
    """Who listens everywhere is reached at the loopback address."""
    assert address == address_to_reach(host)
