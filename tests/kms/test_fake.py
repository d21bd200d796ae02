"""``FakeKms`` and ``mock_xks``: start, stop, isolation, the way to proxies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pytest_xks.handles import create_key_store
from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.proxy_calls.network import parse_connect_to
from pytest_xks.kms.sessions import isolated_session
from pytest_xks.mocking import mock_xks
from pytest_xks.proxy.mock import MockXksProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import System


@pytest.fixture(params=["in-process", "https"])
def proxy(request: pytest.FixtureRequest) -> Iterator[MockXksProxy]:
    """A proxy with one external key."""
    with MockXksProxy() as proxy:
        proxy.add_key("usable")
        yield proxy.start_https() if request.param == "https" else proxy


def test_a_key_store_in_one_line(proxy: MockXksProxy):
    """The handles do what their users mean."""
    with FakeKms(clock=proxy.clock) as fake:
        store = create_key_store(fake, proxy)
        assert "CONNECTED" == store.connection_state
        key = store.create_key("usable", Description="mine")
        assert ("usable", "Enabled") == (key.external_key_id, key.state)
        blob = store.kms.encrypt(KeyId=key.arn, Plaintext=b"x")["CiphertextBlob"]
        assert b"x" == store.kms.decrypt(CiphertextBlob=blob)["Plaintext"]
        store.disconnect()
        assert ("DISCONNECTED", "Unavailable") == (store.connection_state, key.state)
        store.connect()
        assert "Enabled" == key.state


def test_two_proxies_at_once():
    """Each has a host name of its own, and its own key stores."""
    with MockXksProxy() as one, MockXksProxy() as two, FakeKms() as fake:
        for proxy in (one, two):
            proxy.add_key("usable")
            create_key_store(fake, proxy).create_key("usable")
        assert len(one.requests) == len(two.requests) == 3


def test_nothing_is_left_behind(proxy: MockXksProxy):
    """Neither in moto, nor in the environment, nor in the next fake."""
    before = dict(os.environ)
    for _ in range(2):
        with FakeKms(clock=proxy.clock) as fake:
            kms = fake.client()
            assert [] == kms.describe_custom_key_stores()["CustomKeyStores"]
            create_key_store(fake, proxy).create_key("usable")
    assert before == dict(os.environ)
    with mock_aws():
        kms = boto3.client("kms", "us-east-1")
        assert [] == kms.list_keys()["Keys"]
        with pytest.raises(NotImplementedError):
            kms.describe_custom_key_stores()


@pytest.mark.parametrize("value", [None, "", "mine"], ids=repr)
def test_the_user_s_environment(monkeypatch: pytest.MonkeyPatch, value: str | None):
    """moto sets credentials, and what was there comes back, be it empty."""
    if value is None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", value)
    # moto removes a variable that was empty, and cannot remove it twice.
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with FakeKms():
        assert os.environ["AWS_ACCESS_KEY_ID"] not in {"", "mine"}
    assert value == os.environ.get("AWS_ACCESS_KEY_ID")


def test_starting_and_stopping_twice():
    """Is harmless."""
    fake = FakeKms()
    assert fake.start() is fake.start()
    fake.stop()
    fake.stop()
    assert "stopped" in repr(fake)


def test_endpoints_in_the_environment_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    """A developer's AWS_ENDPOINT_URL is for other programs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with FakeKms() as fake:
        assert [] == fake.client().list_keys()["Keys"]


# -- mock_xks ---------------------------------------------------------------------


def test_mock_xks_as_a_context_manager(proxy: MockXksProxy):
    """Any boto3 client within meets it."""
    with mock_xks() as fake:
        create_key_store(fake, proxy).create_key("usable")
        kms = boto3.client("kms", "us-east-1")
        (key,) = kms.list_keys()["Keys"]
        assert kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")


