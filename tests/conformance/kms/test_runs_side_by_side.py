"""Two runs on one emulator leave each other alone; what is over is cleared away."""

from __future__ import annotations

import time

import pytest
from pytest_xks.conformance.kms.client import names
from pytest_xks.conformance.kms.client.kms_client import KmsClient, KmsEndpoint
from pytest_xks.conformance.kms.client.provisioning import Provisioner

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.targets.own_mocks import served_fake_kms

PREFIX = "pytest-xks-conformance"


def of_run(seconds_ago, what):
    """The name that a run of that time gave something."""
    return f"{PREFIX}-{int(time.time()) - seconds_ago:08x}beef-{what}"


@pytest.mark.parametrize(
    ("name", "left"),
    [
        pytest.param("mine", False, id="the user's"),
        pytest.param(f"{PREFIX}alike", False, id="much-like-ours"),
        pytest.param(of_run(60, "main"), False, id="of-a-run-under-way"),
        pytest.param(of_run(7200, "main"), True, id="of-a-run-that-crashed"),
        pytest.param(f"{PREFIX}-left-main-00ff", True, id="left"),
        pytest.param(f"{PREFIX}-main-0123abcd", True, id="of-a-version-before"),
    ],
)
def test_what_is_left(name, left):
    """A name tells whether the run is over."""
    assert left == names.is_left(name)


def test_names_of_this_run():
    """Ours bear the prefix and one id, and are never left of anything."""
    one, another, main = names.own_name(), names.own_name(), names.own_name("main")

    assert one != another
    run = one.rpartition("-")[0]
    assert [run, run] == [another.rpartition("-")[0], main.rpartition("-")[0]]
    assert not any(map(names.is_left, (one, another, main)))
    assert "main" == names.role_of_left(names.left_name("main"))


@pytest.fixture
def account():
    """A served fake KMS, and what the suite makes in it."""
    with served_fake_kms() as (fake, target, probe_proxy):
        endpoint = KmsEndpoint(target)
        kms = KmsClient(endpoint, Recorder())
        provisioner = Provisioner(probe_proxy, kms)
        yield fake, kms, provisioner
        endpoint.close()


def made(kms, provisioner, *, name):
    """A key store of that name, of somebody else."""
    store = provisioner.make_store(kms)
    provisioner._made.stores.clear()
    renamed = kms.call(
        "UpdateCustomKeyStore", CustomKeyStoreId=store.id, NewCustomKeyStoreName=name
    )
    assert renamed.succeeded
    return name


def names_in(fake):
    """The names of the key stores that are there."""
    stores = fake.client().describe_custom_key_stores()["CustomKeyStores"]
    return {store["CustomKeyStoreName"] for store in stores}


def test_runs_side_by_side(account):
    """What a run under way has made stays, and what is left of others goes."""
    fake, kms, provisioner = account
    there = {
        made(kms, provisioner, name=name)
        for name in ("mine", of_run(60, "main"), of_run(60, "abcdef012345"))
    }
    for name in (of_run(7200, "main"), f"{PREFIX}-left-other-00ff"):
        made(kms, provisioner, name=name)

    provisioner.clear_away()

    assert there == names_in(fake)


def test_store_with_keys_is_left_and_taken_over(account):
    """A store that waits for its keys says so by its name, and the next run has it."""
    fake, kms, provisioner = account
    store = provisioner.keyed_store(kms)
    provisioner.shared_key(kms)
    provisioner.close()
    (left,) = names_in(fake)
    assert left.startswith(f"{PREFIX}-left-main-")

    following = Provisioner(provisioner.probe_proxy, kms)
    following.clear_away()

    assert store.id == following.keyed_store(kms).id
    assert not any(map(names.is_left, names_in(fake)))
