"""The request quota of a custom key store (KMS-QUOTA-003).

A request is refused before the proxy hears of it (KMS-QUOTA-005).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_xks.clock import Clock

__all__ = ["RequestQuota"]


class RequestQuota:
    """A bucket that a second fills: at most ``rate`` requests at once.

    Args:
        clock: on which the seconds pass.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used = 0.0
        self._seen = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, rate: float) -> bool:
        """Admit one request; False if the quota of ``rate`` a second is exceeded."""
        with self._lock:
            now = self._clock.monotonic()
            # Of two calls at once, one may be ahead: see ServedClock.
            passed = max(0.0, now - self._seen)
            self._used = max(0.0, self._used - passed * rate)
            self._seen += passed
            if self._used + 1 > rate:
                return False
            self._used += 1
            return True
