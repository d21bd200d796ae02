"""A target that can be certified: described, reachable, with all that the suite needs.

It comes from a target file, from the variables of AWS's curl test client, or it is our
own mock. The preflight has tried it out.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.common_keys import declared_lacking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_xks.certify.evidence.vigil import Pulse
    from pytest_xks.certify.preflight.findings import Finding
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.targets.kms_target import KmsTarget, ProbeProxySettings
    from pytest_xks.certify.targets.proxy_target import ProxyTarget
    from pytest_xks.certify.targets.target import Target, Unsupported

__all__ = ["ReadyTarget", "ready_target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyTarget:
    """A target that has passed the preflight, and what goes with it."""

    target: Target
    probe_proxy: ProbeProxy | None = None
    """The suite's own proxy, which a KMS has to call."""
    warnings: tuple[str, ...] = ()
    """What the user should know beside the verdict."""
    findings: tuple[Finding, ...] = ()
    """What is the matter with the whole of it."""
    pulse: Pulse | None = None
    """Asks it whether it is still there."""
    unsupported: Unsupported | None = None
    """What it does not support at all, so that no check need be run."""


def ready_target(
    part: str,
    *,
    file: Path | None,
    from_env: bool,
    not_supported: Collection[str] = (),
) -> AbstractContextManager[ReadyTarget]:
    """The target of a part of the suite, ready for as long as the block lasts.

    Args:
        part: "proxy" or "kms".
        file: the target file; without one, the environment or our own mock.
        from_env: whether the variables of AWS's curl test client describe it.
        not_supported: capabilities that it lacks, beside those that its file lists.

    Raises:
        UsageProblem: the description has a mistake, or the target cannot be reached.
    """
    if file and from_env:
        raise UsageProblem("--target and --from-env exclude each other.")
    if part == "kms":
        return _ready_kms(file, not_supported)
    return _ready_proxy(file, not_supported, from_env=from_env)


@contextmanager
def _ready_proxy(
    file: Path | None, not_supported: Collection[str], *, from_env: bool
) -> Iterator[ReadyTarget]:
    from pytest_xks.certify.preflight.proxy_preflight import (  # noqa: PLC0415 - one of two
        preflight_proxy,
    )
    from pytest_xks.certify.preflight.pulse import (  # noqa: PLC0415 - likewise
        pulse_of_proxy,
    )

    with _described_proxy(file, not_supported, from_env=from_env) as described:
        tried = preflight_proxy(declared_lacking(described, not_supported))
        with pulse_of_proxy(tried.target) as pulse:
            yield ReadyTarget(
                target=tried.target,
                warnings=tried.warnings,
                findings=tried.findings,
                pulse=pulse,
            )


@contextmanager
def _described_proxy(
    file: Path | None, not_supported: Collection[str], *, from_env: bool
) -> Iterator[ProxyTarget]:
    if file:
        from pytest_xks.certify.targets.proxy_file import (  # noqa: PLC0415 - one of three
            load_proxy_target,
        )

        yield load_proxy_target(file)
    elif from_env:
        from pytest_xks.certify.targets.environment import (  # noqa: PLC0415 - likewise
            proxy_target_from_environment,
        )

        yield proxy_target_from_environment(os.environ, not_supported=not_supported)
    else:
        from pytest_xks.certify.targets.own_mocks import (  # noqa: PLC0415 - likewise
            served_mock_proxy,
        )

        with served_mock_proxy() as (_, target):
            yield target


@contextmanager
def _ready_kms(
    file: Path | None, not_supported: Collection[str]
) -> Iterator[ReadyTarget]:
    from pytest_xks.certify.preflight.kms_preflight import (  # noqa: PLC0415 - one of two
        preflight_kms,
    )
    from pytest_xks.certify.preflight.pulse import (  # noqa: PLC0415 - likewise
        pulse_of_kms,
    )

    with _described_kms(file) as (described, probe_proxy):
        target = declared_lacking(described, not_supported)
        tried = preflight_kms(target, probe_proxy)
        with pulse_of_kms(tried.target) as pulse:
            yield ReadyTarget(
                target=tried.target,
                probe_proxy=probe_proxy,
                findings=tried.findings,
                pulse=pulse,
                unsupported=tried.unsupported,
            )


@contextmanager
def _described_kms(file: Path | None) -> Iterator[tuple[KmsTarget, ProbeProxy]]:
    if file:
        from pytest_xks.certify.targets.kms_file import (  # noqa: PLC0415 - one of two
            load_kms_target,
        )

        target = load_kms_target(file)
        with _probe_proxy(target.proxy, target.source) as probe_proxy:
            yield target, probe_proxy
    else:
        from pytest_xks.certify.targets.own_mocks import (  # noqa: PLC0415 - likewise
            served_fake_kms,
        )

        with served_fake_kms() as (_, target, probe_proxy):
            yield target, probe_proxy


def _probe_proxy(settings: ProbeProxySettings, source: str) -> ProbeProxy:
    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy  # noqa: PLC0415 - for KMS only

    address = f"{settings.host}:{settings.port}"
    try:
        return ProbeProxy(settings)
    except OSError as error:
        reason = error.strerror or "no such address"
        raise UsageProblem(
            f"{source}: the suite's proxy cannot listen at {address}: {reason}.",
            "Change kms.proxy.listen, and route the emulator there.",
        ) from None
    except (TypeError, ValueError):
        raise UsageProblem(
            f"{source}: kms.proxy.ca_certificate and ca_private_key are not a CA's "
            "certificate and its private key in PEM, without a password.",
            "`pytest-xks init kms` makes both.",
        ) from None
