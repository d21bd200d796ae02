"""The constraints of UpdateCustomKeyStore's members: those of CreateCustomKeyStore.

But for the name of a VPC endpoint service, of which the documents say two things
(KMS-UPDATESTORE-007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..client.cases import cases
from ..client.expect import REFUSED, control, expect
from .store_calls import (
    ACCESS_KEY_ID_DEFECTS,
    ENDPOINT_DEFECTS,
    HEALTHY,
    PATH_DEFECTS,
    SECRET_DEFECTS,
    new_name,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore

    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner

    Members = dict[str, Any]


def _names(_: ProxyStore) -> Iterator[tuple[str, Members]]:
    yield "empty", {"NewCustomKeyStoreName": ""}
    yield "257 characters", {"NewCustomKeyStoreName": new_name().ljust(257, "n")}


def _connectivities(_: ProxyStore) -> Iterator[tuple[str, Members]]:
    for value in ("public_endpoint", "INTERNET", ""):
        yield f"{value!r}", {"XksProxyConnectivity": value}


def _endpoints(proxy: ProxyStore) -> Iterator[tuple[str, Members]]:
    for label, change in ENDPOINT_DEFECTS.items():
        yield label, {"XksProxyUriEndpoint": change(proxy.endpoint)}


def _paths(proxy: ProxyStore) -> Iterator[tuple[str, Members]]:
    for label, change in PATH_DEFECTS.items():
        yield label, {"XksProxyUriPath": change(proxy.uri_path)}


def _credentials(proxy: ProxyStore) -> Iterator[tuple[str, Members]]:
    for member, defects in (
        ("AccessKeyId", ACCESS_KEY_ID_DEFECTS),
        ("RawSecretAccessKey", SECRET_DEFECTS),
    ):
        for label, change in defects.items():
            good = proxy.credential
            # That half a credential is refused is KMS-UPDATESTORE-005.
            if change:
                changed = {**good, member: change(good[member])}
                yield (
                    f"{member}, {label}",
                    {"XksProxyAuthenticationCredential": changed},
                )


DEFECTS = {
    "name": _names,
    "connectivity": _connectivities,
    "endpoint": _endpoints,
    "path": _paths,
    "credential": _credentials,
}


@pytest.fixture
def healthy(probe_proxy: ProbeProxy) -> Iterator[None]:
    """The proxy answers that it is healthy, on every path, to every credential."""
    with probe_proxy.answering(200, HEALTHY, operation="health"):
        yield


@pytest.mark.requirement("KMS-UPDATESTORE-017")
@pytest.mark.usefixtures("healthy")
@cases("member", list(DEFECTS), stores=1)
def test_bad_member(kms: KmsClient, provisioner: Provisioner, member: str) -> None:
    """What CreateCustomKeyStore refuses of a member, UpdateCustomKeyStore does too.

    Were KMS to call the proxy, it would succeed: the proxy answers everything.
    """
    store = provisioner.make_store(kms)
    for label, defect in DEFECTS[member](store.proxy):
        reply = update(kms, store, label=f"probe: {member}, {label}", **defect)
        expect(reply, REFUSED, note=f"The {member}: {label}.")
    good = {"NewCustomKeyStoreName": new_name()}
    control(update(kms, store, label="control: without a defect", **good))
