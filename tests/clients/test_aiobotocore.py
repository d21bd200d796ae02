"""aiobotocore on the fake KMS in this process; `tox -e aiobotocore` installs it."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from pytest_xks.mocking import mock_xks

CREDENTIALS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}


async def round_trip(kms, key_id):
    """Encrypt and decrypt."""
    blob = (await kms.encrypt(KeyId=key_id, Plaintext=b"secret"))["CiphertextBlob"]
    return (await kms.decrypt(CiphertextBlob=blob))["Plaintext"]


def test_a_client(xks_key, xks_proxy):
    """It works with a key in an external key store, through its proxy."""

    async def use():
        async with get_session().create_client("kms", **CREDENTIALS) as kms:
            return await round_trip(kms, xks_key.key_id)

    assert b"secret" == asyncio.run(use())
    xks_proxy.expect_requests("Encrypt", count=1)
    xks_proxy.expect_requests("Decrypt", count=1)


def test_a_client_that_was_there_before():
    """One that moto has not heard of."""

    async def use():
        async with get_session().create_client("kms", **CREDENTIALS) as kms:
            with mock_xks() as xks:
                return await round_trip(kms, xks.key.key_id)

    assert b"secret" == asyncio.run(use())


def test_an_error(xks_key):
    """An error of KMS is one of aiobotocore."""
    xks_key.key_store.disconnect()

    async def use():
        async with get_session().create_client("kms", **CREDENTIALS) as kms:
            with pytest.raises(ClientError, match="KMSInvalidStateException"):
                await kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"secret")

    asyncio.run(use())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("HTTPS_PROXY", "http://192.0.2.1:8"),
    ],
)
def test_variables(monkeypatch, variable, value):
    """Nothing leaves, whatever they say."""
    monkeypatch.setenv(variable, value)

    async def use():
        async with get_session().create_client("kms", **CREDENTIALS) as kms:
            with mock_xks() as xks:
                return await round_trip(kms, xks.key.key_id)

    assert b"secret" == asyncio.run(use())


def test_credentials_of_an_instance(xks_key, monkeypatch):
    """Nobody is asked for them outside."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))

    async def use():
        async with get_session().create_client("kms", "us-east-1") as kms:
            return await round_trip(kms, xks_key.key_id)

    assert b"secret" == asyncio.run(use())


def test_what_is_named_in_the_code(xks_key):
    """An endpoint at loopback is asked over its socket."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def use():
        url = f"http://127.0.0.1:{port}"
        session = get_session()
        async with session.create_client("kms", endpoint_url=url, **CREDENTIALS) as kms:
            await kms.encrypt(KeyId=xks_key.key_id, Plaintext=b"secret")

    with pytest.raises(Exception, match="Could not connect"):
        asyncio.run(use())


def test_nothing_is_left():
    """After the last fake aiobotocore is as it was."""
    from aiobotocore import endpoint, httpsession  # noqa: PLC0415 - what is compared

    def methods():
        return (
            endpoint.AioEndpoint._do_get_response,
            endpoint.AioEndpoint._send,
            endpoint.convert_to_response_dict,
            httpsession.AIOHTTPSession.send,
        )

    before = methods()
    with mock_xks():
        assert not set(before) & set(methods())
    assert before == methods()
