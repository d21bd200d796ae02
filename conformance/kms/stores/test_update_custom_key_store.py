"""UpdateCustomKeyStore: what may be changed when, and the test call before it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    SUCCEEDS,
    control,
    expect,
    refused,
    require_asked,
    success,
    violated,
)
from ..client.key_stores import description_of
from ..cryptography.calls import HEALTH_CHECK
from .store_calls import (
    CLOUDHSM_MEMBERS,
    HEALTHY,
    expect_update_refused,
    new_name,
    proxy_configuration,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

    Changes = dict[str, dict[str, Any]]

UNKNOWN_STORE = "cks-00000000000000000"
WRONG_STATE = refused("CustomKeyStoreInvalidStateException")
LABEL = "update"
"""Of the endpoint of all key stores here."""


def new_disconnected(provisioner: Provisioner, kms: KmsClient) -> KeyStore:
    """A new key store, DISCONNECTED."""
    return provisioner.make_store(kms, label=LABEL)


def new_connected(provisioner: Provisioner, kms: KmsClient) -> KeyStore:
    """A new key store, CONNECTED."""
    return provisioner.make_store(kms, label=LABEL, connect=True)


def new_changes(provisioner: Provisioner, _: KmsClient) -> Changes:
    """One change of every kind, to what no other key store has."""
    new_proxy = provisioner.probe_proxy.open_store(label=LABEL)
    endpoint = provisioner.probe_proxy.endpoint("update-2")
    return {
        "name": {"NewCustomKeyStoreName": new_name()},
        "path": {"XksProxyUriPath": new_proxy.uri_path},
        "credential": {"XksProxyAuthenticationCredential": new_proxy.credential},
        "endpoint": {"XksProxyUriEndpoint": endpoint},
    }


@pytest.fixture
def disconnected(kms: KmsClient, provisioner: Provisioner) -> KeyStore:
    """A key store for this check alone, DISCONNECTED."""
    return new_disconnected(provisioner, kms)


@pytest.fixture
def connected(kms: KmsClient, provisioner: Provisioner) -> KeyStore:
    """A key store for this check alone, CONNECTED."""
    return new_connected(provisioner, kms)


@pytest.fixture
def new_proxy(probe_proxy: ProbeProxy) -> ProxyStore:
    """The proxy's side of a key store at the same endpoint, with another path."""
    return probe_proxy.open_store(label=LABEL)


@pytest.fixture
def healthy(probe_proxy: ProbeProxy) -> Iterator[None]:
    """The proxy answers that it is healthy, on every path, to every credential."""
    with probe_proxy.answering(200, HEALTHY, operation="health"):
        yield


@pytest.fixture
def changes(kms: KmsClient, provisioner: Provisioner) -> Changes:
    """One change of every kind."""
    return new_changes(provisioner, kms)


# -- the call ---------------------------------------------------------------------


@pytest.mark.requirement("KMS-UPDATESTORE-001")
def test_unknown_key_store(kms: KmsClient, disconnected: KeyStore) -> None:
    """The id of no key store is a CustomKeyStoreNotFoundException."""
    expect_update_refused(
        kms,
        disconnected,
        refused("CustomKeyStoreNotFoundException"),
        good={"NewCustomKeyStoreName": new_name()},
        CustomKeyStoreId=UNKNOWN_STORE,
    )


@pytest.mark.requirement("KMS-UPDATESTORE-001")
def test_no_key_store(kms: KmsClient, disconnected: KeyStore) -> None:
    """A CustomKeyStoreId is required."""
    expect_update_refused(
        kms,
        disconnected,
        REFUSED,
        good={"NewCustomKeyStoreName": new_name()},
        CustomKeyStoreId=None,
    )


