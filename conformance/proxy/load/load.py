"""1,800 requests a second, from a process of its own.

The suite's process would compete with the embedded proxy for one interpreter, and so
measure itself. Requests are signed beforehand and handed over; ``load_worker`` sends
them by the clock.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import ProxyOperation

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient

__all__ = ["RATE", "SECONDS", "LoadResult", "offer_load"]

RATE = 1800
SECONDS = 5
CONNECTIONS = 32
# By its name, wherever the suite lies: in the checkout, or in a wheel.
_WORKER = f"{__package__}.load_worker"
_ROOT = Path(__file__).parents[__name__.count(".")]
_START = """
import runpy, sys
root, name = sys.argv[1:3]
del sys.argv[1:3]
sys.path.insert(0, root)
runpy.run_module(name, run_name="__main__")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What became of the requests."""

    offered: int
    milliseconds: tuple[float, ...]
    """Of the requests that were served, from when each was due."""
    failures: dict[str, int]
    """How many of the others there were, by what happened instead."""

    def describe(self) -> str:
        """Median, 99th percentile and failures in a phrase."""
        times = sorted(self.milliseconds) or [0.0]
        shares = {"median": 0.5, "99th percentile": 0.99, "slowest": 1.0}
        parts = [
            f"{name} {times[min(int(share * len(times)), len(times) - 1)]:.0f} ms"
            for name, share in shares.items()
        ]
        parts += [f"{count} x {what}" for what, count in self.failures.items()]
        return ", ".join(parts)


def offer_load(proxy: ProxyClient, scratch: Path) -> LoadResult:
    """Offer the load to the main key store.

    Args:
        proxy: the proxy under test.
        scratch: a folder for the requests.

    Raises:
        NotTestable: the load could not be offered at its rate.
    """
    settings = proxy.session.connector.settings
    job = scratch / "load.json"
    job.write_text(
        json.dumps(
            {
                "host": proxy.target.endpoint.host,
                "port": proxy.target.endpoint.port,
                "https": proxy.target.endpoint.scheme == "https",
                "ca_bundle": str(settings.ca_bundle or ""),
                "verify": settings.verify,
                "certificate": str(settings.certificate or ""),
                "private_key": str(settings.private_key or ""),
                "rate": RATE,
                "seconds": SECONDS,
                "connections": CONNECTIONS,
                "requests": _signed_requests(proxy),
            }
        ),
        encoding="ascii",
    )
    try:
        done = subprocess.run(  # noqa: S603 - our own worker
            [sys.executable, "-I", "-c", _START, str(_ROOT), _WORKER, str(job)],
            capture_output=True,
            timeout=SECONDS * 6,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = type(error).__name__
        raise NotTestable(f"The load could not be offered: {reason}.") from None
    finally:
        job.unlink()
    report = json.loads(done.stdout)
    return LoadResult(
        offered=report["offered"],
        milliseconds=tuple(report["milliseconds"]),
        failures=dict(Counter(report["failures"]).most_common(5)),
    )


def _signed_requests(proxy: ProxyClient) -> list[str]:
    """Encrypt requests, all different, as a proxy may refuse one that it has seen."""
    encrypt = ProxyOperation.ENCRYPT
    return [
        base64.b64encode(
            proxy.request(encrypt, proxy.good_body(encrypt)).encode()
        ).decode("ascii")
        for _ in range(RATE * SECONDS)
    ]
