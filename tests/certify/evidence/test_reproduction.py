"""Reproduction lines are run as they are printed, and send what the check has sent."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from pytest_xks.certify.evidence.exchange import ConnectionSettings, Exchange, Signing
from pytest_xks.certify.evidence.reproduction import credential_variables, reproduction
from pytest_xks.certify.targets.kms_call import KmsCaller
from pytest_xks.certify.targets.own_mocks import served_fake_kms, served_mock_proxy
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.sigv4 import sign

pytestmark = pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("openssl"), reason="runs curl"
)

METADATA = {
    "requestMetadata": {
        "awsPrincipalArn": "arn:aws:iam::111122223333:user/Alice",
        "kmsOperation": "DescribeKey",
        "kmsRequestId": 'it\'s a "request" $HOME `id` \\ !',
    }
}


@pytest.fixture(scope="module")
def proxy():
    """A running proxy and its target."""
    with served_mock_proxy() as pair:
        yield pair


@pytest.fixture
def run(proxy):
    """Run a line in a shell that has the credential; return what it printed."""
    _, target = proxy

    def run_line(line):
        environ = {"PATH": os.environ["PATH"]}
        for name, credential in target.credentials():
            key_id, secret = credential_variables(name)
            environ[key_id] = credential.access_key_id
            environ[secret] = credential.secret_access_key
        done = subprocess.run(
            # Not with -c, which takes no more than 128 KiB.
            ["/bin/sh", "-s"],
            input=line.encode(),
            env=environ,
            capture_output=True,
            timeout=30,
            check=False,
        )
        return done.stdout.decode("latin-1") + done.stderr.decode("latin-1")

    return run_line


@pytest.fixture
def signed(proxy):
    """An exchange with a request that is signed as KMS signs."""
    _, target = proxy
    key = target.keys["usable"]
    return Exchange(
        url=f"{target.endpoint.url}{target.uri_path}/keys/{key}/metadata",
        headers=(
            ("Host", target.endpoint.authority),
            ("Content-Type", "application/json"),
            ("Content-Length", "1"),
            ("X-Amz-Date", "20200101T000000Z"),
            ("Authorization", "stale"),
        ),
        body=json.dumps(METADATA).encode(),
        signing=Signing(region=target.region),
        connection=ConnectionSettings(ca_bundle=target.ca_bundle),
    )


def last_request(proxy):
    """What the proxy was asked last."""
    return proxy[0].proxy.requests[-1]


def test_signed_request(proxy, run, signed):
    """A normal request is signed anew, and its body survives the shell."""
    answer = run(reproduction(signed))

    assert "HTTP/1.1 200" in answer
    assert (
        METADATA["requestMetadata"]["kmsRequestId"]
        == (last_request(proxy).request_metadata["kmsRequestId"])
    )


@pytest.mark.parametrize("name", ["rotated", "second_store"])
def test_other_credentials(proxy, run, signed, name):
    """Every credential of the target has variables of its own."""
    _, target = proxy
    path = target.second_store.uri_path if name == "second_store" else target.uri_path
    exchange = replace(
        signed,
        url=f"{target.endpoint.url}{path}/keys/foo/metadata",
        signing=Signing(region=target.region, credential=name),
    )

    assert "HTTP/1.1 200" in run(reproduction(exchange))


def test_wrong_service(run, signed):
    """A signature for another service is curl's to make, too."""
    exchange = replace(signed, signing=replace(signed.signing, service="kms"))

    assert "AuthenticationFailedException" in run(reproduction(exchange))