@pytest.mark.requirement("KMS-UPDATESTORE-001")
def test_several_changes(
    kms: KmsClient, disconnected: KeyStore, new_proxy: ProxyStore
) -> None:
    """Name, path and credential may be changed in one call."""
    control(update(kms, disconnected, NewCustomKeyStoreName=new_name()))
    name = new_name()
    reply = update(
        kms,
        disconnected,
        NewCustomKeyStoreName=name,
        XksProxyUriPath=new_proxy.uri_path,
        XksProxyAuthenticationCredential=new_proxy.credential,
    )
    success(reply)
    expected = [name, new_proxy.uri_path, new_proxy.credential["AccessKeyId"]]
    shown = _shown(kms, disconnected)
    found = [shown[change] for change in ("name", "path", "credential")]
    if found != expected:
        violated(reply, _listed(expected), _listed(found))


@pytest.mark.requirement("KMS-UPDATESTORE-011")
@pytest.mark.usefixtures("healthy")
@cases(
    "change",
    ["name", "path", "credential", "endpoint"],
    stores=1,
    disconnected=new_disconnected,
    changes=new_changes,
)
def test_new_values_are_shown(
    kms: KmsClient, disconnected: KeyStore, changes: Changes, change: str
) -> None:
    """DescribeCustomKeyStores shows the new value when the call is over."""
    reply = update(kms, disconnected, **changes[change])
    control(reply)
    (value,) = changes[change].values()
    expected = value["AccessKeyId"] if change == "credential" else value
    found = _shown(kms, disconnected)[change]
    if found != expected:
        violated(reply, f"{change}: {expected}", f"{change}: {found}")


@pytest.mark.requirement("KMS-UPDATESTORE-005")
@pytest.mark.usefixtures("healthy")
@cases(
    "absent",
    ["AccessKeyId", "RawSecretAccessKey"],
    stores=1,
    disconnected=new_disconnected,
)
def test_half_a_credential(kms: KmsClient, disconnected: KeyStore, absent: str) -> None:
    """A credential is an AccessKeyId and a RawSecretAccessKey, also in an update.

    The proxy itself answers under every credential here.
    """
    credential = disconnected.proxy.rotate_credential()
    half = {name: value for name, value in credential.items() if name != absent}
    expect_update_refused(
        kms,
        disconnected,
        REFUSED,
        good={"XksProxyAuthenticationCredential": credential},
        XksProxyAuthenticationCredential=half,
    )


@pytest.mark.requirement("KMS-UPDATESTORE-012")
@cases(
    "member",
    ["CloudHsmClusterId", "KeyStorePassword"],
    stores=1,
    disconnected=new_disconnected,
)
def test_cloudhsm_member(kms: KmsClient, disconnected: KeyStore, member: str) -> None:
    """What only AWS CloudHSM key stores have cannot be changed of an external one."""
    expect_update_refused(
        kms,
        disconnected,
        REFUSED,
        good={"NewCustomKeyStoreName": new_name()},
        **{member: CLOUDHSM_MEMBERS[member]},
    )


def _shown(kms: KmsClient, store: KeyStore) -> dict[str, object]:
    """What DescribeCustomKeyStores shows of what can be changed."""
    configuration = proxy_configuration(kms, store.id)
    return {
        "name": description_of(kms, store.id).get("CustomKeyStoreName"),
        "path": configuration.get("UriPath"),
        "credential": configuration.get("AccessKeyId"),
        "endpoint": configuration.get("UriEndpoint"),
    }


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


# -- connection states ------------------------------------------------------------


@pytest.mark.requirement("KMS-UPDATESTORE-002")
@pytest.mark.usefixtures("healthy")
@cases(
    "change",
    ["name", "path", "credential"],
    stores=1,
    disconnected=new_disconnected,
    changes=new_changes,
)
def test_change_while_disconnected(
    kms: KmsClient,
    disconnected: KeyStore,
    changes: Changes,
    change: str,
) -> None:
    """Name, path and credential can be changed while the store is DISCONNECTED."""
    success(update(kms, disconnected, **changes[change]))


