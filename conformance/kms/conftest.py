"""The KMS endpoint under test, the proxy that it must call, and what checks work on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.session import KMS_TARGET, PROBE_PROXY

from .client.client import Endpoint, Kms
from .client.workshop import PREFIX, Workshop
from .keys.creator import Creator
from .keys.states import SharedKeys, States

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy

    from .client.workshop import Key, KeyStore


@pytest.fixture(scope="session")
def probe_proxy(pytestconfig: pytest.Config) -> ProbeProxy:
    """The suite's own mock XKS proxy."""
    return pytestconfig.stash[PROBE_PROXY]


@pytest.fixture(scope="session")
def endpoint(pytestconfig: pytest.Config) -> Iterator[Endpoint]:
    """The endpoint, with the connections that all checks share."""
    endpoint = Endpoint(pytestconfig.stash[KMS_TARGET])
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="session")
def session_workshop(endpoint: Endpoint, probe_proxy: ProbeProxy) -> Iterator[Workshop]:
    """The workshop of the run; what it made goes at the end, also after Ctrl-C."""
    kms = Kms(endpoint, Recorder())
    workshop = Workshop(probe_proxy)
    workshop.clear_away(kms)
    yield workshop
    workshop.close(kms)


@pytest.fixture
def kms(endpoint: Endpoint, recorder: Recorder) -> Kms:
    """The endpoint under test; every exchange is recorded for this check."""
    return Kms(endpoint, recorder)


@pytest.fixture
def workshop(kms: Kms, session_workshop: Workshop) -> Iterator[Workshop]:
    """Makes key stores and keys; the stores go with the check."""
    yield session_workshop
    session_workshop.remove_stores(kms)


@pytest.fixture
def store(kms: Kms, workshop: Workshop) -> KeyStore:
    """A connected key store, in which keys may be made."""
    return workshop.keyed_store(kms)


@pytest.fixture
def other_store(kms: Kms, workshop: Workshop) -> KeyStore:
    """Another one, which a check may disconnect."""
    return workshop.keyed_store(kms, "other")


@pytest.fixture
def key(kms: Kms, workshop: Workshop) -> Key:
    """An enabled KMS key in ``store``, shared by checks that leave it as it is."""
    return workshop.shared_key(kms)


@pytest.fixture
def other_key(kms: Kms, workshop: Workshop) -> Key:
    """One in ``other_store``, shared likewise."""
    return workshop.shared_key(kms, "other")


@pytest.fixture
def new_key(kms: Kms, workshop: Workshop, store: KeyStore) -> Key:
    """A KMS key in ``store`` for this check alone."""
    return workshop.make_key(kms, store)


@pytest.fixture
def creator(kms: Kms, workshop: Workshop, store: KeyStore) -> Creator:
    """Creates KMS keys in ``store``, good ones and others."""
    return Creator(kms, workshop, store)


@pytest.fixture(scope="session")
def shared_keys() -> SharedKeys:
    """Keys in every state, which checks share and leave as they are."""
    return SharedKeys()


@pytest.fixture
def states(kms: Kms, workshop: Workshop, shared_keys: SharedKeys) -> Iterator[States]:
    """Keys in every key state."""
    states = States(kms, workshop, shared_keys)
    yield states
    states.tidy()


@pytest.fixture
def alias(kms: Kms) -> Iterator[str]:
    """The name of no alias; what a check makes of it goes with the check."""
    name = f"alias/{PREFIX}-{secrets.token_hex(6)}"
    yield name
    kms.call("DeleteAlias", AliasName=name, label="remove the alias")
