"""freezegun and time-machine, before, around and inside of what we give."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import freezegun
import pytest
import time_machine

from pytest_xks import mock_xks

FREEZERS = {
    "freezegun": freezegun.freeze_time,
    "time-machine": lambda moment: time_machine.travel(moment, tick=False),
}
MOMENTS = [datetime(1999, 1, 2, 3, tzinfo=UTC), datetime(2061, 1, 2, 3, tzinfo=UTC)]

freezers = pytest.mark.parametrize("freeze", FREEZERS.values(), ids=FREEZERS)
moments = pytest.mark.parametrize("moment", MOMENTS, ids=["past", "future"])
transports = pytest.mark.parametrize(
    "https", [False, True], ids=["in-process", "https"]
)


def use(xks) -> datetime:
    """Make a key and use it; when KMS says that it was made."""
    kms = boto3.client("kms", "us-east-1")
    key = xks.key_store.create_key(xks.proxy.add_key().id)
    blob = kms.encrypt(KeyId=key.arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    return kms.describe_key(KeyId=key.arn)["KeyMetadata"]["CreationDate"]


def start(xks, *, https):
    """Listen, if wanted."""
    if https:
        xks.proxy.start_https()


@freezers
@moments
@transports
def test_around(freeze, moment, https):
    """All of it happens at one moment of the past or of the future."""
    with freeze(moment), mock_xks() as xks:
        start(xks, https=https)
        assert use(xks) == moment


@freezers
@moments
@transports
def test_inside(freeze, moment, https):
    """The clock is stopped while the fake works, and goes on again."""
    with mock_xks() as xks:
        start(xks, https=https)
        before = use(xks)
        with freeze(moment):
            assert use(xks) == moment
        assert use(xks) >= before


@freezers
@transports
def test_begun_before(freeze, https):
    """What was made at another time goes on when the clock does."""
    mock = mock_xks()
    with freeze(MOMENTS[0]):
        xks = mock.__enter__()
        start(xks, https=https)
        assert use(xks) == MOMENTS[0]
    try:
        assert use(xks) > MOMENTS[0]
    finally:
        mock.__exit__(None, None, None)


@pytest.mark.parametrize("transport", ["in-process", "https"])
def test_fixtures(pytester, transport):
    """The fixtures under a frozen marker and a travelling test."""
    pytester.makepyfile(
        """
        import freezegun, pytest, time_machine

        def use(kms, key, proxy):
            kms.encrypt(KeyId=key.key_id, Plaintext=b"x")
            proxy.expect_requests("Encrypt")

        @freezegun.freeze_time("1999-01-02")
        def test_frozen(frozen_before, xks_kms, xks_key, xks_proxy):
            use(xks_kms, xks_key, xks_proxy)

        @time_machine.travel("2061-01-02")
        def test_travelling(xks_kms, xks_key, xks_proxy):
            use(xks_kms, xks_key, xks_proxy)

        @pytest.fixture
        def frozen_before():
            with freezegun.freeze_time("2001-01-01"):
                yield
        """
    )

    pytester.runpytest(f"--xks-transport={transport}").assert_outcomes(passed=2)
