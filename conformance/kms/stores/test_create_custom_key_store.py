"""CreateCustomKeyStore: its parameters, its test call of the proxy, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    VALIDATION,
    control,
    control_refused,
    expect,
    refused,
    success,
    violated,
)
from ..client.key_stores import connection_state_of, description_of
from ..cryptography.calls import asked
from .store_calls import (
    ACCESS_KEY_ID_DEFECTS,
    CLOUDHSM_MEMBERS,
    ENDPOINT_DEFECTS,
    HEALTHY,
    PATH_DEFECTS,
    SECRET_DEFECTS,
    CreateCalls,
    new_calls,
    new_name,
    new_other_calls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.request import ProxyRequest

    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

    Change = Callable[[str], str]


@pytest.fixture
def calls(kms: KmsClient, provisioner: Provisioner) -> CreateCalls:
    """Calls of this check alone."""
    return new_calls(provisioner, kms)


@pytest.fixture
def other_calls(kms: KmsClient, provisioner: Provisioner) -> CreateCalls:
    """Others, likewise."""
    return new_other_calls(provisioner, kms)


# -- names and types --------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-001")
@cases(
    "name",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param("pytest-xks-conformance-".ljust(257, "n"), id="too-long"),
    ],
    stores=1,
    calls=new_calls,
)
def test_bad_name(calls: CreateCalls, name: str | None) -> None:
    """A key store needs a name of 1 to 256 characters."""
    calls.expect_refused(REFUSED, CustomKeyStoreName=name)


@pytest.mark.requirement("KMS-CREATESTORE-001")
def test_longest_name(calls: CreateCalls, other_calls: CreateCalls) -> None:
    """A name may have 256 characters, whichever they are."""
    control(other_calls.call(label="control: a short name"))
    name = f"{new_name()} (Store #1: a/b, 'c' & d)".ljust(256, "n")
    success(calls.call(CustomKeyStoreName=name))


@pytest.mark.requirement("KMS-CREATESTORE-002")
@cases(
    "kind",
    [
        pytest.param(None, id="absent"),
        pytest.param("external_key_store", id="lower-case"),
        pytest.param("EXTERNAL", id="another-word"),
    ],
    stores=1,
    calls=new_calls,
)
def test_type_is_explicit(kms: KmsClient, calls: CreateCalls, kind: str | None) -> None:
    """No external key store is created unless the type is EXTERNAL_KEY_STORE.

    The default is AWS_CLOUDHSM, for which the members that it needs are missing here.
    """
    both = {"CustomKeyStoreName": new_name()}
    probe = calls.call(**both, CustomKeyStoreType=kind)
    if not probe.succeeded:
        control(calls.call(label="control: the type is given", **both))
        expect(probe, REFUSED)
        return
    entry = description_of(kms, str(probe.document.get("CustomKeyStoreId")))
    if entry.get("CustomKeyStoreType") in {None, "EXTERNAL_KEY_STORE"}:
        violated(probe, "no external key store", "an external key store")
    violated(
        probe,
        "a refusal, for what another type of key store needs is missing",
        f"a key store of the type {entry.get('CustomKeyStoreType')}",
    )


@pytest.mark.requirement("KMS-CREATESTORE-052")
def test_good_key_store(calls: CreateCalls) -> None:
    """A key store with good parameters, whose proxy is healthy, is created."""
    success(calls.call())


@pytest.mark.requirement("KMS-CREATESTORE-003")
@cases(
    "member",
    [
        "XksProxyConnectivity",
        "XksProxyAuthenticationCredential",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
    ],
    stores=1,
    calls=new_calls,
)
def test_required_member_absent(calls: CreateCalls, member: str) -> None:
    """An external key store needs connectivity, credential, endpoint and path."""
    calls.expect_refused(REFUSED, **{member: None})


@pytest.mark.requirement("KMS-CREATESTORE-005")
def test_exception_for_an_absent_member(
    calls: CreateCalls, other_calls: CreateCalls
) -> None:
    """A member that is required and absent gives a ValidationException."""
    control(other_calls.call(label="control: every member"))
    expect(control_refused(calls.call(XksProxyUriPath=None)), VALIDATION)


@pytest.mark.requirement("KMS-CREATESTORE-006")
@cases(
    "connectivity",
    ["public_endpoint", "PRIVATE_ENDPOINT", "VPC_ENDPOINT"],
    stores=1,
    calls=new_calls,
)
def test_unknown_connectivity(calls: CreateCalls, connectivity: str) -> None:
    """XksProxyConnectivity is PUBLIC_ENDPOINT or VPC_ENDPOINT_SERVICE, nothing else."""
    calls.expect_refused(REFUSED, XksProxyConnectivity=connectivity)


@pytest.mark.requirement("KMS-CREATESTORE-019")
@cases("member", CLOUDHSM_MEMBERS, stores=1, calls=new_calls)
def test_cloudhsm_member(calls: CreateCalls, member: str) -> None:
    """An external key store takes no member of AWS CloudHSM key stores."""
    calls.expect_refused(REFUSED, **{member: CLOUDHSM_MEMBERS[member]})


@pytest.mark.requirement("KMS-CREATESTORE-019")
def test_external_members_of_a_cloudhsm_key_store(calls: CreateCalls) -> None:
    """A key store of the type AWS_CLOUDHSM takes no member of external key stores."""
    calls.expect_refused(REFUSED, CustomKeyStoreType="AWS_CLOUDHSM")


# -- endpoint and path ------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-007")
@cases("defect", ENDPOINT_DEFECTS, stores=1, calls=new_calls)
def test_bad_endpoint(calls: CreateCalls, defect: str) -> None:
    """An endpoint is https:// and a host name, at most 128 characters, no more."""
    endpoint = ENDPOINT_DEFECTS[defect](calls.proxy.endpoint)
    calls.expect_refused(REFUSED, XksProxyUriEndpoint=endpoint)