def test_altered_headers(proxy, run, signed):
    """A request whose signature is the point goes out with its headers as they are."""
    _, target = proxy
    parts = urlsplit(signed.url)
    request = sign(
        Request(
            method="POST",
            target=parts.path,
            headers=(
                ("Host", target.endpoint.authority),
                ("Content-Type", "application/json"),
                ("X-Empty", ""),
            ),
            body=signed.body,
        ),
        target.credential,
        region=target.region,
        now=datetime.now(UTC),
        signed_headers=("host", "x-amz-date", "x-empty"),
    )
    exchange = replace(signed, headers=request.headers, signing=None)

    assert "HTTP/1.1 200" in run(reproduction(exchange))

    *headers, (name, value) = request.headers
    altered = (*headers, (name, value[:-1] + ("0" if value[-1] != "0" else "1")))
    answer = run(reproduction(replace(exchange, headers=altered)))

    assert "AuthenticationFailedException" in answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"@/etc/passwd", id="at-sign"),
        pytest.param(b"\x00\xff\r\n'\"", id="binary"),
        pytest.param(b"", id="empty"),
        pytest.param(b"a" * 300_000, id="long-run"),
        pytest.param(b'{"a": "' + b"A" * 5000 + b"\x00" * 2000 + b'"}', id="runs"),
        pytest.param(bytes(range(256)) * 800, id="long-and-mixed"),
    ],
)
def test_bodies(tmp_path, run, signed, body):
    """Any body arrives byte for byte."""
    signed = replace(signed, body=body)
    arrived = tmp_path / "body"
    line = reproduction(signed)

    # A curl of our own, which only keeps the body.
    fake = tmp_path / "curl"
    fake.write_text(
        "#!/bin/sh\n"
        'for a do case "$p" in --data-binary) v="$a";; esac; p="$a"; done\n'
        f'if [ "$v" = @- ]; then cat; else printf %s "$v"; fi > {arrived}\n'
    )
    fake.chmod(0o700)
    run(f"PATH={tmp_path}:$PATH; {line}")

    assert body == arrived.read_bytes()
    assert "\n" not in line
    assert len(line) < 300_000


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        pytest.param("GET", "405", id="get"),
        pytest.param("HEAD", "405", id="head"),
        pytest.param("PUT", "405", id="put"),
        pytest.param("OPTIONS", "405", id="options"),
    ],
)
def test_methods(run, signed, method, expected):
    """Other methods, with and without a body, get their answer."""
    for body in (b"", b"{}"):
        exchange = replace(signed, method=method, body=body, headers=())

        assert f"HTTP/1.1 {expected}" in run(reproduction(exchange))


def test_chunked(run, signed):
    """A chunked request is sent chunked."""
    headers = (*signed.headers[:2], ("Transfer-Encoding", "chunked"))
    chunked = replace(signed, headers=headers)
    raw = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    for exchange in (chunked, replace(signed, raw=raw)):
        line = reproduction(exchange)
        assert "Transfer-Encoding: chunked" in line
        assert "HTTP/1.1 200" in run(line)


def test_two_lengths(run, signed):
    """A chunked request that states a length, too, goes out as it is: curl cannot."""
    raw = (
        b"POST /kms/xks/v1/health HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    line = reproduction(replace(signed, raw=raw))

    assert "curl" not in line
    assert "HTTP/1.1 400" in run(line)


def test_odd_paths(run, signed):
    """A path is sent as it stands, dots and brackets included."""
    exchange = replace(signed, url=signed.url.replace("/keys/", "/../[x]{a,b}/keys/"))

    answer = run(reproduction(exchange))

    assert "HTTP/1.1 404" in answer
    assert "curl: " not in answer


def test_raw_bytes(run, signed):
    """Bytes that are no HTTP request go out through openssl, as they are."""
    raw = (
        b"POST /kms/xks/v1/health HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
    )
    exchange = replace(signed, raw=raw, signing=None)

    assert "400" in run(reproduction(exchange))


def test_client_certificate(proxy, run, signed):
    """A client certificate is presented where the check presented one."""
    _, target = proxy
    url = signed.url.replace(target.endpoint.url, target.mtls.endpoint.url)
    connection = ConnectionSettings(
        ca_bundle=target.ca_bundle,
        certificate=target.mtls.certificate,
        private_key=target.mtls.private_key,
    )
    without = ConnectionSettings(ca_bundle=target.ca_bundle)

    good = run(reproduction(replace(signed, url=url, connection=connection)))
    bad = run(reproduction(replace(signed, url=url, connection=without)))

    assert "HTTP/1.1 200" in good
    assert "HTTP/1.1 200" not in bad


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(ConnectionSettings(verify=False), id="insecure"),
        pytest.param(ConnectionSettings(tls_maximum="1.2", verify=False), id="maximum"),
        pytest.param(ConnectionSettings(alpn=False, verify=False), id="no-alpn"),
        pytest.param(ConnectionSettings(tls_minimum="1.3", verify=False), id="minimum"),
        pytest.param(
            ConnectionSettings(
                verify=False,
                tls_maximum="1.2",
                ciphers="ECDHE-ECDSA-AES256-GCM-SHA384",
            ),
            id="ciphers",
        ),
    ],
)
def test_tls_options(run, signed, connection):
    """How the check connected is in the line."""
    answer = run(reproduction(replace(signed, connection=connection)))

    assert "HTTP/1.1 200" in answer


