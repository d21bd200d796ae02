"""Calls of CreateCustomKeyStore and UpdateCustomKeyStore: a probe with its control.

And what may be wrong with the members that both operations have, one thing at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.run.session import require

from ..client.expect import control, expect
from ..client.key_stores import creation, description_of
from ..client.names import own_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.certify.probe_proxy.store import ProxyStore
    from pytest_xks.certify.targets.kms_target import VpcEndpointServiceTarget

    from ..client.expect import Outcome
    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

    Change = Callable[[str], str]

__all__ = [
    "ACCESS_KEY_ID_DEFECTS",
    "CLOUDHSM_MEMBERS",
    "ENDPOINT_DEFECTS",
    "HEALTHY",
    "PATH_DEFECTS",
    "SECRET_DEFECTS",
    "CreateCalls",
    "expect_update_refused",
    "new_calls",
    "new_name",
    "new_other_calls",
    "proxy_configuration",
    "service_of",
    "update",
    "vpc_members",
]

HEALTHY = {
    "xksProxyFleetSize": 1,
    "xksProxyVendor": "A vendor",
    "xksProxyModel": "A proxy 1.0",
    "ekmVendor": "Another vendor",
    "ekmFleetDetails": [
        {"id": "hsm-1", "model": "A key manager 1.0", "healthStatus": "ACTIVE"}
    ],
}
"""A good answer to GetHealthStatus, for calls that the proxy itself would refuse."""

CLOUDHSM_MEMBERS: dict[str, Any] = {
    "CloudHsmClusterId": "cluster-2abcdefghij",
    "KeyStorePassword": "kmsuser-password",
    "TrustAnchorCertificate": "-----BEGIN CERTIFICATE-----",
}
"""What only AWS CloudHSM key stores have."""


ENDPOINT_DEFECTS: dict[str, Change] = {
    "http": lambda endpoint: endpoint.replace("https://", "http://"),
    "no-scheme": lambda endpoint: endpoint.removeprefix("https://"),
    "port": lambda endpoint: f"{endpoint}:443",
    "trailing-slash": lambda endpoint: f"{endpoint}/",
    "back-slash": lambda endpoint: f"{endpoint}\\",
    "path": lambda endpoint: f"{endpoint}/base",
    "query": lambda endpoint: f"{endpoint}?a=b",
    "user": lambda endpoint: endpoint.replace("https://", "https://user@"),
    "underscore": lambda endpoint: endpoint.replace("https://", "https://under_"),
    "newline-at-the-end": lambda endpoint: f"{endpoint}\n",
    "too-long": lambda endpoint: endpoint.replace(
        "https://", "https://".ljust(137 - len(endpoint), "a")
    ),
}
PATH_DEFECTS: dict[str, Change] = {
    "no-leading-slash": lambda path: path.removeprefix("/"),
    "trailing-slash": lambda path: f"{path}/",
    "no-version": lambda path: path.removesuffix("/v1"),
    "three-digit-version": lambda path: f"{path}00",
    "another-end": lambda path: f"{path}/keys",
    "query": lambda path: f"{path}?a=b",
    "newline-at-the-end": lambda path: f"{path}\n",
    "dot": lambda path: f"/a.b{path}",
    "percent": lambda path: f"/a%2Db{path}",
    "tilde": lambda path: f"/~a{path}",
    "too-long": lambda path: f"/{'a' * (128 - len(path))}{path}",
}
ACCESS_KEY_ID_DEFECTS: dict[str, Change | None] = {
    "absent": None,
    "too-short": lambda access_key_id: access_key_id[:19],
    "too-long": lambda access_key_id: access_key_id.ljust(31, "A"),
    "lower-case": str.lower,
    "digit-1": lambda access_key_id: f"1{access_key_id[1:]}",
    "digit-8": lambda access_key_id: f"8{access_key_id[1:]}",
    "hyphen": lambda access_key_id: f"-{access_key_id[1:]}",
}
SECRET_DEFECTS: dict[str, Change | None] = {
    "absent": None,
    "too-short": lambda secret: secret[:42],
    "too-long": lambda secret: secret.ljust(65, "s"),
    "hyphen": lambda secret: f"-{secret[1:]}",
    "underscore": lambda secret: f"_{secret[1:]}",
    "space": lambda secret: f" {secret[1:]}",
}


def new_name() -> str:
    """A friendly name that is not in use."""
    return own_name()


class CreateCalls:
    """Calls of CreateCustomKeyStore for one key store of the proxy.

    Args:
        kms: the endpoint.
        provisioner: removes what a call creates, at the end of the check.
        proxy: the proxy's side of the key store.
    """

    def __init__(
        self, kms: KmsClient, provisioner: Provisioner, proxy: ProxyStore
    ) -> None:
        self.proxy = proxy
        """The proxy's side of the key store."""
        self._kms = kms
        self._provisioner = provisioner

    def call(self, *, label: str = "", **changes: object) -> KmsReply:
        """Call it.

        Args:
            label: what the call is for.
            changes: of good parameters; None leaves a member out.
        """
        named: dict[str, Any] = changes
        reply = self._kms.call(
            "CreateCustomKeyStore", label=label, **creation(self.proxy, **named)
        )
        self._provisioner.adopt(reply, self.proxy)
        return reply

    def expect_refused(
        self,
        *accepted: Outcome,
        good: dict[str, Any] | None = None,
        **defect: object,
    ) -> None:
        """A key store is refused with a defect, and created without it.

        Args:
            accepted: the outcomes that are accepted.
            good: changes of the parameters for both calls.
            defect: changes for the probe alone; None leaves a member out.

        Raises:
            NotTestable: it is not created without the defect either.
            Violation: the probe has none of the outcomes.
        """
        both = {"CustomKeyStoreName": new_name(), **(good or {})}
        probe = self.call(**{**both, **defect})
        if not probe.succeeded:
            control(self.call(label="control: without the defect", **both))
        expect(probe, *accepted)


