"""The six operations on custom key stores."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.kms.behaviour import (
    ConnectAgain,
    HealthCheckAtUpdate,
    MissingPrincipalAtConnect,
    SharedPrivateDnsName,
    UpdateWhileConnected,
    VpcAcceptanceRequired,
)
from pytest_xks.kms.stores.vpc import VpcProblem

if TYPE_CHECKING:
    from ..conftest import AssertKmsError, System

LONG = "x" * 129
SECRET = "not+a/secret" * 4

BAD_PARAMETERS = [
    ("CustomKeyStoreName", "n" * 257),
    ("CustomKeyStoreType", "OTHER"),
    ("XksProxyConnectivity", "CARRIER_PIGEON"),
    ("XksProxyUriEndpoint", "http://xks.example.com"),
    ("XksProxyUriEndpoint", "https://xks.example.com:6443"),
    ("XksProxyUriEndpoint", "https://xks.example.com/"),
    ("XksProxyUriEndpoint", "https://xks.example.com\n"),
    ("XksProxyUriEndpoint", "https://" + LONG),
    ("XksProxyUriPath", "/kms/xks/v1/"),
    ("XksProxyUriPath", "example/kms/xks/v1"),
    ("XksProxyUriPath", "/ex.ample/kms/xks/v1"),
    ("XksProxyUriPath", "/kms/xks/v\u0661"),
    ("XksProxyVpcEndpointServiceName", "vpce-svc-00000000000000000"),
    ("XksProxyVpcEndpointServiceOwner", "12345678901a"),
    (
        "XksProxyAuthenticationCredential",
        {"AccessKeyId": "ABCDE12345670EXAMPLE", "RawSecretAccessKey": SECRET},
    ),
    (
        "XksProxyAuthenticationCredential",
        {"AccessKeyId": "A" * 20, "RawSecretAccessKey": SECRET + "!"},
    ),
]


def requests_of(system: System) -> list[str]:
    """The kmsOperation of every request that the proxy has answered."""
    return [entry.request_metadata["kmsOperation"] for entry in system.proxy.requests]


def failed_store(system: System) -> str:
    """A store whose connection failed."""
    store_id = system.create_store()
    with system.proxy.fault("InternalException"):
        system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    return store_id


def vpc_store(system: System, **changes: Any) -> str:
    """A store whose proxy is behind a VPC endpoint service."""
    service = system.fake.add_vpc_endpoint_service("xks-proxy.test")
    parameters = {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyVpcEndpointServiceName": service.name,
        **changes,
    }
    return system.create_store(**parameters)


# -- CreateCustomKeyStore ---------------------------------------------------------


def test_a_new_store(system: System):
    """A new store is DISCONNECTED, and shows what it was made of, but no secret."""
    store_id = system.create_store()
    store = system.describe_store(store_id)
    del store["CreationDate"]
    assert {
        "CustomKeyStoreId": store_id,
        "CustomKeyStoreName": "example-store",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "ConnectionState": "DISCONNECTED",
        "XksProxyConfiguration": {
            "Connectivity": "PUBLIC_ENDPOINT",
            "AccessKeyId": system.proxy.credential.access_key_id,
            "UriEndpoint": system.endpoint,
            "UriPath": system.proxy.uri_path,
        },
    } == store


def test_creation_asks_for_health_once(local_system: System):
    """KMS asks the proxy for its health with two members of requestMetadata."""
    local_system.create_store()
    (entry,) = local_system.proxy.expect_requests("GetHealthStatus", count=1)
    assert {"kmsRequestId", "kmsOperation"} == set(entry.request_metadata)
    assert "CreateCustomKeyStore" == entry.request_metadata["kmsOperation"]


def test_a_failed_creation_leaves_nothing(local_system: System, assert_kms_error):
    """After a failed health check there is no store, and its name is free."""
    with local_system.proxy.fault("InternalException"):
        assert_kms_error(local_system.create_store, "XksProxyInvalidResponseException")
    assert [] == local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert local_system.create_store()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param(*case, id=f"{number}-{case[0]}")
        for number, case in enumerate(BAD_PARAMETERS)
    ],
)
def test_constraints(
    local_system: System, member: str, value: object, assert_kms_error: AssertKmsError
):
    """A value that breaks a modelled constraint is refused before the proxy hears."""
    error = assert_kms_error(
        lambda: local_system.create_store(**{member: value}), "ValidationException"
    )
    message = error.response["Error"]["Message"]
    assert "failed to satisfy constraint" in message
    assert SECRET not in message
    assert () == local_system.proxy.requests


@pytest.mark.parametrize(
    "member",
    [
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
        "XksProxyAuthenticationCredential",
    ],
)
def test_required_members(local_system: System, member: str, assert_kms_error):
    """An external key store needs all of these."""
    assert_kms_error(
        lambda: local_system.create_store(**{member: None}), "ValidationException"
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"CustomKeyStoreType": None}, id="default-type"),
        pytest.param({"CustomKeyStoreType": "AWS_CLOUDHSM"}, id="cloudhsm"),
        pytest.param({"KeyStorePassword": "password"}, id="password"),
        pytest.param(
            {"XksProxyVpcEndpointServiceOwner": "123456789012"}, id="public-with-owner"
        ),
        pytest.param(
            {"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE"}, id="vpc-without-service"
        ),
    ],
)
def test_members_that_do_not_go_together(
    local_system: System, changes: dict, assert_kms_error
):
    """Members of the one kind of store are no members of the other."""
    assert_kms_error(
        lambda: local_system.create_store(**changes), "ValidationException"
    )


def test_cloudhsm_key_stores_are_refused_clearly(
    local_system: System, assert_kms_error
):
    """Nobody mistakes the fake for one that has AWS CloudHSM key stores."""
    error = assert_kms_error(
        lambda: local_system.kms.create_custom_key_store(
            CustomKeyStoreName="hsm", CloudHsmClusterId="cluster-234abcdefABC"
        ),
        "UnsupportedOperationException",
    )
    assert "EXTERNAL_KEY_STORE" in error.response["Error"]["Message"]


def test_no_external_key_stores_in_china(local_system: System, assert_kms_error):
    """Two Regions of KMS have none."""
    kms = local_system.fake.client("cn-north-1")
    assert_kms_error(
        lambda: kms.create_custom_key_store(**local_system.store_parameters()),
        "UnsupportedOperationException",
    )


def test_two_public_stores_may_share_an_endpoint(local_system: System):
    """As long as their paths differ."""
    local_system.create_store()
    path = "/other/kms/xks/v1"
    local_system.proxy.add_store(path, credential=local_system.proxy.credential)
    assert local_system.create_store(CustomKeyStoreName="other", XksProxyUriPath=path)


def test_stores_belong_to_a_region_and_an_account(local_system: System, monkeypatch):
    """Another Region and another account see nothing, and may use the same values."""
    local_system.create_store()
    elsewhere = local_system.fake.client("eu-west-1")
    assert [] == elsewhere.describe_custom_key_stores()["CustomKeyStores"]
    assert elsewhere.create_custom_key_store(**local_system.store_parameters())
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    assert [] == local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert local_system.create_store()


def test_an_endpoint_is_public_or_of_a_vpc_in_all_accounts(
    local_system: System, monkeypatch, assert_kms_error
):
    """Even when the two stores are in different accounts."""
    vpc_store(local_system)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    assert_kms_error(local_system.create_store, "XksProxyUriEndpointInUseException")


def test_the_quota_of_stores_can_be_adjusted(local_system: System, assert_kms_error):
    """AWS adjusts it on request."""
    local_system.fake.behaviour.custom_key_stores = 0
    assert_kms_error(local_system.create_store, "LimitExceededException")


# -- VPC endpoint services --------------------------------------------------------


def test_a_vpc_store_is_not_asked_for_health_at_creation(local_system: System):
    """KMS contacts the proxy when the store is connected."""
    store_id = vpc_store(local_system)
    assert [] == requests_of(local_system)
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert ["ConnectCustomKeyStore"] == requests_of(local_system)
    store = local_system.describe_store(store_id)
    assert "CONNECTED" == store["ConnectionState"]
    configuration = store["XksProxyConfiguration"]
    assert "VPC_ENDPOINT_SERVICE" == configuration["Connectivity"]
    assert "123456789012" == configuration["VpcEndpointServiceOwner"]
    assert configuration["VpcEndpointServiceName"].startswith("com.amazonaws.vpce.")


def test_a_service_of_another_account(local_system: System, assert_kms_error):
    """It can be used if its owner is named."""
    service = local_system.fake.add_vpc_endpoint_service(
        "xks-proxy.test", owner="999988887777"
    )
    parameters = {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyVpcEndpointServiceName": service.name,
    }
    assert_kms_error(
        lambda: local_system.create_store(**parameters),
        "XksProxyVpcEndpointServiceNotFoundException",
    )
    owner = {"XksProxyVpcEndpointServiceOwner": "999988887777"}
    assert local_system.create_store(**parameters, **owner)


@pytest.mark.parametrize("problem", VpcProblem, ids=lambda problem: problem.name)
def test_problems_of_a_service(
    local_system: System, problem: VpcProblem, assert_kms_error
):
    """What KMS does not see is not found; what it does not like is misconfigured."""
    service = local_system.fake.add_vpc_endpoint_service(
        "xks-proxy.test", problems=[problem]
    )
    hidden = problem in {VpcProblem.KMS_NOT_ALLOWED, VpcProblem.ACCOUNT_NOT_ALLOWED}
    kind = "NotFound" if hidden else "InvalidConfiguration"
    assert_kms_error(
        lambda: local_system.create_store(
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName=service.name,
        ),
        f"XksProxyVpcEndpointService{kind}Exception",
    )


def test_a_private_dns_name_that_is_not_the_endpoint(
    local_system: System, assert_kms_error
):
    """The endpoint is https:// and the private DNS name."""
    service = local_system.fake.add_vpc_endpoint_service("other.test")
    assert_kms_error(
        lambda: local_system.create_store(
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName=service.name,
        ),
        "XksProxyVpcEndpointServiceInvalidConfigurationException",
    )


