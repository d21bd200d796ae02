"""Chapters "API content type" and "Authentication": TLS and the certificate.

An endpoint of the target file that begins with http:// is not the one that KMS calls;
then nothing here can be judged.
"""

from __future__ import annotations

import ipaddress
import shlex
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from pytest_xks.certify.evidence.exchange import Exchange
from pytest_xks.certify.run.outcome import NotTestable, Violation

from ..client.bodies import ProxyOperation
from ..client.connection import Connector
from ..client.expect import Outcome, expect
from ..client.http1 import Deadline, NoResponseError
from .handshake import TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, Choice, offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_xks.certify.targets.proxy_target import Endpoint, ProxyTarget

    from ..client.connection import HttpConnection
    from ..client.proxy_client import ProxyClient

_SECONDS = 3.0

# "API content type".
_LISTED = {
    "TLS_AES_256_GCM_SHA384": (TLS_1_3, 0x1302),
    "TLS_CHACHA20_POLY1305_SHA256": (TLS_1_3, 0x1303),
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": (TLS_1_2, 0xC030),
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": (TLS_1_2, 0xC02C),
}

# Names of the IANA registry. No encryption, no authentication, RC4, 3DES and export
# ciphers; then key transport by RSA, which has no forward secrecy.
_WEAK = {
    0x0001: "TLS_RSA_WITH_NULL_MD5",
    0x0002: "TLS_RSA_WITH_NULL_SHA",
    0x003B: "TLS_RSA_WITH_NULL_SHA256",
    0xC006: "TLS_ECDHE_ECDSA_WITH_NULL_SHA",
    0xC010: "TLS_ECDHE_RSA_WITH_NULL_SHA",
    0x0018: "TLS_DH_anon_WITH_RC4_128_MD5",
    0x001B: "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA",
    0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA",
    0x003A: "TLS_DH_anon_WITH_AES_256_CBC_SHA",
    0x00A6: "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
    0x00A7: "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
    0xC018: "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
    0xC019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
    0x0004: "TLS_RSA_WITH_RC4_128_MD5",
    0x0005: "TLS_RSA_WITH_RC4_128_SHA",
    0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    0x0003: "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
    0x0008: "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA",
    0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
    0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
    0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
}

# What servers of old offered; all of them common to TLS 1.0 and 1.1.
_OLD = (0xC00A, 0xC014, 0xC009, 0xC013, 0x0039, 0x0033, 0x0035, 0x002F, 0x000A, 0x0005)


def _endpoint(proxy: ProxyClient) -> Endpoint:
    endpoint = proxy.target.endpoint
    if endpoint.scheme != "https":
        raise NotTestable(
            "The endpoint of the target file is not HTTPS.",
            add='Give the https:// URL that KMS calls as endpoint in "[proxy]".',
        )
    return endpoint


def _offer(
    proxy: ProxyClient, version: int, cipher_suites: Sequence[int]
) -> Choice | None:
    try:
        return offer(_endpoint(proxy), version, cipher_suites, seconds=_SECONDS)
    except NoResponseError as reason:
        raise NotTestable(f"No TLS handshake: {reason}.") from None


def _shown(proxy: ProxyClient, options: str) -> Exchange:
    """A handshake, as an exchange that openssl can repeat."""
    endpoint = _endpoint(proxy)
    address = shlex.quote(f"{endpoint.host}:{endpoint.port}")
    name = shlex.quote(endpoint.host)
    return Exchange(
        label="a TLS handshake",
        method="CONNECT",
        url=endpoint.url,
        command=f"openssl s_client -connect {address} -servername {name} "
        f"{options} </dev/null",
    )


@pytest.mark.requirement("XKS-TLS-001")
def test_plain_http(proxy: ProxyClient) -> None:
    """A signed request without TLS is not served at the endpoint.

    Any error is accepted, a redirect, or no answer at all.
    """
    endpoint = _endpoint(proxy)
    health = ProxyOperation.GET_HEALTH_STATUS
    proxy.require_served([proxy.control(health)])
    connector = Connector(replace(endpoint, scheme="http"), proxy.target)
    request = proxy.request(health, proxy.good_body(health))
    with proxy.connect(connector) as connection:
        answer = proxy.send(
            request,
            connection=connection,
            connector=connector,
            label="probe: without TLS",
            seconds=1.0,
        )
    not_served = Outcome(
        "no served request",
        lambda a: a.status is None or not 200 <= a.status < 300,
    )
    expect(answer, not_served)