def new_calls(provisioner: Provisioner, kms: KmsClient) -> CreateCalls:
    """Calls for a new key store; its endpoint is the same for all of these checks."""
    proxy = provisioner.probe_proxy.open_store(label="creation")
    return CreateCalls(kms, provisioner, proxy)


def new_other_calls(provisioner: Provisioner, kms: KmsClient) -> CreateCalls:
    """Calls for another one, at another endpoint."""
    proxy = provisioner.probe_proxy.open_store(label="creation-2")
    return CreateCalls(kms, provisioner, proxy)


def update(
    kms: KmsClient, store: KeyStore, *, label: str = "", **changes: object
) -> KmsReply:
    """Call UpdateCustomKeyStore.

    Args:
        kms: the endpoint.
        store: what to update.
        label: what the call is for.
        changes: further parameters; None leaves a member out.
    """
    members: dict[str, Any] = {"CustomKeyStoreId": store.id, **changes}
    given = {name: value for name, value in members.items() if value is not None}
    return kms.call("UpdateCustomKeyStore", label=label, **given)


def expect_update_refused(
    kms: KmsClient,
    store: KeyStore,
    *accepted: Outcome,
    good: dict[str, Any],
    **defect: object,
) -> None:
    """An update is refused with a defect, and done without it.

    Args:
        kms: the endpoint.
        store: what to update.
        accepted: the outcomes that are accepted.
        good: the changes without the defect.
        defect: further changes for the probe; None leaves a member out.

    Raises:
        NotTestable: it is not done without the defect either.
        Violation: the probe has none of the outcomes.
    """
    probe = update(kms, store, **{**good, **defect})
    if not probe.succeeded:
        control(update(kms, store, label="control: without the defect", **good))
    expect(probe, *accepted)


def proxy_configuration(kms: KmsClient, store_id: str) -> dict[str, object]:
    """The XksProxyConfiguration of a store, as DescribeCustomKeyStores shows it.

    Raises:
        NotTestable: it shows none.
    """
    description = description_of(kms, store_id)
    configuration = description.get("XksProxyConfiguration")
    if not isinstance(configuration, dict):
        raise NotTestable("DescribeCustomKeyStores shows no XksProxyConfiguration.")
    return configuration


def service_of(kms: KmsClient) -> VpcEndpointServiceTarget:
    """The VPC endpoint service of the target.

    Raises:
        NotApplicable: the target has none.
        NotTestable: the target file names none.
    """
    require(kms.target, "vpc_endpoint_service")
    service = kms.target.vpc_endpoint_service
    if service is None:
        raise NotTestable("The target file names no VPC endpoint service.")
    return service


def vpc_members(service: VpcEndpointServiceTarget) -> dict[str, Any]:
    """The parameters of a key store with VPC endpoint service connectivity."""
    return {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyUriEndpoint": f"https://{service.private_dns_name}",
        "XksProxyVpcEndpointServiceName": service.name,
    }