def test_mock_xks_inside_mock_aws(proxy: MockXksProxy):
    """What moto has stays; what is in external key stores goes with the fake."""
    with mock_aws():
        kms = boto3.client("kms", "us-east-1")
        plain = kms.create_key()["KeyMetadata"]["KeyId"]
        with mock_xks() as fake:
            create_key_store(fake, proxy).create_key("usable")
            assert 2 == len(kms.list_keys()["Keys"])
        assert [plain] == [key["KeyId"] for key in kms.list_keys()["Keys"]]


def test_mock_aws_inside_mock_xks():
    """A function that is decorated for moto meets the same fake."""

    @mock_aws
    def stores() -> list:
        kms = boto3.client("kms", "us-east-1")
        return kms.describe_custom_key_stores()["CustomKeyStores"]

    with MockXksProxy() as proxy, mock_xks() as fake:
        create_key_store(fake, proxy)
        assert 1 == len(stores())


def test_mock_xks_as_a_decorator():
    """Each call has a fake of its own, which can be configured."""
    fakes: list[FakeKms] = []

    @mock_xks(configure=fakes.append)
    def create() -> int:
        with MockXksProxy() as proxy:
            create_key_store(fakes[-1], proxy)
        kms = boto3.client("kms", "us-east-1")
        return len(kms.describe_custom_key_stores()["CustomKeyStores"])

    @mock_xks()
    def count() -> int:
        kms = boto3.client("kms", "us-east-1")
        return len(kms.describe_custom_key_stores()["CustomKeyStores"])

    assert [1, 1, 0] == [create(), create(), count()]
    assert fakes[0] is not fakes[1]


def test_a_configuration_that_fails():
    """Leaves nothing mocked."""

    def fail(_fake: FakeKms) -> None:
        raise LookupError

    with pytest.raises(LookupError), mock_xks(configure=fail):
        pass
    with mock_aws(), pytest.raises(NotImplementedError):
        boto3.client("kms", "us-east-1").describe_custom_key_stores()


# -- the way to proxies -----------------------------------------------------------


def test_wildcards(local_system: System):
    """``*.`` stands for labels in front; the nearest pattern wins."""
    system = local_system
    path = system.proxy.uri_path
    other = MockXksProxy(uri_path=path, credential=system.proxy.credential)
    system.fake.connect_to("*.xks.test", other.transport)
    system.fake.connect_to("*.a.xks.test", system.proxy.transport)
    for host in ("b.xks.test", "X.Y.XKS.test", "x.a.xks.test"):
        system.create_store(
            CustomKeyStoreName=host, XksProxyUriEndpoint=f"https://{host}"
        )
    assert (2, 1) == (len(other.requests), len(system.proxy.requests))


def test_curl_s_syntax(proxy: MockXksProxy, tmp_path: Path):
    """``HOST:443:ADDRESS:PORT`` and a file with a CA lead to a socket."""
    if proxy.endpoint.count(":") < 2:
        pytest.skip("in-process there is no socket to lead to")
    port = proxy.endpoint.rpartition(":")[2]
    ca = tmp_path / "ca.pem"
    ca.write_bytes(proxy.ca_certificate)
    with FakeKms(clock=proxy.clock) as fake:
        fake.connect_to(f"localhost:443:127.0.0.1:{port}")
        fake.trust_ca(ca)
        response = fake.client().create_custom_key_store(
            CustomKeyStoreName="store",
            CustomKeyStoreType="EXTERNAL_KEY_STORE",
            XksProxyConnectivity="PUBLIC_ENDPOINT",
            XksProxyUriEndpoint="https://localhost",
            XksProxyUriPath=proxy.uri_path,
            XksProxyAuthenticationCredential={
                "AccessKeyId": proxy.credential.access_key_id,
                "RawSecretAccessKey": proxy.credential.secret_access_key,
            },
        )
        assert response["CustomKeyStoreId"].startswith("cks-")


