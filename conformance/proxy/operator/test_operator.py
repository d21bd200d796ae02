"""What a proxy does while its key manager fails, or the operator changes something."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    ALL_OPERATIONS,
    CRYPTOGRAPHIC_OPERATIONS,
    KEY_OPERATIONS,
    ProxyOperation,
)
from ..client.expect import NOT_SERVED, SERVED, Outcome, error, errors, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from .causing import Operator

_HEALTH = ProxyOperation.GET_HEALTH_STATUS
_ENCRYPT = ProxyOperation.ENCRYPT


def _all_unavailable(answer: ProxyAnswer) -> bool:
    details = (answer.document or {}).get("ekmFleetDetails")
    entries = details if isinstance(details, list) else []
    return bool(entries) and all(
        isinstance(entry, dict) and entry.get("healthStatus") == "UNAVAILABLE"
        for entry in entries
    )


_UNHEALTHY = (
    status(500, 503),
    Outcome("200 with every key manager UNAVAILABLE", _all_unavailable),
)


def _probes(
    proxy: ProxyClient,
    operations: Sequence[ProxyOperation],
    circumstances: str,
    *accept: Outcome,
) -> list[Probe]:
    """Good requests under other circumstances; to be made while all is well."""
    return [
        proxy.probe(
            operation,
            proxy.good_body(operation),
            altered=f"{operation.title} {circumstances}",
            accept=accept,
        )
        for operation in operations
    ]


def _controls(proxy: ProxyClient, operations: Sequence[ProxyOperation]) -> list[Probe]:
    return [proxy.control(operation) for operation in operations]


def _takes_effect(operator: Operator, proxy: ProxyClient, command: str) -> None:
    """Without its key manager, a proxy cannot serve; if it does, nothing is broken."""
    (probe,) = _probes(proxy, [_ENCRYPT], f"after {command}", NOT_SERVED)
    try:
        operator.eventually([probe])
    except AssertionError:
        raise NotTestable(f"After {command}, Encrypt is served as before.") from None


@pytest.mark.requirement("XKS-HEALTH-011")
def test_health_is_deep(proxy: ProxyClient, operator: Operator) -> None:
    """While the key manager is broken, GetHealthStatus does not say all is well."""
    probes = _probes(proxy, [_HEALTH], "with a broken key manager", *_UNHEALTHY)
    with operator.during("break_key_manager", _controls(proxy, [_ENCRYPT, _HEALTH])):
        _takes_effect(operator, proxy, "break_key_manager")
        operator.eventually(probes, operator.target.health_cached_seconds + 1)


@pytest.mark.requirement("XKS-ERR-016")
def test_broken_key_manager(proxy: ProxyClient, operator: Operator) -> None:
    """While the key manager is broken, Encrypt and Decrypt say so by an error."""
    accept = errors("InternalException", "DependencyTimeoutException")
    operations = CRYPTOGRAPHIC_OPERATIONS
    probes = _probes(proxy, operations, "with a broken key manager", *accept)
    with operator.during("break_key_manager", _controls(proxy, operations)):
        _takes_effect(operator, proxy, "break_key_manager")
        operator.eventually(probes, 0)


@pytest.mark.requirement("XKS-ERR-015")
def test_stalled_key_manager(proxy: ProxyClient, operator: Operator) -> None:
    """While the key manager does not answer, Encrypt and Decrypt say so by an error."""
    accept = error("DependencyTimeoutException")
    operations = CRYPTOGRAPHIC_OPERATIONS
    probes = _probes(proxy, operations, "with a stalled key manager", accept)
    with operator.during("stall_key_manager", _controls(proxy, operations)):
        _takes_effect(operator, proxy, "stall_key_manager")
        operator.eventually(probes, 0)


@pytest.mark.requirement("XKS-ERR-030")
def test_disabled_key_store(proxy: ProxyClient, operator: Operator) -> None:
    """While the key store is disabled, no operation with a key is served."""
    accept = error("InvalidStateException")
    probes = _probes(proxy, KEY_OPERATIONS, "in a disabled key store", accept)
    with operator.during("disable_store", _controls(proxy, KEY_OPERATIONS)):
        operator.eventually(probes)


@pytest.mark.requirement("XKS-ERR-031")
def test_key_disabled_while_running(proxy: ProxyClient, operator: Operator) -> None:
    """While the usable key is disabled, Encrypt and Decrypt with it are not served."""
    accept = error("InvalidStateException")
    operations = CRYPTOGRAPHIC_OPERATIONS
    probes = _probes(proxy, operations, "with a key that was disabled", accept)
    with operator.during("disable_key", _controls(proxy, operations)):
        operator.eventually(probes)


@pytest.mark.requirement("XKS-AUTH-026")
def test_new_credential(proxy: ProxyClient, operator: Operator) -> None:
    """A credential that is added is good at once, and the one before stays so."""
    signer = replace(proxy.signer(), credential=operator.target.new_credential)
    probes = [
        proxy.probe(
            operation,
            proxy.good_body(operation),
            altered=f"{operation.title} by a credential that was added",
            accept=(SERVED,),
            signer=signer,
        )
        for operation in ALL_OPERATIONS
    ]
    controls = _controls(proxy, ALL_OPERATIONS)
    with operator.during("add_credential", controls):
        operator.eventually(probes)
        proxy.require_served(controls)
