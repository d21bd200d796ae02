"""Key stores whose proxy is behind a VPC endpoint service: creation and update.

One service is known to the endpoint, so what takes two of them is not looked at.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import (
    REFUSED,
    control,
    expect,
    refused,
    require_asked,
    success,
    violated,
)
from ..client.judging import judge
from .store_calls import CreateCalls, expect_update_refused, proxy_configuration, update
from .vpc_service import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy

    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from .vpc_service import VpcService

    Change = Callable[[str], str]

ENDPOINT_IN_USE = refused("XksProxyUriEndpointInUseException")
# AMBIGUOUS: the stores share a private DNS name as well as the service, and no
# exception is named for the first alone (KMS-AMB-039). Ours: either.
SERVICE_IN_USE = refused(
    "XksProxyVpcEndpointServiceInUseException", "XksProxyUriEndpointInUseException"
)


@pytest.fixture(autouse=True)
def removed_at_once(kms: KmsClient, provisioner: Provisioner) -> Iterator[None]:
    """Remove the stores with the check: two may not be behind one service."""
    with provisioner.apart(kms):
        yield


@pytest.fixture
def calls(
    kms: KmsClient, provisioner: Provisioner, probe_proxy: ProbeProxy
) -> CreateCalls:
    """Calls for a new key store, with parameters of a public one."""
    return CreateCalls(kms, provisioner, probe_proxy.open_store(label=LABEL))


@pytest.fixture
def public_store(
    kms: KmsClient, provisioner: Provisioner, vpc_service: VpcService
) -> KeyStore:
    """A public key store for this check alone, DISCONNECTED."""
    del vpc_service  # A target without a service does not need the store.
    return provisioner.make_store(kms, label=LABEL)


@pytest.fixture
def vpc_store(
    kms: KmsClient, provisioner: Provisioner, vpc_service: VpcService
) -> KeyStore:
    """A key store behind the service for this check alone, DISCONNECTED."""
    vpc_service.free()
    return provisioner.make_store(kms, label=LABEL, **vpc_service.members)


# -- creation: parameters ---------------------------------------------------------

NAME_DEFECTS: dict[str, Change] = {
    "upper-case": str.upper,
    "blank-at-the-end": lambda name: f"{name} ",
    "newline-at-the-end": lambda name: f"{name}\n",
    "id-alone": lambda name: name.rpartition(".")[2],
    "host-name": lambda name: ".".join(reversed(name.split("."))),
    "too-long": lambda name: name.ljust(65, "0"),
}


@pytest.mark.requirement("KMS-CREATESTORE-004")
def test_service_name_absent(kms: KmsClient, vpc_service: VpcService) -> None:
    """A key store behind a VPC endpoint service needs the name of the service."""
    absent = {"XksProxyVpcEndpointServiceName": None}
    vpc_service.expect_refused(kms, REFUSED, defects={"absent": absent})


@pytest.mark.requirement("KMS-CREATESTORE-013")
def test_bad_service_name(kms: KmsClient, vpc_service: VpcService) -> None:
    """A service name that is not of the documented form is refused."""
    defects = {
        label: {"XksProxyVpcEndpointServiceName": change(vpc_service.name)}
        for label, change in NAME_DEFECTS.items()
    }
    vpc_service.expect_refused(kms, REFUSED, defects=defects)


OWNER_DEFECTS: dict[str, Change] = {
    "11-digits": lambda account: account[:11],
    "13-digits": lambda account: f"{account}0",
    "with-hyphens": lambda a: f"{a[:4]}-{a[4:8]}-{a[8:]}",
    "an-arn": lambda account: f"arn:aws:iam::{account}:root",
}


@pytest.mark.requirement("KMS-CREATESTORE-014")
def test_bad_service_owner(kms: KmsClient, vpc_service: VpcService, key: Key) -> None:
    """The owner of a service is an account of 12 digits."""
    account = _account_of(key)
    defects = {
        label: {"XksProxyVpcEndpointServiceOwner": change(account)}
        for label, change in OWNER_DEFECTS.items()
    }
    vpc_service.expect_refused(kms, REFUSED, defects=defects)


# -- creation: the service --------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-010")
def test_endpoint_is_not_the_private_dns_name(
    kms: KmsClient, calls: CreateCalls, vpc_service: VpcService
) -> None:
    """The endpoint must be https:// and the private DNS name of the service."""
    other = {"XksProxyUriEndpoint": calls.proxy.endpoint}
    vpc_service.expect_refused(kms, REFUSED, defects={"another": other})


