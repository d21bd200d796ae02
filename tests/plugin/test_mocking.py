"""``mock_xks``: the fake KMS and what belongs to it, in whatever scope."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from pytest_xks import FakeKmsWithProxy, MockXksProxy, mock_xks


def number_of_stores() -> int:
    """How many key stores any boto3 client sees."""
    kms = boto3.client("kms", "us-east-1")
    return len(kms.describe_custom_key_stores()["CustomKeyStores"])


def test_what_it_carries():
    """A proxy, a key store on it and a key in that, each made when asked for."""
    with mock_xks() as xks:
        assert number_of_stores() == 0
        key = xks.key
        kms = boto3.client("kms", "us-east-1")
        blob = kms.encrypt(KeyId=key.arn, Plaintext=b"x")["CiphertextBlob"]

        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        xks.proxy.expect_requests("Encrypt", count=1, external_key_id="usable")
        assert (xks.key, xks.key.key_store) == (key, xks.key_store)
        assert number_of_stores() == 1
        assert key.external_key is xks.proxy.keys["usable"]


def test_more_of_them():
    """Proxies and key stores besides the first; they share the clock."""
    with mock_xks() as xks:
        proxy = xks.create_proxy(uri_path="/mine/kms/xks/v1")
        mine = xks.create_key_store(proxy, name="mine", connect=False)
        other = xks.create_key_store(region="eu-west-1")

        assert (mine.name, mine.connection_state) == ("mine", "DISCONNECTED")
        assert other.connection_state == "CONNECTED"
        assert proxy.clock is xks.proxy.clock is xks.clock
        assert number_of_stores() == 1


def test_delays_take_no_time():
    """KMS's patience passes on the clock that proxy and fake share."""
    with mock_xks() as xks:
        key = xks.key
        with (
            xks.proxy.fault("delay", milliseconds=400, operation="Encrypt"),
            pytest.raises(ClientError, match="did not respond"),
        ):
            xks.client().encrypt(KeyId=key.arn, Plaintext=b"x")


def test_over_https():
    """The proxy may listen on a port before the key store is made; it closes it."""
    with mock_xks() as xks:
        endpoint = xks.proxy.start_https().endpoint
        assert xks.key.state == "Enabled"

    assert "localhost" in endpoint
    assert "localhost" not in xks.proxy.endpoint


def test_unused_faults():
    """They fail nothing, and can be asked for: the fake's and its proxies'."""
    with mock_xks() as xks:
        in_kms = xks.fault("key-store-names-not-unique")
        in_proxy = xks.proxy.fault("ThrottlingException", operation="GetHealthStatus")
        hit = xks.proxy.fault("ThrottlingException", operation="Encrypt")
        xks.proxy.call("Encrypt", "usable", {})

    assert hit.hits
    assert xks.unused_faults == (in_kms, in_proxy)


def test_it_begins_anew():
    """What is started again has neither the proxy nor the key of before."""
    with mock_xks() as xks:
        first = xks.proxy, xks.key
    with xks:
        assert xks.key.key_id != first[1].key_id
        assert xks.proxy is not first[0]


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_three_lines_a_scope(pytester, scope):
    """A fixture of any scope keeps its key from test to test, and ends with it."""
    pytester.makepyfile(
        f"""
        import boto3, pytest
        from pytest_xks import mock_xks

        @pytest.fixture(scope="{scope}")
        def xks():
            with mock_xks() as xks:
                yield xks

        class TestThem:
            seen = []

            @pytest.mark.parametrize("time", [1, 2])
            def test_one_key(self, xks, time):
                self.seen.append(xks.key.arn)
                assert len(set(self.seen)) == 1
                assert len(boto3.client("kms", "us-east-1").list_keys()["Keys"]) == 1
        """
    )

    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=2)


def test_decorator_without_parentheses():
    """As moto's own: the function keeps its name, its parameters and its result."""

    @mock_xks
    def stores(more: int) -> int:
        return number_of_stores() + more

    assert stores(more=3) == 3
    assert stores.__name__ == "stores"
    with mock_aws(), pytest.raises(NotImplementedError):
        number_of_stores()


def test_decorator_that_is_configured():
    """``configure`` gets the fake of each call, with all that it carries."""
    fakes: list[FakeKmsWithProxy] = []

    def configure(xks: FakeKmsWithProxy) -> None:
        fakes.append(xks)
        assert xks.key_store.connection_state == "CONNECTED"

    @mock_xks(configure=configure)
    def stores() -> int:
        return number_of_stores()

    assert [stores(), stores()] == [1, 1]
    assert fakes[0] is not fakes[1]


def test_decorated_test_takes_fixtures(pytester):
    """A test that is decorated still gets the fixtures that it asks for."""
    pytester.makepyfile(
        """
        import boto3
        from pytest_xks import mock_xks

        @mock_xks
        def test_it(tmp_path):
            assert tmp_path.is_dir()
            assert boto3.client("kms", "us-east-1").list_keys()["Keys"] == []
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_a_proxy_of_the_test_s_own():
    """A proxy that somebody else made may serve a key store, and outlives it."""
    with MockXksProxy() as proxy:
        proxy.add_key("mine")
        with mock_xks() as xks:
            assert xks.create_key_store(proxy).create_key("mine").state == "Enabled"
        assert proxy.call("GetKeyMetadata", "mine").status == 200
