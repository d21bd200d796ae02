"""What a target is asked to find out whether it is still there.

The same two or three questions every time, each with a deadline; they are no part of
the record of the run.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pytest_xks.certify.preflight.proxy_caller import ProxyCaller
from pytest_xks.certify.targets.kms_call import KmsCaller
from pytest_xks.http.client import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_xks.certify.evidence.vigil import Pulse
    from pytest_xks.certify.targets.kms_target import KmsTarget
    from pytest_xks.certify.targets.proxy_target import ProxyTarget

__all__ = ["pulse_of_kms", "pulse_of_proxy"]


@contextmanager
def pulse_of_proxy(target: ProxyTarget) -> Iterator[Pulse]:
    """Ask a proxy for its health, and to encrypt with the usable key."""
    with ProxyCaller(target) as caller:

        def ask() -> Mapping[str, float]:
            calls = {"GetHealthStatus": caller.health, "Encrypt": caller.encrypt}
            found = {}
            for name, call in calls.items():
                with suppress(TransportError):
                    found[name] = call().milliseconds
            return found

        yield ask


@contextmanager
def pulse_of_kms(target: KmsTarget) -> Iterator[Pulse]:
    """Ask a KMS endpoint for its keys."""
    with KmsCaller(target) as caller:

        def ask() -> Mapping[str, float]:
            answer = caller.attempt("ListKeys", Limit=1)
            if not answer.status:
                return {}
            return {"ListKeys": answer.exchange.milliseconds}

        yield ask