@pytest.mark.requirement("KMS-UPDATESTORE-002")
@pytest.mark.usefixtures("healthy")
@cases(
    ("change", "accepted"),
    [
        pytest.param("name", [SUCCEEDS], id="name"),
        pytest.param("path", [SUCCEEDS, WRONG_STATE], id="path"),
        pytest.param("credential", [SUCCEEDS, WRONG_STATE], id="credential"),
    ],
    stores=1,
    connected=new_connected,
    changes=new_changes,
)
def test_change_while_connected(
    kms: KmsClient,
    connected: KeyStore,
    changes: Changes,
    change: str,
    accepted: list[Any],
) -> None:
    """The name can be changed while the store is CONNECTED.

    So can path and credential; but the text of CustomKeyStoreInvalidStateException
    allows the name alone, so that exception is accepted too.
    """
    expect(update(kms, connected, **changes[change]), *accepted)


@pytest.mark.requirement("KMS-UPDATESTORE-015")
@pytest.mark.usefixtures("healthy")
@cases(
    "change",
    ["path", "credential"],
    stores=1,
    connected=new_connected,
    changes=new_changes,
)
def test_path_and_credential_while_connected(
    kms: KmsClient,
    connected: KeyStore,
    changes: Changes,
    change: str,
) -> None:
    """Path and credential can be changed while the store is CONNECTED."""
    control(update(kms, connected, label="control: the name", **changes["name"]))
    success(update(kms, connected, **changes[change]))


@pytest.mark.requirement("KMS-UPDATESTORE-003")
def test_endpoint_while_connected(
    kms: KmsClient,
    provisioner: Provisioner,
    connected: KeyStore,
    changes: Changes,
) -> None:
    """The endpoint can be changed only while the store is DISCONNECTED."""
    probe = update(kms, connected, **changes["endpoint"])
    if not probe.succeeded:
        provisioner.disconnect(kms, connected)
        control(
            update(kms, connected, label="control: disconnected", **changes["endpoint"])
        )
    expect(probe, WRONG_STATE)


@pytest.mark.requirement("KMS-UPDATESTORE-004")
def test_mixed_update_while_connected(
    kms: KmsClient, connected: KeyStore, changes: Changes
) -> None:
    """A call that changes name and endpoint of a CONNECTED store changes neither."""
    reply = update(kms, connected, **changes["name"], **changes["endpoint"])
    expect(reply, WRONG_STATE)
    name = description_of(kms, connected.id).get("CustomKeyStoreName")
    if name != connected.name:
        violated(reply, f"the name stays {connected.name}", f"it is {name}")
    control(update(kms, connected, label="control: the name", **changes["name"]))


# -- the test call of the proxy ---------------------------------------------------


@pytest.mark.requirement("KMS-UPDATESTORE-008")
def test_proxy_is_asked(
    kms: KmsClient, connected: KeyStore, new_proxy: ProxyStore
) -> None:
    """The proxy is asked for its health at the new path, under the new credential."""
    _expect_asked(kms, connected, new_proxy)


@pytest.mark.requirement("KMS-UPDATESTORE-016")
def test_proxy_is_asked_while_disconnected(
    kms: KmsClient, disconnected: KeyStore, new_proxy: ProxyStore
) -> None:
    """The proxy is asked for its health also while the store is DISCONNECTED."""
    _expect_asked(kms, disconnected, new_proxy)


def _expect_asked(kms: KmsClient, store: KeyStore, new_proxy: ProxyStore) -> None:
    with new_proxy.watching() as seen:
        reply = update(kms, store, **_moved_to(new_proxy))
    control(reply)
    if not seen():
        violated(reply, "a request of GetHealthStatus at the new path", "no request")
    for request in seen():
        name = request.request_metadata.get("kmsOperation")
        if name == HEALTH_CHECK:
            continue
        asked = f"{request.operation} for {name}"
        if asked != "health for UpdateCustomKeyStore":
            violated(reply, "health for UpdateCustomKeyStore", asked)
        credential = f"Credential={new_proxy.credential['AccessKeyId']}/"
        if credential not in (request.header("Authorization") or ""):
            violated(reply, "a signature of the new credential", "another one")