@pytest.mark.requirement("KMS-CREATESTORE-011")
@cases("defect", PATH_DEFECTS, stores=1, calls=new_calls)
def test_bad_path(calls: CreateCalls, probe_proxy: ProbeProxy, defect: str) -> None:
    """A path that is not of the documented form is refused.

    Were KMS to call the proxy there, it would succeed: the proxy answers every path.
    """
    path = PATH_DEFECTS[defect](calls.proxy.uri_path)
    with probe_proxy.answering(200, HEALTHY, operation="health"):
        calls.expect_refused(REFUSED, XksProxyUriPath=path)


@pytest.mark.requirement("KMS-CREATESTORE-011")
@cases(
    "prefix",
    [
        pytest.param("", id="no-prefix"),
        pytest.param("Stores/No-1/a_Z".ljust(116, "9"), id="longest"),
    ],
    stores=2,
    other_calls=new_other_calls,
)
def test_good_path(
    kms: KmsClient,
    provisioner: Provisioner,
    other_calls: CreateCalls,
    probe_proxy: ProbeProxy,
    prefix: str,
) -> None:
    """A path may be without a prefix, or have 128 characters of every legal kind."""
    control(other_calls.call(label="control: another path"))
    proxy = probe_proxy.open_store(label="creation", prefix=prefix)
    with probe_proxy.answering(200, HEALTHY, operation="health"):
        success(CreateCalls(kms, provisioner, proxy).call())


@pytest.mark.requirement("KMS-CREATESTORE-012")
def test_uri_of_the_proxy(
    kms: KmsClient, provisioner: Provisioner, probe_proxy: ProbeProxy
) -> None:
    """GetHealthStatus goes to endpoint, path and /health, put together as they are."""
    proxy = probe_proxy.open_store(label="creation", prefix="Mixed-Case/And_more")
    with (
        probe_proxy.answering(200, HEALTHY, operation="health"),
        probe_proxy.watching() as seen,
    ):
        reply = CreateCalls(kms, provisioner, proxy).call()
    _expect_uri(reply, seen(), f"{proxy.endpoint}{proxy.uri_path}/health")


@pytest.mark.requirement("KMS-CREATESTORE-012")
def test_uri_of_a_key(
    kms: KmsClient, provisioner: Provisioner, store: KeyStore, probe_proxy: ProbeProxy
) -> None:
    """GetKeyMetadata goes to endpoint, path, /keys/, the external key and /metadata."""
    external_key = store.proxy.add_key()
    with probe_proxy.watching() as seen:
        reply = kms.call(
            "CreateKey",
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=store.id,
            XksKeyId=external_key.id,
        )
    provisioner.adopt_key(reply)
    base = f"{store.proxy.endpoint}{store.proxy.uri_path}"
    _expect_uri(reply, seen(), f"{base}/keys/{external_key.id}/metadata")


