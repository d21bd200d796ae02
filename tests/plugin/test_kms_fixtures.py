"""The fixtures of the fake KMS, in-process and over real HTTPS."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(
    params=[
        pytest.param("in-process", marks=pytest.mark.xks(transport="in-process")),
        pytest.param("https", marks=pytest.mark.xks(transport="https")),
    ]
)
def transport(request):
    """The way to the proxy; the marks of the parameter choose it."""
    return request.param


either_way = pytest.mark.usefixtures("transport")


@either_way
def test_round_trip(xks_kms, xks_key, xks_proxy, transport):
    """What the fake encrypts it decrypts, and the proxy was asked for both."""
    context = {"project": "nile"}
    blob = xks_kms.encrypt(
        KeyId=xks_key.key_id, Plaintext=b"plain", EncryptionContext=context
    )["CiphertextBlob"]

    decrypted = xks_kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)

    assert ("localhost" in xks_proxy.endpoint) == (transport == "https")
    assert decrypted["Plaintext"] == b"plain"
    assert decrypted["KeyId"] == xks_key.arn
    xks_proxy.expect_requests("Encrypt", count=1, kmsKeyArn=xks_key.arn)
    xks_proxy.expect_requests("Decrypt", count=1, kmsOperation="Decrypt")


@either_way
def test_documented_failure(xks_kms, xks_key, xks_proxy):
    """A fault of the proxy reaches the caller as the exception that AWS documents."""
    with (
        xks_proxy.fault("delay", milliseconds=400, operation="Encrypt"),
        pytest.raises(xks_kms.exceptions.KMSInvalidStateException) as caught,
    ):
        xks_kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"plain")

    assert "did not respond" in str(caught.value)


@either_way
def test_key_disabled_in_the_key_manager(xks_kms, xks_key):
    """The external key behind a KMS key is at hand, and what it does counts."""
    xks_key.external_key.disable()

    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        xks_kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"plain")


@either_way
def test_two_key_stores(make_xks_key_store):
    """Two stores have a proxy each, and neither uses the other's."""
    one, two = make_xks_key_store(), make_xks_key_store()
    key = one.create_key("usable")
    other = two.create_key("usable")

    assert one.connection_state == two.connection_state == "CONNECTED"
    assert key.external_key is not other.external_key


def test_store_that_is_disconnected(xks_key_store, xks_key):
    """A key in a store that is not connected is unavailable."""
    xks_key_store.disconnect()

    assert xks_key.state == "Unavailable"


def test_more_keys(make_xks_key):
    """Each key of the factory has an external key of its own."""
    one, two = make_xks_key(), make_xks_key(Description="the second")

    assert one.external_key_id != two.external_key_id


def test_time_out_takes_no_time(xks_fake_kms, xks_kms, xks_key, xks_proxy):
    """In-process, KMS's patience passes on the clock that proxy and fake share."""
    before = xks_fake_kms.clock.monotonic()
    with (
        xks_proxy.fault("silence", operation="Encrypt"),
        pytest.raises(xks_kms.exceptions.KMSInvalidStateException),
    ):
        xks_kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"plain")

    assert xks_fake_kms.clock.monotonic() - before >= 0.25


def test_nothing_is_left_behind(pytester):
    """State and environment are as before in the next test."""
    pytester.makepyfile(
        """
        import os

        BEFORE = dict(os.environ)

        def test_first(xks_key):
            pass

        def test_second(xks_kms):
            assert xks_kms.describe_custom_key_stores()["CustomKeyStores"] == []
            assert xks_kms.list_keys()["Keys"] == []

        def test_third():
            kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
            assert kept == {
                k: v for k, v in BEFORE.items() if not k.startswith("PYTEST_")
            }
        """
    )

    pytester.runpytest("-p", "no:randomly").assert_outcomes(passed=3)
