"""Faults of GetHealthStatus."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from pytest_xks.proxy.faults.catalogue import Effect, edited, fault, responded
from pytest_xks.proxy_api.errors import Operation

_HEALTH = Operation.GET_HEALTH_STATUS


# The request that has to be served is a GetHealthStatus where nothing else matters.
@fault(
    "health-as-201",
    operation=_HEALTH,
    violates=("XKS-AUTH-001", "XKS-AUTH-002", "XKS-AUTHZ-003", "XKS-HEALTH-001"),
)
def _health_as_201() -> Effect:
    """Answers GetHealthStatus with 201 in place of 200."""
    return responded(
        lambda response: (
            replace(response, status=201) if response.status == 200 else response
        )
    )


@fault("health-fleet-size-zero", operation=_HEALTH, violates=("XKS-HEALTH-002",))
def _health_fleet_size_zero() -> Effect:
    """Reports an xksProxyFleetSize of zero."""
    return edited(lambda document: document.update(xksProxyFleetSize=0))


@fault("health-fleet-size-as-text", operation=_HEALTH, violates=("XKS-HEALTH-002",))
def _health_fleet_size_as_text() -> Effect:
    """Reports xksProxyFleetSize as a string."""
    return edited(lambda document: document.update(xksProxyFleetSize="1"))


def _without(member: str) -> Effect:
    return edited(lambda document: document.pop(member, None))


for _name, _member, _id in (
    ("health-without-proxy-vendor", "xksProxyVendor", "XKS-HEALTH-003"),
    ("health-without-proxy-model", "xksProxyModel", "XKS-HEALTH-004"),
    ("health-without-ekm-vendor", "ekmVendor", "XKS-HEALTH-005"),
):
    fault(
        _name,
        operation=_HEALTH,
        violates=(_id,),
        summary=f"Leaves {_member} out of GetHealthStatus.",
    )(partial(_without, _member))


def _managers(document: dict[str, Any]) -> list[dict[str, Any]]:
    managers: list[dict[str, Any]] = document["ekmFleetDetails"]
    return managers


@fault("health-with-empty-fleet", operation=_HEALTH, violates=("XKS-HEALTH-006",))
def _health_with_empty_fleet() -> Effect:
    """Reports no external key manager at all."""
    return edited(lambda document: document.update(ekmFleetDetails=[]))


@fault("health-with-eleven-managers", operation=_HEALTH, violates=("XKS-HEALTH-006",))
def _health_with_eleven_managers() -> Effect:
    """Reports eleven external key managers."""

    def edit(document: dict[str, Any]) -> None:
        first = _managers(document)[0]
        document["ekmFleetDetails"] = [
            {**first, "id": f"ekm-{number}"} for number in range(11)
        ]

    return edited(edit)


@fault("health-manager-without-id", operation=_HEALTH, violates=("XKS-HEALTH-007",))
def _health_manager_without_id() -> Effect:
    """Leaves the id of an external key manager out."""

    def edit(document: dict[str, Any]) -> None:
        first, *others = _managers(document)
        bare = {name: value for name, value in first.items() if name != "id"}
        document["ekmFleetDetails"] = [bare, *others]

    return edited(edit)


@fault("health-status-ok", operation=_HEALTH, violates=("XKS-HEALTH-008",))
def _health_status_ok() -> Effect:
    """Reports the status OK for an external key manager."""

    def edit(document: dict[str, Any]) -> None:
        document["ekmFleetDetails"] = [
            {**manager, "healthStatus": "OK"} for manager in _managers(document)
        ]

    return edited(edit)