@pytest.mark.parametrize(
    "text",
    [
        "xks.test",
        "xks.test:443:127.0.0.1",
        "xks.test:8443:127.0.0.1:9443",
        "xks.test:443:127.0.0.1:port",
        ":443:127.0.0.1:9443",
        "a.*.test:443:127.0.0.1:9443",
        "xks.test:443:127.0.0.1:0",
        "xks.test:443:127.0.0.1:65536",
        "xks.test:443:::1:9443",
    ],
)
def test_what_cannot_be_read(text: str):
    """One clear message, before anything happens."""
    with pytest.raises(ValueError, match=r"expected HOST|port 443|in front"):
        FakeKms().connect_to(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("*.xks.test:443:127.0.0.1:9443", ("127.0.0.1", 9443)),
        ("xks.test:443:[::1]:9443", ("::1", 9443)),
        ("https://xks.test:443:proxy.internal:443", ("proxy.internal", 443)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]):
    """IPv6 in brackets, and names; the scheme does no harm."""
    host, found = parse_connect_to(text)
    assert address == found
    assert host.endswith("xks.test")


@pytest.mark.parametrize("pem", [b"", b"no certificate", b"\xff"])
def test_what_is_no_certificate(pem: bytes):
    """It is refused at once, not at the first request."""
    with pytest.raises(ValueError, match="no certificate"):
        FakeKms().trust_ca(pem)


def test_a_session_of_its_own(monkeypatch):
    """A profile that there is not, and whatever another one says, are the user's."""
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    session = isolated_session(
        access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="s", region="eu-west-1"
    )
    client = session.client("kms")
    assert "eu-west-1" == client.meta.region_name
    client.close()


def test_nothing_is_at_a_name_that_leads_nowhere(
    local_system: System, assert_kms_error
):
    """The real network is left alone."""
    assert_kms_error(
        lambda: local_system.create_store(
            XksProxyUriEndpoint="https://xks.example.com"
        ),
        "XksProxyUriUnreachableException",
    )


def test_a_certificate_that_nobody_trusts(assert_kms_error):
    """Without the CA there is no TLS session; as soon as it is trusted, there is."""
    with MockXksProxy() as proxy, FakeKms(clock=proxy.clock) as fake:
        proxy.start_https()
        port = int(proxy.endpoint.rpartition(":")[2])
        fake.connect_to("localhost", ("127.0.0.1", port))
        # Some authority, but another one: the system's may be a mere nothing.
        with MockXksProxy() as other:
            fake.trust_ca(other.start_https().ca_certificate)
        parameters = {
            "CustomKeyStoreName": "store",
            "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": "https://localhost",
            "XksProxyUriPath": proxy.uri_path,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": proxy.credential.access_key_id,
                "RawSecretAccessKey": proxy.credential.secret_access_key,
            },
        }
        error = assert_kms_error(
            lambda: fake.client().create_custom_key_store(**parameters),
            "XksProxyUriUnreachableException",
        )
        assert "TLS" in error.response["Error"]["Message"]

        fake.trust_ca(proxy.ca_certificate)
        response = fake.client().create_custom_key_store(**parameters)
        assert response["CustomKeyStoreId"]


# -- secrets ----------------------------------------------------------------------


def test_secrets_stay_secret(local_system: System):
    """Neither a repr nor an error nor an event has them."""
    key = local_system.create_key()
    secret = local_system.proxy.credential.secret_access_key
    store_id = local_system.kms.describe_key(KeyId=key)["KeyMetadata"][
        "CustomKeyStoreId"
    ]
    region = local_system.fake._accounts.region("123456789012", "us-east-1")
    store = region.stores[store_id]
    (call, *_), *_ = local_system.fake._monitoring._metrics._calls
    seen = [store, store.configuration, store.proxy, call, local_system.fake, region]
    assert secret not in repr(seen)
    with pytest.raises(ClientError) as caught:
        local_system.create_store(
            XksProxyAuthenticationCredential={
                "AccessKeyId": "A" * 20,
                "RawSecretAccessKey": secret + "!!",
            }
        )
    assert secret not in str(caught.value.response)
