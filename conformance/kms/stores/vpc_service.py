"""The one VPC endpoint service of the target, and which key store uses it.

Two key stores cannot be behind one service, nor two at its name; so checks share the
store that is. It changes when a check asks for another, which happens seldom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..client.expect import control, expect
from ..client.judging import judge
from ..client.key_stores import KeyStore, creation
from .store_calls import new_calls, vpc_members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_xks.certify.probe_proxy.request import ProxyRequest
    from pytest_xks.certify.targets.kms_target import VpcEndpointServiceTarget

    from ..client.expect import Outcome
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = ["LABEL", "Holder", "VpcService"]

LABEL = "public"
"""Of the endpoint of all public key stores of these checks."""
_ROLE = "vpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The key store that uses the service, or its private DNS name."""

    id: str
    created: KmsReply
    """The answer to its CreateCustomKeyStore."""
    asked: Sequence[ProxyRequest]
    """What the proxy was asked meanwhile."""


class VpcService:
    """The service, and the store that uses it.

    Args:
        kms: the endpoint, for what is made once for several checks.
        provisioner: keeps the store, and removes it.
        service: the service.
    """

    def __init__(
        self,
        kms: KmsClient,
        provisioner: Provisioner,
        service: VpcEndpointServiceTarget,
    ) -> None:
        self.name = service.name
        self.endpoint = f"https://{service.private_dns_name}"
        self.members: dict[str, Any] = vpc_members(service)
        """Good parameters of connectivity, endpoint and service."""
        self._kms = kms
        self._provisioner = provisioner
        self._held: tuple[dict[str, Any], Holder] | None = None
        self._is_usable = False

    def behind(self) -> Holder:
        """The store that is behind the service.

        Raises:
            NotTestable: it cannot be made.
        """
        holder = self._hold(self.members)
        self._is_usable = True
        return holder

    def at_its_name(self) -> Holder:
        """The public store whose endpoint is the private DNS name of the service.

        Raises:
            NotTestable: it cannot be made.
        """
        return self._hold({"XksProxyUriEndpoint": self.endpoint})

    def free(self) -> None:
        """Let no store use it; once in the run one did.

        Raises:
            NotTestable: none can be behind it.
        """
        if not self._is_usable:
            self.behind()
        self._held = None
        self._provisioner.give_up(_ROLE)

    def _hold(self, members: dict[str, Any]) -> Holder:
        if self._held and self._held[0] == members:
            return self._held[1]
        self._held = None
        self._provisioner.give_up(_ROLE)
        proxy = self._provisioner.probe_proxy.open_store(label=LABEL)
        parameters = creation(proxy, **members)
        with proxy.watching() as seen:
            reply = self._kms.call(
                "CreateCustomKeyStore", label="control: a good key store", **parameters
            )
            asked = seen()
        store_id = str(control(reply).get("CustomKeyStoreId"))
        name = str(parameters["CustomKeyStoreName"])
        self._provisioner.keep(_ROLE, KeyStore(id=store_id, name=name, proxy=proxy))
        holder = Holder(id=store_id, created=reply, asked=asked)
        self._held = members, holder
        return holder

    def expect_refused(
        self, kms: KmsClient, *accepted: Outcome, defects: Mapping[str, dict[str, Any]]
    ) -> None:
        """A store behind the service is refused with each of the defects.

        Args:
            kms: the endpoint.
            accepted: the outcomes that are accepted.
            defects: changes of good parameters for one probe each, by the case.

        Raises:
            NotTestable: no store can be behind the service without a defect.
            Violation: a probe has none of the outcomes.
        """
        self.free()
        provisioner = self._provisioner

        def create(defect: dict[str, Any]) -> KmsReply:
            return new_calls(provisioner, kms).call(**{**self.members, **defect})

        with provisioner.apart(kms):
            replies = kms.side_by_side(
                partial(create, each) for each in defects.values()
            )
        refusals = dict(zip(defects, replies, strict=True))
        if not any(reply.succeeded for reply in replies):
            judge(kms, {n: partial(expect, r, *accepted) for n, r in refusals.items()})
            return

        def alone(defect: dict[str, Any]) -> None:
            with provisioner.apart(kms):
                expect(create(defect), *accepted)

        # The store of one may have been in the way of another.
        judge(kms, {n: partial(alone, each) for n, each in defects.items()}, width=1)
