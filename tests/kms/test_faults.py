"""Arming faults of the fake KMS, by the names of their catalogue."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from botocore.exceptions import ClientError

from pytest_xks.certify.requirements.suite import load_catalogue
from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.faults.catalogue import CATALOGUE

FAULT = "connect-of-unknown-store-as-validation"
UNKNOWN_STORE = "cks-00000000000000000"


@pytest.mark.parametrize("name", sorted(CATALOGUE.all()))
def test_every_fault_can_be_armed(local_system, name):
    """Every fault of the catalogue replaces steps, and says what it does."""
    fault = CATALOGUE.all()[name]

    with local_system.fake.fault(name) as armed:
        assert armed.effects
        with suppress(ClientError):
            local_system.kms.list_keys()

    assert fault.summary.endswith(".")
    assert local_system.fake._desk.faults.armed == ()


def test_every_fault_violates_what_is_checked():
    """Every id that a fault names is a requirement with a check."""
    checked = {r.id for r in load_catalogue("kms").requirements if r.is_checked}

    named = {each for fault in CATALOGUE.all().values() for each in fault.violates}

    assert named <= checked


def test_fault_within_the_block(local_system, assert_kms_error):
    """A fault acts within its block, counts its hits, and is over after it."""

    def connect() -> object:
        return local_system.kms.connect_custom_key_store(CustomKeyStoreId=UNKNOWN_STORE)

    with local_system.fake.fault(FAULT) as armed:
        assert_kms_error(connect, "ValidationException")
        assert armed.hits == 1

    assert_kms_error(connect, "CustomKeyStoreNotFoundException")


def test_unknown_fault(local_system):
    """A name that no fault has is refused, with the nearest one."""
    with pytest.raises(LookupError, match=FAULT):
        local_system.fake.fault(FAULT + "-")


def test_fault_of_one_fake():
    """A fault of one fake is none of another."""
    with FakeKms() as one, FakeKms() as other:
        one.fault(FAULT)

        assert other._desk.faults.armed == ()


# -- when it strikes --------------------------------------------------------------


def codes_of(system, number):
    """What so many ListKeys come to."""
    codes = []
    for _ in range(number):
        try:
            system.kms.list_keys()
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        else:
            codes.append("")
    return codes


@pytest.mark.parametrize(
    ("schedule", "hit"),
    [
        pytest.param({"times": 2}, [1, 1, 0, 0, 0, 0], id="times"),
        pytest.param({"after": 4}, [0, 0, 0, 0, 1, 1], id="after"),
        pytest.param({"every": 3}, [0, 0, 1, 0, 0, 1], id="every"),
        pytest.param(
            {"after": 1, "every": 2, "times": 1}, [0, 0, 1, 0, 0, 0], id="all"
        ),
    ],
)
def test_schedule(system, schedule, hit):
    """A fault of KMS strikes when it is meant to, over both transports."""
    with system.fake.fault("KMSInternalException", **schedule) as armed:
        codes = codes_of(system, 6)

    assert [bool(code) for code in codes] == [bool(each) for each in hit]
    assert armed.hits == sum(hit)


def test_rate(local_system):
    """A rate is a share of the calls, and the same ones with the same seed."""
    runs = []
    for _ in range(2):
        with local_system.fake.fault("ThrottlingException", rate=0.3, seed=5):
            runs.append(codes_of(local_system, 60))

    assert runs[0] == runs[1]
    assert 5 < runs[0].count("ThrottlingException") < 35


def test_fault_of_one_operation(local_system, assert_kms_error):
    """A fault concerns the operation that it is armed for, and counts no other."""
    with local_system.fake.fault(
        "LimitExceededException", operation="CreateKey"
    ) as armed:
        local_system.kms.list_keys()
        assert armed.hits == 0
        assert_kms_error(local_system.kms.create_key, "LimitExceededException")

    assert armed.hits == 1


@pytest.mark.parametrize("named_by", ["CustomKeyStoreId", "CustomKeyStoreName"])
@pytest.mark.parametrize("operation", ["Encrypt", "Decrypt"])
def test_fault_of_one_key_store(local_system, assert_kms_error, named_by, operation):
    """A fault of one key store leaves the keys of another alone."""
    kms = local_system.kms
    other_proxy_store = local_system.proxy.add_store("/other/kms/xks/v1")
    other_proxy_store.add_key("usable")
    credential = other_proxy_store.credential
    store = local_system.connected_store()
    other = local_system.create_store(
        CustomKeyStoreName="other-store",
        XksProxyUriPath=other_proxy_store.uri_path,
        XksProxyAuthenticationCredential={
            "AccessKeyId": credential.access_key_id,
            "RawSecretAccessKey": credential.secret_access_key,
        },
    )
    kms.connect_custom_key_store(CustomKeyStoreId=other)
    calls = {}
    for store_id in (store, other):
        key = local_system.create_key(store_id)
        blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
        calls[store_id] = {
            "Encrypt": partial(kms.encrypt, KeyId=key, Plaintext=b"secret"),
            "Decrypt": partial(kms.decrypt, CiphertextBlob=blob),
        }[operation]
    name = kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]

    with local_system.fake.fault("KMSInternalException", key_store=name[named_by]):
        assert_kms_error(calls[store], "KMSInternalException")
        calls[other]()


def test_delay(local_system):
    """A delay of KMS passes on the simulated clock."""
    clock = local_system.proxy.clock
    before = clock.monotonic()
    with local_system.fake.fault("delay", milliseconds=[1000, 60_000]) as armed:
        local_system.kms.list_keys()
        local_system.kms.list_keys()

    assert clock.monotonic() - before >= 61
    assert armed.hits == 2


def test_message_of_an_exception(local_system, assert_kms_error):
    """What an exception says can be chosen."""
    local_system.fake.fault("KMSInternalException", message="Try again.")

    assert_kms_error(local_system.kms.list_keys, "KMSInternalException", "Try again.")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"name": "delay", "milliseconds": "300"}, TypeError, "a number, a range"),
        ({"name": "delay", "operation": "GetHealthStatus"}, ValueError, "Encrypt"),
        ({"name": FAULT, "operation": "Encrypt"}, ValueError, "ConnectCustomKeyStore"),
        ({"name": FAULT, "loud": True}, TypeError, "loud"),
        ({"name": "delay", "times": 0}, ValueError, "times"),
        ({"name": "throttling"}, LookupError, "ThrottlingException"),
    ],
    ids=str,
)
def test_fault_that_makes_no_sense(local_system, arguments, error, said):
    """A slip in arming a fault is told, with what would have been right."""
    with pytest.raises(error, match=said):
        local_system.fake.fault(**arguments)