# -- ConnectCustomKeyStore and DisconnectCustomKeyStore ---------------------------


def test_connecting_takes_time_if_it_is_told_to(local_system: System):
    """CONNECTING and DISCONNECTING can be observed."""
    local_system.fake.behaviour.connecting_seconds = 300
    local_system.fake.behaviour.disconnecting_seconds = 300
    store_id = local_system.connected_store()
    assert "CONNECTING" == local_system.describe_store(store_id)["ConnectionState"]
    local_system.proxy.clock.advance(milliseconds=300_000)
    assert "CONNECTED" == local_system.describe_store(store_id)["ConnectionState"]
    local_system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    assert "DISCONNECTING" == local_system.describe_store(store_id)["ConnectionState"]
    local_system.proxy.clock.advance(milliseconds=300_000)
    assert "DISCONNECTED" == local_system.describe_store(store_id)["ConnectionState"]


def test_a_failing_connection_is_connecting_first(local_system: System):
    """The ConnectionErrorCode shows when the state is FAILED, and not before."""
    local_system.fake.behaviour.connecting_seconds = 300
    store_id = failed_store(local_system)
    assert "ConnectionErrorCode" not in local_system.describe_store(store_id)
    local_system.proxy.clock.advance(milliseconds=300_000)
    store = local_system.describe_store(store_id)
    assert "FAILED" == store["ConnectionState"]
    assert "XKS_PROXY_INVALID_RESPONSE" == store["ConnectionErrorCode"]


