"""The mocks that prove the two parts of the suite, each with its faults."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.target import Target
    from pytest_xks.faults import Catalogue

__all__ = ["MOCKS", "ProvingMock", "mock_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvingMock:
    """The mock that one part of the suite is proven with."""

    part: str
    """The part of the suite, "proxy" or "kms"."""
    title: str
    """What people call the mock."""
    catalogue: Callable[[], Catalogue]
    """Every fault of the mock."""
    served: Callable[[str], AbstractContextManager[tuple[Target, ProbeProxy | None]]]
    """The mock with a fault (or with none, for an empty name), as a target, and the
    suite's own proxy that it calls, if it is a KMS."""
    is_slow: bool = False
    """Whether the whole suite for every fault would take an hour, so that the self-test
    tries a fault only against the chapters that it is about."""


def mock_for(requirement_id: str) -> ProvingMock:
    """The mock that proves a requirement, or what looks like one."""
    is_kms = requirement_id.upper().startswith("KMS-")
    return MOCKS["kms" if is_kms else "proxy"]


def _proxy_faults() -> Catalogue:
    from pytest_xks.proxy.faults.catalogue import CATALOGUE  # noqa: PLC0415 - one of two

    return CATALOGUE


@contextmanager
def _served_proxy(fault: str) -> Iterator[tuple[Target, ProbeProxy | None]]:
    from pytest_xks.certify.targets.own_mocks import served_mock_proxy  # noqa: PLC0415 - likewise
    from pytest_xks.http.tricks import PREVENTS_TLS  # noqa: PLC0415 - likewise
    from pytest_xks.proxy.mock import core_of  # noqa: PLC0415 - likewise

    with served_mock_proxy() as (proxy, target):
        if not fault:
            yield target, None
            return
        # Whoever verifies the certificate never gets to the checks of it.
        armed = core_of(proxy.proxy).faults.arm(fault)
        yield replace(target, verify=not PREVENTS_TLS.intersection(armed.tricks)), None


def _kms_faults() -> Catalogue:
    from pytest_xks.kms.faults.catalogue import CATALOGUE  # noqa: PLC0415 - likewise

    return CATALOGUE


@contextmanager
def _served_kms(fault: str) -> Iterator[tuple[Target, ProbeProxy | None]]:
    from pytest_xks.certify.targets.own_mocks import served_fake_kms  # noqa: PLC0415 - likewise

    with served_fake_kms() as (fake, target, probe_proxy):
        if fault:
            fake.fault(fault)
        yield target, probe_proxy


MOCKS: Mapping[str, ProvingMock] = {
    "proxy": ProvingMock(
        part="proxy",
        title="the mock proxy",
        catalogue=_proxy_faults,
        served=_served_proxy,
    ),
    "kms": ProvingMock(
        part="kms",
        title="the fake KMS",
        catalogue=_kms_faults,
        served=_served_kms,
        is_slow=True,
    ),
}
"""By the part of the suite."""