@pytest.mark.requirement("KMS-CREATESTORE-045")
def test_exception_for_another_private_dns_name(
    kms: KmsClient, calls: CreateCalls, vpc_service: VpcService
) -> None:
    """Another endpoint is a service that is configured wrongly.

    The guide names this cause under XksProxyVpcEndpointServiceNotFoundException, too.
    """
    accepted = refused(
        "XksProxyVpcEndpointServiceInvalidConfigurationException",
        "XksProxyVpcEndpointServiceNotFoundException",
    )
    other = {"XksProxyUriEndpoint": calls.proxy.endpoint}
    vpc_service.expect_refused(kms, accepted, defects={"another": other})


@pytest.mark.requirement("KMS-CREATESTORE-044")
def test_unknown_service(kms: KmsClient, vpc_service: VpcService) -> None:
    """A service that is not there is an XksProxyVpcEndpointServiceNotFoundException."""
    place, _, service_id = vpc_service.name.rpartition(".")
    start, _, region = place.rpartition(".")
    other = "eu-west-1" if region != "eu-west-1" else "us-east-1"
    unknown = {
        "another-id": f"{place}.vpce-svc-0123456789abcdef0",
        "another-region": f"{start}.{other}.{service_id}",
    }
    vpc_service.expect_refused(
        kms,
        refused("XksProxyVpcEndpointServiceNotFoundException"),
        defects={
            label: {"XksProxyVpcEndpointServiceName": each}
            for label, each in unknown.items()
        },
    )


@pytest.mark.requirement("KMS-CREATESTORE-014")
def test_service_owner_absent(
    kms: KmsClient, vpc_service: VpcService, key: Key
) -> None:
    """Without an owner, the account that calls is the owner."""
    holder = vpc_service.behind()
    owner = proxy_configuration(kms, holder.id).get("VpcEndpointServiceOwner")
    if owner is None:
        raise NotTestable("DescribeCustomKeyStores shows no VpcEndpointServiceOwner.")
    if owner != _account_of(key):
        found = f"the owner {owner}"
        violated(holder.created, f"the owner {_account_of(key)}", found)


def _account_of(key: Key) -> str:
    return key.arn.split(":")[4]


@pytest.mark.requirement("KMS-CREATESTORE-029")
def test_proxy_is_not_asked(
    kms: KmsClient, provisioner: Provisioner, vpc_service: VpcService
) -> None:
    """The proxy behind a service is not called before its key store is connected."""
    # As a control: that of a public key store is.
    require_asked(provisioner.make_store(kms, label=LABEL).proxy)
    holder = vpc_service.behind()
    if holder.asked:
        asked = holder.asked[0].operation
        violated(holder.created, "no request to the proxy", f"a request of {asked}")


# -- creation: uniqueness ---------------------------------------------------------


@pytest.mark.requirement("KMS-CREATESTORE-024")
def test_public_store_at_a_private_dns_name(
    calls: CreateCalls, vpc_service: VpcService
) -> None:
    """A public key store may not use the endpoint of one behind a service."""
    vpc_service.at_its_name()  # As a control.
    vpc_service.behind()
    expect(calls.call(XksProxyUriEndpoint=vpc_service.endpoint), ENDPOINT_IN_USE)


@pytest.mark.requirement("KMS-CREATESTORE-026")
def test_service_in_use(calls: CreateCalls, vpc_service: VpcService) -> None:
    """Two key stores may not be behind one service."""
    vpc_service.behind()
    expect(calls.call(**vpc_service.members), SERVICE_IN_USE)