def test_one_connection(proxy, run, signed):
    """What went over the same connection before is repeated on it, in order."""
    wrong = replace(
        signed, signing=replace(signed.signing, service="kms"), connection_number=7
    )
    elsewhere = replace(signed, url="https://elsewhere.invalid/", connection_number=8)
    with proxy[0].proxy.fault("drops-connection-after-error"):
        answer = run(
            reproduction(
                replace(signed, connection_number=7), earlier=[wrong, elsewhere]
            )
        )

    assert ["401", "200"] == re.findall(r"HTTP/1.1 (\d+)", answer)
    assert "(new connections: 1)" in answer


def test_many_at_once(proxy, run, signed):
    """A quota takes as many requests as the check has sent."""
    _, target = proxy
    number = target.throttled_store.burst + 10
    exchange = replace(
        signed,
        url=f"{target.endpoint.url}{target.throttled_store.uri_path}/keys/foo/metadata",
        signing=Signing(region=target.region, credential="throttled_store"),
        repeat=number,
    )

    answer = run(reproduction(exchange))

    assert number == answer.count("HTTP/1.1 ")
    assert "ThrottlingException" in answer


def test_unfinished_neighbour(proxy, run, signed):
    """A request that is under way is begun before, and left open."""
    slow = replace(signed, raw=b"POST / HTTP/1.1\r\nHost: x\r\n", signing=None)
    line = reproduction(replace(signed, background=slow))

    assert "HTTP/1.1 200" in run(line)
    with proxy[0].proxy.fault("slow-sender-blocks-others"):
        assert "HTTP/1.1 200" not in run(line)


def test_after_another(proxy, run, signed):
    """A request that has to come first comes first, on a connection of its own."""
    first = replace(signed, url=signed.url.replace("/metadata", "/encrypt"))

    answer = run(reproduction(replace(signed, after=first)))

    assert ["200"] == re.findall(r"HTTP/1.1 (\d+)", answer)
    requests = proxy[0].proxy.requests
    assert ["Encrypt", "GetKeyMetadata"] == [r.operation for r in requests[-2:]]


def test_own_command(signed):
    """A check may bring its own line."""
    assert "openssl x" == reproduction(replace(signed, command="openssl x"))


def test_no_secret_in_the_line(proxy, signed):
    """The line names variables."""
    _, target = proxy
    line = reproduction(signed)

    assert "$XKS_ACCESS_KEY_ID:$XKS_SECRET_ACCESS_KEY" in line
    assert not any(secret in line for secret in target.secrets())


def test_call_of_kms():
    """A call of a KMS operation is signed anew, with the credential of AWS."""
    with served_fake_kms() as (_, target, _probe_proxy), KmsCaller(target) as caller:
        exchange = caller.call("DescribeCustomKeyStores", Limit=1).exchange
        line = reproduction(exchange)
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            env={
                "PATH": os.environ["PATH"],
                "AWS_ACCESS_KEY_ID": target.access_key_id,
                "AWS_SECRET_ACCESS_KEY": target.secret_access_key,
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )

    assert f"--aws-sigv4 aws:amz:{target.region}:kms" in line
    assert "200 OK" in done.stdout
    assert '"CustomKeyStores"' in done.stdout
