"""Faults of GetHealthStatus."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_xks.faults import Edit, Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import responded
from pytest_xks.proxy.health import ExternalKeyManagerStatus
from pytest_xks.proxy_api.errors import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.health import ProxyFleet
    from pytest_xks.proxy_api.messages import HealthStatus


_HEALTH = Operation.GET_HEALTH_STATUS
_ACTIVE = ExternalKeyManagerStatus.ACTIVE


# The request that has to be served is a GetHealthStatus where nothing else matters.
row(
    "health-as-201",
    "Answers GetHealthStatus with 201 in place of 200.",
    responded(
        lambda response: (
            replace(response, status=201) if response.status == 200 else response
        )
    ),
    operations=(_HEALTH,),
    violates=("XKS-AUTH-001", "XKS-AUTHZ-003", "XKS-HEALTH-001"),
)
row(
    "health-fleet-size-zero",
    "Reports an xksProxyFleetSize of zero.",
    Edit(lambda document: document.update(xksProxyFleetSize=0)),
    operations=(_HEALTH,),
    violates=("XKS-HEALTH-002",),
)
row(
    "health-fleet-size-as-text",
    "Reports xksProxyFleetSize as a string.",
    Edit(lambda document: document.update(xksProxyFleetSize="1")),
    operations=(_HEALTH,),
    violates=("XKS-HEALTH-002",),
)


def _without(member: str) -> Effect:
    return Edit(lambda document: document.pop(member, None))


for _name, _member, _id in (
    ("health-without-proxy-vendor", "xksProxyVendor", "XKS-HEALTH-003"),
    ("health-without-proxy-model", "xksProxyModel", "XKS-HEALTH-004"),
    ("health-without-ekm-vendor", "ekmVendor", "XKS-HEALTH-005"),
):
    row(
        _name,
        f"Leaves {_member} out of GetHealthStatus.",
        partial(_without, _member),
        operations=(_HEALTH,),
        violates=(_id,),
    )


def _managers(document: dict[str, Any]) -> list[dict[str, Any]]:
    managers: list[dict[str, Any]] = document["ekmFleetDetails"]
    return managers


row(
    "health-with-empty-fleet",
    "Reports no external key manager at all.",
    Edit(lambda document: document.update(ekmFleetDetails=[])),
    operations=(_HEALTH,),
    violates=("XKS-HEALTH-006",),
)


@fault(operations=(_HEALTH,), violates=("XKS-HEALTH-006",))
def health_with_eleven_managers() -> Effect:
    """Reports eleven external key managers."""

    def edit(document: dict[str, Any]) -> None:
        first = _managers(document)[0]
        document["ekmFleetDetails"] = [
            {**first, "id": f"ekm-{number}"} for number in range(11)
        ]

    return Edit(edit)


@fault(operations=(_HEALTH,), violates=("XKS-HEALTH-007",))
def health_manager_without_id() -> Effect:
    """Leaves the id of an external key manager out."""

    def edit(document: dict[str, Any]) -> None:
        first, *others = _managers(document)
        bare = {name: value for name, value in first.items() if name != "id"}
        document["ekmFleetDetails"] = [bare, *others]

    return Edit(edit)


@fault(operations=(_HEALTH,), violates=("XKS-HEALTH-008",))
def health_status_ok() -> Effect:
    """Reports the status OK for an external key manager."""

    def edit(document: dict[str, Any]) -> None:
        document["ekmFleetDetails"] = [
            {**manager, "healthStatus": "OK"} for manager in _managers(document)
        ]

    return Edit(edit)


@fault(operations=(_HEALTH,), violates=("XKS-HEALTH-011",))
def health_is_shallow() -> Effect:
    """Reports that all is well without asking the external key managers."""

    def health(
        proceed: Callable[[ProxyFleet], HealthStatus], fleet: ProxyFleet
    ) -> HealthStatus:
        managers = [replace(manager, status=_ACTIVE) for manager in fleet.managers]
        return proceed(replace(fleet, managers=managers, stalled=False))

    return Replace("health", health)