def _expect_uri(reply: KmsReply, requests: Sequence[ProxyRequest], uri: str) -> None:
    creates_key = reply.operation == "CreateKey"
    for request in asked(tuple(requests)):
        if creates_key and request.operation == "health":
            continue  # KMS may look after the proxy's health at any time.
        # A port in the Host is as good as none (KMS-AMB-047).
        host = str(request.header("Host")).removesuffix(":443")
        found = f"https://{host}{request.target}"
        if found != uri:
            violated(reply, f"a request to {uri}", f"one to {found}")


# -- credential -------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-015")
@cases("defect", ACCESS_KEY_ID_DEFECTS, stores=1, calls=new_calls)
def test_bad_access_key_id(calls: CreateCalls, defect: str) -> None:
    """An AccessKeyId has 20 to 30 characters out of A to Z and 2 to 7.

    The proxy itself answers under every credential here.
    """
    _expect_refused(calls, "AccessKeyId", ACCESS_KEY_ID_DEFECTS[defect])


@pytest.mark.requirement("KMS-CREATESTORE-016")
@cases("defect", SECRET_DEFECTS, stores=1, calls=new_calls)
def test_bad_secret_access_key(calls: CreateCalls, defect: str) -> None:
    """A RawSecretAccessKey has 43 to 64 characters of standard Base64.

    The proxy itself answers under every credential here.
    """
    _expect_refused(calls, "RawSecretAccessKey", SECRET_DEFECTS[defect])


def _expect_refused(calls: CreateCalls, member: str, change: Change | None) -> None:
    credential = calls.proxy.credential
    value = credential.pop(member)
    if change:
        credential[member] = change(value)
    with calls.proxy.answering(200, HEALTHY, operation="health"):
        calls.expect_refused(REFUSED, XksProxyAuthenticationCredential=credential)


# -- uniqueness -------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-021")
def test_name_in_use(calls: CreateCalls, other_calls: CreateCalls) -> None:
    """The name of another key store is a CustomKeyStoreNameInUseException."""
    name = new_name()
    control(other_calls.call(label="control: the other", CustomKeyStoreName=name))
    calls.expect_refused(
        refused("CustomKeyStoreNameInUseException"), CustomKeyStoreName=name
    )


@pytest.mark.requirement("KMS-CREATESTORE-022")
def test_uri_in_use(calls: CreateCalls, other_calls: CreateCalls) -> None:
    """The endpoint and path of another key store are an XksProxyUriInUseException."""
    control(other_calls.call(label="control: the other"))
    other = other_calls.proxy
    calls.expect_refused(
        refused("XksProxyUriInUseException"),
        XksProxyUriEndpoint=other.endpoint,
        XksProxyUriPath=other.uri_path,
        XksProxyAuthenticationCredential=other.credential,
    )


@pytest.mark.requirement("KMS-CREATESTORE-023")
def test_shared_endpoint(
    kms: KmsClient, provisioner: Provisioner, probe_proxy: ProbeProxy
) -> None:
    """Two public key stores may share an endpoint, if their paths differ."""
    # An endpoint that no store of another check has.
    other, proxy = probe_proxy.open_store(), probe_proxy.open_store()
    control(CreateCalls(kms, provisioner, other).call(label="control: the other"))
    success(
        CreateCalls(kms, provisioner, proxy).call(XksProxyUriEndpoint=other.endpoint)
    )


@pytest.mark.requirement("KMS-CREATESTORE-050")
def test_repeated_call(calls: CreateCalls) -> None:
    """The same call once more is refused: name and URI are in use."""
    name = new_name()
    control(calls.call(label="control: the first", CustomKeyStoreName=name))
    expect(
        calls.call(CustomKeyStoreName=name),
        refused("CustomKeyStoreNameInUseException", "XksProxyUriInUseException"),
    )


# -- the result -------------------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-047")
def test_new_key_store_is_disconnected(kms: KmsClient, calls: CreateCalls) -> None:
    """A new key store is DISCONNECTED; nothing connects it by itself."""
    reply = calls.call()
    state = connection_state_of(kms, str(control(reply).get("CustomKeyStoreId")))
    if state != "DISCONNECTED":
        violated(reply, "ConnectionState: DISCONNECTED", f"ConnectionState: {state}")


@pytest.mark.requirement("KMS-CREATESTORE-048")
def test_response(calls: CreateCalls) -> None:
    """The response has a CustomKeyStoreId of 1 to 64 characters."""
    reply = calls.call()
    control(reply)
    store_id = reply.raw.get("CustomKeyStoreId")
    if not isinstance(store_id, str) or not 1 <= len(store_id) <= 64:
        violated(reply, "a text of 1 to 64 characters", repr(store_id))