def test_repairing_a_failed_store(local_system: System):
    """Disconnect, then connect again; the code is gone."""
    store_id = failed_store(local_system)
    local_system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    assert "ConnectionErrorCode" not in local_system.describe_store(store_id)
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert "CONNECTED" == local_system.describe_store(store_id)["ConnectionState"]


def test_later_failures_do_not_change_the_state(local_system: System, assert_kms_error):
    """CONNECTED says that a connection succeeded once, and nothing else."""
    key = local_system.create_key()
    with local_system.proxy.fault("connection-refused"):
        assert_kms_error(
            lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"secret"),
            "KMSInvalidStateException",
        )
    (store,) = local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert "CONNECTED" == store["ConnectionState"]


@pytest.mark.parametrize("seconds", [0, 300], ids=["connected", "connecting"])
def test_connecting_again(local_system: System, seconds: int, assert_kms_error):
    """A second connection changes nothing, or is refused: AWS says both."""
    local_system.fake.behaviour.connecting_seconds = seconds
    store_id = local_system.connected_store()
    before = local_system.proxy.requests
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert before == local_system.proxy.requests
    local_system.fake.behaviour.connect_again = ConnectAgain.REFUSED
    assert_kms_error(
        lambda: local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id),
        "CustomKeyStoreInvalidStateException",
    )


def test_while_disconnected_the_proxy_hears_nothing(
    local_system: System, assert_kms_error
):
    """Not even of a cryptographic operation."""
    key = local_system.create_key()
    (store,) = local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    store_id = store["CustomKeyStoreId"]
    local_system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    before = local_system.proxy.requests
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"secret"),
        "KMSInvalidStateException",
    )
    assert before == local_system.proxy.requests


