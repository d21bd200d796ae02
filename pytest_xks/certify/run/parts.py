"""The two parts of the suite: whom each certifies, and how its checks are proven."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.target import Target

__all__ = ["PARTS", "KnownFault", "Part", "part_of"]


class KnownFault(Protocol):
    """A named misbehaviour of one of our mocks."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def summary(self) -> str:
        """What the mock does, in one sentence."""

    @property
    def violates(self) -> tuple[str, ...]:
        """Ids of the requirements whose checks it turns red."""

    @property
    def scope(self) -> tuple[str, ...]:
        """Prefixes of the requirements to try it against; empty for all."""

    @property
    def wholesale(self) -> bool:
        """Whether it leaves so little that no single requirement is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the suite."""

    name: str
    mock: str
    """What it is proven with."""
    faults: Callable[[], Mapping[str, KnownFault]]
    """Every fault of the mock, by its name."""
    embedded: Callable[[str], AbstractContextManager[tuple[Target, ProbeProxy | None]]]
    """The mock with a fault (or with none, for an empty name), as a target, and the
    probe proxy that goes with it."""
    is_large: bool = False
    """Whether the whole suite for every fault would take an hour, so that the self-test
    tries a fault against the chapters that it is about."""


def part_of(requirement_id: str) -> Part:
    """The part that a requirement, or what looks like one, belongs to."""
    is_kms = requirement_id.upper().startswith("KMS-")
    return PARTS["kms" if is_kms else "proxy"]


def _proxy_faults() -> Mapping[str, KnownFault]:
    from pytest_xks.proxy.faults.catalogue import CATALOGUE  # noqa: PLC0415 - one of two

    return CATALOGUE.all()


@contextmanager
def _proxy(fault: str) -> Iterator[tuple[Target, ProbeProxy | None]]:
    from pytest_xks.certify.run.embedded import embedded_proxy  # noqa: PLC0415 - likewise
    from pytest_xks.http.tricks import PREVENTS_TLS  # noqa: PLC0415 - likewise

    with embedded_proxy() as (proxy, target):
        if not fault:
            yield target, None
            return
        # Whoever verifies the certificate never gets to the checks of it.
        armed = proxy.proxy.fault(fault)
        yield replace(target, verify=not PREVENTS_TLS.intersection(armed.tricks)), None


def _kms_faults() -> Mapping[str, KnownFault]:
    from pytest_xks.kms.faults import all_faults  # noqa: PLC0415 - likewise

    return all_faults()


@contextmanager
def _kms(fault: str) -> Iterator[tuple[Target, ProbeProxy | None]]:
    from pytest_xks.certify.run.embedded import embedded_kms  # noqa: PLC0415 - likewise

    with embedded_kms() as (fake, target, probe_proxy):
        if fault:
            fake.fault(fault)
        yield target, probe_proxy


PARTS: Mapping[str, Part] = {
    "proxy": Part(
        name="proxy", mock="the mock proxy", faults=_proxy_faults, embedded=_proxy
    ),
    "kms": Part(
        name="kms",
        mock="the fake KMS",
        faults=_kms_faults,
        embedded=_kms,
        is_large=True,
    ),
}
"""By name."""