@pytest.mark.requirement("KMS-CREATESTORE-024")
def test_private_dns_name_of_a_public_store(
    calls: CreateCalls, vpc_service: VpcService
) -> None:
    """A key store behind a service may not use the endpoint of a public one."""
    vpc_service.behind()  # As a control.
    vpc_service.at_its_name()
    expect(calls.call(**vpc_service.members), ENDPOINT_IN_USE)


# -- update -----------------------------------------------------------------------


@pytest.mark.requirement("KMS-UPDATESTORE-003")
def test_connectivity_while_connected(
    kms: KmsClient,
    provisioner: Provisioner,
    public_store: KeyStore,
    vpc_service: VpcService,
) -> None:
    """The connectivity can be changed only while the store is DISCONNECTED."""
    members = vpc_service.members
    vpc_service.free()
    provisioner.connect(kms, public_store)
    probe = update(kms, public_store, **members)
    if not probe.succeeded:
        provisioner.disconnect(kms, public_store)
        control(update(kms, public_store, label="control: disconnected", **members))
    expect(probe, refused("CustomKeyStoreInvalidStateException"))


@pytest.mark.requirement("KMS-UPDATESTORE-006")
def test_change_to_a_service(
    kms: KmsClient, public_store: KeyStore, vpc_service: VpcService
) -> None:
    """A change to VPC_ENDPOINT_SERVICE needs the endpoint and the service too."""
    vpc_service.free()
    good = vpc_service.members
    absent = ("XksProxyUriEndpoint", "XksProxyVpcEndpointServiceName")
    replies = kms.side_by_side(
        partial(update, kms, public_store, **{**good, member: None})
        for member in absent
    )
    if not any(reply.succeeded for reply in replies):
        control(update(kms, public_store, label="control: nothing is absent", **good))
    refusals = zip(absent, replies, strict=True)
    judge(kms, {member: partial(expect, r, REFUSED) for member, r in refusals})


@pytest.mark.requirement("KMS-UPDATESTORE-007")
def test_change_to_public_without_endpoint(kms: KmsClient, vpc_store: KeyStore) -> None:
    """A change to PUBLIC_ENDPOINT needs the endpoint too."""
    good = {
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": vpc_store.proxy.endpoint,
    }
    expect_update_refused(kms, vpc_store, REFUSED, good=good, XksProxyUriEndpoint=None)


@pytest.mark.requirement("KMS-UPDATESTORE-007")
def test_change_to_public_clears_the_service(
    kms: KmsClient, vpc_store: KeyStore
) -> None:
    """A key store that has become public has no VPC endpoint service any more.

    To say so by leaving the service out, as AWS's example does, or by an empty string,
    as its text has it, is both fine.
    """
    change = {
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": vpc_store.proxy.endpoint,
    }
    reply = update(kms, vpc_store, **change)
    if not reply.succeeded:
        reply = update(kms, vpc_store, **change, XksProxyVpcEndpointServiceName="")
    success(reply)
    name = proxy_configuration(kms, vpc_store.id).get("VpcEndpointServiceName")
    if name:
        violated(reply, "no VpcEndpointServiceName", f"VpcEndpointServiceName: {name}")


@pytest.mark.requirement("KMS-UPDATESTORE-010")
def test_update_to_an_endpoint_in_use(
    kms: KmsClient, public_store: KeyStore, vpc_service: VpcService
) -> None:
    """A public key store may not be changed to the endpoint of one behind a service."""
    change = {"XksProxyUriEndpoint": vpc_service.endpoint}
    back = {"XksProxyUriEndpoint": public_store.proxy.endpoint}
    vpc_service.free()
    control(update(kms, public_store, label="control: alone", **change))
    control(update(kms, public_store, label="control: back", **back))
    vpc_service.behind()
    expect(update(kms, public_store, **change), ENDPOINT_IN_USE)