@pytest.mark.parametrize(
    ("switch", "code"),
    [
        (MissingPrincipalAtConnect.NOT_FOUND, "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND"),
        (
            MissingPrincipalAtConnect.INVALID_CONFIGURATION,
            "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        ),
    ],
)
def test_a_principal_that_is_missing_at_connection(
    local_system: System, switch: MissingPrincipalAtConnect, code: str
):
    """AWS lists it under both codes."""
    store_id = vpc_store(local_system)
    (service,) = local_system.fake.vpc_endpoint_services.values()
    service.problems.add(VpcProblem.KMS_NOT_ALLOWED)
    local_system.fake.behaviour.missing_principal_at_connect = switch
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert code == local_system.describe_store(store_id)["ConnectionErrorCode"]


def test_acceptance_required(local_system: System, assert_kms_error):
    """AWS names two exceptions for it."""
    local_system.fake.behaviour.vpc_acceptance_required = VpcAcceptanceRequired.PROXY
    service = local_system.fake.add_vpc_endpoint_service(
        "xks-proxy.test", problems=[VpcProblem.ACCEPTANCE_REQUIRED]
    )
    assert_kms_error(
        lambda: local_system.create_store(
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName=service.name,
        ),
        "XksProxyInvalidConfigurationException",
    )


def test_a_shared_private_dns_name(local_system: System, assert_kms_error):
    """No exception is named for it; the switch has the other."""
    switch = SharedPrivateDnsName.VPC_ENDPOINT_SERVICE_IN_USE
    local_system.fake.behaviour.shared_private_dns_name = switch
    vpc_store(local_system)
    assert_kms_error(
        lambda: vpc_store(
            local_system, CustomKeyStoreName="b", XksProxyUriPath="/b/kms/xks/v1"
        ),
        "XksProxyVpcEndpointServiceInUseException",
    )


# -- UpdateCustomKeyStore ---------------------------------------------------------


def test_rotating_the_credential_while_connected(system: System):
    """The new credential is tried, and used from then on; the key goes on working."""
    key = system.create_key()
    (store,) = system.kms.describe_custom_key_stores()["CustomKeyStores"]
    old = system.proxy.credential
    new = system.proxy.store.rotate_credential()
    system.kms.update_custom_key_store(
        CustomKeyStoreId=store["CustomKeyStoreId"],
        XksProxyAuthenticationCredential={
            "AccessKeyId": new.access_key_id,
            "RawSecretAccessKey": new.secret_access_key,
        },
    )
    system.proxy.store.remove_credential(old.access_key_id)
    assert system.kms.encrypt(KeyId=key, Plaintext=b"secret")
    assert new.access_key_id == system.proxy.requests[-1].access_key_id


def test_a_failed_update_changes_nothing(local_system: System, assert_kms_error):
    """The health check uses the new values; the old ones stay in force if it fails."""
    store_id = local_system.connected_store()
    before = local_system.describe_store(store_id)
    assert_kms_error(
        lambda: local_system.kms.update_custom_key_store(
            CustomKeyStoreId=store_id,
            NewCustomKeyStoreName="new",
            XksProxyUriPath="/wrong/kms/xks/v1",
        ),
        "XksProxyInvalidConfigurationException",
    )
    assert before == local_system.describe_store(store_id)


def test_a_new_name_alone_asks_nobody(local_system: System):
    """The proxy does not know the name."""
    store_id = local_system.connected_store()
    before = local_system.proxy.requests
    local_system.kms.update_custom_key_store(
        CustomKeyStoreId=store_id, NewCustomKeyStoreName="new"
    )
    assert before == local_system.proxy.requests
    assert "new" == local_system.describe_store(store_id)["CustomKeyStoreName"]


def test_a_new_name_may_ask_for_health(local_system: System):
    """The documents do not except it."""
    local_system.fake.behaviour.health_check_at_update = HealthCheckAtUpdate.ALWAYS
    store_id = local_system.create_store()
    local_system.kms.update_custom_key_store(
        CustomKeyStoreId=store_id, NewCustomKeyStoreName="new"
    )
    assert "UpdateCustomKeyStore" == requests_of(local_system)[-1]


def test_an_update_is_refused_as_a_whole(local_system: System, assert_kms_error):
    """What may change while CONNECTED does not change beside what may not."""
    store_id = local_system.connected_store()
    assert_kms_error(
        lambda: local_system.kms.update_custom_key_store(
            CustomKeyStoreId=store_id,
            NewCustomKeyStoreName="new",
            XksProxyUriEndpoint="https://other.xks.test",
        ),
        "CustomKeyStoreInvalidStateException",
    )
    name = local_system.describe_store(store_id)["CustomKeyStoreName"]
    assert "example-store" == name


def test_the_old_rule_of_updates(local_system: System, assert_kms_error):
    """The text of the exception allows the name only."""
    local_system.fake.behaviour.update_while_connected = UpdateWhileConnected.NAME
    store_id = local_system.connected_store()
    assert_kms_error(
        lambda: local_system.kms.update_custom_key_store(
            CustomKeyStoreId=store_id, XksProxyUriPath=local_system.proxy.uri_path
        ),
        "CustomKeyStoreInvalidStateException",
    )


def test_a_failed_store_is_not_updated(local_system: System, assert_kms_error):
    """It is disconnected first."""
    store_id = failed_store(local_system)
    assert_kms_error(
        lambda: local_system.kms.update_custom_key_store(
            CustomKeyStoreId=store_id, NewCustomKeyStoreName="new"
        ),
        "CustomKeyStoreInvalidStateException",
    )


def test_from_public_to_vpc_and_back(local_system: System, assert_kms_error):
    """Both ways need a new endpoint; on the way back the service is forgotten."""
    system = local_system
    store_id = system.create_store()
    service = system.fake.add_vpc_endpoint_service("xks-proxy.test")

    def update(**changes: str) -> None:
        system.kms.update_custom_key_store(CustomKeyStoreId=store_id, **changes)

    to_vpc = {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyVpcEndpointServiceName": service.name,
    }
    assert_kms_error(lambda: update(**to_vpc), "ValidationException")
    update(**to_vpc, XksProxyUriEndpoint=system.endpoint)
    configuration = system.describe_store(store_id)["XksProxyConfiguration"]
    assert service.name == configuration["VpcEndpointServiceName"]

    to_public = {"XksProxyConnectivity": "PUBLIC_ENDPOINT"}
    assert_kms_error(lambda: update(**to_public), "ValidationException")
    update(**to_public, XksProxyUriEndpoint=system.endpoint)
    configuration = system.describe_store(store_id)["XksProxyConfiguration"]
    assert "PUBLIC_ENDPOINT" == configuration["Connectivity"]
    assert "VpcEndpointServiceName" not in configuration


def test_members_of_cloudhsm_in_an_update(local_system: System, assert_kms_error):
    """They mean nothing to an external key store."""
    store_id = local_system.create_store()
    assert_kms_error(
        lambda: local_system.kms.update_custom_key_store(
            CustomKeyStoreId=store_id, KeyStorePassword="password"
        ),
        "ValidationException",
    )


# -- DeleteCustomKeyStore, DescribeCustomKeyStores --------------------------------


def test_deleting(local_system: System, assert_kms_error):
    """A deleted store is gone, and the proxy has heard nothing of it."""
    store_id = local_system.create_store()
    before = local_system.proxy.requests
    local_system.kms.delete_custom_key_store(CustomKeyStoreId=store_id)
    assert before == local_system.proxy.requests
    assert [] == local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert_kms_error(
        lambda: local_system.describe_store(store_id), "CustomKeyStoreNotFoundException"
    )


def test_deleting_once_the_keys_are_deleted(local_system: System):
    """When the waiting period of the last key is over, the store can go."""
    key = local_system.create_key()
    (store,) = local_system.kms.describe_custom_key_stores()["CustomKeyStores"]
    store_id = store["CustomKeyStoreId"]
    local_system.kms.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    local_system.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    week = timedelta(days=7) / timedelta(milliseconds=1)
    local_system.proxy.clock.advance(milliseconds=week)
    local_system.kms.delete_custom_key_store(CustomKeyStoreId=store_id)


def test_pages(local_system: System):
    """A marker leads to the next page, and the last page has none."""
    for number in range(3):
        path = f"/{number}/kms/xks/v1"
        local_system.proxy.add_store(path, credential=local_system.proxy.credential)
        name = f"store-{number}"
        local_system.create_store(CustomKeyStoreName=name, XksProxyUriPath=path)
    first = local_system.kms.describe_custom_key_stores(Limit=2)
    assert first["Truncated"] is True
    last = local_system.kms.describe_custom_key_stores(
        Limit=2, Marker=first["NextMarker"]
    )
    assert last["Truncated"] is False
    assert "NextMarker" not in last
    pages = first["CustomKeyStores"] + last["CustomKeyStores"]
    assert ["store-0", "store-1", "store-2"] == [
        store["CustomKeyStoreName"] for store in pages
    ]


def test_by_name(local_system: System):
    """The friendly name narrows to one."""
    store_id = local_system.create_store()
    found = local_system.kms.describe_custom_key_stores(
        CustomKeyStoreName="example-store"
    )
    assert [store_id] == [each["CustomKeyStoreId"] for each in found["CustomKeyStores"]]
