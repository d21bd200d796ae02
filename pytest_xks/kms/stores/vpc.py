"""VPC endpoint services, as far as KMS looks at them.

There is no VPC here: a service is declared to the fake, with whatever is wrong with it,
and KMS finds what it would find (KMS-CREATESTORE-044 to KMS-CREATESTORE-046).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_xks.kms.behaviour import VpcAcceptanceRequired
from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.behaviour import Behaviour

__all__ = ["VpcEndpointService", "VpcFinding", "VpcProblem", "inspect_service"]


class VpcProblem(StrEnum):
    """What may be wrong with a VPC endpoint service."""

    KMS_NOT_ALLOWED = "cks.kms.<Region>.amazonaws.com is not an allowed principal"
    ACCOUNT_NOT_ALLOWED = "the account of the key store is not an allowed principal"
    ACCEPTANCE_REQUIRED = "it requires acceptance"
    NOT_NETWORK_LOAD_BALANCER = "its load balancer is not a network load balancer"
    TOO_FEW_SUBNETS = "it has fewer than two subnets in different Availability Zones"
    NO_PRIVATE_DNS_NAME = "it has no private DNS name under a public domain"
    DOMAIN_NOT_VERIFIED = "the domain of its private DNS name is not verified"
    PORT_BLOCKED = "it does not let TCP port 443 through over IPv4"


_NOT_FOUND = frozenset({VpcProblem.KMS_NOT_ALLOWED, VpcProblem.ACCOUNT_NOT_ALLOWED})


@dataclass(slots=True, kw_only=True)
class VpcEndpointService:
    """A VPC endpoint service; its attributes may be changed at any time."""

    name: str
    """``com.amazonaws.vpce.<Region>.vpce-svc-<id>``."""
    owner: str
    """The account that owns it."""
    private_dns_name: str
    """What stands after ``https://`` in the XksProxyUriEndpoint."""
    problems: set[VpcProblem] = field(default_factory=set)

    @property
    def region(self) -> str:
        """The Region in its name; the empty string if there is none."""
        parts = self.name.split(".")
        return parts[3] if len(parts) == 5 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcFinding:
    """What KMS finds wrong."""

    found: bool
    """Whether it sees the service at all."""
    reason: str
    problem: VpcProblem | None = None

    def error(self, behaviour: Behaviour) -> KmsError:
        """The exception of Create/UpdateCustomKeyStore."""
        message = f"The VPC endpoint service cannot be used: {self.reason}."
        if not self.found:
            code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_NOT_FOUND
        elif (
            self.problem is VpcProblem.ACCEPTANCE_REQUIRED
            and behaviour.vpc_acceptance_required is VpcAcceptanceRequired.PROXY
        ):
            code = ErrorCode.XKS_PROXY_INVALID_CONFIGURATION
        else:
            code = ErrorCode.XKS_PROXY_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION
        return KmsError(code, message)

    def connection_error_code(self, behaviour: Behaviour) -> ConnectionErrorCode:
        """The ConnectionErrorCode of a store whose connection ends here."""
        if self.found:
            return ConnectionErrorCode.XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION
        if self.problem is VpcProblem.KMS_NOT_ALLOWED:
            return ConnectionErrorCode(behaviour.missing_principal_at_connect)
        return ConnectionErrorCode.XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND


def inspect_service(
    services: Mapping[str, VpcEndpointService],
    *,
    name: str,
    owner: str,
    region: str,
    host: str,
) -> VpcFinding | None:
    """Look at a VPC endpoint service as KMS does; None if nothing is wrong.

    Args:
        services: those there are, by name.
        name: the XksProxyVpcEndpointServiceName.
        owner: the XksProxyVpcEndpointServiceOwner, or the account that calls.
        region: the Region of the key store.
        host: the host name in the XksProxyUriEndpoint.
    """
    service = services.get(name)
    if service is None or service.region != region or service.owner != owner:
        return VpcFinding(
            found=False, reason=f"{owner} has no such service in {region}"
        )
    for problem in VpcProblem:
        if problem in service.problems:
            return VpcFinding(
                found=problem not in _NOT_FOUND, reason=str(problem), problem=problem
            )
    if service.private_dns_name.lower() != host.lower():
        return VpcFinding(
            found=True, reason="its private DNS name is not in the XksProxyUriEndpoint"
        )
    return None
