"""The KMS endpoint under test, the proxy that it must call, and what checks work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.evidence.exchange import Purpose
from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.session import KMS_TARGET, PROBE_PROXY, RUN_RECORDER

from .client.kms_client import KmsClient, KmsEndpoint
from .client.names import own_name
from .client.provisioning import Provisioner
from .keys.creator import Creator
from .keys.parting import Parting
from .keys.states import SharedKeys, States

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy

    from .client.key_stores import Key, KeyStore


@pytest.fixture(scope="session")
def probe_proxy(pytestconfig: pytest.Config) -> ProbeProxy:
    """The suite's own mock XKS proxy."""
    return pytestconfig.stash[PROBE_PROXY]


@pytest.fixture(scope="session")
def endpoint(pytestconfig: pytest.Config) -> Iterator[KmsEndpoint]:
    """The endpoint, with the connections that all checks share."""
    endpoint = KmsEndpoint(pytestconfig.stash[KMS_TARGET])
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="session")
def kms_of_the_run(
    endpoint: KmsEndpoint, pytestconfig: pytest.Config, jobs: int
) -> KmsClient:
    """The endpoint, for what is made once for all checks."""
    recorder = Recorder(pytestconfig.stash[RUN_RECORDER])
    return KmsClient(endpoint, recorder, jobs=jobs, purpose=Purpose.PREPARATION)


@pytest.fixture(scope="session")
def session_provisioner(
    kms_of_the_run: KmsClient, probe_proxy: ProbeProxy
) -> Iterator[Provisioner]:
    """The provisioner of the run; it cleans up at the end, also after Ctrl-C."""
    provisioner = Provisioner(probe_proxy, kms_of_the_run)
    try:
        provisioner.clear_away()
        yield provisioner
    finally:
        provisioner.close()


@pytest.fixture
def kms(endpoint: KmsEndpoint, recorder: Recorder, jobs: int) -> KmsClient:
    """The endpoint under test; every exchange is recorded for this check."""
    return KmsClient(endpoint, recorder, jobs=jobs)


@pytest.fixture
def provisioner(session_provisioner: Provisioner) -> Iterator[Provisioner]:
    """Makes key stores and keys; the stores are removed soon after the check."""
    yield session_provisioner
    session_provisioner.put_aside()


@pytest.fixture
def store(kms: KmsClient, provisioner: Provisioner) -> KeyStore:
    """A connected key store, in which keys may be made."""
    return provisioner.keyed_store(kms)


@pytest.fixture
def other_store(kms: KmsClient, provisioner: Provisioner) -> KeyStore:
    """Another one, which a check may disconnect."""
    return provisioner.keyed_store(kms, "other")


@pytest.fixture
def key(kms: KmsClient, provisioner: Provisioner) -> Key:
    """An enabled KMS key in ``store``, shared by checks that leave it as it is."""
    return provisioner.shared_key(kms)


@pytest.fixture
def other_key(kms: KmsClient, provisioner: Provisioner) -> Key:
    """One in ``other_store``, shared likewise."""
    return provisioner.shared_key(kms, "other")


@pytest.fixture
def new_key(kms: KmsClient, provisioner: Provisioner, store: KeyStore) -> Key:
    """A KMS key in ``store`` for this check alone."""
    return provisioner.make_key(kms, store)


@pytest.fixture
def creator(kms: KmsClient, provisioner: Provisioner, store: KeyStore) -> Creator:
    """Creates KMS keys in ``store``, good ones and others."""
    return Creator(kms, provisioner, store)


@pytest.fixture(scope="session")
def shared_keys(kms_of_the_run: KmsClient) -> SharedKeys:
    """Keys in every state, which checks share and leave as they are."""
    return SharedKeys(kms_of_the_run)


@pytest.fixture
def states(kms: KmsClient, provisioner: Provisioner, shared_keys: SharedKeys) -> States:
    """Keys in every key state."""
    return States(kms, provisioner, shared_keys)


@pytest.fixture(scope="session")
def parting(
    kms_of_the_run: KmsClient, session_provisioner: Provisioner, shared_keys: SharedKeys
) -> Parting:
    """Keys of a store that is disconnected and connected again, in this run."""
    states = States(kms_of_the_run, session_provisioner, shared_keys)
    parting = Parting(kms_of_the_run, session_provisioner, states)
    parting.make()
    return parting


@pytest.fixture
def parted_key(kms: KmsClient, provisioner: Provisioner) -> Key:
    """A new KMS key in another store, which is disconnected."""
    key = provisioner.spare_key(kms, "other")
    provisioner.part(kms)
    return key


@pytest.fixture
def alias(provisioner: Provisioner) -> str:
    """The name of no alias; one that a check makes is removed after it."""
    name = f"alias/{own_name()}"
    provisioner.adopt_alias(name)
    return name