@pytest.mark.requirement("KMS-UPDATESTORE-008")
def test_failed_test_call(
    kms: KmsClient, connected: KeyStore, new_proxy: ProxyStore
) -> None:
    """If the proxy does not answer well, the call fails and nothing has changed."""
    before = _shown(kms, connected)
    with new_proxy.failing("InternalException", 500):
        probe = update(kms, connected, **_moved_to(new_proxy))
    after = _shown(kms, connected)
    if not probe.succeeded:
        label = "control: the proxy answers"
        control(update(kms, connected, label=label, **_moved_to(new_proxy)))
    expect(probe, REFUSED)
    if after != before:
        violated(probe, _listed(before.values()), _listed(after.values()))


def _moved_to(proxy: ProxyStore) -> dict[str, Any]:
    return {
        "XksProxyUriPath": proxy.uri_path,
        "XksProxyAuthenticationCredential": proxy.credential,
    }


# -- uniqueness -------------------------------------------------------------------


@pytest.mark.requirement("KMS-UPDATESTORE-010")
def test_name_in_use(
    kms: KmsClient, provisioner: Provisioner, disconnected: KeyStore
) -> None:
    """The name of another key store is a CustomKeyStoreNameInUseException."""
    other = provisioner.make_store(kms, label=LABEL)
    expect_update_refused(
        kms,
        disconnected,
        refused("CustomKeyStoreNameInUseException"),
        good={"NewCustomKeyStoreName": new_name()},
        NewCustomKeyStoreName=other.name,
    )


@pytest.mark.requirement("KMS-UPDATESTORE-010")
def test_uri_in_use(
    kms: KmsClient,
    provisioner: Provisioner,
    disconnected: KeyStore,
    new_proxy: ProxyStore,
) -> None:
    """The endpoint and path of another key store are an XksProxyUriInUseException."""
    other = provisioner.make_store(kms, label=LABEL)
    expect_update_refused(
        kms,
        disconnected,
        refused("XksProxyUriInUseException"),
        good=_moved_to(new_proxy),
        **_moved_to(other.proxy),
    )


# -- rotation of the credential ---------------------------------------------------

SWITCHING_SECONDS = 3


@pytest.mark.requirement("KMS-UPDATESTORE-013")
def test_credential_rotation(kms: KmsClient, key: Key) -> None:
    """A credential is rotated while the store is CONNECTED, and Encrypt goes on.

    Both are valid at the proxy for a while; KMS comes to sign with the new one.
    """
    old = key.store.proxy.credential["AccessKeyId"]
    control(_encrypt(kms, key))
    require_asked(key.proxy)
    new = key.store.proxy.rotate_credential()
    reply = update(kms, key.store, XksProxyAuthenticationCredential=new)
    control(reply)
    if not _switched(kms, key, new["AccessKeyId"]):
        violated(
            reply,
            "requests to the proxy that are signed with the new credential",
            f"requests that still are not after {SWITCHING_SECONDS} seconds",
        )
    key.store.proxy.forget_credential(old)
    success(_encrypt(kms, key))


def _encrypt(kms: KmsClient, key: Key) -> KmsReply:
    return kms.call("Encrypt", KeyId=key.arn, Plaintext=b"while it rotates")


def _switched(kms: KmsClient, key: Key, access_key_id: str) -> bool:
    deadline = time.monotonic() + SWITCHING_SECONDS
    while time.monotonic() < deadline:
        with key.store.proxy.watching() as seen:
            success(_encrypt(kms, key))
        if all(_is_signed_with(access_key_id, each) for each in seen()):
            return True
        time.sleep(0.1)
    return False


def _is_signed_with(access_key_id: str, request: ProxyRequest) -> bool:
    return f"Credential={access_key_id}/" in (request.header("Authorization") or "")
