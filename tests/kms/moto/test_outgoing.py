"""Nothing leaves for AWS while a fake is at work, whatever the environment says."""

from __future__ import annotations

import contextlib
import os
import socket
from ipaddress import ip_address

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from botocore.utils import InstanceMetadataFetcher
from moto.core import config
from moto.core.models import botocore_stubber

from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.moto.outgoing import NothingLeavesError

from .variables import INVALID, VALID

FAR = "192.0.2.1"


class LeftError(Exception):
    """A connection to another machine was tried."""


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Every connection to another machine, and every look-up, is noted and fails."""
    left = []

    def connect(_self, address):
        if isinstance(address, tuple) and not ip_address(address[0]).is_loopback:
            left.append(address)
        raise ConnectionRefusedError(str(address))

    def look_up(host, *_arguments, **_options):
        left.append(host)
        raise socket.gaierror(f"{host} is looked up")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return left


def client_of_before(region="us-east-1", **options):
    """A client as one that was made before moto was imported: without its handler."""
    session = boto3.Session(botocore_session=botocore.session.Session())
    options.setdefault("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE")
    options.setdefault("aws_secret_access_key", "x" * 40)
    client = session.client("kms", region_name=region, **options)
    with contextlib.suppress(ValueError):
        client.meta.events.unregister("before-send", botocore_stubber)
    return client


@pytest.mark.parametrize("variables", VALID, ids="+".join)
def test_valid_variables(monkeypatch, loopback_only, tmp_path, variables):
    """Clients of before and of now are answered by the fake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").write_text(
        "[profile far]\nendpoint_url = https://kms.far.example\nregion = us-east-1\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/a\n"
        "source_profile = far\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = client_of_before()
    loopback_only.clear()
    with FakeKms() as fake:
        now = boto3.client("kms", "us-east-1")
        key = fake.client().create_key()["KeyMetadata"]["KeyId"]
        for client in (before, now, client_of_before("us-east-1")):
            assert [key] == [k["KeyId"] for k in client.list_keys()["Keys"]]
    assert [] == loopback_only


@pytest.mark.parametrize("variables", INVALID, ids="+".join)
def test_invalid_variables(monkeypatch, loopback_only, tmp_path, variables):
    """The fake's own client does not see them; another is refused, or is answered."""
    (tmp_path / "config").write_text("this is no configuration\n")
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with FakeKms() as fake:
        assert [] == fake.client().list_keys()["Keys"]
        with contextlib.suppress(BotoCoreError, ValueError):
            boto3.client("kms", "us-east-1").list_keys()
    assert [] == loopback_only


@pytest.mark.parametrize(
    "host",
    [
        "kms-fips.us-east-1.amazonaws.com",
        "kms.us-east-1.api.aws",
        "kms-fips.us-east-1.api.aws",
        "vpce-0123abcd-a1b2.kms.us-east-1.vpce.amazonaws.com",
    ],
)
def test_other_hosts_of_aws(host):
    """AWS is AWS by whatever name, also if the code has named it."""
    with FakeKms() as fake:
        key = fake.client().create_key()["KeyMetadata"]["KeyId"]
        client = client_of_before(endpoint_url=f"https://{host}")

        assert client.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key


def test_a_region_of_its_own():
    """A client of before keeps its Region under an endpoint of the environment."""
    before = client_of_before("eu-west-1", endpoint_url="https://far.example")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_KMS", "https://far.example")
        with FakeKms() as fake:
            key = fake.client("eu-west-1").create_key()["KeyMetadata"]["Arn"]
            assert [key] == [k["KeyArn"] for k in before.list_keys()["Keys"]]


@pytest.mark.parametrize("host", ["https://kms.far.example", f"https://{FAR}"])
def test_hosts_that_the_code_names(loopback_only, host):
    """They may be reached: it is what the code says."""
    with FakeKms():
        client = client_of_before(endpoint_url=host)
        with pytest.raises(EndpointConnectionError):
            client.list_keys()
    assert loopback_only


def test_loopback(loopback_only):
    """So may loopback, where other emulators are."""
    with FakeKms():
        client = client_of_before(endpoint_url="http://127.0.0.1:9")
        with pytest.raises(EndpointConnectionError):
            client.list_keys()
    assert set(loopback_only) <= {"127.0.0.1"}


@pytest.mark.parametrize(
    "setting",
    [{"services": ["kms"], "urls": []}, {"services": [], "urls": [".*kms.*"]}],
)
def test_passthrough(monkeypatch, loopback_only, setting):
    """What moto is told to let pass may pass."""
    monkeypatch.setitem(config.default_user_config["core"], "passthrough", setting)
    with FakeKms(), pytest.raises(EndpointConnectionError):
        client_of_before().list_keys()
    assert ["kms.us-east-1.amazonaws.com"] == list(dict.fromkeys(loopback_only))


def test_what_nobody_answers(loopback_only):
    """A service in a form that moto has nothing for is refused, with the way out."""
    with FakeKms(), pytest.raises(NothingLeavesError, match=r"passthrough.*urls"):
        client_of_before(endpoint_url="https://x.amazonaws.com.cn").list_keys()
    assert [] == loopback_only


def test_metadata_services(loopback_only):
    """Nobody asks the instance for credentials; the search for them goes on."""
    with FakeKms():
        fetcher = InstanceMetadataFetcher(timeout=1, num_attempts=1)
        assert {} == fetcher.retrieve_iam_role_credentials()
    assert [] == loopback_only


def test_without_a_client():
    """botocore's own HTTP session has moto's answers, too."""
    request = AWSRequest("GET", "https://kms.us-east-1.amazonaws.com/").prepare()
    with FakeKms():
        assert URLLib3Session().send(request).status_code >= 400


def test_it_ends():
    """After the last of several fakes botocore is as it was."""
    before = URLLib3Session.send
    with FakeKms():
        with FakeKms():
            assert URLLib3Session.send is not before
        assert URLLib3Session.send is not before
    assert URLLib3Session.send is before
    assert "AWS_ENDPOINT_URL" not in os.environ
