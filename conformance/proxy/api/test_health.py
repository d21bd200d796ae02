"""Chapter "GetHealthStatus": what the proxy says about itself.

Authorization on it is in ``test_authorization``, its requestMetadata in
``test_request_metadata``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import ProxyOperation
from ..client.expect import SERVED, member_of, violated

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_HEALTH = ProxyOperation.GET_HEALTH_STATUS


def _probe(proxy: ProxyClient) -> Probe:
    return proxy.probe(_HEALTH, altered="a good GetHealthStatus", accept=(SERVED,))


def _health(proxy: ProxyClient) -> ProxyAnswer:
    (answer,) = proxy.require_served([_probe(proxy)])
    return answer


def _managers(answer: ProxyAnswer) -> list[dict[str, object]]:
    """The entries of ekmFleetDetails, for checks of what is in them."""
    details = (answer.document or {}).get("ekmFleetDetails")
    entries = details if isinstance(details, list) else []
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise NotTestable("ekmFleetDetails has no entries (see XKS-HEALTH-006).")
    return entries


@pytest.mark.requirement("XKS-HEALTH-001")
def test_health_status_is_answered(proxy: ProxyClient) -> None:
    """A signed GetHealthStatus is answered with 200 and a JSON object."""
    (answer,) = proxy.judge([_probe(proxy)], controls=[])
    document = answer.document or {}
    for name in ("xksProxyModel", "ekmVendor"):
        if isinstance(value := document.get(name), str):
            proxy.recorder.fact(name, value)


def _counts(number: float) -> bool:
    return number > 0 and number % 1 == 0


@pytest.mark.requirement("XKS-HEALTH-002")
def test_fleet_size_is_a_positive_integer(proxy: ProxyClient) -> None:
    """xksProxyFleetSize is an integer greater than zero.

    JSON does not distinguish 2 and 2.0; both are accepted. Strings and booleans are
    not.
    """
    answer = _health(proxy)
    size = (answer.document or {}).get("xksProxyFleetSize")
    if not isinstance(size, int | float) or isinstance(size, bool) or not _counts(size):
        violated(answer, "an integer above zero", f"xksProxyFleetSize: {size!r}")


@pytest.mark.requirement("XKS-HEALTH-003")
def test_proxy_vendor_is_present(proxy: ProxyClient) -> None:
    """xksProxyVendor is a string, also if it is the key manager's vendor too."""
    member_of(_health(proxy), "xksProxyVendor")


@pytest.mark.requirement("XKS-HEALTH-004")
def test_proxy_model_is_present(proxy: ProxyClient) -> None:
    """xksProxyModel is a string."""
    member_of(_health(proxy), "xksProxyModel")


@pytest.mark.requirement("XKS-HEALTH-005")
def test_ekm_vendor_is_present(proxy: ProxyClient) -> None:
    """ekmVendor is a string, also if it is the proxy's vendor too."""
    member_of(_health(proxy), "ekmVendor")


@pytest.mark.requirement("XKS-HEALTH-006")
def test_fleet_has_one_to_ten_entries(proxy: ProxyClient) -> None:
    """ekmFleetDetails is an array of one to ten objects."""
    answer = _health(proxy)
    details = (answer.document or {}).get("ekmFleetDetails")
    expected = "an array of 1 to 10 objects"
    if not isinstance(details, list):
        violated(answer, expected, f"ekmFleetDetails is {type(details).__name__}")
    if not 1 <= len(details) <= 10:
        violated(answer, expected, f"ekmFleetDetails has {len(details)} entries")
    if not all(isinstance(entry, dict) for entry in details):
        violated(answer, expected, "ekmFleetDetails has entries that are no objects")


@pytest.mark.requirement("XKS-HEALTH-007")
def test_members_of_every_entry(proxy: ProxyClient) -> None:
    """Every entry of ekmFleetDetails has id, model and healthStatus, all strings."""
    answer = _health(proxy)
    for name in ("id", "model", "healthStatus"):
        for entry in _managers(answer):
            if not isinstance(entry.get(name), str):
                violated(
                    answer,
                    f"{name}, a string, in every entry of ekmFleetDetails",
                    f"{name}: {entry.get(name)!r}",
                )


@pytest.mark.requirement("XKS-HEALTH-007")
def test_ids_are_unique(proxy: ProxyClient) -> None:
    """The ids of the external key managers in a cluster differ."""
    answer = _health(proxy)
    ids = [str(entry.get("id")) for entry in _managers(answer)]
    if len(set(ids)) != len(ids):
        violated(answer, "a unique id in every entry", f"ids: {', '.join(ids)}")


@pytest.mark.requirement("XKS-HEALTH-008")
def test_health_status_is_one_of_three(proxy: ProxyClient) -> None:
    """healthStatus is ACTIVE, DEGRADED or UNAVAILABLE."""
    answer = _health(proxy)
    for entry in _managers(answer):
        if entry.get("healthStatus") not in {"ACTIVE", "DEGRADED", "UNAVAILABLE"}:
            violated(
                answer,
                ("ACTIVE", "DEGRADED", "UNAVAILABLE"),
                f"healthStatus: {entry.get('healthStatus')!r}",
            )