@pytest.mark.requirement("XKS-TLS-002")
def test_listed_cipher_suite(proxy: ProxyClient) -> None:
    """At least one of the four cipher suites of the specification is accepted."""
    accepted = [
        name
        for name, (version, cipher_suite) in _LISTED.items()
        if _offer(proxy, version, [cipher_suite]) == Choice(version, cipher_suite)
    ]
    proxy.recorder.fact("cipher_suites", ", ".join(accepted) or "none of the listed")
    if not accepted:
        raise Violation(
            expected=tuple(_LISTED),
            observed="none of them is accepted",
            note="KMS cannot connect.",
            exchange=_shown(
                proxy,
                "-cipher ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384 "
                "-ciphersuites TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
            ),
        )


def _open(proxy: ProxyClient, target: ProxyTarget) -> HttpConnection:
    """A connection that trusts what a target says, whatever the certificate's name.

    Raises:
        NoResponseError: there is none to be had.
    """
    endpoint, client = _endpoint(proxy), target.client_certificate
    connector = Connector(endpoint, target, client=client, checks_name=False)
    return connector.open(Deadline(_SECONDS))


def _certificate(proxy: ProxyClient) -> x509.Certificate:
    """The certificate that the server presents, whatever it is worth."""
    try:
        with _open(proxy, replace(proxy.target, verify=False)) as connection:
            proxy.recorder.fact("tls_version", connection.tls_version or "unknown")
            return x509.load_der_x509_certificate(connection.peer_certificate)
    except (NoResponseError, ValueError) as error:
        raise NotTestable(f"No certificate was seen: {error}.") from None


def _names(certificate: x509.Certificate) -> list[str]:
    """The names in the certificate: domain names and addresses."""
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return []
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return [*names, *map(str, addresses)]


def _matches(name: str, host: str) -> bool:
    """RFC 6125, section 6.4: a wildcard stands for the whole left-most label."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if name == host:
        return True
    first, _, rest = name.partition(".")
    return first == "*" and rest.count(".") > 0 and host.partition(".")[2] == rest


def _normal(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


@pytest.mark.requirement("XKS-TLS-003")
def test_certificate_is_for_the_host(proxy: ProxyClient) -> None:
    """The host of the endpoint is among the names in the server's certificate.

    For an endpoint that is an address, an address in the certificate is accepted.
    """
    host = _normal(_endpoint(proxy).host)
    names = _names(_certificate(proxy))
    if not any(_matches(name, host) for name in names):
        raise Violation(
            expected=f"a certificate for {host}",
            observed=f"a certificate for {', '.join(names) or 'no name'}",
            note="KMS cannot connect.",
            exchange=_shown(proxy, f"-verify_hostname {shlex.quote(host)}"),
        )


@pytest.mark.requirement("XKS-TLS-004")
def test_certificate_can_be_verified(proxy: ProxyClient) -> None:
    """The certificate is within its dates and its chain leads to a trusted authority.

    Trusted is what ca_bundle holds, or what this machine trusts. The name is left to
    XKS-TLS-003.
    """
    bundle = proxy.target.ca_bundle
    try:
        _open(proxy, replace(proxy.target, verify=True)).close()
    except NoResponseError as reason:
        error = reason.__cause__
        if not isinstance(error, ssl.SSLCertVerificationError):
            raise NotTestable(f"No TLS handshake: {reason}.") from None
        trust = f"-CAfile {shlex.quote(str(bundle))}" if bundle else ""
        raise Violation(
            expected="a certificate that can be verified",
            observed=error.verify_message,
            note="KMS cannot connect.",
            exchange=_shown(proxy, f"-verify_return_error {trust}"),
        ) from None


@pytest.mark.requirement("XKS-TLS-006")
@pytest.mark.parametrize(
    ("version", "name"),
    [
        pytest.param(TLS_1_0, "1.0", id="TLS-1.0"),
        pytest.param(TLS_1_1, "1.1", id="TLS-1.1"),
    ],
)
def test_old_version(proxy: ProxyClient, version: int, name: str) -> None:
    """A client that knows nothing newer than TLS 1.1 is refused."""
    choice = _offer(proxy, version, _OLD)
    if choice is not None and choice.version < TLS_1_2:
        options = f"-tls{name.replace('.', '_')} -cipher ALL:@SECLEVEL=0"
        raise Violation(
            expected="TLS 1.2 or later",
            observed=f"TLS {name} is accepted",
            exchange=_shown(proxy, options),
        )


@pytest.mark.requirement("XKS-TLS-007")
def test_weak_cipher_suites(proxy: ProxyClient) -> None:
    """A client that offers nothing but weak cipher suites is refused."""
    choice = _offer(proxy, TLS_1_2, list(_WEAK))
    if choice is not None:
        name = _WEAK.get(choice.cipher_suite, f"{choice.cipher_suite:#06x}")
        raise Violation(
            expected="no weak cipher suite",
            observed=f"{name} is accepted",
            exchange=_shown(
                proxy, "-tls1_2 -cipher 'aNULL:eNULL:kRSA:3DES:RC4:@SECLEVEL=0'"
            ),
        )
